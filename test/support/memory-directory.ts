/**
 * Temporary files of a run in memory: tests write and remove thousands of small files, for which some file systems take a
 * tenth of the processor time.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { isAlive, sweep } from './native.ts';

/** Linux has a file system in memory there. */
const memory = '/dev/shm';
const prefix = 'create-muse-run-';
/** Four times what a run has there at most, in bytes. */
const leastFree = 8 * 2 ** 30;

/**
 * Makes a directory in memory. The caller removes it.
 * @returns undefined where the files belong elsewhere (TMPDIR), where there is too little memory, or no program runs there
 */
export function memoryDirectory(): string | undefined {
  if (process.env['TMPDIR'] !== undefined || !existsSync(memory)) return undefined;
  removeLeft();
  const { bavail, bsize } = statfsSync(memory);
  if (Math.min(bavail * bsize, freemem()) < leastFree) return undefined;
  // Servers run as another user, who has to get to theirs.
  const directory = join(memory, prefix + process.pid);
  mkdirSync(directory);
  const program = join(directory, 'program');
  writeFileSync(program, '#!/bin/sh\n');
  // Whatever the umask is.
  for (const path of [directory, program]) chmodSync(path, 0o755);
  if (spawnSync(program).status === 0) return directory;
  rmSync(directory, { recursive: true });
  return undefined;
}

/** Removes what killed runs have left. */
function removeLeft(): void {
  for (const name of readdirSync(memory)) {
    if (!name.startsWith(prefix) || isAlive(Number(name.slice(prefix.length)))) continue;
    sweep([join(memory, name)]);
    rmSync(join(memory, name), { recursive: true, force: true });
  }
}
