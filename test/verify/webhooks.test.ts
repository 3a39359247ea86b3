/** Functions and triggers that send requests by pg_net, which waits for the commit, and ask for what a server is given when it is set up. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import type { Finding } from '../../src/shared/finding.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { installPlatform } from '../../src/database/platform/install.ts';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { startNative } from '../support/native.ts';
import { withSchema } from './database.ts';
import { callable, mine, owned } from './designs.ts';
import { sampleOf } from '../support/sample.ts';

// The stubs of Supabase's extensions are those of the embedded database.
let database: Database;
beforeAll(async () => {
  database = await openEmbedded();
});
afterAll(() => database.close());

async function prove(sql: string): Promise<Finding[]> {
  const { findings } = await withSchema(database, `create extension if not exists pg_net; ${sql}`, (session) =>
    verifyIsolation(session, { declarations: [] }),
  );
  return findings;
}

const told = (findings: readonly Finding[]): string[] =>
  findings.map(({ severity, rule, object }) => `${severity} ${rule} ${object}`);

/** Whose rows of the feed anyone reads. */
const everyone = 'true';
const readersOfNote = `exists (select from public.notes where notes.id = note_id and ${mine})`;

/** Private notes, and a feed into which a trigger copies them. */
const notes = (seen: string, declared: string, body: string): string => `${owned('notes')}
  create table public.feed (id uuid primary key default gen_random_uuid(), note_id uuid not null references public.notes (id) on delete cascade, title text not null);
  create index on public.feed (note_id); alter table public.feed enable row level security;
  create policy r on public.feed for select to authenticated using (${seen}); grant select on public.feed to authenticated;
  create function public.tell() returns trigger language plpgsql security definer set search_path = '' as
    $$ declare ${declared} begin ${body} return new; end $$; revoke execute on function public.tell() from public;
  create trigger tell after insert or update on public.notes for each row execute function public.tell();`;

const copy = 'insert into public.feed (note_id, title) values (new.id, new.title);';
const post = (url: string): string => `perform net.http_post(url := ${url}, body := to_jsonb(new));`;
const secretOf = (name: string): string =>
  `(select decrypted_secret from vault.decrypted_secrets where name = ${name})`;

/** Bodies of the trigger, each with what its function declares. */
const bodies: [name: string, declared: string, body: string][] = [
  ['sends, then copies', '', `${post("'https://example.com'")} ${copy}`],
  ['copies, then sends', '', `${copy} ${post("'https://example.com'")}`],
  ['sends to the address in a setting that nothing sets', '', `${post("current_setting('app.url', true)")} ${copy}`],
  ['sends to the address in a secret', '', `${post(`${secretOf("'project_url'")} || '/hook'`)} ${copy}`],
  [
    'raises an exception without a secret',
    'url text;',
    `url := ${secretOf("'project_url'")}; if url is null then raise exception 'no secret'; end if; ${post('url')} ${copy}`,
  ],
  [
    'does nothing without a secret',
    'url text;',
    `select s.decrypted_secret into url from vault.decrypted_secrets as s where s.name in ('project_url'); if url is null then return new; end if; ${copy}`,
  ],
  ['asks a helper for a secret', '', `if public.secret('service_key') is null then return new; end if; ${copy}`],
];

const helper = `create function public.secret(wanted text) returns text language sql stable security definer set search_path = '' as
  $$ select decrypted_secret from vault.decrypted_secrets where name = wanted $$; revoke execute on function public.secret(text) from public;`;

describe('a trigger that copies rows for others', () => {
  it.each(sampleOf(bodies, 3))('%s', async (_, declared, body) => {
    const setup = (seen: string): string => `${helper} ${notes(seen, declared, body)}`;
    expect(told(await prove(setup(everyone)))).toContain('error isolation-read public.notes');
    expect(told(await prove(setup(readersOfNote)))).toEqual([]);
  });

  it.each([
    ['is off by a setting', "if current_setting('app.url', true) is null then return new; end if;"],
    ['refuses without a setting', "if current_setting('app.url', true) is null then raise 'not set up'; end if;"],
    [
      'is off by a row of configuration',
      "if not exists (select from public.settings where name = 'feed') then return new; end if;",
    ],
  ])('%s, and is not proven where others read the copies', async (_, guard) => {
    const setup = (seen: string): string =>
      `create table public.settings (name text primary key); alter table public.settings enable row level security; ${notes(seen, '', `${guard} ${copy}`)}`;
    expect(told(await prove(setup(everyone)))).toContain('error not-proven public.notes');
    expect(told(await prove(setup(readersOfNote)))).toEqual([]);
  });
});

