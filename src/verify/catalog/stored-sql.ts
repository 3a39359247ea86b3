/** SQL that a function runs and takes from rows which users write: what they wrote there is run with its owner's rights. */
import { type FunctionRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { allOf, type Fields, walk } from '../../sql/nodes.ts';
import { hintsOf } from '../fixtures/candidates.ts';
import type { RoutineBody } from './bodies.ts';
import { carries, runsText, spread } from './dynamic-sql.ts';
import type { Model } from './model.ts';
import { policiesFor } from './scope.ts';

/**
 * The columns, as `schema.table.column`, whose texts become part of SQL that the function runs, without being quoted: those that users
 * write, and that no CHECK holds to a list of words.
 */
export function storedSql(routine: FunctionRow, model: Model): string[] {
  const bodies = model.sources.reached(routine).map((one) => model.sources.body(one));
  if (bodies.every(({ executed }) => executed.length === 0)) return [];
  const read = model.dependencies.namedBy(routine);
  const tables = [...model.tables.values()].filter((table) => read.has(qualifiedName(table)));
  return tables.flatMap((table) =>
    writtenTexts(table, model)
      .filter((name) => bodies.some((body) => runs(body, table, name)))
      .map((name) => `${qualifiedName(table)}.${name}`),
  );
}

/**
 * The columns of a table, by the trigger that makes their texts in a written row a part of SQL which it runs with its owner's rights,
 * without quoting them.
 */
export function sqlInNewRows(table: RelationRow, model: Model): { trigger: string; columns: string[] }[] {
  const written = writtenTexts(table, model);
  return table.triggers.flatMap((trigger) => {
    const routine = trigger.enabled ? model.sources.byOid(trigger.function) : undefined;
    if (routine === undefined || !routine.definer) return [];
    const body = model.sources.body(routine);
    const columns = written.filter((name) => {
      const names = spread(new Set([`new.${name}`]), body);
      return body.executed.some((expression) => runsText(expression, names, body));
    });
    return columns.length === 0 ? [] : [{ trigger: trigger.name, columns }];
  });
}

/** The columns that hold what a signed-in user wrote. */
function writtenTexts(table: RelationRow, model: Model): string[] {
  const role = model.userRole;
  const letters = ['I', 'U'].filter((letter) => !table.rls || policiesFor(table, letter, model).length > 0);
  return table.columns
    .filter(({ name, base, category, labels, generated }) => {
      const isFree = labels === null && !generated && (category === 'S' || /^jsonb?$/.test(base));
      const isGranted = letters.some(
        (letter) =>
          table.grants[role]?.includes(letter) === true ||
          table.columnGrants[role]?.[letter as 'I' | 'U']?.includes(name) === true,
      );
      return isFree && isGranted && !isHeld(name, table, model);
    })
    .map(({ name }) => name);
}

function isHeld(name: string, { constraints }: RelationRow, model: Model): boolean {
  return constraints
    .filter(({ type, columns }) => type === 'c' && columns.length === 1 && columns[0] === name)
    .some(({ expression }) => hintsOf([model.parse(expression ?? '')]).texts.length > 0);
}

/** The body runs a text that has that column of the table in it. */
function runs(body: RoutineBody, table: RelationRow, column: string): boolean {
  const takes = (value: unknown): boolean => {
    let isFound = false;
    walk(value, (...[type, fields]) => {
      if (type === 'SelectStmt') isFound ||= isFrom(fields, table) && gives(fields, column);
    });
    return isFound;
  };
  const direct = new Set(body.assigned.filter(({ value }) => takes(value)).flatMap(({ variables }) => variables));
  const names = spread(direct, body);
  return body.executed.some((expression) => takes(expression) || (names.size > 0 && runsText(expression, names, body)));
}

function isFrom(select: Fields<'SelectStmt'>, table: RelationRow): boolean {
  let isFound = false;
  walk(select.fromClause, (...[type, fields]) => {
    if (type === 'RangeVar')
      isFound ||=
        fields.relname === table.name && (fields.schemaname === undefined || fields.schemaname === table.schema);
  });
  return isFound;
}

/** The query gives the column, or whole rows. */
function gives(select: Fields<'SelectStmt'>, column: string): boolean {
  return allOf(select.targetList, 'ResTarget').some(({ val }) => {
    let isWhole = false;
    walk(val, (...[type]) => {
      isWhole ||= type === 'A_Star';
    });
    return isWhole || carries(val, new Set([column]));
  });
}
