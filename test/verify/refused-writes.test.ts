/** What triggers and functions refuse: by any SQLSTATE, and to everyone, which hides what policies would let through. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

const own = 'owner_id = (select auth.uid())';
const open = '(select auth.uid()) is not null';

interface Policies {
  insert?: string;
  update?: string;
  remove?: string;
}

const notes = ({ insert = own, update = own, remove = own }: Policies, more: string): string => `
  create table public.subs (
    owner_id uuid primary key references auth.users (id) on delete cascade, status text not null default 'inactive',
    paid_until timestamptz, seats int not null default 0, is_trial boolean not null default false);
  alter table public.subs enable row level security; grant select on public.subs to authenticated;
  create policy s on public.subs for select to authenticated using (${own});
  create table public.notes (
    id uuid primary key default gen_random_uuid(), body text not null, created_at timestamptz not null default now(),
    status text not null default 'active' check (status in ('active', 'archived')),
    owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade);
  alter table public.notes enable row level security; grant select, insert, update, delete on public.notes to authenticated;
  create policy s on public.notes for select to authenticated using (${own});
  create policy i on public.notes for insert to authenticated with check (${insert});
  create policy u on public.notes for update to authenticated using (${update}) with check (${update});
  create policy d on public.notes for delete to authenticated using (${remove});
  ${more}`;

const guard = (body: string, events = 'insert', timing = 'before'): string => `
  create function public.guard() returns trigger language plpgsql security definer set search_path = '' as $$
    declare many bigint; state text;
    begin ${body} if tg_op = 'DELETE' then return old; end if; return new; end $$;
  create trigger guard ${timing} ${events} on public.notes for each row execute function public.guard();`;

/** The findings about isolation, of either severity. */
const told = (sql: string): Promise<string[]> => found(sql, 'error', 'warning');

const found = (sql: string, ...severities: ('error' | 'warning')[]): Promise<string[]> =>
  withSchema(database, sql, async (session) =>
    (await verifyIsolation(session, { declarations: [] })).findings
      .filter(
        (finding) =>
          (severities.length === 0 ? ['error'] : severities).includes(finding.severity) &&
          /^(isolation|not-proven|policy-error|owner)/.test(finding.rule),
      )
      .map(({ rule, object }) => `${rule} ${object}`)
      .toSorted(),
  );

describe('a trigger that refuses what the policies let through', () => {
  it.each([
    'check_violation',
    '23505',
    'foreign_key_violation',
    'insufficient_privilege',
    'PT403',
    '22023',
    'configuration_limit_exceeded',
    '40001',
    'raise_exception',
  ])('refuses by %s', async (code) => {
    const refusing = guard(
      `if auth.role() = 'authenticated' and new.owner_id is distinct from auth.uid() then
        raise exception 'not yours' using errcode = '${code}'; end if;`,
    );
    expect(await found(notes({ insert: open }, refusing))).toEqual([]);
    expect(await found(notes({ insert: open }, refusing.replace(/exception.*?;/, "notice 'not yours';")))).toEqual([
      'isolation-insert public.notes',
    ]);
  });

  it('refuses to change or delete by the code of a constraint', async () => {
    const refusing = guard(
      `if old.owner_id is distinct from auth.uid() then raise exception 'no' using errcode = 'check_violation'; end if;`,
      'update or delete',
    );
    const policies = { update: open, remove: open };
    expect(await found(notes(policies, refusing))).toEqual([]);
    expect(
      await found(notes(policies, refusing.replace('raise exception', 'raise notice').replace(/ using.*?;/, ';'))),
    ).toEqual(['isolation-reassign public.notes', 'isolation-write public.notes']);
  });

  it.each(['message', 'detail', 'hint'])('tells what is in rows of others by its %s', async (option) => {
    const telling = `create function public.tell(p_id uuid) returns void language plpgsql security definer set search_path = '' as $$
      declare said text := (select body from public.notes where id = p_id);
      begin raise exception using message = 'no', errcode = 'check_violation'; end $$;
      revoke all on function public.tell from public, anon; grant execute on function public.tell to authenticated;`;
    const told = telling.replace(
      /raise exception using.*?;/,
      `raise exception using ${option === 'message' ? '' : "message = 'no', "}${option} = said, errcode = 'check_violation';`,
    );
    expect(await found(notes({}, told))).toEqual(['isolation-read public.tell(uuid)']);
    expect(await found(notes({}, telling))).toEqual([]);
  });
});

