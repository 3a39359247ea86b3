/** What a call has changed, whatever its body says: only where that is nothing, or the same as before, are attempts left out. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { Plan } from '../../src/verify/fixtures/script.ts';
import { runPlan } from '../../src/verify/probes/run-script.ts';
import { type BothKinds, openBoth } from '../support/databases.ts';

const schema = `
  create table public.notes (id int primary key, body text); insert into public.notes values (1, 'one'), (2, 'two');
  create table public.made (id bigserial primary key, body text);
  create function public.kept() returns trigger language plpgsql as $$ begin return new; end $$;
  create trigger kept before insert on public.notes for each row execute function public.kept();
  create table public.hidden (id int primary key); insert into public.hidden values (1);
  create function public.one() returns text language sql volatile as $$ select 'one' $$;
  grant select on public.notes to authenticated;`;

/** A body of a function that may write, by what it does. */
const calls: [what: string, body: string][] = [
  ['changes a row', "update public.notes set body = 'changed' where id = 1;"],
  ['adds a row', "insert into public.notes values (3, 'three');"],
  ['deletes a row', 'delete from public.notes where id = 1;'],
  ['empties a table', 'truncate public.notes;'],
  ['changes what it names at run time', "execute 'update public.not' || 'es set body = null';"],
  ['changes a table that nothing lists', 'insert into public.hidden values (2);'],
  [
    'changes a row and takes that back',
    "begin insert into public.notes values (3, ''); raise exception 'x'; exception when others then null; end;",
  ],
  ['grants a privilege', 'grant insert on public.notes to authenticated;'],
  ['grants a privilege on a column', 'grant update (body) on public.notes to authenticated;'],
  ['makes a policy', 'create policy p on public.notes using (true);'],
  ['drops a policy', 'drop policy if exists kept on public.notes;'],
  ['replaces a function', "create or replace function public.one() returns text language sql as 'select null::text';"],
  ['turns triggers off', 'alter table public.notes disable trigger user;'],
  ['turns row-level security off', 'alter table public.notes disable row level security;'],
  ['makes a member of a role', 'grant service_role to authenticated;'],
  ['makes a temporary table', 'create temporary table kept (id int);'],
  ['writes a large object', 'perform lo_create(0);'],
  ['writes a setting that something reads', "perform set_config('app.role', 'admin', false);"],
  ['writes a setting of the request', 'perform set_config(\'request.jwt.claims\', \'{"role":"admin"}\', true);'],
];

/** The same that changes nothing. */
const idle: [what: string, body: string][] = [
  ['finds no row', "update public.notes set body = 'changed' where id = 9;"],
  ['does nothing', 'null;'],
  ['only reads', 'perform count(*) from public.notes;'],
  ['writes a setting that nothing reads', "perform set_config('app.unread', 'x', true);"],
];

const functionOf = (name: string, body: string): string =>
  `create or replace function public.${name}() returns text language plpgsql volatile security definer as $body$ begin ${body} return ''; end $body$;`;

const probe = (sql: string, actors: number[] = []): Plan['probes'][number] => ({
  sql,
  mode: 'read',
  state: '',
  actors,
});

/** A call of each function, with a look at the rows afterwards. */
const planOf = (functions: readonly string[], more: Partial<Plan> = {}): Plan => ({
  sequences: [],
  silenced: [],
  fill: [],
  states: {},
  known: '',
  actors: [{ role: 'authenticated', settings: { 'request.jwt.claims': '{}' }, user: '', organization: '' }],
  probes: [
    probe('select count(*)::text from public.notes'),
    ...functions.map((name) => probe(`select public.${name}()`)),
  ],
  chains: functions.map((_, index) => ({ lead: [[index + 1, 0]], afterwards: [[0, 0]], states: [], by: 0 })),
  watched: { small: ['"public"."notes"'], settings: ['app.role', 'request.jwt.claims'] },
  ...more,
});

