/** What the triggers of a table, and the functions of its checks and defaults, take from a row that is written. */
import { allOf, type Fields, literalOf, type Node, walk } from '../../sql/nodes.ts';
import { type ColumnRow, type FunctionRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { constantOf, nameParts, walk as walkExpression } from '../../rules/engine/live/expression.ts';
import type { AimedValue, Subject } from '../probes/subject.ts';
import type { ArgumentContext } from './argument-keys.ts';
import { candidatesOf } from './arguments.ts';
import { takersOf } from './new-row-calls.ts';
import type { RelationName } from './effects.ts';
import { isTally } from './counted-tables.ts';
import { carries, spread } from './dynamic-sql.ts';
import { jsonShapes } from './json-keys.ts';
import { mergedForms, textFormsOf } from './text-forms.ts';
import type { Model } from './model.ts';
import { tablesChanged, tablesNamed } from './reached-tables.ts';
import { comparedColumns } from './compared-columns.ts';
import { holdsNumber } from './reach-values.ts';
import { rowKeysOf } from './row-keys.ts';

/**
 * The subjects, each with the values that make its triggers reach for rows of A.
 * @param among the tables whose rows those are
 */
export function withAims(subjects: readonly Subject[], model: Model, among: readonly Subject[] = subjects): Subject[] {
  return subjects.map((subject) => {
    const routines = [...new Set([...routinesOf(subject.table, model), ...inPlaceOf(subject, model)])];
    const aims = routines.length === 0 ? subject : { ...subject, ...aimsOf(subject, routines, among, model) };
    const ofCalls = subject.kind === 'table' ? jsonAims(subject, among, model) : [];
    return ofCalls.length === 0 ? aims : { ...aims, aims: [...aims.aims, ...ofCalls] };
  });
}

/** JSON in a row of one's own, with the keys of A's rows at the places that functions read when they are given the row's key. */
function jsonAims(subject: Subject, subjects: readonly Subject[], model: Model): AimedValue[] {
  const columns = freeColumns(subject, model).filter(({ base }) => /^jsonb?$/.test(base));
  return (columns.length === 0 ? [] : takersOf(subject.table, model)).flatMap((routine) => {
    const reached = model.sources.reached(routine);
    const mentioned = new Set(reached.flatMap((one) => [...model.sources.effects(one).columns]));
    const bodies = reached.map((one) => model.sources.body(one));
    const written = model.dependencies.writtenBy(routine);
    const named = subjects.filter(({ name, kind }) => kind === 'table' && written.has(name) && name !== subject.name);
    const rowKeys = named.flatMap((one) => rowKeysOf(one, model)).filter(({ prepare }) => prepare === undefined);
    const context = contextOf({ subjects, named, rowKeys, shape: jsonShapes([], bodies, model.tables) });
    return columns
      .filter(({ name }) => mentioned.has(name) || mentioned.has('*'))
      .flatMap((column) =>
        candidatesOf(argumentOf(column), column.name, context)
          .filter(({ unknown }) => unknown !== undefined)
          .map(({ sql }): AimedValue => ({ column: column.name, sql })),
      );
  });
}

/** The functions of the INSTEAD OF triggers of the view, or of the views over the table, that reach other tables. */
function inPlaceOf({ kind, table, grants }: Writer, model: Model): FunctionRow[] {
  const views =
    kind === 'view'
      ? [grants]
      : model.catalog.relations.filter((row) => row.kind === 'v' && row.reads.includes(qualifiedName(table)));
  return views
    .flatMap(({ triggers }) => triggers.flatMap(({ function: oid }) => model.sources.byOid(oid) ?? []))
    .filter((routine) => tablesNamed(routine, model).size > 0);
}

/** A table or a view that is written. */
type Writer = Pick<Subject, 'table' | 'kind' | 'grants'>;

/** The functions that run with a write of the table or the view. */
function routinesBeside(writer: Writer, model: Model): FunctionRow[] {
  return [...routinesOf(writer.table, model), ...(writer.kind === 'view' ? inPlaceOf(writer, model) : [])];
}

/** The functions that run with a write of the table, and reach other tables. */
function routinesOf(table: RelationRow, model: Model): FunctionRow[] {
  const oids = new Set(table.triggers.filter(({ enabled }) => enabled).map((trigger) => trigger.function));
  const names = new Set<string>();
  const expressions = [
    ...table.columns.map((column) => column.default),
    ...table.constraints.map(({ expression }) => expression),
  ];
  walkExpression(
    expressions.flatMap((sql) => (sql === null ? [] : [model.parse(sql)])),
    (type, node) => {
      if (type === 'FuncCall') names.add(nameParts(node['funcname']).at(-1) ?? '');
    },
  );
  return model.catalog.functions.filter(
    (routine) => (oids.has(routine.oid) || names.has(routine.name)) && tablesNamed(routine, model).size > 0,
  );
}

function aimsOf(
  subject: Subject,
  routines: readonly FunctionRow[],
  subjects: readonly Subject[],
  model: Model,
): Pick<Subject, 'aims' | 'prepareAims'> {
  const reached = [...new Set(routines.flatMap((routine) => model.sources.reached(routine)))];
  const mentioned = new Set(reached.flatMap((one) => [...model.sources.effects(one).columns]));
  const bodies = reached.map((one) => model.sources.body(one));
  const written = new Set(routines.flatMap((routine) => [...tablesChanged(routine, model)]));
  const tables = new Set(routines.flatMap((routine) => [...tablesNamed(routine, model)]));
  const named = subjects
    .filter(({ table }) => tables.has(table))
    .toSorted((x, y) => Number(written.has(y.table)) - Number(written.has(x.table)));
  const rowKeys = named.flatMap((one) => rowKeysOf(one, model));
  const free = freeColumns(subject, model);
  const compared = comparedColumns(
    free.map(({ name }) => name),
    bodies.flatMap(({ trees }) => trees),
  );
  const keys = new Set(rowKeys.map(({ column }) => column.name));
  // What looks like an id may be passed on in any way; a text is one only where it is used as one.
  const columns = free.filter(({ name, base }) =>
    /^(uuid|smallint|integer|bigint)$/.test(base)
      ? mentioned.has(name) || mentioned.has('*') || mentioned.has('new') || isChecked(subject.table, name)
      : [...compared.get(name)!].some((column) => keys.has(column)),
  );
  const context = contextOf({
    subjects,
    named,
    rowKeys,
    compared,
    shape: jsonShapes([], bodies, model.tables),
    textForms: (column) => mergedForms(routines.map((routine) => textFormsOf(routine, column, model.sources))),
  });
  const aims = columns.flatMap((column) =>
    candidatesOf(argumentOf(column), column.name, context)
      .filter(({ unknown, sql }) => unknown !== undefined && holdsNumber(sql, column.base))
      .map(({ sql }): AimedValue => ({ column: column.name, sql })),
  );
  const inPlace = changedInPlace(bodies.flatMap(({ trees }) => trees));
  // A text that is compared with those of rows that the triggers change or delete is one of A's.
  const ofTexts = free
    .filter((column) => column.category === 'S' && !columns.includes(column))
    .flatMap((column) =>
      named
        .filter(({ table, kind }) => kind === 'table' && written.has(table) && inPlace.has(table.name))
        .flatMap(({ table, rows }) =>
          [...compared.get(column.name)!]
            .filter((name) => table.columns.some((one) => one.name === name && one.category === 'S'))
            .flatMap((name) => rows.a.values.get(name) ?? []),
        )
        .filter((sql) => sql !== 'NULL')
        .slice(0, 1)
        .map((sql): AimedValue => ({ column: column.name, sql })),
    );
  aims.push(...ofTexts);
  const prepare = rowKeys.flatMap((key) =>
    key.prepare !== undefined && aims.some(({ sql }) => sql.includes(key.sql)) ? [key.prepare] : [],
  );
  return { aims, prepareAims: prepare.length === 0 ? undefined : prepare.join('; ') };
}

/** What is known of values for columns, as for the arguments of a function. */
function contextOf(
  known: Pick<ArgumentContext, 'subjects' | 'named' | 'rowKeys' | 'shape'> & Partial<ArgumentContext>,
): ArgumentContext {
  return {
    compared: new Map(),
    asked: () => [],
    settings: { names: [], values: [], naming: new Set<string>() },
    textForms: () => ({ forms: [], encodings: [] }),
    columns: new Set<string>(),
    injectable: new Set<string>(),
    isDynamic: false,
    reach: 'far',
    limits: new Set<string>(),
    holder: undefined,
    ...known,
  };
}

/** Names of the tables of which rows are changed or deleted, not only added. */
function changedInPlace(trees: readonly Node[]): ReadonlySet<string> {
  const found = new Set<string>();
  walk(trees, (type, fields) => {
    if (
      type === 'UpdateStmt' ||
      type === 'DeleteStmt' ||
      (type === 'InsertStmt' && fields.onConflictClause !== undefined)
    )
      found.add(fields.relation?.relname ?? '');
  });
  return found;
}

/** Columns that may hold any value: neither a key that is made for the row or has nothing beside it, nor a foreign key, nor the owner. */
function freeColumns({ table, columns, belongs, rows }: Subject, model: Model): ColumnRow[] {
  const owners = belongs.map(({ column }) => column);
  const key = rows.a.key.map(([name]) => name);
  const isMade = (name: string): boolean =>
    columns.some((column) => column.name === name && (column.default !== null || column.identity !== ''));
  const held = new Set([
    ...key.filter((name) => isMade(name) || !key.some((other) => owners.includes(other))),
    ...owners,
    ...table.constraints.filter(({ type }) => type === 'f').flatMap((key) => key.columns),
  ]);
  return columns.filter(
    (column) => !held.has(column.name) && column.labels === null && model.meaningOf(table, column) === undefined,
  );
}

function isChecked({ constraints }: RelationRow, name: string): boolean {
  return constraints.some(({ type, columns }) => type === 'c' && columns.includes(name));
}

function argumentOf({ type, base, category, labels }: ColumnRow): Parameters<typeof candidatesOf>[0] {
  const element = base.endsWith('[]') ? base.slice(0, -2) : null;
  return { type, base, kind: 'b', category, labels, element, attributes: null };
}

/**
 * Says whether what runs with a write of the table reads other tables with its owner's rights, beside writing them: it may bring
 * their values into the new row.
 */
export function readsForItsRow(table: RelationRow, model: Model): boolean {
  return routinesOf(table, model).some((routine) => {
    const reached = model.sources.reached(routine);
    const effects = reached.map((one) => model.sources.effects(one));
    const count = (names: readonly RelationName[], name: string): number =>
      names.filter((one) => one.name === name).length;
    const [named, written] = [effects.flatMap((one) => one.relations), effects.flatMap((one) => one.written)];
    return (
      reached.some(({ definer }) => definer) &&
      named.some(({ name }) => name !== table.name && count(named, name) > count(written, name))
    );
  });
}

/** Says whether what runs with a write of the table writes, with its owner's rights, a table to which the column leads. */
export function writesWhereLed(table: RelationRow, column: string, model: Model): boolean {
  const targets = table.constraints.flatMap(({ type, columns, target }) =>
    type === 'f' && columns.includes(column) ? (model.tables.get(target ?? '') ?? []) : [],
  );
  return routinesOf(table, model).some((routine) => {
    const reached = model.sources.reached(routine);
    const written = reached.flatMap((one) => model.sources.effects(one).written);
    return (
      reached.some(({ definer }) => definer) &&
      targets.some((target) => written.some(({ name }) => name === target.name))
    );
  });
}

/**
 * Says whether a trigger of the table writes values of the new row into rows of another, or puts a text of its own in place of what
 * people write there: not only a counter, a time or a result.
 */
export function overwrites(writer: Writer, other: RelationRow, model: Model): boolean {
  const times = new Set(other.columns.filter(({ category }) => category === 'D').map(({ name }) => name));
  return setBy(writer, other, model).some(
    ({ column, value, values }) =>
      (!times.has(column) && !isTally(value, column) && carries({ val: value }, values)) ||
      (literalOf(value) !== undefined && isWritten(column, other, model)),
  );
}

/** Says whether a trigger of the table gives rows of another a state: a constant, but not a number. */
export function marks(writer: Writer, other: RelationRow, model: Model): boolean {
  const kinds = new Map(other.columns.map(({ name, category }) => [name, category]));
  return setBy(writer, other, model).some(
    ({ column, value }) => constantOf(value) !== undefined && /^[SEB]$/.test(kinds.get(column) ?? ''),
  );
}

/** What the triggers of a table set in rows of another, and the names of what holds values of the new row there. */
function setBy(
  writer: Writer,
  other: RelationRow,
  model: Model,
): { column: string; value: unknown; values: ReadonlySet<string> }[] {
  return routinesBeside(writer, model)
    .flatMap((routine) => model.sources.reached(routine))
    .flatMap((one) => {
      const body = model.sources.body(one);
      const values = spread(new Set(['new', ...one.argumentNames.filter((name) => name !== '')]), body);
      return updatesOf(body.trees, other).flatMap(({ targetList }) =>
        allOf(targetList, 'ResTarget').map(({ name = '', val }) => ({ column: name, value: val, values })),
      );
    });
}

/** The column holds a text of people's own: nothing gives it a value or a list of values, or compares it with a constant. */
function isWritten(name: string, { columns, constraints, ...rest }: RelationRow, model: Model): boolean {
  const column = columns.find((one) => one.name === name);
  const compared = model.dependencies.decidingColumns(qualifiedName(rest)).named.get(name) ?? [];
  return (
    column?.category === 'S' &&
    column.labels === null &&
    column.default === null &&
    compared.length === 0 &&
    !constraints.some((check) => check.type === 'c' && check.columns.includes(name))
  );
}

/** Says whether the triggers of a table do no more to rows of another than to count there what refers to them. */
export function onlyCounts(writer: Writer, other: RelationRow, model: Model): boolean {
  const times = new Set(other.columns.filter(({ category }) => category === 'D').map(({ name }) => name));
  const written = writtenInto(writer, other, model);
  return (
    written !== undefined && written.length > 0 && written.every(([name, val]) => times.has(name) || isTally(val, name))
  );
}

/**
 * What the triggers of a table write into rows of another, by column; undefined where that cannot be read, and where they delete some.
 */
export function writtenInto(
  writer: Writer,
  other: RelationRow,
  model: Model,
): [column: string, value: unknown][] | undefined {
  const bodies = routinesBeside(writer, model)
    .flatMap((routine) => model.sources.reached(routine))
    .map((one) => model.sources.body(one));
  const trees = bodies.flatMap((body) => body.trees);
  const isKnown = !bodies.some(({ isUnreadable, executed }) => isUnreadable || executed.length > 0);
  return isKnown && !deletesFrom(trees, other)
    ? updatesOf(trees, other).flatMap(({ targetList }) =>
        allOf(targetList, 'ResTarget').map(({ name = '', val }): [string, unknown] => [name, val]),
      )
    : undefined;
}

function deletesFrom(trees: readonly Node[], { name }: RelationRow): boolean {
  let found = false;
  walk(trees, (type, fields) => {
    found ||= type === 'DeleteStmt' && fields.relation?.relname === name;
  });
  return found;
}

function updatesOf(trees: readonly Node[], table: RelationRow): Fields<'UpdateStmt'>[] {
  const found: Fields<'UpdateStmt'>[] = [];
  walk(trees, (type, fields) => {
    if (type === 'UpdateStmt' && fields.relation?.relname === table.name) found.push(fields);
  });
  return found;
}