describe('a trigger that refuses everyone with the rows that are there', () => {
  it.each([
    [
      'by a limit',
      "if (select count(*) from public.notes n where n.owner_id = new.owner_id) >= 1 then raise exception 'full'; end if;",
    ],
    [
      'by a rate',
      `if exists (select from public.notes n where n.owner_id = auth.uid() and n.created_at > now() - interval '1 day') then
         raise exception 'wait' using errcode = 'check_violation'; end if;`,
    ],
    [
      'without a word',
      'if (select count(*) from public.notes n where n.owner_id = new.owner_id) >= 1 then return null; end if;',
    ],
  ])('%s hides no open policy', async (_, body) => {
    expect(await found(notes({ insert: open }, guard(body)))).toEqual(['isolation-insert public.notes']);
    expect(await found(notes({}, guard(body)))).toEqual([]);
  });

  // Whether such a row is a limit, or makes someone who may do everything, the files do not say.
  it.each([
    [
      'a limit of a plan',
      `select s.seats into many from public.subs s where s.owner_id = auth.uid();
       if (select count(*) from public.notes n where n.owner_id = auth.uid()) >= coalesce(many, 0) then
         raise exception 'full' using errcode = 'PT402'; end if;`,
    ],
    [
      'a subscription',
      `if not exists (select from public.subs s where s.owner_id = auth.uid() and s.status = 'active') then
         raise exception 'subscribe' using errcode = 'check_violation'; end if;`,
    ],
    [
      'a variable',
      `select s.status into state from public.subs s where s.owner_id = auth.uid();
       if state is distinct from 'active' then raise exception 'subscribe'; end if;`,
    ],
    [
      'a time',
      `if not exists (select from public.subs s where s.owner_id = auth.uid() and s.paid_until > now()) then
         raise exception 'pay'; end if;`,
    ],
    [
      'a flag',
      `if not (select s.is_trial from public.subs s where s.owner_id = auth.uid()) then raise exception 'no trial'; end if;`,
    ],
    [
      'what the platform has',
      `if not exists (select from auth.users u where u.id = auth.uid() and u.email_confirmed_at is not null) then
         raise exception 'confirm'; end if;`,
    ],
    [
      'dynamic SQL',
      `execute format('select count(*) from public.notes n where n.owner_id = %L', auth.uid()) into strict many;
       if many >= coalesce((select s.seats from public.subs s where s.owner_id = auth.uid()), -1) then
         raise exception 'full'; end if;`,
    ],
  ])('by %s leaves an open policy unproven', async (_, body) => {
    const refusing = guard(body);
    expect(await found(notes({ insert: open }, refusing), 'warning')).toContain('not-proven public.notes');
    expect(await told(notes({}, refusing))).toEqual([]);
  });

  it('leaves it unproven after the row as well', async () => {
    const full = `if (select count(*) from public.notes n where n.owner_id = new.owner_id) >
      coalesce((select s.seats from public.subs s where s.owner_id = new.owner_id), 0) then raise exception 'full'; end if;`;
    const refusing = guard(full, 'insert', 'after');
    expect(await found(notes({ insert: open }, refusing), 'warning')).toContain('not-proven public.notes');
    expect(await told(notes({}, refusing))).toEqual([]);
  });

  it('nor a policy that counts rows', async () => {
    const counting = `create function public.count_notes() returns bigint language sql stable security definer set search_path = '' as
      $$ select count(*) from public.notes n where n.owner_id = auth.uid() $$;
      drop policy i on public.notes;`;
    const sql = (asks: string): string =>
      notes(
        {},
        `${counting} create policy i on public.notes for insert to authenticated with check (${asks} and public.count_notes() < 1);`,
      );
    expect(await found(sql(open))).toEqual(['isolation-insert public.notes']);
    expect(await found(sql(own))).toEqual([]);
  });

  it.each([
    [
      'too early',
      'update',
      "if old.created_at > now() - interval '1 minute' then raise exception 'wait'; end if;",
      { update: open },
    ],
    ['in a state', 'update', "if old.status = 'active' then raise exception 'frozen'; end if;", { update: open }],
    [
      'not in a state',
      'delete',
      "if old.status <> 'archived' then raise exception 'archive it'; end if;",
      { remove: open },
    ],
  ])('refuses changes %s', async (_, events, body, policies) => {
    expect(await found(notes(policies, guard(body, events)))).toContain('isolation-write public.notes');
    expect(await found(notes({}, guard(body, events)))).toEqual([]);
  });

  it('is not proven where nothing lets anyone through, if policies alone would let others', async () => {
    const closed = guard(
      "if (select count(*) from public.notes n where n.owner_id = new.owner_id) > -1 then raise exception 'closed'; end if;",
    );
    expect(await found(notes({ insert: open }, closed), 'warning')).toContain('not-proven public.notes');
    expect(await found(notes({}, closed), 'warning')).toEqual([]);
    expect(await found(notes({}, closed))).toEqual([]);
  });

  it('is only supposed where the rows that are removed for it say who may do what elsewhere', async () => {
    const full = guard(
      "if (select count(*) from public.notes n where n.owner_id = new.owner_id) >= 1 then raise exception 'full'; end if;",
    );
    const files = `create table public.files (id uuid primary key default gen_random_uuid(), note_id uuid not null references public.notes (id) on delete cascade);
      alter table public.files enable row level security; grant select on public.files to authenticated;
      create policy r on public.files for select to authenticated
        using (exists (select from public.notes n where n.id = note_id and n.owner_id = (select auth.uid())));`;
    const sql = notes({ insert: open }, full + files);
    expect(await found(sql)).toEqual([]);
    expect(await found(sql, 'warning')).toEqual(['not-proven public.notes']);
    expect(await told(notes({}, full + files))).toEqual([]);
  });

  it('keeps everyone out if it asks for nothing', async () => {
    const closed = guard("raise exception 'append only';", 'update or delete');
    expect(await found(notes({ update: open, remove: open }, closed))).toEqual([]);
    expect(await found(notes({ update: open, remove: open }, closed), 'warning')).toEqual([]);
  });
});

