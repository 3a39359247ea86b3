import { describe, expect, it } from 'vitest';
import { recognizeLayout } from '../../src/kit/recognize.ts';
import { rejectionOf } from './errors.ts';
import { type Files, put, temporary } from './repository.ts';

const sql = '-- something\nSELECT 1;\n';

function kit(files: Files | readonly string[]): string {
  const place = temporary();
  put(place, Array.isArray(files) ? Object.fromEntries(files.map((file) => [file, sql])) : (files as Files));
  return place;
}

describe('recognizeLayout', () => {
  it.each([
    [
      'musekit',
      ['migrations/core/001_a.sql', 'migrations/extensions/001_b.sql'],
      ['migrations/core'],
      'migrations/extensions',
      'migrations/rollback',
      'number',
    ],
    [
      'musekit',
      ['migrations/core/001_a.sql'],
      ['migrations/core'],
      'migrations/extensions',
      'migrations/rollback',
      'number',
    ],
    [
      'musekit-src',
      ['src/migrations/core/001_a.sql'],
      ['src/migrations/core'],
      'src/migrations/extensions',
      'src/migrations/rollback',
      'number',
    ],
    [
      'musekit-workspace',
      ['packages/database/src/migrations/core/001_a.sql'],
      ['packages/database/src/migrations/core'],
      'packages/database/src/migrations/extensions',
      'packages/database/src/migrations/rollback',
      'number',
    ],
    [
      'drizzle-journal',
      ['packages/database/src/migrations/sql/0000_init.sql', 'packages/database/src/migrations/sql/meta/_journal.json'],
      ['packages/database/src/migrations/sql'],
      'migrations/extensions',
      'migrations/rollback',
      'journal',
    ],
    [
      'drizzle-journal',
      ['drizzle/0000_a.sql', 'drizzle/meta/_journal.json'],
      ['drizzle'],
      'migrations/extensions',
      'migrations/rollback',
      'journal',
    ],
    [
      'flat-rollback',
      ['migrations/001_a.sql', 'migrations/rollback_001_a.sql'],
      ['migrations'],
      'migrations/extensions',
      'migrations/rollback',
      'number',
    ],
    ['flat', ['migrations/001_a.sql'], ['migrations'], 'migrations/extensions', 'migrations/rollback', 'number'],
    [
      'flat',
      ['db/migrations/001_a.sql'],
      ['db/migrations'],
      'db/migrations/extensions',
      'db/migrations/rollback',
      'number',
    ],
    [
      'ghostcrm',
      ['migrations/main-database/001_a.sql', 'migrations/client-provisioning/001_b.pgsql', 'migrations/001_c.sql'],
      ['migrations/main-database', 'migrations'],
      'migrations/client-provisioning',
      'migrations/rollback',
      'number',
    ],
    [
      'supabase',
      ['supabase/migrations/20240101000000_a.sql'],
      ['supabase/migrations'],
      'migrations/extensions',
      'migrations/rollback',
      'timestamp',
    ],
    [
      'supabase',
      ['apps/web/supabase/migrations/20240101000000_a.sql'],
      ['apps/web/supabase/migrations'],
      'migrations/extensions',
      'migrations/rollback',
      'timestamp',
    ],
    [
      'supabase',
      ['packages/db/supabase/migrations/20240101000000_a.sql'],
      ['packages/db/supabase/migrations'],
      'migrations/extensions',
      'migrations/rollback',
      'timestamp',
    ],
  ])('finds %s in %j', async (id, files, core, extensions, rollback, order) => {
    const layout = await recognizeLayout(kit(files));
    expect(layout).toMatchObject({
      id,
      folders: { core, extensions: [extensions], rollback, order },
      isolation: 'auth-uid',
    });
    expect(layout).not.toHaveProperty('others');
  });

  it('chooses the most specific and names the others', async () => {
    const place = kit(['migrations/core/001_a.sql', 'supabase/migrations/20240101000000_b.sql', 'migrations/sync.sql']);
    expect(await recognizeLayout(place)).toMatchObject({
      id: 'musekit',
      others: [{ id: 'supabase', folders: ['supabase/migrations'] }],
    });
  });

  it.each([
    ["USING (org = nullif(current_setting('app.current_org_id', true), '')::uuid)", 'session'],
    ['USING (user_id = (select auth.uid()))', 'auth-uid'],
    ["SELECT current_setting('app.settings.jwt_secret')", 'auth-uid'],
    ["-- once current_setting('app.x')\nauth.uid() auth.uid()", 'auth-uid'],
    ['SELECT 1', 'auth-uid'],
  ])('%s isolates by %s', async (text, isolation) => {
    expect(await recognizeLayout(kit({ 'migrations/core/001_a.sql': text }))).toMatchObject({ isolation });
  });

  it('an unknown one is an error with the known layouts and the folders found', async () => {
    const place = kit(['db/schema.sql', 'db/views.sql', 'sql/a/one.sql', 'node_modules/x/002_a.sql']);
    const error = await rejectionOf(recognizeLayout(place));
    expect(error).toMatchObject({ code: 'layout-unknown', suggestion: expect.stringContaining('--core db') });
    expect(error?.detail).toContain('migrations/core');
    expect(error?.detail).toContain('supabase/migrations');
    expect(error?.detail).toContain('db/  2 SQL files');
    expect(error?.detail).toContain('sql/a/  1 SQL file');
    expect(error?.detail).not.toContain('node_modules');
  });

  it('a kit without SQL is an error that says so', async () => {
    expect(await rejectionOf(recognizeLayout(kit({ 'README.md': '#' })))).toMatchObject({
      code: 'layout-unknown',
      detail: expect.stringContaining('no SQL files'),
    });
  });

  it('explicitly named folders are used', async () => {
    const place = kit(['db/20240101000000_a.sql', 'migrations/core/001_a.sql']);
    expect(await recognizeLayout(place, { core: ['./db/'], extensions: ['db\\mine'] })).toMatchObject({
      id: 'custom',
      folders: { core: ['db'], extensions: ['db/mine'], order: 'timestamp' },
    });
    expect(await recognizeLayout(place, { core: [], extensions: ['mine'] })).toMatchObject({
      id: 'musekit',
      folders: { extensions: ['mine'] },
    });
    expect(await rejectionOf(recognizeLayout(place, { core: ['nowhere'] }))).toMatchObject({ code: 'bad-layout' });
    expect(await rejectionOf(recognizeLayout(place, { core: ['../elsewhere'] }))).toMatchObject({
      code: 'path-outside',
    });
  });

  it('does not follow links', async () => {
    const outside = kit(['core/001_a.sql']);
    const place = kit({ migrations: { link: outside } });
    expect(await rejectionOf(recognizeLayout(place))).toMatchObject({ code: 'layout-unknown' });
    expect(await rejectionOf(recognizeLayout(place, { core: ['migrations/core'] }))).toMatchObject({
      code: 'path-outside',
    });
  });
});
