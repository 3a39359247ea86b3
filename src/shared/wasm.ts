import { readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';

/** The part of WebAssembly's JavaScript interface that is used. TypeScript declares it only in its DOM library. */
interface WebAssemblyInterface {
  compile(bytes: Uint8Array): Promise<object>;
  Instance: new (module: object, imports: object) => object;
}

const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyInterface };

let isOptimized = false;

/**
 * Lets V8 optimize what is compiled from now on. For processes that run many statements over many rows, such as a worker of
 * a portfolio: those take half the time then. Not for a server of small requests: they are no faster, and it would take twice
 * the processor time to start and 80 MB more.
 */
export function optimizeWasm(): void {
  isOptimized = true;
}

/**
 * Compiles a WebAssembly file of a package.
 * @returns a `WebAssembly.Module`, which threads can share
 */
export async function compileWasm(path: string): Promise<object> {
  const bytes = await readFile(path);
  // V8's optimizing compiler takes longer to compile PostgreSQL, or its parser, than it saves in a run of seconds: with the
  // baseline compiler alone a rehearsal takes half the processor time, and a lint of 2,000 files less, too.
  if (!isOptimized) setFlagsFromString('--liftoff-only');
  // Validate each function when it is first called, since most never are. npm has verified the file's integrity.
  setFlagsFromString('--wasm-lazy-validation');
  return WebAssembly.compile(bytes);
}

/** Instantiates what {@link compileWasm} returned, synchronously. */
export function instantiateWasm(module: object, imports: object): object {
  return new WebAssembly.Instance(module, imports);
}
