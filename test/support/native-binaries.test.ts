import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nativeBinaries } from './native-binaries.ts';

const nobody = { uid: 65_534, gid: 65_534 };
const root = process.getuid?.() === 0;

let directory: string;
let native: string;
let umask: number;

beforeEach(() => {
  // As root, the binaries also run as another user, who may not have access to root's TMPDIR.
  directory = mkdtempSync(join(root ? '/tmp' : tmpdir(), 'create-muse-binaries-'));
  chmodSync(directory, 0o755);
  native = join(directory, 'package', 'native');
  for (const folder of ['bin', 'lib', 'share']) mkdirSync(join(native, folder), { recursive: true });
  for (const name of ['initdb', 'postgres'])
    writeFileSync(join(native, 'bin', name), `#!/bin/sh\nexec cat "$(dirname "$0")/../lib/data"\n`, { mode: 0o755 });
  writeFileSync(join(native, 'lib', 'data.so.1'), 'library');
  writeFileSync(join(native, 'share', 'postgres.bki'), '');
  writeFileSync(
    join(native, 'pg-symlinks.json'),
    JSON.stringify([{ source: 'native/lib/data.so.1', target: 'native/lib/data' }]),
  );
  symlinkSync('data.so.1', join(native, 'lib', 'data'));
  umask = process.umask(0o077);
});

afterEach(() => {
  process.umask(umask);
  rmSync(directory, { recursive: true, force: true });
});

// Each row: a change to the installed package, and whether the binaries are copied for the same user and for another
// one.
const cases: [string, () => void, { same: 'copied' | 'in place'; other: 'copied' | 'in place' }][] = [
  [
    'its folder is closed to others',
    () => chmodSync(join(directory, 'package'), 0o700),
    { same: 'in place', other: 'copied' },
  ],
  [
    'one of its files is closed to others',
    () => chmodSync(join(native, 'share', 'postgres.bki'), 0o600),
    { same: 'in place', other: 'copied' },
  ],
  [
    'others may read a binary and not run it',
    () => chmodSync(join(native, 'bin', 'initdb'), 0o744),
    { same: 'in place', other: 'copied' },
  ],
  [
    'nobody may run a binary',
    () => chmodSync(join(native, 'bin', 'initdb'), 0o644),
    { same: 'copied', other: 'copied' },
  ],
  ['the install script did not run', () => rmSync(join(native, 'lib', 'data')), { same: 'copied', other: 'copied' }],
];

describe.skipIf(process.platform === 'win32').each(cases)('%s', (_name, change, expected) => {
  const users = [
    ['the same user', undefined, expected.same],
    ['another user', nobody, expected.other],
  ] as const;
  it.each(users)('%s', (_user, user, how) => {
    change();
    const linked = existsSync(join(native, 'lib', 'data'));
    const place = join(directory, 'place');
    mkdirSync(place);
    chmodSync(place, 0o755);

    const { initdb } = nativeBinaries(native, place, user);

    expect(initdb).toBe(join(how === 'copied' ? join(place, 'native') : native, 'bin', 'initdb'));
    // The installed package is unchanged.
    expect(existsSync(join(native, 'lib', 'data'))).toBe(linked);
    if (how === 'copied') expect(lstatSync(join(place, 'native', 'lib', 'data')).isSymbolicLink()).toBe(true);
    const ran = spawnSync(initdb, { encoding: 'utf8', cwd: '/', ...(root ? user : undefined) });
    expect(ran.error ?? ran.stderr + ran.stdout).toBe('library');
  });
});
