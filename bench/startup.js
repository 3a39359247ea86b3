// The time until help is printed.
import { join } from 'node:path';
import { compare, once, print } from './measure.js';

/** @param {{ root: string, peer: (name: string, file: string) => string | undefined, rounds: number }} options */
export async function startup({ root, peer, rounds }) {
  const node = (name, ...args) => ({ name, run: () => once({ command: process.execPath, args }) });
  const subjects = [
    node('node -e 0', '-e', '0'),
    node('create-muse --help', join(root, 'bin', 'create-muse.js'), '--help'),
    node('muse --help', join(root, 'bin', 'muse.js'), '--help'),
  ];
  for (const [name, file] of [
    ['create-vite', 'index.js'],
    ['giget', 'dist/cli.mjs'],
    ['create-t3-app', 'dist/index.js'],
  ]) {
    const path = peer(name, file);
    if (path !== undefined) subjects.push(node(`${name} --help`, path, '--help'));
  }
  print('Start-up: --help', await compare(subjects, rounds), {
    floor: 'node -e 0',
    ours: 'create-muse --help',
    limit: 1.25,
  });
}
