import { execFileSync } from 'node:child_process';
import { chmod, readdir, readFile, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backupMuse } from '../../src/muse/backup.ts';
import { restoreMuse } from '../../src/muse/restore.ts';
import { migrate } from '../../src/migrations/apply.ts';
import { readMigrations } from '../../src/migrations/read.ts';
import { type Native, startNative } from '../support/native.ts';
import { addFiles, museOnDisk, nativeDatabase, textRows } from './muse-on-disk.ts';

let native: Native;
beforeAll(async () => {
  native = await startNative();
});
afterAll(() => native.stop());

/** The major version of the pg_dump on the PATH. */
function dumpMajor(): number {
  try {
    return Number(/\(PostgreSQL\) (\d+)/.exec(execFileSync('pg_dump', ['--version'], { encoding: 'utf8' }))?.[1]);
  } catch {
    return 0;
  }
}

const files = {
  'migrations/core/001_kept.sql':
    '-- Adds kept.\ncreate table public.kept (id integer generated always as identity primary key, word text);\ncreate view public.words as select word from public.kept;\n',
  'migrations/rollback/core/001_kept.sql': 'drop view public.words; drop table public.kept;',
};
const later = {
  'migrations/extensions/001_more.sql':
    '-- Adds more.\ncreate table public.more (kept integer references public.kept (id));\n',
  'migrations/rollback/extensions/001_more.sql': 'drop table public.more;',
};

describe.skipIf(process.platform === 'win32')('a fake pg_dump', () => {
  it.each([
    ['of another major version is not used', '#!/bin/sh\necho "pg_dump (PostgreSQL) 9.6.1"\n', /\.jsonl\.gz$/],
    ['that does not run is not used', '#!/bin/sh\nexit 1\n', /\.jsonl\.gz$/],
    [
      'of the server’s major version is used, without a password among its arguments',
      '#!/bin/sh\nif [ "$1" = --version ]; then echo "pg_dump (PostgreSQL) 17.2"; exit; fi\nfor a; do case "$a" in --file=*) echo "$* [$PGPASSWORD]" > "${a#--file=}";; esac; done\n',
      /\.dump$/,
    ],
  ])('%s', async (_, script, expected) => {
    const { url, database } = await nativeDatabase(native, 'dump');
    await database.script('create table public.kept (id integer)');
    const muse = await museOnDisk({ 'bin/pg_dump': script }, { production: url });
    await chmod(join(muse.directory, 'bin/pg_dump'), 0o755);
    const { file } = await backupMuse(muse, 'production', {
      PATH: `${join(muse.directory, 'bin')}${delimiter}${process.env['PATH']}`,
    });
    expect(file).toMatch(expected);
    if (!file.endsWith('.dump')) return;
    expect((await stat(join(muse.directory, file))).mode & 0o777).toBe(0o600);
    const text = await readFile(join(muse.directory, file), 'utf8');
    const password = new URL(url).password;
    expect(text).toContain(`[${password}]`);
    expect(text.split(' [')[0]).not.toContain(password);
  });

  it('that fails leaves nothing behind, and the error says why', async () => {
    const { url } = await nativeDatabase(native, 'dump');
    const script =
      '#!/bin/sh\nif [ "$1" = --version ]; then echo "pg_dump (PostgreSQL) 17.2"; exit; fi\necho "pg_dump: error: no room" >&2\nexit 1\n';
    const muse = await museOnDisk({ 'bin/pg_dump': script }, { production: url });
    await chmod(join(muse.directory, 'bin/pg_dump'), 0o755);
    const work = backupMuse(muse, 'production', {
      PATH: `${join(muse.directory, 'bin')}${delimiter}${process.env['PATH']}`,
    });
    await expect(work).rejects.toMatchObject({ code: 'backup-failed', detail: 'pg_dump: error: no room' });
    expect(await readdir(join(muse.directory, '.muse', 'backups'))).toEqual([]);
  });
});

describe.skipIf(dumpMajor() !== 17)('a dump by pg_dump 17', () => {
  it('restores schema, rows and migration history', async () => {
    const { url, database } = await nativeDatabase(native, 'dump');
    const muse = await museOnDisk(files, { production: url });
    const apply = async (): Promise<unknown> =>
      migrate(database, (await readMigrations(muse.directory, muse.museFile.migrations)).migrations);
    await apply();
    await database.script("insert into public.kept (word) values ('one'), ('two')");
    const before = await textRows(database, 'public.kept');
    const { file } = await backupMuse(muse, 'production', process.env);
    expect(file).toMatch(/\.dump$/);
    await addFiles(muse.directory, later);
    await apply();
    await database.script(
      'insert into public.more values (1); delete from public.kept where id = 2; drop view public.words',
    );
    const result = await restoreMuse(muse, 'production', process.env, join(muse.directory, file), {
      confirmed: 'production',
    });
    expect(result.rolledBack).toEqual([{ layer: 'extension', file: 'migrations/extensions/001_more.sql' }]);
    expect(await textRows(database, 'public.kept')).toEqual(before);
    expect(await textRows(database, 'public.words')).toHaveLength(2);
    expect(await textRows(database, '(select file from muse.migrations)')).toEqual(['(migrations/core/001_kept.sql)']);
  });
});
