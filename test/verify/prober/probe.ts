import { type Database, DatabaseError } from '../../../src/database/database.ts';
import type { Random } from './random.ts';
import type { Holds, MadeSchema, MadeTable } from './schema.ts';

/** The owners of rows: `a` is the victim; `b` has an organization and rows of its own, `c` has nothing. */
const people = { a: id('a', 0), b: id('b', 0), c: id('c', 0) };
type Stranger = 'b' | 'c';

function id(who: string, number: number): string {
  return `${who.repeat(8)}-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

/** A row or value of the victim that a stranger reached. */
export interface Reach {
  table: string;
  how: 'read' | 'changed or deleted';
  /** The statements in order, each with its user. */
  steps: string[];
  /** Tables that the steps name. */
  touched: string[];
}

/** Rows of both sides in every table: two each, one of them archived and shared. */
function rowsSql(schema: MadeSchema): string {
  const users = Object.entries(people).map(
    ([who, user]) =>
      `insert into auth.users (id, email, aud, role) values ('${user}', '${who}@example.com', 'authenticated', 'authenticated')`,
  );
  const rows = tablesOf(schema).flatMap((table) =>
    (['a', 'b'] as const).flatMap((who) =>
      [1, 2].flatMap((copy) => {
        if (copy === 2 && isSingle(table)) return [];
        const valueOf: Record<Holds, string> = {
          id: `'${rowId(schema, table, who, copy)}'`,
          user: `'${people[who]}'`,
          organization: `'${id(who, 11)}'`,
          parent:
            table.parent === undefined ? 'null' : `'${rowId(schema, tableNamed(schema, table.parent), who, copy)}'`,
          text: copy === 1 ? `'of ${who}'` : "'shared'",
          flag: copy === 1 ? 'false' : 'true',
          role: "'owner'",
        };
        return [
          `insert into public.${table.name} (${table.columns.map(({ name }) => name).join(', ')}) values (${table.columns.map(({ holds }) => valueOf[holds]).join(', ')})`,
        ];
      }),
    ),
  );
  return [...users, ...rows].join(';\n');
}

const tablesOf = (schema: MadeSchema): MadeTable[] => schema.tables.filter((table) => table.of === undefined);

/** A user or an organization has one row there. */
const isSingle = ({ name, columns }: MadeTable): boolean =>
  name === 'prefs' || columns.some(({ holds }) => holds === 'role');

const tableNamed = (schema: MadeSchema, name: string): MadeTable => schema.tables.find((table) => table.name === name)!;

function rowId(schema: MadeSchema, table: MadeTable, who: 'a' | 'b', copy: number): string {
  const base = table.of === undefined ? table : tableNamed(schema, table.of);
  return id(who, (schema.tables.indexOf(base) + 1) * 10 + copy);
}

/** A statement that a stranger may try, and the tables it names. */
interface Statement {
  sql: string;
  table: string;
  /** It returns rows of the table. */
  returnsRows: boolean;
}

function makeStatement(schema: MadeSchema, who: Stranger, random: Random): Statement {
  if (schema.functions.length > 0 && random.chance(0.15)) {
    const { call, table, returnsRows } = random.pick(schema.functions);
    const sql = call
      .replace('@id', rowId(schema, tableNamed(schema, table), 'a', random.pick([1, 2])))
      .replace('@user', people[who]);
    return { sql, table, returnsRows };
  }
  const writable = schema.tables.filter(({ verbs }) => verbs.some((verb) => verb !== 'select'));
  const table = random.pick(writable);
  const verb = random.pick(table.verbs.filter((one) => one !== 'select'));
  const valueOf = (holds: Holds): string => {
    const side = random.pick(['a', 'b'] as const);
    if (holds === 'id') return 'gen_random_uuid()';
    if (holds === 'user') return `'${random.pick([people[who], people[who], people.a])}'`;
    if (holds === 'organization') return `'${id(side, 11)}'`;
    if (holds === 'parent') return `'${rowId(schema, tableNamed(schema, table.parent!), side, random.pick([1, 2]))}'`;
    return holds === 'text'
      ? random.pick(["'shared'", "'x'"])
      : holds === 'flag'
        ? random.pick(['true', 'false'])
        : random.pick(["'owner'", "'member'"]);
  };
  const where = random.pick([
    '',
    '',
    ` where id = '${rowId(schema, table, random.pick(['a', 'b']), random.pick([1, 2]))}'`,
  ]);
  if (verb === 'delete')
    return { sql: `delete from public.${table.name}${where}`, table: table.name, returnsRows: false };
  if (verb === 'update') {
    const column = random.pick(table.columns.filter(({ holds }) => holds !== 'id'));
    return {
      sql: `update public.${table.name} set ${column.name} = ${valueOf(column.holds)}${where}`,
      table: table.name,
      returnsRows: false,
    };
  }
  // One that meets the victim's row and changes it.
  const met = table.of === undefined && table.verbs.includes('update') && random.chance(0.3);
  const other = random.pick(table.columns.filter(({ holds }) => holds !== 'id')).name;
  const values = table.columns.map(({ holds }) =>
    met && holds === 'id'
      ? `'${rowId(schema, table, 'a', isSingle(table) ? 1 : random.pick([1, 2]))}'`
      : valueOf(holds),
  );
  const instead = met ? ` on conflict (id) do update set ${other} = excluded.${other}` : '';
  return {
    sql: `insert into public.${table.name} (${table.columns.map(({ name }) => name).join(', ')}) values (${values.join(', ')})${instead}`,
    table: table.name,
    returnsRows: false,
  };
}

/**
 * Creates the schema and {@link rowsSql}, tries sequences of up to three statements, and rolls everything back. Returns
 * what was reached.
 */
export async function probe(
  database: Database,
  schema: MadeSchema,
  sequences: number,
  random: Random,
): Promise<Reach[]> {
  if (!schema.tables.some(({ verbs }) => verbs.some((verb) => verb !== 'select'))) return [];
  await database.script('begin');
  try {
    await database.script(`${schema.sql}\n${rowsSql(schema)}`);
    return await trySequences(database, schema, sequences, random);
  } finally {
    await database.script('rollback');
  }
}

async function trySequences(
  session: Database,
  schema: MadeSchema,
  sequences: number,
  random: Random,
): Promise<Reach[]> {
  const reached: Reach[] = [];
  const victims = `select table_name, count(*) as n, md5(string_agg(row_text, ',' order by row_text)) as state from (${tablesOf(
    schema,
  )
    .map(
      (table) =>
        `select '${table.name}' as table_name, t::text as row_text from public.${table.name} t where t.id::text like 'aaaaaaaa-%'`,
    )
    .join(' union all ')}) s group by 1 order by 1`;
  const seen = schema.tables
    .filter(({ verbs }) => verbs.includes('select'))
    .map(
      ({ name }) =>
        `select '${name}' as table_name where exists (select 1 from public.${name} t where t.id::text like 'aaaaaaaa-%')`,
    )
    .join(' union all ');
  const before = (await session.query<{ table_name: string; n: string; state: string }>(victims)).rows;
  for (let number = 0; number < sequences; number += 1) {
    await session.script('savepoint sequence');
    const steps: string[] = [];
    const touched: string[] = [];
    for (let step = 0; step < 3; step += 1) {
      const who: Stranger = random.pick(['b', 'c']);
      const act = `set local role authenticated; set local request.jwt.claims = '{"sub":"${people[who]}","role":"authenticated"}'`;
      const statement = makeStatement(schema, who, random);
      const note = (table: string, how: Reach['how']): void => {
        reached.push({ table, how, steps: [...steps], touched: [...new Set(touched)] });
      };
      await session.script(act);
      const rows = await attempt(session, statement.sql);
      if (rows === undefined) continue;
      steps.push(`${who}: ${statement.sql}`);
      touched.push(statement.table);
      if (statement.returnsRows && rows.some((row) => String(row['id']).startsWith('aaaaaaaa-')))
        note(statement.table, 'read');
      for (const row of (await attempt(session, seen)) ?? []) note(String(row['table_name']), 'read');
      await session.script('reset role');
      const now = (await session.query<{ table_name: string; n: string; state: string }>(victims)).rows;
      for (const was of before) {
        const is = now.find(({ table_name: name }) => name === was.table_name);
        if (is?.state !== was.state || is.n !== was.n) note(was.table_name, 'changed or deleted');
      }
    }
    await session.script('reset role; rollback to savepoint sequence');
  }
  return reached;
}

/** The rows of the statement; undefined if it is refused. */
async function attempt(session: Database, sql: string): Promise<Record<string, unknown>[] | undefined> {
  await session.script('savepoint attempt');
  try {
    return (await session.query<Record<string, unknown>>(sql)).rows;
  } catch (error) {
    await session.script('rollback to savepoint attempt');
    if (error instanceof DatabaseError) return undefined;
    throw error;
  } finally {
    await session.script('release savepoint attempt');
  }
}
