import { pathToFileURL } from 'node:url';

/**
 * Loads a module of a muse through jiti, so that a seed does the same on every version of Node: Node itself reads TypeScript
 * from 22.18 on, and then without enums, without `paths` of tsconfig.json and with every ending written; and for JavaScript
 * that does not parse it does not report the line. Packages are resolved from the muse.
 * @param path absolute
 * @returns its default export, or what a CommonJS module exports
 * @throws whatever the module throws while it is loaded
 */
export async function loadDefault(path: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  // No cache is left in the muse's node_modules.
  const jiti = createJiti(path, { fsCache: false, interopDefault: false, tsconfigPaths: true });
  const module = await jiti.import<{ default?: unknown }>(path);
  return typeof module === 'function' ? module : module.default;
}

/**
 * Where in a file an error came from, as `:line:column`; empty where its stack does not say.
 * @param path absolute path of the file
 */
export function placeIn(error: unknown, path: string): string {
  if (!(error instanceof Error)) return '';
  const text = `${error.message}\n${error.stack ?? ''}`;
  for (const name of [path, path.replaceAll('\\', '/'), pathToFileURL(path).href]) {
    for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1)) {
      const place = /^:\d+(?::\d+)?/.exec(text.slice(at + name.length));
      if (place !== null) return place[0];
    }
  }
  return '';
}

/** The first line of an error's message, without the paths and stacks that some contain. */
export function saidBy(error: unknown): string {
  const [first = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return first.trim().replace(/[.\s]+$/, '');
}
