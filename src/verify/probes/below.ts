/** What lies below a row of another in a tree, such as a folder in a folder: what its owner reaches by that, and who may put it there. */
import { type ConstraintRow, isPlatformSchema, qualifiedName } from '../../rules/engine/live/catalog.ts';
import { quoteIdentifier } from '../../shared/quote.ts';
import type { Model } from '../catalog/model.ts';
import { mayChange } from '../catalog/reached-tables.ts';
import { isPublic, isSomeones } from '../catalog/scope.ts';
import type { Chain } from '../fixtures/script.ts';
import { insertSql } from './insert-sql.ts';
import { readFound } from '../report/leaks.ts';
import { rowsOfA } from './labels.ts';
import type { FirstRound } from './paths.ts';
import type { NamedProbe } from './probes.ts';
import type { Opened } from './run-script.ts';
import { condition, grantedColumns, type Subject } from './subject.ts';

/** What the owner of a row reads of another's because that lies above it. */
export interface Above {
  /** The table of the tree, and the columns by which its rows lie below each other. */
  tree: Subject;
  columns: readonly string[];
  /** The table, view or function that gives it, as in the report. */
  object: string;
  actor: number;
}

/** A row that a stranger adds below one of A that it does not read, and that A reads there. */
export interface Below {
  tree: Subject;
  key: ConstraintRow;
  actor: number;
  /** Who adds it does not read it there. */
  isUnseen: boolean;
}

/** The chains, with the probes that they need. */
export interface Trees {
  probes: NamedProbe[];
  chains: Chain[];
  /** The number of the first of the probes. */
  start: number;
  /** The numbers of those in which calls are made before anything has changed. */
  usual: ReadonlySet<number>;
  /** By the number of the chain in which the server has put a row of a stranger below that of A. */
  put: ReadonlyMap<number, { tree: Subject; key: ConstraintRow }>;
  /** By the number of the chain in which a stranger adds such a row. */
  added: ReadonlyMap<number, { tree: Subject; key: ConstraintRow; look: number; owner: number }>;
}

/**
 * The chains for each table whose rows refer to others of it.
 * @param start the number of the first probe that is added
 */
export function treesOf(first: FirstRound, start: number): Trees {
  const { model, actors, subjects } = first;
  const probes: NamedProbe[] = [];
  const chains: Chain[] = [];
  const usual = new Set<number>();
  const put = new Map<number, { tree: Subject; key: ConstraintRow }>();
  const added = new Map<number, { tree: Subject; key: ConstraintRow; look: number; owner: number }>();
  const add = (probe: NamedProbe): number => start + probes.push(probe) - 1;
  const by = actors.findIndex(
    (one) => one.relation === 'none' && !one.isAnonymous && one.only === undefined && one.side === 'b' && !one.isNobody,
  );
  const owner = actors.findIndex(({ relation }) => relation === 'self');
  const actor = actors[by];
  if (actor === undefined || owner === -1) return { probes, chains, start, usual, put, added };
  for (const tree of subjects) {
    for (const key of keysOfTree(tree, model)) {
      const links = linksToA(tree, key);
      if (links === undefined) continue;
      const calls = ownCalls(tree, by, first).map(add);
      const looks = [...readsOf(tree, by, first), ...calls];
      if (looks.length > 0) {
        const lead = add({ ...showing(tree, "select 'a'"), prepare: putBelow(tree, links) });
        const afterwards = looks.map((probe): [number, number] => [probe, by]);
        if (calls.length > 0)
          usual.add(chains.push({ lead: [], afterwards: calls.map((probe) => [probe, by]), states: [] }) - 1);
        put.set(chains.push({ lead: [[lead, by]], afterwards, states: [] }) - 1, { tree, key });
      }
      const isRead = first.probes.some(({ subject }) => subject === tree.name);
      const insert =
        isRead && isUsersOwn(tree, model) ? insertSql(tree, actor, model, 'own', new Map(links)) : undefined;
      const granted = new Set(grantedColumns(tree, actor.role, 'I', model).map(({ name }) => name));
      if (insert === undefined || !links.every(([name]) => granted.has(name))) continue;
      const own = tree.belongs.map((one): [string, string] => [one.column, one.b]);
      const seen = `select case when exists (select 1 from ${tree.into} where ${condition([...links, ...own])}) then 'a' else '' end`;
      const look = add(showing(tree, seen));
      const lead = add({ subject: tree.name, verb: 'insert', mode: 'write', state: '', sql: insert, actors: [] });
      const afterwards: [number, number][] = [
        [look, owner],
        [look, by],
      ];
      added.set(chains.push({ lead: [[lead, by]], afterwards, states: [] }) - 1, { tree, key, look, owner });
    }
  }
  return { probes, chains, start, usual, put, added };
}

