import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { refused } from './errors.ts';

/** A file that is stored and that no row names yet. */
export interface StoredFile {
  /** A UUID; the only part of its path that varies. */
  version: string;
  /** Bytes. */
  size: number;
  /** The MD5 of its content in quotes. */
  eTag: string;
}

/**
 * The contents of the objects. A file is stored before its row is written, and removed after its row is gone, so that a
 * row always has its file; what a crash leaves over is removed by `sweep`. Paths are made of versions only, which the
 * server makes: no name that a client sends is ever part of one.
 */
export interface FileStore {
  /**
   * Stores what a stream brings. The stream is not destroyed where this fails: the rest of a request can be read.
   * @param limit bytes
   * @throws StorageError `EntityTooLarge`
   */
  receive(content: Readable, limit: number): Promise<StoredFile>;
  /** Stores a copy under a new version; undefined where there is no such file. */
  copy(version: string | null): Promise<string | undefined>;
  /** Opens a file to read; undefined where there is none. */
  open(version: string | null): Promise<FileHandle | undefined>;
  remove(versions: readonly (string | null)[]): Promise<void>;
  /**
   * Removes what is left of uploads that never ended, and files without a row.
   * @param isKnown tells which of some versions have a row
   */
  sweep(areKnown: (versions: readonly string[]) => Promise<ReadonlySet<string>>): Promise<void>;
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A store in a directory, which is created when the first file comes. */
export function createFileStore(directory: string): FileStore {
  const incoming = join(directory, 'incoming');
  const folderOf = (version: string): string => join(directory, version.slice(0, 2));

  /** A row's version is a text that anyone with SQL may have written. */
  function pathOf(version: string | null): string | undefined {
    return version !== null && uuid.test(version) ? join(folderOf(version), version) : undefined;
  }

  /** Fills a file that has no final name yet, then gives it one. */
  async function store<T>(fill: (temporary: string) => Promise<T>): Promise<T & { version: string }> {
    const version = randomUUID();
    const temporary = join(incoming, version);
    await mkdir(incoming, { recursive: true });
    try {
      const filled = await fill(temporary);
      await mkdir(folderOf(version), { recursive: true });
      await rename(temporary, join(folderOf(version), version));
      return { ...filled, version };
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  return {
    receive: (content, limit) =>
      store(async (temporary) => {
        const handle = await open(temporary, 'wx');
        try {
          return await write(handle, content, limit);
        } finally {
          await handle.close();
        }
      }),
    async copy(version) {
      const path = pathOf(version);
      if (path === undefined) return undefined;
      const clone = (temporary: string): Promise<void> => copyFile(path, temporary, constants.COPYFILE_FICLONE);
      const stored = await unlessMissing(store<object>(async (temporary) => ({ cloned: await clone(temporary) })));
      return stored?.version;
    },
    async open(version) {
      const path = pathOf(version);
      return path === undefined ? undefined : unlessMissing(open(path, 'r'));
    },
    async remove(versions) {
      const paths = versions.map(pathOf).filter((path) => path !== undefined);
      await Promise.all(paths.map((path) => rm(path, { force: true })));
    },
    async sweep(areKnown) {
      await rm(incoming, { recursive: true, force: true });
      for (const folder of (await unlessMissing(readdir(directory, { withFileTypes: true }))) ?? []) {
        if (!folder.isDirectory() || !/^[0-9a-f]{2}$/.test(folder.name)) continue;
        const versions = (await readdir(join(directory, folder.name))).filter((name) => uuid.test(name));
        const known = await areKnown(versions);
        await this.remove(versions.filter((version) => !known.has(version)));
      }
    },
  };
}

async function write(handle: FileHandle, content: Readable, limit: number): Promise<Omit<StoredFile, 'version'>> {
  const hash = createHash('md5');
  let size = 0;
  for await (const chunk of content.iterator({ destroyOnReturn: false })) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > limit) throw refused.tooLarge();
    hash.update(bytes);
    await handle.writeFile(bytes);
  }
  await handle.datasync();
  return { size, eTag: `"${hash.digest('hex')}"` };
}

async function unlessMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
