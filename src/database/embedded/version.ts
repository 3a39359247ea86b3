/** The version of PGlite that `package.json` pins. A test compares the two. */
export const engineVersion = '0.4.6';

/** The version of PostGIS in the package that `package.json` pins. A test compares the two. */
export const postgisVersion = '3.6.2';
