/** Members who read in their organization what gives a privileged role to who sends it: the code of an invitation for another. */
import { quoteIdentifier } from '../../shared/quote.ts';
import { callSql, howToRun } from '../catalog/call-sql.ts';
import { comparedColumns } from '../catalog/compared-columns.ts';
import type { Callable } from '../catalog/functions.ts';
import { actingEmail, actingUser } from '../fixtures/belongings.ts';
import type { Chain } from '../fixtures/script.ts';
import { privilegedColumn } from './escalate-sql.ts';
import { insertStatement } from './insert-sql.ts';
import type { FirstRound } from './paths.ts';
import type { NamedProbe } from './probes.ts';
import { hasPrivilegedRole, type Raises, roleOfMember, writesMemberships } from './raised.ts';
import { condition, grantedColumns, type Subject, userColumnsOf } from './subject.ts';

/**
 * The chains: of the member with the least role, for each function that writes memberships and takes what the member may read in a table
 * of the organization.
 * @param start the number of the first probe that is added
 */
export function redeemedOf(first: FirstRound, start: number): Raises {
  const { subjects, callables } = first;
  const acting = roleOfMember(first);
  const probes: NamedProbe[] = [];
  const chains: Chain[] = [];
  if (acting === undefined) return { probes, chains, states: {} };
  const { ofMembers, by } = acting;
  for (const callable of callables) {
    if (callable.skipped !== undefined || !writesMemberships(callable, ofMembers.name, first)) continue;
    for (const subject of subjects) {
      if (subject.kind !== 'table' || subject === ofMembers || !callable.tables.has(subject.name)) continue;
      for (const probe of callsWithRead(callable, subject, first, by)) {
        probes.push(probe);
        chains.push({ lead: [[start + probes.length - 1, by]], afterwards: [], states: [redeemedState] });
      }
    }
  }
  return {
    probes,
    chains,
    states: chains.length === 0 ? {} : { [redeemedState]: hasPrivilegedRole(acting) },
  };
}

const redeemedState = '* role of a member who redeems';

/** A call for each column of the row that an argument is compared with, with what the member reads there. */
function callsWithRead(
  { routine, name, called }: Callable,
  subject: Subject,
  { model, actors }: FirstRound,
  by: number,
): NamedProbe[] {
  const trees = model.sources.reached(routine).flatMap((one) => model.sources.body(one).trees);
  const names = routine.inputs.map((_, index) => routine.argumentNames[index] || `$${index + 1}`);
  const compared = comparedColumns(names, trees);
  const readable = grantedColumns(subject, actors[by]!.role, 'S', model);
  const { row, prepare } = offer(subject, model);
  const where = condition(row);
  const [usual] = called;
  if (where === 'false' || usual === undefined) return [];
  return routine.inputs.flatMap((input, index) =>
    readable
      .filter(
        (column) =>
          compared.get(names[index]!)?.has(column.name) === true &&
          column.base === input.base &&
          !['user', 'organization', 'email'].includes(model.meaningOf(subject.table, column) ?? ''),
      )
      .map((column): NamedProbe => {
        const read = `(select ${quoteIdentifier(column.name)} from ${subject.into} where ${where})::${input.type}`;
        return {
          subject: name,
          verb: 'call',
          ...howToRun(routine),
          state: '',
          sql: callSql(
            routine,
            usual.map((sql, at) => (at === index ? read : sql)),
          ),
          actors: [],
          reads: { table: subject.name, column: column.name },
          ...(prepare === undefined ? {} : { prepare }),
        };
      }),
  );
}

/** A row of A's, by its key; where a row says which role it gives, one that the server makes for another with a privileged role. */
function offer(subject: Subject, model: FirstRound['model']): { row: [string, string][]; prepare: string | undefined } {
  const { columns, rows, fresh, users } = subject;
  const top = privilegedColumn(subject, model);
  if (top === undefined) return { row: rows.a.key, prepare: undefined };
  // Whom it is for is not who acts.
  const isActing = (sql: string): boolean => sql.includes(actingUser) || sql.includes(actingEmail);
  const values = new Map(
    [...fresh.a.values].map(([name, sql]) => [name, isActing(sql) ? (rows.a.values.get(name) ?? 'NULL') : sql]),
  );
  for (const name of userColumnsOf(subject, model)) values.set(name, users.a);
  values.set(top.column.name, top.value);
  const insert = insertStatement(
    subject,
    columns.flatMap(({ name }) => (values.has(name) ? [name] : [])),
    values,
  );
  return { row: [...values].filter(([name]) => rows.a.key.some(([key]) => key === name)), prepare: insert };
}