/** The foreign keys by which rows that are someone's refer to others of the same table. */
function keysOfTree({ kind, table, isLarge }: Subject, model: Model): ConstraintRow[] {
  if (kind !== 'table' || isLarge || isPlatformSchema(table.schema) || isPublic(table, model)) return [];
  return table.constraints.filter(({ type, target }) => type === 'f' && target === qualifiedName(table));
}

/** The values of the columns in a row below that of A; undefined where they say whose the row is, or are its key. */
function linksToA({ rows, belongs, table }: Subject, key: ConstraintRow): [string, string][] | undefined {
  const taken = new Set([...belongs.map(({ column }) => column), ...rows.b.key.map(([name]) => name)]);
  const free = key.columns.map((name, index): [string, string | undefined] => [
    name,
    rows.a.values.get(key.targetColumns?.[index] ?? '') ?? new Map(rows.a.key).get(key.targetColumns?.[index] ?? ''),
  ]);
  // Beside the parent, such a key may hold what both rows have in common, as the organization.
  const shared = free.filter(([name]) => taken.has(name));
  const own = free.filter(([name]) => !taken.has(name));
  const isKnown = own.length > 0 && own.every(([, value]) => value !== undefined && value !== 'NULL');
  const isGenerated = table.columns.some(({ name, generated }) => generated && own.some(([column]) => column === name));
  return isKnown && !isGenerated && shared.length === 0 ? own.map(([name, value]) => [name, value!]) : undefined;
}

/** It is a user's by a column of its own, and nothing else says whose it is. */
function isUsersOwn({ scope, table }: Subject, model: Model): boolean {
  return (
    scope.owner === 'user' && scope.parent === undefined && isSomeones(scope) && table !== model.tenancy.organizations
  );
}

/** The server puts the stranger's row below that of A, as far as nothing refuses that. */
function putBelow({ into, rows }: Subject, links: readonly [string, string][]): string {
  const set = links.map(([name, value]) => `${quoteIdentifier(name)} = ${value}`).join(', ');
  return (
    `do $muse_tree$ begin update ${into} set ${set} where ${condition(rows.b.key)}; ` +
    'exception when others then null; end $muse_tree$'
  );
}

/** How many calls of a function are made. */
const mostCalls = 4;

/** The stranger's reads of the table and of all whose policies ask for it, and its calls of the functions that name the table. */
function readsOf({ table, name }: Subject, by: number, { probes, subjects, callables, model }: FirstRound): number[] {
  const askers = new Set([table, ...model.dependencies.askers(name)]);
  const names = new Set(subjects.flatMap((one) => (askers.has(one.table) ? [one.name] : [])));
  const reads = probes.flatMap(({ subject, verb, mode, actors }, number) =>
    names.has(subject) && verb === 'select' && mode === 'read' && actors.includes(by) ? [number] : [],
  );
  const numbers = new Map(probes.map((probe, number) => [probe, number]));
  const calls = likelyCalls(name, by, { callables, model }).flatMap((probe) => numbers.get(probe) ?? []);
  return [...reads, ...calls];
}

/** The stranger's calls with the key of its own row in place of that of A's. */
function ownCalls({ name, rows }: Subject, by: number, first: FirstRound): NamedProbe[] {
  const keys = rows.a.key.flatMap(([column, ofA]): [string, string][] => {
    const ofB = new Map(rows.b.key).get(column);
    return ofB === undefined ? [] : [[ofA, ofB]];
  });
  const made = likelyCalls(name, by, first).flatMap((probe): NamedProbe[] => {
    const sql = keys.reduce((text, [ofA, ofB]) => text.replaceAll(ofA, ofB), probe.sql);
    return sql === probe.sql ? [] : [{ ...probe, sql, state: '', actors: [] }];
  });
  return [...new Map(made.map((probe) => [probe.sql, probe])).values()];
}

