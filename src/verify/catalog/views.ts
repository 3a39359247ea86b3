import { isPlatformSchema, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { isDeclared } from '../../rules/engine/live/expectations.ts';
import { queryExpression } from '../../rules/engine/live/expression.ts';
import { allOf, fieldsOf, stringsOf, walk } from '../../sql/nodes.ts';
import { lastingEffect } from './outside-effects.ts';
import type { Model } from './model.ts';
import { relation } from '../../rules/engine/live/catalog.ts';
import type { KnownRow, Subject } from '../probes/subject.ts';

/** Views on which a user's role has any privilege. */
export function usableViews(model: Model, roles: readonly string[]): RelationRow[] {
  return [...model.tables.values()].filter(
    (row) =>
      (row.kind === 'v' || row.kind === 'm') &&
      !isPlatformSchema(row.schema) &&
      roles.some((role) => (row.grants[role] ?? '') !== '' || row.columnGrants[role] !== undefined),
  );
}

/** The tables that a view reads, directly or through other views. */
export function tablesBehind(view: RelationRow, model: Model): RelationRow[] {
  const found = new Set<RelationRow>();
  const visit = (row: RelationRow): void => {
    if (found.has(row)) return;
    found.add(row);
    for (const name of row.reads) if (model.tables.has(name)) visit(model.tables.get(name)!);
  };
  visit(view);
  return [...found].filter((row) => row.kind === 'r' || row.kind === 'p');
}

/** Returns whether one of the roles can write through the view, if the view is updatable at all. */
export function isWritable(view: RelationRow, roles: readonly string[]): boolean {
  const ways = [
    ['I', 8],
    ['U', 4],
    ['D', 16],
  ] as const;
  return ways.some(
    ([letter, bit]) =>
      (view.updatable & bit) !== 0 &&
      roles.some(
        (role) =>
          (view.grants[role] ?? '').includes(letter) ||
          (letter !== 'D' && view.columnGrants[role]?.[letter] !== undefined),
      ),
  );
}

/** The triggers of a view cannot be disabled, so one with effects outside the transaction must not fire. */
export function outsideTrigger(view: RelationRow, model: Model): { trigger: string; effect: string } | undefined {
  for (const { name, function: oid } of view.triggers) {
    const routine = model.sources.byOid(oid);
    const effect = routine === undefined ? undefined : lastingEffect(routine, model.sources);
    if (effect !== undefined) return { trigger: name, effect: effect.does };
  }
  return undefined;
}

/**
 * A view over one table that includes its key columns. It is tested like the table itself, since an updatable view
 * gives access to the table. Undefined for other views.
 */
export function viewSubject(
  view: RelationRow,
  subjects: readonly Subject[],
  roles: readonly string[],
  model: Model,
): Subject | undefined {
  const behind = tablesBehind(view, model);
  const isOfSeveral = behind.length !== 1;
  const [base, shown] = isOfSeveral ? writtenTable(view, subjects, model) : shownOf(view, behind[0]!, subjects);
  if (base === undefined || view.kind === 'm' || outsideTrigger(view, model) !== undefined) return undefined;
  const belongs = base.belongs.filter(({ column }) => shown.has(column));
  const isWhole = base.rows.a.key.every(([name]) => shown.has(name));
  // What triggers write may be told by a part of the key, where the view shows nothing but the user's own.
  const isInPart = !isWhole && view.triggers.length > 0 && base.rows.a.key.some(([name]) => shown.has(name));
  // A read-only view that does not show a row's owner is searched for known values instead.
  if ((!isWhole && !isInPart) || (belongs.length < base.belongs.length && !isWritable(view, roles))) return undefined;
  const name = qualifiedName(view);
  const isPublic = isDeclared(model.declarations, name, 'public-read');
  return {
    ...base,
    name,
    kind: 'view',
    into: relation(view),
    grants: view,
    belongs,
    columns: base.columns.filter((column) => shown.has(column.name)),
    scope: isPublic ? { ...base.scope, kind: 'public-read', text: `public-read, ${base.scope.text}` } : base.scope,
    isReadOnly: view.updatable === 0,
    ...((isOfSeveral || isInPart) && { isWrittenOnly: true }),
    ...(isInPart && { rows: rowsBy(base.rows, shown), fresh: mapRows(base.fresh, shown) }),
  };
}

/** The rows, told by what is shown of their keys. */
function rowsBy(rows: Subject['rows'], shown: ReadonlySet<string>): Subject['rows'] {
  const { states, ...single } = rows;
  return { ...mapRows(single, shown), states: states.map((row) => shownRow(row, shown)) };
}

function mapRows<T extends Record<string, KnownRow | undefined>>(rows: T, shown: ReadonlySet<string>): T {
  return Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, row && shownRow(row, shown)])) as T;
}

function shownRow(row: KnownRow, shown: ReadonlySet<string>): KnownRow {
  return { ...row, key: row.key.filter(([name]) => shown.has(name)) };
}

type Shown = [base: Subject | undefined, shown: ReadonlySet<string>];

function shownOf(view: RelationRow, table: RelationRow, subjects: readonly Subject[]): Shown {
  const base = subjects.find((subject) => subject.name === qualifiedName(table));
  return [base, new Set(view.columns.map((column) => column.name))];
}

/**
 * Of a view that reads several tables and is written, by INSTEAD OF triggers or as its only table in FROM: the table whose key it shows,
 * and which of that one's columns it shows under their names. What it shows of the others is not told by a row of that one.
 */
function writtenTable(view: RelationRow, subjects: readonly Subject[], model: Model): Shown {
  const none: Shown = [undefined, new Set()];
  if (view.query === null || view.updatable === 0) return none;
  const select = fieldsOf(fieldsOf(model.parse(queryExpression(view.query)), 'SubLink')?.subselect, 'SelectStmt');
  const tables = new Map<string, Subject>();
  walk(select?.fromClause, (type, range) => {
    if (type === 'RangeSubselect' || type === 'SubLink') return false;
    if (type !== 'RangeVar') return undefined;
    const found = subjects.find(
      ({ table }) => table.name === range.relname && table.schema === (range.schemaname ?? table.schema),
    );
    if (found !== undefined) tables.set(range.alias?.aliasname ?? range.relname ?? '', found);
    return undefined;
  });
  const given = allOf(select?.targetList, 'ResTarget').flatMap(({ name, val }) => {
    const parts = stringsOf(fieldsOf(val, 'ColumnRef')?.fields);
    const column = parts.at(-1);
    return column !== undefined && (name ?? column) === column ? [{ column, of: parts.at(-2) }] : [];
  });
  for (const [alias, subject] of tables) {
    const isOnly = tables.size === 1;
    const shown = new Set(
      given.flatMap(({ column, of }) => (of === alias || (isOnly && of === undefined) ? [column] : [])),
    );
    if (subject.rows.a.key.some(([name]) => shown.has(name))) return [subject, shown];
  }
  return none;
}