describe('the effect of a call', () => {
  let both: BothKinds;
  let database: Database;
  beforeAll(async () => {
    both = await openBoth();
    database = both.postgres;
    await database.script(schema);
  });
  afterAll(() => both.close());

  it.each(calls)('is looked at where it %s', async (_, body) => {
    await database.script(
      `drop policy if exists kept on public.notes; create policy kept on public.notes using (true); ${functionOf('tried', body)}`,
    );
    const { opened } = await runPlan(database, planOf(['tried']));
    expect(opened).toMatchObject([{ chain: 0, probe: 0 }]);
  });

  it.each(idle)('is none where it %s', async (_, body) => {
    await database.script(functionOf('tried', body));
    expect((await runPlan(database, planOf(['tried']))).opened).toEqual([]);
    // Where nothing is watched, everything is tried.
    expect((await runPlan(database, planOf(['tried'], { watched: undefined }))).opened).toHaveLength(1);
    const steps = planOf(['tried']).chains.map(({ by: _by, ...chain }) => chain);
    expect((await runPlan(database, planOf(['tried'], { chains: steps }))).opened).toHaveLength(1);
  });

  it('is unknown where PostgreSQL does not count, or a foreign table is there', async () => {
    await database.script(functionOf('tried', 'null;'));
    await database.script('set track_counts = off');
    expect((await runPlan(database, planOf(['tried']))).opened).toHaveLength(1);
    await database.script('reset track_counts');
    await database.script(
      'create foreign data wrapper elsewhere; create server far foreign data wrapper elsewhere; create foreign table public.far (id int) server far',
    );
    expect((await runPlan(database, planOf(['tried']))).opened).toHaveLength(1);
    await database.script('drop foreign data wrapper elsewhere cascade');
    expect((await runPlan(database, planOf(['tried']))).opened).toHaveLength(0);
  });

  const change = "update public.notes set body = 'changed' where id = 1;";
  it.each([
    ['the same rows', change, change, true],
    [
      'the same rows in another way',
      change,
      "delete from public.notes where id = 1; insert into public.notes values (1, 'changed');",
      true,
    ],
    ['another row', change, "update public.notes set body = 'changed' where id = 2;", false],
    ['another value', change, "update public.notes set body = 'other' where id = 1;", false],
    ['more rows', change, "update public.notes set body = 'changed';", false],
    ['also a row of a table that is not compared', change, `${change} insert into public.hidden values (2);`, false],
    ['also a privilege', change, `${change} grant insert on public.notes to authenticated;`, false],
    ['another setting', change, `${change} perform set_config('app.role', 'admin', false);`, false],
    [
      'a number that is given only once',
      "insert into public.made (body) values ('x');",
      "insert into public.made (body) values ('x');",
      false,
    ],
  ])('is the same as of an earlier call where that led to %s: %s, %s', async (_, first, second, isSame) => {
    await database.script(functionOf('first', first) + functionOf('second', second));
    const plan = planOf(['first', 'second'], {
      watched: { small: ['"public"."notes"', '"public"."made"'], settings: ['app.role', 'request.jwt.claims'] },
    });
    const { opened, repeated } = await runPlan(database, plan);
    expect(repeated).toEqual(isSame ? [[1, 0]] : []);
    expect(opened.map(({ chain }) => chain)).toEqual(isSame ? [0] : [0, 1]);
  });

  it('is compared for each user alone, and what was not tried the first time is tried', async () => {
    await database.script(functionOf('first', change) + functionOf('second', change));
    const plan = planOf(['first', 'second']);
    const other = {
      role: 'authenticated',
      settings: { 'request.jwt.claims': '{"sub":"x"}' },
      user: '',
      organization: '',
    };
    const probes = [...plan.probes, probe('select max(body) from public.notes')];
    const [one, two] = plan.chains;
    const further = {
      ...two!,
      afterwards: [
        [0, 0],
        [3, 0],
      ] satisfies [number, number][],
    };
    const another = {
      ...two!,
      lead: [[2, 1]] satisfies [number, number][],
      afterwards: [[0, 1]] satisfies [number, number][],
    };
    const { opened, repeated } = await runPlan(database, {
      ...plan,
      actors: [...plan.actors, other],
      probes,
      chains: [one!, further, another],
    });
    expect(repeated).toEqual([[1, 0]]);
    expect(opened.map((each) => ('probe' in each ? [each.chain, each.probe] : []))).toEqual([
      [0, 0],
      [1, 3],
      [2, 0],
    ]);
  });

  it('is compared only where all rows can be seen', async () => {
    await database.script(`${functionOf('first', change)} ${functionOf('second', change)}
      create role keeper; grant authenticated to keeper; grant select on public.notes to keeper;
      grant execute on all functions in schema public to keeper; alter table public.notes enable row level security;
      set session authorization keeper`);
    const { opened, repeated } = await runPlan(database, planOf(['first', 'second']));
    await database.script('reset session authorization; alter table public.notes disable row level security');
    expect(repeated).toEqual([]);
    expect(opened.map(({ chain }) => chain)).toEqual([0, 1]);
  });
});
