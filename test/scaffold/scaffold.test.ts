import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { MuseError } from '../../src/shared/error.ts';
import { parseTable } from '../../src/scaffold/parse-table.ts';
import { loadPreset } from '../../src/scaffold/presets.ts';
import { scaffold, type Scaffold, type ScaffoldRequest } from '../../src/scaffold/scaffold.ts';
import type { CoreFacts, TableSpecification } from '../../src/scaffold/table.ts';
import { asUser, coreFacts, folders, foreignCore, openCore, schemaOf } from './support.ts';

const uuid = 'uuid';
const core: CoreFacts = {
  tables: {
    'public.profiles': { columns: { id: uuid }, primaryKey: ['id'] },
    'public.organizations': { columns: { id: uuid }, primaryKey: ['id'] },
    'public.organization_members': { columns: { id: uuid, organization_id: uuid, user_id: uuid }, primaryKey: ['id'] },
    'public.pairs': { columns: { a: uuid, b: uuid }, primaryKey: ['a', 'b'] },
    'billing.plans': { columns: { code: 'character varying(20)' }, primaryKey: ['code'] },
  },
  functions: ['private.set_updated_at()', 'private.user_organization_ids()'],
};

function make(tables: string[], changes: Partial<ScaffoldRequest> = {}): Promise<Scaffold> {
  return scaffold({
    name: 'realtymuse',
    prefix: '',
    presets: [],
    tables: tables.map(parseTable),
    core,
    number: '001',
    folders,
    isolation: 'auth-uid',
    ...changes,
  });
}

const sqlOf = async (...given: Parameters<typeof make>): Promise<string> =>
  (await make(...given)).files[0]?.content ?? '';

