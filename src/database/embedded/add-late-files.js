/** The thread's side of `late-files.ts`: files in the engine's file system that are read when they are needed. */
import { closeSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { receiveMessageOnPort } from 'node:worker_threads';

/**
 * Asks for files and waits: this is in the middle of a statement, where nothing else can run.
 * @param {import('node:worker_threads').MessagePort} files
 * @returns {import('./protocol.ts').LateReply}
 */
function askForFiles(files) {
  const signal = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  files.postMessage(/** @type {import('./protocol.ts').LateRequest} */ ({ signal }));
  Atomics.wait(signal, 0, 0);
  return receiveMessageOnPort(files)?.message;
}

/**
 * The bytes of a file; undefined if they are not there any more.
 * @param {import('./protocol.ts').LateReply} reply
 * @param {string} path
 */
function readLate({ entries, kept, bytes }, path) {
  const entry = entries.find((each) => each.path === path);
  if (entry?.size === undefined) return undefined;
  const { offset, size } = entry;
  if (kept === undefined) return bytes?.subarray(offset, offset + size);
  const read = new Uint8Array(size);
  try {
    const file = openSync(kept.file, 'r');
    try {
      return readSync(file, read, 0, size, kept.start + offset) === size ? read : undefined;
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

/** The error number of the file system for what cannot be read. */
const unreadable = 29;

/**
 * Makes files without contents. They are read when PostgreSQL looks at them.
 * @param {import('@electric-sql/pglite').PGlite} database
 * @param {string} root PostgreSQL's installation in the engine's file system
 * @param {import('./protocol.ts').LateInput} late
 */
export function addLateFiles(database, root, { paths, port: files }) {
  const { FS } = database.Module;
  /** @type {import('./protocol.ts').LateReply | undefined} */
  let reply;
  /** @param {string} path */
  const read = (path) => {
    reply ??= askForFiles(files);
    // The cache may have been emptied since.
    const bytes = readLate(reply, path) ?? readLate((reply = askForFiles(files)), path);
    if (bytes === undefined) throw new FS.ErrnoError(unreadable);
    return bytes;
  };
  for (const path of paths) {
    const target = `${root}/${path}`;
    FS.mkdirTree(dirname(target));
    FS.writeFile(target, new Uint8Array());
    /** @type {Uint8Array | undefined} */
    let bytes;
    Object.defineProperties(FS.lookupPath(target).node, {
      contents: { get: () => (bytes ??= read(path)) },
      usedBytes: { get: () => (bytes ??= read(path)).length },
    });
  }
}