describe('a trigger that only sends', () => {
  const sent = (events: string): string => `${owned('notes')}
    create function public.tell() returns trigger language plpgsql security definer set search_path = '' as $$ begin ${post(secretOf("'url'"))} return new; end $$;
    revoke execute on function public.tell() from public; create trigger tell ${events} on public.notes for each row execute function public.tell();`;

  it.each([['after insert'], ['after update or delete'], ['before insert or update']])('%s', async (events) => {
    expect(told(await prove(sent(events)))).toEqual([]);
  });
});

describe('a function that sends', () => {
  const sender = (where: string, url: string): string =>
    `${owned('notes')} ${callable(
      'public.send(what uuid)',
      'text',
      `declare found text; begin select title into found from public.notes where id = what ${where}; perform net.http_post(url := ${url}, body := to_jsonb(found)); return found; end`,
      'plpgsql',
    )}`;

  it.each([["'https://example.com'"], ["current_setting('app.url', true)"], [`${secretOf("'url'")} || '/send'`]])(
    'to %s',
    async (url) => {
      expect(told(await prove(sender('', url)))).toContain('error isolation-read public.send(uuid)');
      expect(told(await prove(sender('and owner_id = auth.uid()', url)))).toEqual([]);
    },
  );
});

it('leaves no request and no secret', async () => {
  const counts = await withSchema(
    database,
    `create extension if not exists pg_net; ${notes(readersOfNote, '', `${post(secretOf("'url'"))} ${copy}`)}`,
    async (session) => {
      await verifyIsolation(session, { declarations: [] });
      const { rows } = await session.query(`select (select count(*)::int from net.http_request_queue) as requests,
        (select count(*)::int from vault.secrets) as secrets`);
      return rows;
    },
  );
  expect(counts).toEqual([{ requests: 0, secrets: 0 }]);
});

describe('on a server whose pg_net sends', () => {
  let server: Database;
  let stop = async (): Promise<void> => undefined;
  beforeAll(async () => {
    const native = await startNative();
    server = await openPostgres({ url: await native.createDatabase('webhooks') });
    stop = async () => {
      await server.close();
      await native.stop();
    };
    await installPlatform(server);
  });
  afterAll(() => stop());

  /** As pg_net is installed: a part of it is written in C. The address must be there. */
  const extension = `create schema net; create table net.http_request_queue (id bigserial primary key, url text not null, body jsonb);
    create function net.wake() returns void language c as '$libdir/plpgsql', 'plpgsql_call_handler';
    create function net.http_post(url text, body jsonb) returns bigint language sql security definer set search_path = '' as
      $$ insert into net.http_request_queue (url, body) values (url, body) returning id $$;
    grant usage on schema net to authenticated;`;
  const proveThere = async (sql: string): Promise<string[]> =>
    told(
      (await withSchema(server, `${extension} ${sql}`, (session) => verifyIsolation(session, { declarations: [] })))
        .findings,
    );
  const nowhere = post("current_setting('app.url', true)");

  it('does not fire a trigger that only sends, of which nothing is left to prove', async () => {
    const sending = notes(readersOfNote, '', nowhere);
    expect(await proveThere(sending)).toEqual([]);
    expect(await proveThere(sending.replace('after insert or update', 'before insert or update'))).toEqual([
      'error not-proven public.notes',
    ]);
  });

  it('says of a trigger that also writes that it did not fire', async () => {
    expect(await proveThere(notes(readersOfNote, '', `${nowhere} ${copy}`))).toEqual(['error not-proven public.notes']);
  });

  it.each([
    ['net.http_collect_response(1, false)', 'it waits for the answer to an HTTP request (pg_net)'],
    ['net.worker_restart()', "it restarts pg_net's worker"],
  ])('does not call a function that calls %s', async (call, reason) => {
    const sql = `${owned('notes')} ${callable('public.f()', 'void', `begin perform net.http_post('https://example.com', '{}'); perform ${call}; end`, 'plpgsql')}`;
    const { findings } = await withSchema(server, `${extension} ${sql}`, (session) =>
      verifyIsolation(session, { declarations: [] }),
    );
    expect(told(findings)).toEqual(['error not-proven public.f()']);
    expect(findings[0]!.message).toContain(reason);
  });

  it('calls a function that sends', async () => {
    const sender = (where: string): string =>
      `${owned('notes')} ${callable(
        'public.send(what uuid)',
        'text',
        `declare found text; begin select title into found from public.notes where id = what ${where}; perform net.http_post('https://example.com', to_jsonb(found)); return found; end`,
        'plpgsql',
      )}`;
    expect(await proveThere(sender(''))).toContain('error isolation-read public.send(uuid)');
    expect(await proveThere(sender('and owner_id = auth.uid()'))).toEqual([]);
  });
});
