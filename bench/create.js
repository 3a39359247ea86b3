// Creating a muse, compared with the sum of its unavoidable work, and with other scaffolders that do less.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compare, once, print } from './measure.js';

/** @param {{ root: string, peer: (name: string, file: string) => string | undefined, rounds: number }} options */
export async function create({ root, peer, rounds }) {
  const place = mkdtempSync(join(tmpdir(), 'create-muse-bench-'));
  const node = (...args) => once({ command: process.execPath, args, cwd: place });
  const bin = join(root, 'bin', 'create-muse.js');
  const fresh = (name, start) => ({
    name,
    run: () => {
      rmSync(join(place, 'product'), { recursive: true, force: true });
      return start();
    },
  });
  try {
    // The floor's input: the files and the SQL of a finished muse.
    await node(bin, 'sample', '--yes', '--preset', 'realty', '--json');
    const script = (name) => join(import.meta.dirname, 'floor', name);
    const snapshot = join(place, 'baseline.tar');
    await node(script('snapshot.js'), root, join(place, 'baseline'), snapshot);
    const floor = (way) =>
      node(script('create.js'), root, join(place, 'sample'), join(place, 'product'), snapshot, way);
    const subjects = [
      fresh('floor: loadDataDir, run SQL once, git commit', () => floor('documented')),
      fresh('the same, opened as create-muse opens it', () => floor('ours')),
      fresh('create-muse product --yes', () => node(bin, 'product', '--yes', '--preset', 'realty', '--json')),
    ];
    const vite = peer('create-vite', 'index.js');
    if (vite)
      subjects.push(
        fresh('create-vite (no database, no git)', () =>
          node(vite, 'product', '--template', 'vanilla', '--no-interactive'),
        ),
      );
    const t3 = peer('create-t3-app', 'dist/index.js');
    if (t3)
      subjects.push(
        fresh('create-t3-app (no install, no git)', () => node(t3, 'product', '--CI', '--noInstall', '--noGit')),
      );
    print('From a name to a migrated, checked muse', await compare(subjects, rounds), {
      floor: 'floor: loadDataDir, run SQL once, git commit',
      ours: 'create-muse product --yes',
      limit: 2,
    });
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
