/** The version of PGlite that `package.json` pins. A test compares the two. */
export const engineVersion = '0.4.6';
