// Lint of 200 and of 2,000 files, compared with parsing alone and with other linters on the same files.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from './migrate.js';
import { compare, once, print } from './measure.js';
import { museFile } from './muse-file.js';

function write(place, count) {
  const folder = join(place, 'migrations', 'core');
  mkdirSync(folder, { recursive: true });
  for (let number = 1; number <= count; number++)
    writeFileSync(join(folder, `${String(number).padStart(4, '0')}_t.sql`), sql(number));
  writeFileSync(join(place, 'muse.json'), museFile('bench', {}));
  return folder;
}

/** @param {{ root: string, peer: (name: string, file: string) => string | undefined, rounds: number }} options */
export async function lint({ root, peer, rounds }) {
  for (const count of [200, 2000]) {
    const place = mkdtempSync(join(tmpdir(), 'create-muse-bench-'));
    try {
      const folder = write(place, count);
      const node = (args, exit) => once({ command: process.execPath, args, cwd: place, exit });
      const subjects = [
        {
          name: 'floor: libpg-query parses',
          run: () => node([join(import.meta.dirname, 'floor', 'parse.js'), folder]),
        },
        { name: 'muse lint', run: () => node([join(root, 'bin', 'muse.js'), 'lint', '--json'], 3) },
      ];
      const squawk = peer('squawk-cli', 'js/bin/squawk');
      if (squawk) subjects.push({ name: 'squawk', run: () => node([squawk, 'migrations/core/*.sql'], 1) });
      const server = peer('@postgres-language-server/cli', 'bin/postgres-language-server');
      if (server)
        subjects.push({ name: 'postgres language server', run: () => node([server, 'check', 'migrations/core']) });
      print(`Lint of ${count} files`, await compare(subjects, Math.min(rounds, 5)), {
        floor: 'floor: libpg-query parses',
        ours: 'muse lint',
        limit: 3,
      });
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  }
}