describe('a function that refuses everyone with the rows that are there', () => {
  const subscribed = `if not exists (select from public.subs s where s.owner_id = auth.uid() and s.status = 'active') then
    raise exception 'subscribe'; end if;`;
  const trying =
    "if not (select s.is_trial from public.subs s where s.owner_id = auth.uid()) then raise exception 'no trial'; end if;";
  const full = `if (select count(*) from public.notes n where n.owner_id = auth.uid()) >= (select s.seats from public.subs s where s.owner_id = auth.uid()) then
    raise exception 'full'; end if;`;
  const routine = (body: string, returns: string): string => `
    create function public.f(p_id uuid) returns ${returns} language plpgsql security definer set search_path = '' as $$
      begin ${body} end $$;
    revoke all on function public.f from public, anon; grant execute on function public.f to authenticated;`;
  const reading = (asks: string): string => `return (select n.body from public.notes n where n.id = p_id and ${asks});`;
  const changing = (asks: string): string => `update public.notes n set body = 'x' where n.id = p_id and ${asks};`;
  const adding = (owner: string): string => `insert into public.notes (owner_id, body) values (${owner}, 'x');`;

  it.each([
    ['a state', subscribed],
    ['a flag', trying],
    ['a limit', full],
  ])('by %s leaves unproven what it does', async (_, asked) => {
    const gap = ['not-proven public.f(uuid)'];
    for (const [body, returns] of [
      [reading, 'text'],
      [changing, 'void'],
    ] as const) {
      const all = notes({}, routine(asked + body('n.owner_id is not null'), returns));
      expect(await found(all, 'warning')).toEqual(gap);
      const mine = notes({}, routine(asked + body('n.owner_id = auth.uid()'), returns));
      expect(await told(mine)).toEqual([]);
    }
    expect(await found(notes({}, routine(asked + adding('p_id'), 'void')), 'warning')).toEqual(gap);
    const mine = notes({}, routine(asked + adding('auth.uid()'), 'void'));
    expect(await told(mine)).toEqual([]);
  });

  it.each([
    ['a state', subscribed.replace("raise exception 'subscribe'", 'return')],
    ['a limit', full.replace("raise exception 'full'", 'return')],
    [
      'a feature',
      "if not exists (select from public.features f where f.name = 'notes' and f.is_on) then return; end if;",
    ],
    [
      'the flag of a feature',
      "if not coalesce((select f.is_on from public.features f where f.name = 'notes'), false) then return; end if;",
    ],
  ])('by %s does nothing, which leaves unproven what it would do', async (_, asked) => {
    const features = `create table public.features (name text primary key, is_on boolean not null default false);
      alter table public.features enable row level security;`;
    const all = notes({}, features + routine(asked + changing('n.owner_id is not null'), 'void'));
    expect(await found(all, 'warning')).toEqual(['not-proven public.f(uuid)']);
    const mine = notes({}, features + routine(asked + changing('n.owner_id = auth.uid()'), 'void'));
    expect(await told(mine)).toEqual([]);
  });

  it('by a limit that only its own rows reach hides nothing of what it adds', async () => {
    const most =
      "if (select count(*) from public.notes n where n.owner_id = p_id) >= 1 then raise exception 'full'; end if;";
    expect(await found(notes({}, routine(most + adding('p_id'), 'void')))).toEqual(['isolation-write public.f(uuid)']);
    const own = most.replace('p_id', 'auth.uid()');
    expect(await found(notes({}, routine(own + adding('auth.uid()'), 'void')))).toEqual([]);
  });

  it('is not proven where nothing lets anyone through', async () => {
    const never = "if (select count(*) from public.notes) > -1 then raise exception 'closed'; end if;";
    const gaps = await found(notes({}, routine(never + changing('true'), 'void')), 'warning');
    expect(gaps).toEqual(['not-proven public.f(uuid)']);
    expect(await found(notes({}, routine(never + reading('n.owner_id = auth.uid()'), 'text')), 'warning')).toEqual([
      'not-proven public.f(uuid)',
    ]);
  });
});

