import { mkdir, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OwnPortfolio } from '../../src/portfolio/portfolio.ts';
import { appendAudit, readAudit } from '../../src/portfolio/registry/audit.ts';
import { keyOf, matchesGlob } from '../../src/portfolio/registry/names.ts';
import { openRegistry, type Registry } from '../../src/portfolio/registry/open.ts';
import { dataDirectory } from '../../src/portfolio/registry/data-directory.ts';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { migrate } from '../../src/migrations/apply.ts';
import { temporaryDirectory } from '../support/cli.ts';
import { startNative } from '../support/native.ts';
import { addAll, commitIndex, initRepository } from '../../src/kit/git.ts';
import { addRows, registryKinds, rowsOf, useRegistries } from './registries.ts';

const museJson = (name: string, ref?: string): string =>
  JSON.stringify({
    version: 1,
    name,
    kit: { source: 'builtin', commit: 'create-muse@0.1.0', layout: 'musekit' },
    migrations: {
      core: ['migrations/core'],
      extensions: ['migrations/extensions'],
      rollback: 'migrations/rollback',
      archive: 'migrations/archive',
      order: 'number',
    },
    isolation: 'auth-uid',
    prefix: '',
    presets: [],
    environments: {
      development: { target: 'embedded' },
      ...(ref === undefined ? {} : { production: { target: 'supabase', ref } }),
    },
  });

async function museIn(folder: string, name: string, ref?: string): Promise<string> {
  const directory = join(folder, name.replaceAll('/', '_'));
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'muse.json'), museJson(name, ref));
  return directory;
}

function portfolioOn(registry: Registry, directory: string): OwnPortfolio {
  const { signal } = new AbortController();
  return new OwnPortfolio(registry, { directory, environment: process.env, signal });
}

