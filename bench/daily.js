// The commands of every day in the built-in kit with all presets, each beside what it cannot do without.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compare, once, print } from './measure.js';

const presets = ['realty', 'social', 'deliverables', 'crm'].flatMap((id) => ['--preset', id]);

/** @param {{ root: string, rounds: number }} options */
export async function daily({ root, rounds }) {
  const place = mkdtempSync(join(tmpdir(), 'create-muse-bench-'));
  const muse = join(place, 'product');
  const node = (...args) => once({ command: process.execPath, args, cwd: muse });
  const floor = (name, ...args) => node(join(import.meta.dirname, 'floor', name), ...args);
  const folders = ['core', 'extensions'].map((layer) => join(muse, 'migrations', layer));
  const commands = [
    ['status', 'open the database once', () => floor('daily.js', root, muse, 'open'), 1.5],
    ['lint', 'libpg-query parses each file once', () => floor('parse.js', ...folders), 1.5],
    ['rehearse', 'a shadow database, the SQL once', () => floor('daily.js', root, muse, 'run'), 3],
    ['verify', 'the hand-written prober', () => floor('daily.js', root, muse, 'probe'), 3.5],
  ];
  try {
    await once({
      command: process.execPath,
      args: [join(root, 'bin', 'create-muse.js'), 'product', '--yes', '--json', '--no-git', ...presets],
      cwd: place,
    });
    for (const [name, floorName, runFloor, limit] of commands) {
      const subjects = [
        { name: `floor: ${floorName}`, run: runFloor },
        { name: `muse ${name}`, run: () => node(join(root, 'bin', 'muse.js'), name, '--json') },
      ];
      print(`muse ${name}`, await compare(subjects, rounds), {
        floor: `floor: ${floorName}`,
        ours: `muse ${name}`,
        limit,
      });
    }
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