describe('what the INSTEAD OF trigger of a view refuses to everyone', () => {
  /** A view of one's own notes; the trigger writes them with its owner's rights. */
  const view = (event: string, asked: string, write: string): string =>
    notes(
      {},
      `create view public.mine with (security_invoker = true) as select id, owner_id, body, status from public.notes;
      grant select, insert, update, delete on public.mine to authenticated;
      create function public.write_mine() returns trigger language plpgsql security definer set search_path = '' as $$
        begin ${asked} ${write} return coalesce(new, old); end $$;
      create trigger write_mine instead of ${event} on public.mine for each row execute function public.write_mine();`,
    );
  const insert = (owner: string): string => `insert into public.notes (owner_id, body) values (${owner}, new.body);`;
  const few = "if (select count(*) from public.notes) >= 2 then raise exception 'full'; end if;";
  const late = "if now() > '2020-01-01' then raise exception 'closed'; end if;";

  it('by a limit', async () => {
    expect(await found(view('insert', few, insert('new.owner_id')))).toEqual(['isolation-insert public.mine']);
    expect(await told(view('insert', few, insert('auth.uid()')))).toEqual([]);
  });

  it('by a time that has passed leaves unproven what it writes', async () => {
    expect(await found(view('insert', late, insert('new.owner_id')), 'warning')).toEqual(['not-proven public.mine']);
  });
});