describe.each(registryKinds)('a registry on %s', (kind) => {
  const open = useRegistries(kind, true);
  const openOwn = useRegistries(kind);

  it('takes directories, what a folder holds, and repositories', async () => {
    const { registry, directory } = await open();
    const portfolio = portfolioOn(registry, directory);
    const folder = await temporaryDirectory();
    const [first] = [await museIn(folder, 'alpha'), await museIn(join(folder, 'more'), 'beta')];
    await museIn(join(folder, 'node_modules'), 'hidden');
    await mkdir(join(folder, 'empty'));
    const repository = await museIn(folder, 'gamma');
    await initRepository(repository);
    await addAll(repository);
    await commitIndex(repository, 'Create gamma');
    await rm(join(repository, 'muse.json'));
    expect(await portfolio.add([first, join(folder, 'empty'), 'nowhere'], { tags: ['paying'] })).toMatchObject([
      { name: 'alpha', source: first, added: true },
      { added: false, error: { code: 'no-muse', message: `There is no muse.json in ${join(folder, 'empty')}.` } },
      { added: false, error: { code: 'no-muse', message: expect.stringContaining('does not exist') } },
    ]);
    const url = `file://${repository}`;
    expect(await portfolio.add([url], { scan: [folder] })).toMatchObject([
      { name: 'gamma', source: url, added: true },
      { name: 'alpha', added: false },
      { name: 'beta', added: true },
    ]);
    expect(await portfolio.list()).toMatchObject([
      { name: 'alpha', tags: ['paying'], state: 'created', host: registry.host, isRemote: false, known: false },
      { name: 'beta' },
      { name: 'gamma', isRemote: true, source: url },
    ]);
    await expect(portfolio.add([], {})).rejects.toMatchObject({ code: 'bad-call' });
    await expect(portfolio.add([], { scan: [join(folder, 'empty')] })).rejects.toMatchObject({ code: 'no-muse' });
    // The clone is used from then on, at the newest commit.
    const status = await portfolio.status({ only: 'gamma', refresh: true });
    expect(status).toMatchObject([{ name: 'gamma', known: true, environments: [{ known: 'yes', applied: 0 }] }]);
  });

  it.each([
    ['a name in another case', 'kidvault', 'KidVault', undefined, undefined, 'name-taken', /kidvault/],
    ['a name with other separators', 'kid-vault', 'kid_vault', undefined, undefined, 'name-taken', /kid-vault/],
    [
      'the same name elsewhere',
      'kidvault',
      'kidvault',
      undefined,
      undefined,
      'name-taken',
      /another muse named kidvault/,
    ],
    [
      'the same project',
      'one',
      'two',
      'abcdefghijklmnopqrst',
      'abcdefghijklmnopqrst',
      'ref-taken',
      /that of one \(production\)/,
    ],
  ])('refuses %s, naming the other', async (_, first, second, firstRef, secondRef, code, names) => {
    const { registry, directory } = await open();
    const portfolio = portfolioOn(registry, directory);
    await portfolio.add([await museIn(await temporaryDirectory(), first, firstRef)]);
    const [refused] = await portfolio.add([await museIn(await temporaryDirectory(), second, secondRef)]);
    expect(refused).toMatchObject({ added: false, error: { code, message: expect.stringMatching(names) } });
    expect(await portfolio.list()).toHaveLength(1);
    expect(await rowsOf(registry, 'select 1 from portfolio.audit')).toHaveLength(1);
  });

  it('archives what is not used any more', async () => {
    const { registry, directory } = await open();
    const portfolio = portfolioOn(registry, directory);
    await addRows(registry, ['old', 'new']);
    expect(await portfolio.archive(['OLD'])).toEqual(['old']);
    expect(await portfolio.archive(['old'])).toEqual([]);
    expect((await portfolio.list()).map(({ name }) => name)).toEqual(['new']);
    expect((await portfolio.list({ archived: true })).map(({ name }) => name)).toEqual(['new', 'old']);
    const again = await museIn(await temporaryDirectory(), 'o-l-d');
    expect(await portfolio.add([again])).toMatchObject([{ added: false, error: { code: 'name-taken' } }]);
    expect(await portfolio.archive(['old'], false)).toEqual(['old']);
    await expect(portfolio.archive(['odl'])).rejects.toMatchObject({
      code: 'bad-muse',
      suggestion: expect.stringContaining('Did you mean old?'),
    });
  });

  it('writes everything down, and finds what was changed afterwards', async () => {
    const { registry, directory } = await open();
    await addRows(registry, ['one', 'two']);
    await registry.transaction((session) =>
      appendAudit(session, {
        action: 'test',
        muse: 'one',
        before: { b: 1, a: [{ z: 1, y: undefined }] },
        after: 'ü "\\',
      }),
    );
    const portfolio = portfolioOn(registry, directory);
    expect(await portfolio.audit({ muse: 'ONE' })).toMatchObject({
      rows: [
        { number: 1, action: 'add', muse: 'one', host: hostname() },
        { number: 3, action: 'test', before: { b: 1, a: [{ z: 1 }] }, after: 'ü "\\' },
      ],
    });
    expect((await portfolio.audit()).broken).toBeUndefined();
    expect((await portfolio.audit({ since: 'tomorrow' })).rows).toEqual([]);
    await expect(portfolio.audit({ since: 'whenever' })).rejects.toMatchObject({ code: 'bad-flag' });
    for (const sql of [
      "update portfolio.audit set who = 'nobody'",
      'delete from portfolio.audit',
      'truncate portfolio.audit',
    ])
      await expect(rowsOf(registry, sql)).rejects.toThrow('append-only');
    await rowsOf(registry, 'alter table portfolio.audit disable trigger all');
    const tampered: [string, number, string][] = [
      ['update portfolio.audit set after = after || \'{"host": "x"}\' where number = 2', 2, 'row 2 was changed'],
      ["update portfolio.audit set who = 'x' where number = 1", 1, 'row 1 was changed'],
      ['delete from portfolio.audit where number = 2', 2, 'row 2 is missing'],
      ['delete from portfolio.audit where number = 3', 3, 'the rows after row 2 are missing'],
    ];
    for (const [sql, number, why] of tampered) {
      await registry
        .transaction(async (session) => {
          await session.query(sql);
          expect(await readAudit(session)).toMatchObject({ broken: { number, why } });
          throw new Error('undo');
        })
        .catch((error: Error) => expect(error.message).toBe('undo'));
    }
  });

  it('gives nothing to anybody, and has row-level security on every table', async () => {
    const { registry } = await open();
    const tables = await rowsOf<{ name: string; secured: boolean; granted: string[] }>(
      registry,
      `select c.relname as name, c.relrowsecurity as secured,
              array(select a.grantee::regrole::text from aclexplode(c.relacl) a where a.grantee <> c.relowner) as granted
         from pg_class c where c.relnamespace = 'portfolio'::regnamespace and c.relkind = 'r' order by 1`,
    );
    expect(tables.map(({ name }) => name)).toEqual([
      'audit',
      'audit_head',
      'environments',
      'items',
      'muses',
      'runs',
      'workers',
    ]);
    for (const { secured, granted } of tables) expect({ secured, granted }).toEqual({ secured: true, granted: [] });
    const usage = await rowsOf(
      registry,
      `select nspname from pg_namespace n, aclexplode(n.nspacl) a
        where nspname in ('portfolio', 'pgboss') and a.grantee <> n.nspowner`,
    );
    expect(usage).toEqual([]);
  });

  it('opens again as it was', async () => {
    const { registry, url, directory } = await openOwn();
    await addRows(registry, ['kept']);
    await registry.close();
    const again = await openRegistry({ url, directory });
    expect(await rowsOf(again, 'select name from portfolio.muses')).toEqual([{ name: 'kept' }]);
    await again.close();
  });
});

