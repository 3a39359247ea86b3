/** What a stranger puts under a row of A that it may not see: a row of its own that it moves there, and one that it adds. */
import { type ConstraintRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { quoteIdentifier } from '../../shared/quote.ts';
import type { Model } from '../catalog/model.ts';
import { personsOf } from '../catalog/persons.ts';
import { columnsIn, isPublic, isSomeones, policiesFor, scopeOf } from '../catalog/scope.ts';
import { readsForItsRow, writesWhereLed } from '../catalog/trigger-values.ts';
import type { Actor } from './actors.ts';
import { crossLinks, insertSql } from './insert-sql.ts';
import type { NamedProbe } from './probes.ts';
import { condition, grantedColumns, type Subject } from './subject.ts';

/**
 * The columns by which an update may move a stranger's row under a row of A: those that every policy to insert asks about, or
 * without one every policy to find what is updated, and that some policy to update does not; and any, where triggers read more for the
 * row, or write that of A.
 */
function movableLinks(subject: Subject, model: Model): { column: string; a: string; isUnasked: boolean }[] {
  const { table } = subject;
  if (subject.kind !== 'table' || !table.rls) return [];
  const asked = (letter: 'I' | 'U'): ReadonlySet<string>[] =>
    policiesFor(table, letter, model).map(({ check, using }) => columnsIn(check ?? using, table, model));
  const [adding, updating] = [asked('I'), asked('U')];
  if (updating.length === 0) return [];
  // What only the server adds is where those who change it may find it.
  const inserting =
    adding.length > 0 ? adding : policiesFor(table, 'U', model).map(({ using }) => columnsIn(using, table, model));
  const isFilled = readsForItsRow(table, model);
  const granted = new Set(grantedColumns(subject, model.userRole, 'U', model).map(({ name }) => name));
  const isOfUser = (name: string): boolean =>
    table.columns.some((column) => column.name === name && model.meaningOf(table, column) === 'user') ||
    isOfAuthor(subject, name, model);
  return crossLinks(subject, model).flatMap(({ column, a }) => {
    const isUnasked =
      !isOfUser(column) &&
      inserting.length > 0 &&
      inserting.every((columns) => columns.has(column)) &&
      updating.some((columns) => !columns.has(column));
    const isFollowed = isFilled || writesWhereLed(table, column, model);
    return granted.has(column) && (isFollowed || isUnasked) ? [{ column, a, isUnasked }] : [];
  });
}

/** Who has made what is an organization's may be told by a person as by a user. */
function isOfAuthor({ scope, table }: Subject, column: string, { tenancy }: Model): boolean {
  return scope.owner === 'organization' && personsOf(table, column, tenancy.persons) !== undefined;
}

/** The name of the state that says whether a stranger's row has the link to A's. */
function linkState(subject: Subject, column: string): string {
  return `${subject.name} ${column}`;
}

/** By name: the queries that say whether a stranger's row has a link to A's. */
export function linkStates(subjects: readonly Subject[], model: Model): Record<string, string> {
  return Object.fromEntries(
    subjects.flatMap((subject) =>
      movableLinks(subject, model).map(({ column, a }) => [
        linkState(subject, column),
        `select exists (select 1 from ${subject.into} where ${condition([...subject.rows.b.key, [column, a]])})::text`,
      ]),
    ),
  );
}

/** The foreign keys to what people own or are joined to, such as a project or a chat, where not everyone may put something. */
export function ownedParents(subject: Subject, model: Model): { key: ConstraintRow; parent: RelationRow }[] {
  const { organizations, userTables } = model.tenancy;
  const links = new Set(crossLinks(subject, model).map(({ column }) => column));
  return subject.table.constraints.flatMap((key) => {
    const parent = model.tables.get(key.target ?? '');
    const isOwned =
      key.type === 'f' &&
      parent !== undefined &&
      parent !== subject.table &&
      parent !== organizations &&
      !userTables.has(qualifiedName(parent)) &&
      !key.columns.some((name) => isOfAuthor(subject, name, model)) &&
      !isPublic(parent, model) &&
      isSomeones(scopeOf(parent, model)) &&
      key.columns.some((name) => links.has(name));
    return isOwned ? [{ key, parent }] : [];
  });
}

/** The probes of it. */
export function movedProbes(subjects: readonly Subject[], actors: readonly Actor[], model: Model): NamedProbe[] {
  const strangers = actors.flatMap((actor, number) =>
    actor.relation === 'none' && !actor.isAnonymous && actor.only === undefined ? [{ actor, number }] : [],
  );
  return subjects.flatMap((subject): NamedProbe[] => {
    const { name, into, kind, rows, scope } = subject;
    const probe = (verb: NamedProbe['verb'], sql: string, state: string, numbers: number[]): NamedProbe => ({
      subject: name,
      verb,
      mode: 'write',
      state,
      sql,
      actors: numbers,
    });
    const holders = strangers.filter(({ actor }) => actor.side === 'b' && !actor.isNobody);
    const moved = movableLinks(subject, model).flatMap(({ column, a, isUnasked }) =>
      holders.flatMap(({ actor, number }) => {
        const update = `update ${into} set ${quoteIdentifier(column)} = ${a}`;
        const insert = isUnasked ? insertSql(subject, actor, model, 'own', new Map([[column, a]])) : undefined;
        const state = linkState(subject, column);
        return [
          // A statement that reads no column need not pass a policy to read.
          ...(subject.isLarge ? [] : [probe('move', update, state, [number])]),
          probe('move', `${update} where ${condition(rows.b.key)}`, state, [number]),
          ...(insert === undefined ? [] : [probe('insert-moved', insert, state, [number])]),
        ];
      }),
    );
    const isUsers = kind === 'table' && scope.owner === 'user' && scope.parent === undefined;
    const [shown] = grantedColumns(subject, model.userRole, 'S', model);
    const added =
      !isUsers || shown === undefined || ownedParents(subject, model).length === 0
        ? []
        : strangers.flatMap(({ actor, number }) => {
            const insert = insertSql(subject, actor, model, 'cross');
            const sql = `${insert ?? ''} returning ${quoteIdentifier(shown.name)}`;
            return insert === undefined ? [] : [probe('insert-unseen', sql, '', [number])];
          });
    return [...moved, ...added];
  });
}