/** The first calls of each function that names a table and changes nothing. */
function likelyCalls(
  name: string,
  by: number,
  { callables, model }: Pick<FirstRound, 'callables' | 'model'>,
): NamedProbe[] {
  return callables.flatMap((callable) =>
    callable.runsAsOwner && callable.tables.has(name) && !mayChange(callable.routine, model)
      ? [...new Set(callable.calls.flatMap(({ probe }) => (probe.actors.includes(by) ? [probe] : [])))].slice(
          0,
          mostCalls,
        )
      : [],
  );
}

function showing({ name }: Subject, sql: string): NamedProbe {
  return { subject: name, verb: 'select', mode: 'read', state: '', sql, actors: [] };
}

/** A call gives values of A's rows, hidden from who calls, that it did not give before. */
function isGivenMore(
  answer: string,
  known: string,
  name: string,
  actor: number,
  { leaks, callables, actors, model }: FirstRound,
): boolean {
  const tables = new Set(
    [...(callables.find((one) => one.name === name)?.tables ?? [])].filter(
      (table) => model.tables.get(table) !== model.tenancy.organizations,
    ),
  );
  const earlier = new Set(readFound(known).values);
  const values = readFound(answer).values.filter((value) => !earlier.has(value));
  return leaks
    .given(values, tables)
    .some(({ value, holders }) => holders.every((table) => leaks.isHidden(table, actors[actor]!, tables, value)));
}

/**
 * Reads what came of the chains.
 * @returns what lies above and is read, and what was put below
 */
export function readTrees(
  opened: readonly Opened[],
  trees: Trees,
  first: FirstRound,
): { above: Above[]; below: Below[] } {
  const { cells, probes, subjects, model } = first;
  const organizations = new Set(
    subjects.flatMap(({ name, table }) => (table === model.tenancy.organizations ? [name] : [])),
  );
  const before = new Map(
    [...cells, ...opened.filter((one) => 'probe' in one && trees.usual.has(one.chain))].flatMap(
      (cell): [string, string][] =>
        'probe' in cell ? [[`${cell.actor} ${cell.probe}`, 'code' in cell ? '' : cell.answer]] : [],
    ),
  );
  const above: Above[] = [];
  const seen = new Map<number, Set<number>>();
  for (const one of opened) {
    if (!('answer' in one)) continue;
    const put = trees.put.get(one.chain);
    if (put !== undefined) {
      const { subject, verb } = probes[one.probe] ?? trees.probes[one.probe - trees.start]!;
      const known = before.get(`${one.actor} ${one.probe}`) ?? '';
      const isMore =
        verb === 'call'
          ? isGivenMore(one.answer, known, subject, one.actor, first)
          : [...rowsOfA(one.answer)].some((letter) => !known.includes(letter));
      // What an organization is called, those below it may know.
      if (isMore && !organizations.has(subject))
        above.push({ tree: put.tree, columns: put.key.columns, object: subject, actor: one.actor });
    }
    const added = trees.added.get(one.chain);
    if (added !== undefined && one.probe === added.look && one.answer !== '')
      seen.set(one.chain, (seen.get(one.chain) ?? new Set()).add(one.actor));
  }
  const below = [...trees.added].flatMap(([chain, { tree, key, owner }]): Below[] => {
    const [, by] = trees.chains[chain]!.lead[0]!;
    if (seen.get(chain)?.has(owner) !== true) return [];
    // What it reads already, it may answer.
    const isRead = probes.some(
      ({ subject, verb, mode }, number) =>
        subject === tree.name &&
        verb === 'select' &&
        mode === 'read' &&
        before.get(`${by} ${number}`)?.includes('a') === true,
    );
    return isRead ? [] : [{ tree, key, actor: by, isUnseen: seen.get(chain)?.has(by) !== true }];
  });
  return { above, below };
}
