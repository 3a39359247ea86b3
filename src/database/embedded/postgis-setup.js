/** @typedef {Record<string, Record<string, (...args: number[]) => number>>} Imports */
/** @typedef {(imports: Imports, done: unknown) => unknown} Instantiate */

/**
 * What PGlite has to be told before it starts, for PostGIS. By its name, PGlite tells PostGIS where its coordinate systems are.
 * @type {import('@electric-sql/pglite').Extension}
 */
export const postgis = {
  name: 'postgis',
  setup: async (_, options) => ({ emscriptenOpts: { ...options, instantiateWasm: findSymbolsOnce(options) } }),
};

/**
 * PGlite lists all symbols of a library for each one that it looks up. PostGIS has 20,000, and looks up 1,500 of them: CREATE
 * EXTENSION would take four times as long.
 * @param {any} options
 * @returns {Instantiate}
 */
function findSymbolsOnce({ instantiateWasm }) {
  /** @type {WeakMap<object, string[]>} */
  const known = new WeakMap();
  const { keys } = Object;
  /** @param {object} library */
  const keysOnce = (library) => {
    const found = known.get(library) ?? keys(library);
    known.set(library, found);
    return found;
  };
  return (imports, done) => {
    const { env } = imports;
    const find = env?.['_dlsym_js'];
    if (env === undefined || find === undefined) return instantiateWasm(imports, done);
    /** @param {number[]} args */
    const findOnce = (...args) => {
      Object.keys = keysOnce;
      try {
        return find(...args);
      } finally {
        Object.keys = keys;
      }
    };
    return instantiateWasm({ ...imports, env: { ...env, _dlsym_js: Object.assign(findOnce, find) } }, done);
  };
}