describe('scaffold', () => {
  it('returns the file, its rollback and what they create', async () => {
    const { files, tables } = await make(['notes: body text, owner user'], {
      name: 'Café & Co',
      number: '20260131120000',
      folders: { ...folders, extensions: ['supabase/migrations'], rollback: 'supabase/rollback' },
    });
    expect(files.map(({ path }) => path)).toEqual([
      'supabase/migrations/20260131120000_cafe_co_tables.sql',
      'supabase/rollback/extensions/20260131120000_cafe_co_tables.sql',
    ]);
    expect(tables).toEqual([
      {
        name: 'notes',
        scope: 'owner',
        comment: '',
        columns: [
          { name: 'id', type: 'uuid' },
          { name: 'owner_id', type: 'uuid' },
          { name: 'body', type: 'text' },
          { name: 'created_at', type: 'timestamptz' },
          { name: 'updated_at', type: 'timestamptz' },
        ],
      },
    ]);
  });

  it('puts extensions into the only folder of a layout without a separate one', async () => {
    const { files } = await make(['notes: body text'], { folders: { ...folders, extensions: [] } });
    expect(files[0]?.path).toBe('migrations/core/001_realtymuse_tables.sql');
    await expect(make(['notes: body text'], { folders: { ...folders, extensions: [], core: [] } })).rejects.toThrow(
      MuseError,
    );
  });

  it('names a file after its title', async () => {
    expect((await make(['notes: body text'], { title: 'Add ../notes' })).files[0]?.path).toBe(
      'migrations/extensions/001_add_notes.sql',
    );
  });

  it('prefixes tables and their references once', async () => {
    const sql = await sqlOf(['b: a -> a!, owner user', 'kv_a: x text, owner user', 'a: x text, owner user'], {
      prefix: 'kv_',
    }).catch((error: unknown) => String(error));
    expect(sql).toContain('There are two tables "kv_a"');
    expect(await sqlOf(['b: a -> kv_a!, owner user', 'kv_a: x text, owner user'], { prefix: 'kv_' })).toMatch(
      /kv_b_a_id_fkey FOREIGN KEY \(a_id, owner_id\) REFERENCES public\.kv_a \(id, owner_id\) ON DELETE CASCADE/,
    );
  });

  it('gives a foreign key the type of the referenced key', async () => {
    expect(await sqlOf(['a: plan -> billing.plans'])).toMatch(
      /plan_id varchar\(20\),[^]*REFERENCES billing\.plans \(code\) ON DELETE SET NULL/,
    );
  });

  it('declares public tables, and tables that only the service role reads', async () => {
    const open = await sqlOf(['a: x text, public-read']);
    expect(open).toMatch(/-- muse: public-read\nCREATE TABLE/);
    expect(open).toMatch(
      /-- muse: public-read\nCREATE POLICY public_select ON public\.a FOR SELECT TO anon, authenticated\n {2}USING \(true\);/,
    );
    expect(open).toMatch(
      /GRANT SELECT ON TABLE public\.a TO anon, authenticated;\nGRANT ALL ON TABLE public\.a TO service_role;/,
    );
    const service = await sqlOf(['a: x text, service-only']);
    expect(service).toMatch(/-- muse: service-only\nCREATE TABLE/);
    expect(service).not.toContain('POLICY');
    expect(service).not.toContain('TO authenticated');
  });

  it('uses the helpers of core, and creates missing ones under its own name', async () => {
    expect(await sqlOf(['a: x text, organization'])).not.toContain('CREATE OR REPLACE FUNCTION');
    const own = await sqlOf(['a: x text, organization'], { core: { ...core, functions: [] } });
    expect(own).toContain('CREATE OR REPLACE FUNCTION private.realtymuse_set_updated_at()');
    expect(own).toContain('CREATE OR REPLACE FUNCTION private.realtymuse_user_organization_ids() RETURNS uuid[]');
    const again = await sqlOf(['a: x text, organization'], {
      core: {
        ...core,
        functions: ['private.realtymuse_set_updated_at()', 'private.realtymuse_user_organization_ids()'],
      },
    });
    expect(again).not.toMatch(/CREATE (SCHEMA|OR REPLACE FUNCTION)/);
  });

  it.each<[string, string[], Partial<ScaffoldRequest>, string, string]>([
    ['a table that core has', ['profiles: x text'], {}, 'Core already has a table "profiles"', 'another name'],
    ['a table that is there twice', ['a: x text', 'a: y text'], {}, 'There are two tables', ''],
    ['a reference to nothing', ['a: x -> profile'], {}, 'no table public.profile', 'x -> profiles'],
    ['a reference to a key of two columns', ['a: x -> pairs'], {}, 'no primary key with a single column', ''],
    ['a cycle', ['a: b -> b, owner user', 'b: a -> a, owner user'], {}, 'cycle: a -> b -> a', ''],
    [
      'a reference to what the user cannot see',
      ['a: b -> b, owner user', 'b: x text, service-only'],
      {},
      'only the service role can see "b"',
      'public-read',
    ],
    [
      'organizations without members',
      ['a: x text, organization'],
      { core: { tables: {}, functions: [] } },
      'no table of organization members',
      'owner user',
    ],
    ['a name too long with its prefix', [`${'x'.repeat(62)}: x text`], { prefix: 'kv_' }, 'too long', 'prefix'],
  ])('refuses %s', async (_, tables, changes, message, suggestion) => {
    const error: unknown = await make(tables, changes).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MuseError);
    expect(error).toMatchObject({
      code: 'bad-table',
      message: expect.stringContaining(message),
      suggestion: expect.stringContaining(suggestion),
    });
  });

  it('names the tables of core that a preset needs', async () => {
    await expect(make([], { presets: [await loadPreset('social')] })).rejects.toMatchObject({
      code: 'bad-preset',
      message: expect.stringContaining('public.social_posts'),
    });
    await expect(loadPreset('realtee')).rejects.toMatchObject({
      code: 'bad-preset',
      suggestion: expect.stringContaining('--preset realty'),
    });
    await expect(loadPreset('../realty')).rejects.toMatchObject({ code: 'bad-preset' });
  });
});

