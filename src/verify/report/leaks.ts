import { qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { authUsers, isMadeUp, knownRowsState, readKnownRows } from '../fixtures/known-rows.ts';
import type { Actor } from '../probes/actors.ts';
import type { Model } from '../catalog/model.ts';
import type { Answer } from '../probes/run-script.ts';
import type { NamedProbe } from '../probes/probes.ts';
import { labelledRows, type Subject } from '../probes/subject.ts';
import { hasOwners } from '../fixtures/mixed-rows.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import { type Verb, verbs } from '../probes/verbs.ts';
import { withheldColumns } from '../catalog/withheld.ts';

/** What was found in the result of a function or view. */
export interface Found {
  /** A digest that identifies the result. */
  hash: string;
  /** Values of known rows that it contains, in any case. */
  values: readonly string[];
  /** A digest of its texts alone, whatever their order; dates and times are none. */
  texts: string;
  /** There is more in it than null, false, zero and empty texts. */
  isSomething: boolean;
  /** Those of the values that are only a part of longer texts. */
  parts: ReadonlySet<string>;
}

/** Reads the result of a probe of mode `rows`. */
export function readFound(answer: string): Found {
  const [hash, values, texts, isSomething, parts] =
    answer === '' ? ['', [], '', false, []] : (JSON.parse(answer) as [string, string[], string, boolean, string[]]);
  return { hash, values, texts, isSomething, parts: new Set(parts) };
}

/** Knows the rows of A and B, and finds the owner of a value. */
export interface LeakFinder {
  /**
   * Tables among `tables` whose row of A was revealed: the result contains values that were generated for that row
   * alone. With the state of the row, if it is not the ordinary one.
   */
  given(
    values: readonly string[],
    tables: ReadonlySet<string>,
  ): { value: string; holders: string[]; state?: string | undefined }[];
  /**
   * The same for values that other rows have too, in columns that the query returns: for results that depend on A's
   * key.
   */
  common(
    values: readonly string[],
    tables: ReadonlySet<string>,
    columns: ReadonlySet<string>,
  ): { value: string; holders: string[] }[];
  /** Values of A's rows in those tables that a text contains, in any case. */
  within(text: string, tables: ReadonlySet<string>): string[];
  /** The value of a column of A's row, as stored. */
  stored(table: string, column: string): string | undefined;
  /** Returns whether the actor may not do that with A's row. */
  isForbidden(table: string, actor: Actor, verb: Verb): boolean;
  /**
   * Returns whether a query of those tables may not reveal A's row to the actor. Members may learn who the other
   * members are: in kits with a closed users table, a function over the memberships tells them.
   * @param value what it reveals of the row, which may be withheld where the row is not
   */
  isHidden(table: string, actor: Actor, tables: ReadonlySet<string>, value?: string): boolean;
  /** Returns whether the row of A's has that value only in columns that nobody may read there. */
  isWithheld(value: string, table: string): boolean;
}

/** Creates the finder of one proof. */
export function leakFinder(proof: {
  answer: Answer;
  model: Model;
  subjects: readonly Subject[];
  probes: readonly NamedProbe[];
}): LeakFinder {
  const declared = declaredStates(proof.answer, proof.probes);
  const rows = readKnownRows(proof.answer.states[knownRowsState]);
  const ofB = new Set([...rows.values()].flatMap(({ b }) => [...b.values()]));
  const subjects = new Map(proof.subjects.map((subject) => [subject.name, subject]));
  // What B's row says of a row of A's, such as the chat that B has left, B may read there.
  const isInMixed = (value: string, name: string): boolean => {
    const { table, rows } = subjects.get(name) ?? {};
    return (
      table !== undefined &&
      rows?.m !== undefined &&
      !hasOwners(table, proof.model) &&
      [...rows.m.values.values()].includes(quoteLiteral(value))
    );
  };
  const withheld = new Map<Subject, ReadonlySet<string>>();
  const isWithheldIn = (subject: Subject, column: string): boolean => {
    const columns = withheld.get(subject) ?? withheldColumns(subject.table, proof.model);
    withheld.set(subject, columns);
    return columns.has(column);
  };
  const isWithheld = (value: string, name: string): boolean => {
    const subject = subjects.get(name);
    const known = rows.get(name);
    const columns = [
      ...(known?.a ?? []),
      ...[...(known?.states.values() ?? [])].flatMap((state) => [...state]),
    ].flatMap(([column, held]) => (held === value ? [column] : []));
    return subject !== undefined && columns.length > 0 && columns.every((column) => isWithheldIn(subject, column));
  };
  /** A row of A's that everyone may read says so as well, as who has published it. */
  const isInDeclared = (value: string, name: string): boolean => {
    const subject = subjects.get(name);
    const letters = declared.get(name);
    return (
      subject !== undefined &&
      letters !== undefined &&
      labelledRows(subject).some(
        ([label, { values }]) =>
          letters.has(label) &&
          [...values].some(([column, sql]) => sql === quoteLiteral(value) && !isWithheldIn(subject, column)),
      )
    );
  };
  const holdersOf = (
    value: string,
    tables: ReadonlySet<string>,
    holds: (column: string, table: RelationRow | undefined) => boolean,
  ): string[] =>
    [...tables].filter(
      (name) =>
        !isInMixed(value, name) &&
        !isInDeclared(value, name) &&
        [...(rows.get(name)?.a ?? [])].some(
          ([column, held]) => held === value && holds(column, proof.model.tables.get(name)),
        ),
    );
  const inStates = (
    value: string,
    tables: ReadonlySet<string>,
  ): { value: string; holders: string[]; state: string }[] =>
    [...tables].flatMap((name) => {
      if (isInDeclared(value, name)) return [];
      const known = (subjects.has(name) ? labelledRows(subjects.get(name)!) : []).filter(
        ([label]) => declared.get(name)?.has(label) === true,
      );
      const found = [...(rows.get(name)?.states ?? [])].find(
        ([state, held]) =>
          [...held.values()].includes(value) &&
          (isWithheld(value, name) || !known.some(([, row]) => row.state === state)),
      );
      return found === undefined ? [] : [{ value, holders: [name], state: found[0] }];
    });
  // What a row says that everyone may read is nothing that another table keeps, as who offers the goods of a shop.
  const shown = new Set(
    [...declared].flatMap(([name, letters]) => {
      const subject = subjects.get(name);
      return subject === undefined
        ? []
        : labelledRows(subject)
            .filter(([label]) => letters.has(label))
            .flatMap(([, { values }]) => [...values].filter(([column]) => !isWithheldIn(subject, column)))
            .map(([, sql]) => sql);
    }),
  );
  const { userTables, membership } = proof.model.tenancy;
  const isForbidden: LeakFinder['isForbidden'] = (table, actor, verb) => {
    if (table === authUsers) return actor.relation === 'none';
    const subject = subjects.get(table);
    return subject !== undefined && verbs[verb].expects(subject, actor, proof.model) === 'no';
  };
  return {
    isForbidden,
    isWithheld,
    within: (text, tables) =>
      [...tables]
        .flatMap((name) => [...(rows.get(name)?.a.values() ?? [])])
        .filter((value) => isMadeUp(value) && text.toLowerCase().includes(value.toLowerCase())),
    stored: (table, column) => rows.get(table)?.a.get(column),
    isHidden: (table, actor, tables, value) =>
      (isForbidden(table, actor, 'select') ||
        (value !== undefined && actor.relation === 'none' && isWithheld(value, table))) &&
      !(
        actor.relation === 'co-member' &&
        userTables.has(table) &&
        membership !== undefined &&
        tables.has(qualifiedName(membership.table))
      ),
    given: (values, tables) =>
      distinct(values).flatMap((value) => {
        if (!isMadeUp(value) || ofB.has(value) || shown.has(quoteLiteral(value))) return [];
        const holders = holdersOf(value, tables, () => true);
        return holders.length === 0 ? inStates(value, tables) : [{ value, holders }];
      }),
    common: (values, tables, columns) =>
      distinct(values).flatMap((value) => {
        const holders = holdersOf(
          value,
          tables,
          (column, table) => (columns.has(column) || columns.has('*')) && tells(column, table),
        );
        return holders.length === 0 ? [] : [{ value, holders }];
      }),
  };
}

/** By subject: letters of the rows that it is declared everyone may read. */
function declaredStates({ cells }: Answer, probes: readonly NamedProbe[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const cell of cells) {
    const { subject, verb } = probes[cell.probe]!;
    if (verb === 'select-public' && 'answer' in cell)
      found.set(subject, new Set([...(found.get(subject) ?? []), ...cell.answer]));
  }
  return found;
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}

/** Every row contains the time of the proof, so that does not identify one. */
function tells(column: string, table: RelationRow | undefined): boolean {
  const base = table?.columns.find(({ name }) => name === column)?.base ?? '';
  return (
    !/^(timestamp|date$|time)/.test(base) &&
    !(table?.constraints.some(({ type, columns }) => type === 'f' && columns.includes(column)) ?? false)
  );
}

/** The names of the tables, for {@link LeakFinder}. */
export function namesOf(tables: readonly RelationRow[]): Set<string> {
  return new Set(tables.map(qualifiedName));
}
