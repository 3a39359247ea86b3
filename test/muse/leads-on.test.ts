import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { backupMuse } from '../../src/muse/backup.ts';
import { migrateMuse } from '../../src/muse/migrate.ts';
import { restoreMuse } from '../../src/muse/restore.ts';
import { seedMuse } from '../../src/muse/seed.ts';
import { target as postgres } from '../../src/targets/postgres.ts';
import type { MuseError } from '../../src/shared/error.ts';
import { type Native, startNative } from '../support/native.ts';
import { addFiles, museOnDisk, tableFiles, tableSql, unrehearsed } from './muse-on-disk.ts';

let native: Native;
beforeAll(async () => {
  native = await startNative();
});
afterAll(() => native.stop());

const errorOf = (work: Promise<unknown>): Promise<MuseError> =>
  work.then(
    () => expect.unreachable('it was accepted'),
    (error: unknown) => error as MuseError,
  );

describe('an applied file that was edited', () => {
  it('is rolled back and applied again, or kept, where only development has it', async () => {
    const muse = await museOnDisk({ ...tableFiles('001', 'homes'), ...tableFiles('002', 'cars') });
    await migrateMuse(muse, 'development', {}, unrehearsed);
    const file = 'migrations/extensions/001_homes.sql';
    await writeFile(join(muse.directory, file), `${tableSql('homes')}-- more\n`);
    const error = await errorOf(migrateMuse(muse, 'development', {}, unrehearsed));
    expect(error).toMatchObject({ code: 'findings', findings: [{ rule: 'checksum-drift', file }] });
    expect(error.suggestion).toContain(
      `Only your development database has the old text. To apply the new text: muse rollback --steps 2, then muse migrate.`,
    );
    expect(error.suggestion).toContain('muse migrate --accept-edited');
    expect((await migrateMuse(muse, 'development', {}, { ...unrehearsed, acceptEdited: true })).applied).toEqual([]);
  });

  it('that another environment has is to be undone', async () => {
    const muse = await museOnDisk(tableFiles('001', 'homes'), { staging: await native.createDatabase('leads_on') });
    await migrateMuse(muse, 'development', {}, unrehearsed);
    await migrateMuse(muse, 'staging', {}, { ...unrehearsed, supabaseBaseline: true });
    await writeFile(join(muse.directory, 'migrations/extensions/001_homes.sql'), `${tableSql('homes')}-- more\n`);
    const { suggestion } = await errorOf(migrateMuse(muse, 'development', {}, unrehearsed));
    expect(suggestion).toContain('Undo the edits');
  });
});

describe('a plain server', () => {
  it('all that it lacks is said at once', async () => {
    const database = await openPostgres({ url: await native.createDatabase('leads_plain') });
    try {
      await database.script('create role plain_user; set role plain_user');
      const error = await errorOf(postgres.preparePlatform(database, false));
      expect(error).toMatchObject({
        code: 'baseline-missing',
        detail: expect.stringContaining('is not a superuser'),
        suggestion: expect.stringMatching(/--supabase-baseline.*what is named above/),
      });
    } finally {
      await database.script('reset role; drop role plain_user');
      await database.close();
    }
  });

  it('a backup is not restored into it, and the command that prepares it is named', async () => {
    const muse = await museOnDisk(tableFiles('001', 'homes'), {
      staging: await native.createDatabase('leads_restore'),
    });
    await migrateMuse(muse, 'development', {}, unrehearsed);
    const { file } = await backupMuse(muse, 'development', {});
    const error = await errorOf(restoreMuse(muse, 'staging', {}, join(muse.directory, file), { confirmed: 'staging' }));
    expect(error).toMatchObject({
      code: 'baseline-missing',
      suggestion: expect.stringContaining('muse migrate --env staging --supabase-baseline'),
    });
  });
});

it('after seeding, who can sign in is named with the file that has the password', async () => {
  const muse = await museOnDisk({});
  await addFiles(muse.directory, {
    'seeds/10_people.sql': `insert into auth.users (id, email, encrypted_password)
      select gen_random_uuid(), email, case when email like 'no%' then '' else extensions.crypt('pass', extensions.gen_salt('bf', 4)) end
      from (values ('ada@example.com'), ('nopassword@example.com')) as people (email)
      where not exists (select from auth.users where users.email = people.email);`,
  });
  expect(await seedMuse(muse, 'development', {})).toMatchObject({
    logins: [{ email: 'ada@example.com', file: 'seeds/10_people.sql' }],
  });
});