describe('scaffold on the core of another kit', () => {
  let database: Database;
  let before: string[];
  beforeAll(async () => {
    database = await openCore(foreignCore);
    before = await schemaOf(database);
  });
  afterAll(() => database.close());

  it('isolates by its memberships, with keys of its types, and rolls back completely', async () => {
    const tables = [
      'a: x text, organization',
      'b: a -> a!, catalogue -> catalogue, who -> user, organization',
      'mine: a -> a, org -> organizations, x text, owner user',
      'open: x text, public, seller user',
    ];
    const { files } = await make(tables, { core: await coreFacts(database) });
    const [up = '', down = ''] = files.map(({ content }) => content);
    await database.script(up);
    const once = await schemaOf(database);
    await database.script(up);
    expect(await schemaOf(database)).toEqual(once);

    const [ann, bob, guest] = ['1', '2', '3'].map((digit) => `00000000-0000-4000-8000-00000000000${digit}`);
    await database.script(`insert into auth.users (id, email) values ('${ann}', 'a@example.org'), ('${bob}', 'b@example.org'), ('${guest}', 'c@example.org');
      insert into public.organizations (name) values ('x'), ('y');
      insert into public.org_members values (1, '${ann}', 'active'), (2, '${bob}', 'active'), (1, '${guest}', 'invited');
      insert into public.a (id, organization_id, x) values ('${ann}', 1, 'x'), ('${bob}', 2, 'y');`);
    const as = (who: string | undefined, ...statements: string[]): ReturnType<typeof asUser> =>
      asUser(database, who ?? null, ...statements);
    expect(await as(ann, 'select x from public.a')).toMatchObject({ rows: [{ x: 'x' }] });
    expect(await as(guest, 'select x from public.a')).toMatchObject({ rows: [] });
    expect(
      await as(ann, `insert into public.b (organization_id, a_id, who_id) values (1, '${ann}', '${bob}')`),
    ).toMatchObject({ affected: 1 });
    expect(await as(ann, `insert into public.b (organization_id, a_id) values (1, '${bob}')`)).toBe('23503');
    expect(await as(ann, `insert into public.b (organization_id, a_id) values (2, '${bob}')`)).toBe('42501');
    // Users' rows may reference only rows of an organization that the user sees.
    expect(await as(ann, `insert into public.mine (a_id, org_id) values ('${ann}', 1)`)).toMatchObject({ affected: 1 });
    expect(await as(ann, `insert into public.mine (a_id) values ('${bob}')`)).toBe('42501');
    expect(await as(ann, `insert into public.mine (org_id) values (2)`)).toBe('42501');
    // Everyone reads, each seller writes its own.
    await database.script(`insert into public.open (seller_id, x) values ('${bob}', 'z')`);
    expect(await as(undefined, 'select x from public.open')).toMatchObject({ rows: [{ x: 'z' }] });
    expect(await as(undefined, `insert into public.open (seller_id) values ('${ann}')`)).toBe('42501');
    expect(await as(ann, `insert into public.open (x) values ('w')`)).toMatchObject({ affected: 1 });
    expect(await as(ann, `insert into public.open (seller_id) values ('${bob}')`)).toBe('42501');
    expect(await as(ann, 'update public.open set x = null')).toMatchObject({ affected: 0 });
    expect(await as(ann, 'delete from public.open')).toMatchObject({ affected: 0 });

    await database.script(down);
    expect(await schemaOf(database)).toEqual(before);
  });

  it.each([
    ['a quote, a backslash', `it's \\ "x"`],
    ['line ends and blanks before them', 'a  \n\n\n\n b \r\n\t\u2028 c '],
    ['both', `\\n\n'\\'\n`],
    ['what a template or a body ends with', '{{x}} $body$ */ -- ;'],
  ])('keeps every character of a text: %s', async (_, text) => {
    const column = { name: 'x', type: 'text', required: true, default: text, choices: [text, 'other'], comment: text };
    const specification: TableSpecification = {
      name: 'texts',
      scope: 'service-only',
      columns: [column],
      comment: text,
    };
    const { files } = await make([], { tables: [specification], core: await coreFacts(database) });
    await database.script(files[0]?.content ?? '');
    const { rows } = await database.query(
      `insert into public.texts default values returning x, obj_description('public.texts'::regclass) as comment, col_description('public.texts'::regclass, 2) as of_column`,
    );
    expect(rows).toEqual([{ x: text, comment: text, of_column: text }]);
    await database.script(files[1]?.content ?? '');
  });

  it('a later file builds on an earlier one, and cannot reference another user’s row there either', async () => {
    const first = await make(['sold: x text, seller user'], { core: await coreFacts(database) });
    await database.script(first.files[0]?.content ?? '');
    const second = await make(['more: sold -> sold!, owner user'], { core: await coreFacts(database), number: '002' });
    expect(second.files[0]?.content).not.toContain('CREATE OR REPLACE FUNCTION');
    await database.script(second.files[0]?.content ?? '');
    const [cid, dan] = ['4', '5'].map((digit) => `00000000-0000-4000-8000-00000000000${digit}`);
    await database.script(`insert into auth.users (id, email) values ('${cid}', 'd@example.org'), ('${dan}', 'e@example.org');
      insert into public.sold (id, seller_id) values ('${cid}', '${cid}'), ('${dan}', '${dan}')`);
    expect(await asUser(database, cid ?? '', `insert into public.more (sold_id) values ('${cid}')`)).toMatchObject({
      affected: 1,
    });
    expect(await asUser(database, cid ?? '', `insert into public.more (sold_id) values ('${dan}')`)).toBe('42501');
    for (const { files } of [second, first]) await database.script(files[1]?.content ?? '');
    expect(await schemaOf(database)).toEqual(before);
  });

  it('keeps the schema private if it contains something else', async () => {
    const { files } = await make(['a: x text'], { core: await coreFacts(database) });
    await database.script(files[0]?.content ?? '');
    await database.script('create table private.other (id integer)');
    await database.script(files[1]?.content ?? '');
    expect((await database.query(`select nspname from pg_namespace where nspname = 'private'`)).rows).toHaveLength(1);
    await database.script('drop schema private cascade');
  });
});
