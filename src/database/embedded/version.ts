/** The version of PGlite that `package.json` pins; a test holds the two together. */
export const engineVersion = '0.4.6';
