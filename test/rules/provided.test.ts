import { afterAll, describe, expect, it } from 'vitest';
import { expectationsOf } from '../../src/muse/declared-schema.ts';
import { lint } from '../../src/rules/registry.ts';
import type { MigrationOrder } from '../../src/shared/muse-file.ts';
import { checkCatalog } from '../../src/verify/catalog/catalog-check.ts';
import { migrationsOf } from '../migrations/files.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';

const file = 'migrations/core/001_one.sql';
const notes = 'create table notes (id bigint primary key, user_id uuid);\n';
const closed = `${notes}alter table notes enable row level security;\ngrant select on notes to public;\n`;
const open = `${closed}create policy w on notes using (true) with check (true);\n`;

/** What each finding suggests, by rule. */
async function suggested(sql: string, order: MigrationOrder): Promise<Record<string, string>> {
  const { findings } = await lint({ migrations: migrationsOf({ [file]: sql }), rollbacks: new Set(), order });
  return Object.fromEntries(findings.map(({ rule, message, suggestion }) => [rule, `${message}\n${suggestion}`]));
}

describe('a suggestion names no role that is not there', () => {
  const own = 'create role service_role;\n';
  const block =
    "do $$ begin if not exists (select from pg_roles where rolname = 'authenticated') then create role authenticated; end if; end $$;\n";
  it.each<[rule: string, sql: string, order: MigrationOrder, has: RegExp, hasNot: RegExp]>([
    ['rls-missing', notes, 'timestamp', /TO authenticated/, /Then only/],
    [
      'rls-missing',
      notes,
      'goose',
      /ENABLE ROW LEVEL SECURITY;\n-- Then only the table's owner/,
      /_role|authenticated|auth\./,
    ],
    ['rls-missing', notes.replace('user_id', 'kind'), 'timestamp', /TO service_role/, /Then only/],
    ['rls-missing', notes.replace('user_id', 'kind'), 'folder', /-- Then only/, /_role/],
    ['rls-missing', `${notes}grant select on notes to anon;`, 'folder', /TO authenticated/, /Then only/],
    ['rls-missing', `${own}${notes.replace('user_id', 'kind')}`, 'folder', /TO service_role/, /Then only/],
    ['rls-missing', `${own}${notes}`, 'folder', /-- Then only/, /authenticated/],
    [
      'rls-missing',
      `${block}${notes}create view me as select auth.uid();`,
      'goose',
      /TO authenticated/,
      /service_role/,
    ],
    ['rls-missing', `-- muse: service-only\n${notes}`, 'journal', /SECURITY;$/, /GRANT/],
    ['policy-missing', closed, 'timestamp', /only the service role/, /the table's owner/],
    ['policy-missing', closed, 'flyway', /only the table's owner can use it[^]*-- Then only/, /_role|authenticated/],
    ['policy-without-role', open, 'timestamp', /applies to anon[^]*TO authenticated;/, /<role>/],
    ['policy-without-role', open, 'pair', /applies to every role[^]*TO <role>;/, /anon|authenticated/],
    ['policy-always-true', open, 'timestamp', /TO service_role/, /<role>/],
    ['policy-always-true', open, 'dbmate', /as colleagues who share it/, /service_role/],
  ])('%s: %j (%s)', async (rule, sql, order, has, hasNot) => {
    const all = await suggested(sql, order);
    expect(all[rule]).toMatch(has);
    expect(all[rule]).not.toMatch(hasNot);
  });

  it('and no grant is missing for users that a plain server does not have', async () => {
    const sql = `${closed.replace('grant select on notes to public;\n', '')}create policy w on notes using (user_id is null);`;
    expect(await suggested(sql, 'timestamp')).toHaveProperty('grant-missing');
    expect(await suggested(sql, 'goose')).not.toHaveProperty('grant-missing');
  });
});

describe('in a database', async () => {
  const database = await openEmbedded();
  afterAll(() => database.close());
  const sql = `${closed.replace('to public', 'to anon')}create table more (id int primary key, user_id uuid);\nalter table more enable row level security;\ncreate policy w on more using (true);\n`;
  await database.script(sql);

  it.each<[order: MigrationOrder, named: boolean]>([
    ['timestamp', true],
    ['goose', false],
  ])('%s', async (order, named) => {
    const migrations = migrationsOf({ [file]: sql.replace('to anon', 'to public') });
    const folders = { core: ['migrations/core'], extensions: [], rollback: '', archive: '', order };
    const expectations = await expectationsOf(migrations, { isolation: 'auth-uid', migrations: folders });
    const findings = (await checkCatalog(database, expectations)).filter(({ rule }) => /^policy-|^grant-/.test(rule));
    const text = findings.map(({ rule, message, suggestion }) => `${rule}: ${message} ${suggestion}`).join('\n');
    expect(/service role|service_role|authenticated|\banon\b/.test(text)).toBe(named);
    expect(findings.map(({ rule }) => rule)).toContain('policy-always-true');
  });
});