describe('a registry on a server', () => {
  it('reconnects, and does again what was lost', async () => {
    const native = await startNative();
    const url = await native.createDatabase('reconnect');
    const registry = await openRegistry({ url, directory: await temporaryDirectory() });
    let tries = 0;
    await registry.transaction(async (session) => {
      tries += 1;
      if (tries === 1) await session.query('select pg_terminate_backend(pg_backend_pid())');
      await session.query("insert into portfolio.muses (name, key, source, host) values ('a', 'a', 'a', 'a')");
    });
    expect(tries).toBe(2);
    expect(await rowsOf(registry, 'select name from portfolio.muses')).toEqual([{ name: 'a' }]);
    await registry.close();
    await native.stop();
  });

  it('does not share the database of a muse', async () => {
    const native = await startNative();
    const url = await native.createDatabase('shared');
    const database = await openPostgres({ url });
    const sql = 'create table t (id int);';
    await migrate(database, [
      { layer: 'core', file: 'migrations/core/001_t.sql', number: '001', sql, checksum: 'a'.repeat(64) },
    ]);
    await database.close();
    await expect(openRegistry({ url, directory: '/nowhere' })).rejects.toMatchObject({ code: 'bad-registry' });
    await native.stop();
  });
});

it.each([
  ['kid-vault', 'KidVault'],
  ['kid_vault', 'kid vault'],
  ['Straße', 'STRASSE'.replace('SS', 'ß')],
])('%s and %s are one name', (one, other) => expect(keyOf(one)).toBe(keyOf(other)));

it.each([
  ['*', 'anything', true],
  ['real*', 'RealtyMuse', true],
  ['*muse', 'realtymuse', true],
  ['r*t*e', 'realtymuse', true],
  ['a*a', 'a', false],
  ['re', 'realtymuse', false],
  ['*x*', 'realtymuse', false],
  ['*muse*muse', 'realtymuse', false],
])('the pattern %s: %s', (pattern, name, expected) => expect(matchesGlob(pattern, name)).toBe(expected));

it.each<[NodeJS.ProcessEnv, NodeJS.Platform, RegExp]>([
  [{ CREATE_MUSE_PORTFOLIO: '/own' }, 'linux', /^\/own$/],
  [{ XDG_DATA_HOME: '/data' }, 'linux', /^\/data\/create-muse$/],
  [{ XDG_DATA_HOME: 'relative' }, 'linux', /\/\.local\/share\/create-muse$/],
  [{}, 'darwin', /Library\/Application Support\/create-muse$/],
])('the data directory with %o on %s', (environment, platform, expected) =>
  expect(dataDirectory(environment, platform)).toMatch(expected),
);
