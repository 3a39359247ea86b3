import { holds, type Node, walk } from '../../sql/nodes.ts';
import { type Catalog, type FunctionRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { type ParseExpression, queryExpression } from '../../rules/engine/live/expression.ts';
import { parseTree } from '../../sql/parser.ts';
import { type CopiedColumn, copiedColumns } from './copied-columns.ts';
import { type DecidingColumns, decidingColumnsOf } from './deciding-columns.ts';
import { type ColumnChange, mentionedColumns, mentions } from './mentioned-columns.ts';
import { settingNode, settingsIn, writtenNodes } from './settings.ts';
import { type Effects, effectsOf, type RelationName, searchPathOf, type Sources } from './effects.ts';

/** A table that a write changes indirectly, and the trigger or rule that does it. */
export interface SideEffect {
  table: string;
  trigger: string;
}

/** A write of a table, as far as triggers ask for it. */
export interface Write {
  /** Letters of I INSERT, U UPDATE, D DELETE. */
  events: string;
  /** The columns that an UPDATE sets; undefined for any. */
  columns?: ReadonlySet<string> | undefined;
}

/** Relations by `schema.name`, settings, and functions. */
export interface Affected {
  relations: ReadonlySet<string>;
  routines: ReadonlySet<FunctionRow>;
}

/** A relation by its policies or its query, or a function by its body, that names a table. */
export interface Reader {
  trees: readonly Node[];
  /** The function, or the relation. */
  routine: FunctionRow | undefined;
  row: RelationRow | undefined;
  /** Relations that it reads, itself, by views or by what it calls; none where that cannot be read. */
  reads: ReadonlySet<string>;
  /** The trees of those views and functions, and its own. */
  reaches: ReadonlySet<readonly Node[]>;
}

/**
 * The dependency graph, read from the parse trees of policies, views and function bodies. Relations by `schema.name`;
 * beside them stand the settings of the session, which functions write and policies read like tables.
 */
export interface Dependencies {
  /**
   * Relations whose visible rows may change when rows of the tables change, because policies or views read those,
   * directly or through others.
   * @param change what alone was changed of one of them
   */
  dependents(tables: Iterable<string>, change?: ColumnChange): ReadonlySet<string>;
  /** Returns whether a function's result may change when rows of the tables change; `change` as in {@link dependents}. */
  asks(routine: FunctionRow, tables: ReadonlySet<string>, change?: ColumnChange): boolean;
  /** Relations that a function names, itself or by what it calls; all of them where that cannot be read. */
  namedBy(routine: FunctionRow): ReadonlySet<string>;
  /** Says whether it can be read what a function does, and what it calls. */
  isReadable(routine: FunctionRow): boolean;
  /** Those of them that it writes. */
  writtenBy(routine: FunctionRow): ReadonlySet<string>;
  /** Every setting that a policy or a function reads, as {@link settingNode}. */
  settingsRead(): readonly string[];
  /** Says whether a function, or what it calls, may change privileges or policies, as far as that can be read. */
  changesAccess(routine: FunctionRow): boolean;
  /** Tables that triggers and rules change when the table is written, transitively; `by` that write, or by any. */
  sideEffects(table: string, by?: Write): readonly SideEffect[];
  /** Relations whose policies, or the functions called by those, name the table. */
  askers(table: string): readonly RelationRow[];
  /** Whatever names the table, directly, and its own policies. */
  readers(table: string): readonly Reader[];
  /** Whatever calls a function that names the table, and does not name it itself. */
  callers(table: string): readonly Reader[];
  /** Says whether what comes of a query or a write of the relation may depend on rows of the tables: by policies, defaults, checks, rules and triggers. */
  consults(relation: string, tables: ReadonlySet<string>): boolean;
  /** Says whether other relations' policies or views ask this table. */
  isDeciding(table: string): boolean;
  /**
   * What a change of those relations and functions may make reachable: what depends on them, and whatever may open that
   * by a write.
   */
  affectedBy(relations: Iterable<string>, routines: Iterable<FunctionRow>): Affected;
  /**
   * Columns of a table that other policies and functions read, with the constants that they are compared with, in
   * order.
   */
  decidingColumns(table: string): DecidingColumns;
  /** The columns that triggers of the table copy into one that something compares with constants. */
  copied(table: string): readonly CopiedColumn[];
}

/** What one policy, view or function body mentions. */
interface Mentions {
  reads: Set<string>;
  writes: Set<string>;
  calls: Set<FunctionRow>;
  /** What it reads, or opens, is not seen from what it names. */
  isOpaque: boolean;
  /** Nor what it writes. */
  writesAny: boolean;
  turnsTriggers: boolean;
  trees: readonly Node[];
  /** Those of them whose constants may be values of columns. */
  compared: readonly Node[];
  /** The table whose policies they are. */
  own?: string;
}

/** Statements that change who may reach what, beside ALTER TABLE. */
const accessStatements = ['GrantStmt', 'GrantRoleStmt', 'CreatePolicyStmt', 'AlterPolicyStmt', 'DropStmt'] as const;

/**
 * Commands of ALTER TABLE that turn triggers on and off: like a write, they concern the rows of the table that is named, and
 * nothing else.
 */
const triggerCommand = /^AT_(?:Enable|Disable)(?:Always|Replica)?Trig(?:All|User)?$/;

/** Builds the graph; each tree is read once, when it is first asked for. */
export function dependenciesOf(catalog: Catalog, parse: ParseExpression, sources: Sources): Dependencies {
  const resolve = resolverOf(catalog);
  const mentionsOf = (
    trees: readonly Node[],
    effects: Effects,
    { isOpaque, writesAny }: Pick<Mentions, 'isOpaque' | 'writesAny'>,
    caller?: FunctionRow,
  ): Mentions => {
    // What the catalog prints without a schema is in public, unless it is nowhere there.
    const isPrinted = caller === undefined || sources.body(caller).isPrinted;
    const path = isPrinted ? ['public'] : searchPathOf(caller);
    const named = (all: readonly RelationName[]): Set<string> =>
      new Set(all.flatMap((one) => resolve(one, path, isPrinted)));
    const settings = settingsIn(trees);
    return {
      reads: new Set([...named(effects.relations), ...settings.read.map(settingNode)]),
      writes: new Set([...named(effects.written), ...writtenNodes(settings.written, settingsRead)]),
      calls: new Set(sources.called(effects, caller)),
      isOpaque,
      writesAny,
      turnsTriggers: alters(trees, (command) => triggerCommand.test(command)),
      trees,
      compared: caller === undefined ? trees : trees.filter((tree) => !sources.body(caller).raised.has(tree)),
    };
  };
  function settingsRead(): string[] {
    const policies = catalog.relations.flatMap((row) => row.policies.flatMap(({ using, check }) => [using, check]));
    const trees = [
      ...policies.flatMap((sql) => (sql === null ? [] : [parse(sql) as Node | undefined])),
      ...catalog.functions.flatMap((routine) => sources.body(routine).trees),
    ].filter((tree) => tree !== undefined);
    return [...new Set(settingsIn(trees).read.map(settingNode))];
  }
  const mentionsIn = (trees: Node[]): Mentions =>
    mentionsOf(trees, effectsOf({ trees }), { isOpaque: false, writesAny: false });
  const about = (sql: string): Mentions =>
    mentionsIn([parse(sql) as Node | undefined].filter((tree) => tree !== undefined));
  const relations = new Map(catalog.relations.map((row) => [qualifiedName(row), row]));
  const all = new Set(relations.keys());
  const bodies = remember((routine: FunctionRow) => {
    const { trees, isUnreadable } = sources.body(routine);
    const effects = sources.effects(routine);
    // What a function opens by changing privileges or policies is not seen from the tables that it names.
    const changesAccess =
      holds(trees, ...accessStatements) || alters(trees, (command) => !triggerCommand.test(command));
    const isUnseen = isUnreadable || changesAccess;
    const seen = { isOpaque: isUnseen || effects.readsAny, writesAny: isUnseen || effects.writesAny };
    return mentionsOf(trees, effects, seen, routine);
  });
  const askers = remember((row: RelationRow) => {
    const expressions = row.policies.flatMap((policy) => [policy.using, policy.check]).filter((sql) => sql !== null);
    const trees = [...expressions, ...(row.query === null ? [] : [queryExpression(row.query)])].map((sql) =>
      parse(sql),
    );
    const mentions = mentionsIn(trees.filter((tree) => tree !== undefined) as Node[]);
    for (const name of row.reads) mentions.reads.add(name);
    return { ...mentions, ...(row.query === null && { own: row.name }) };
  });
  /** The mentions in a start and in everything that it calls or, for reads, reads. */
  const closure = (start: Mentions, follows: 'all' | 'views' | 'calls'): Mentions[] => {
    const found = new Set([start]);
    for (const one of found) {
      for (const routine of one.calls) found.add(bodies(routine));
      for (const name of follows === 'calls' ? [] : one.reads) {
        const row = relations.get(name);
        if (row !== undefined && (follows === 'all' || row.query !== null)) found.add(askers(row));
      }
    }
    return [...found];
  };
  const readsOf = (start: Mentions): ReadonlySet<string> => {
    const found = closure(start, 'all');
    return found.some((one) => one.isOpaque) ? all : new Set(found.flatMap((one) => [...one.reads]));
  };
  /** A table, and those that it is a partition or an inheritance child of: what reads them reads its rows. */
  const withParents = (name: string): string[] => {
    const parent = relations.get(name)?.parent ?? null;
    return parent === null ? [name] : [name, ...withParents(parent)];
  };
  const readsOfRelation = remember((row: RelationRow) => readsOf(askers(row)));
  const readsOfRoutine = remember((routine: FunctionRow) => readsOf(bodies(routine)));
  const by = (what: 'reads' | 'writes', isAny: 'isOpaque' | 'writesAny') =>
    remember((routine: FunctionRow): ReadonlySet<string> => {
      const found = closure(bodies(routine), 'calls');
      return found.some((one) => one[isAny]) ? all : new Set(found.flatMap((one) => [...one[what]]));
    });
  const namedBy = by('reads', 'isOpaque');
  const writtenBy = by('writes', 'writesAny');
  const writesBeside = (name: string, write?: Write): [by: string, table: string][] => {
    const { triggers = [], rules = [] } = relations.get(name) ?? {};
    return [
      ...triggers
        .filter((trigger) => trigger.enabled && (write === undefined || fires(trigger, write)))
        .flatMap((trigger) => {
          const routine = catalog.functions.find(({ oid }) => oid === trigger.function);
          return routine === undefined
            ? []
            : [...writtenBy(routine)].map((table): [string, string] => [trigger.name, table]);
        }),
      ...rules.flatMap((rule) =>
        closure(mentionsIn(ruleTrees(rule.definition)), 'calls').flatMap(({ writes }) =>
          [...writes].map((table): [string, string] => [rule.name, table]),
        ),
      ),
    ];
  };
  const effectsBy = (table: string, write?: Write): SideEffect[] => {
    const found = new Map<string, string>();
    // How a trigger writes the table itself is not known.
    const queue: [string, Write?][] = [write === undefined ? [table] : [table, write]];
    for (const [name, by] of queue) {
      for (const [trigger, written] of writesBeside(name, by)) {
        if (!found.has(written) && (written !== table || write !== undefined)) queue.push([written]);
        if (!found.has(written)) found.set(written, trigger);
      }
    }
    return [...found].map(([written, trigger]) => ({ table: written, trigger }));
  };
  const effectsOfAny = remember((table: string) => effectsBy(table));
  const sideEffects = (table: string, by?: Write): readonly SideEffect[] =>
    by === undefined ? effectsOfAny(table) : effectsBy(table, by);
  const columnsOf = remember((one: Mentions) => mentionedColumns(one.trees, one.own));
  /** Whether one of the tables is read, or of the table that was changed in part, what was changed. */
  const reads = (
    start: Mentions,
    read: ReadonlySet<string>,
    tables: Iterable<string>,
    change: ColumnChange | undefined,
  ): boolean => {
    const among = [...tables].filter((table) => withParents(table).some((name) => read.has(name)));
    if (among.some((table) => table !== change?.table) || change === undefined) return among.length > 0;
    const asRead = withParents(change.table).map((table) => ({ ...change, table }));
    return (
      among.length > 0 &&
      closure(start, 'all').some((one) => one.isOpaque || asRead.some((each) => mentions(columnsOf(one), each)))
    );
  };
  const dependents = (tables: Iterable<string>, change?: ColumnChange): Set<string> => {
    const changed = [...tables];
    return new Set(
      [...relations.values()]
        .filter((row) => reads(askers(row), readsOfRelation(row), changed, change))
        .map(qualifiedName),
    );
  };
  /**
   * Relations and functions whose result or effect may change: they read, write or call what changed, or have a trigger
   * that does.
   */
  const hangingOn = (
    changed: Iterable<string>,
    changedRoutines: Iterable<FunctionRow>,
  ): { relations: Set<string>; routines: Set<FunctionRow> } => {
    const [tables, routines] = [new Set(changed), new Set(changedRoutines)];
    for (const routine of routines) for (const name of writtenBy(routine)) tables.add(name);
    for (const name of tables)
      for (const one of [...withParents(name), ...sideEffects(name).map((effect) => effect.table)]) tables.add(one);
    const hangs = (start: Mentions): boolean =>
      closure(start, 'all').some(
        (one) =>
          one.isOpaque ||
          [...one.reads, ...one.writes].some((name) => tables.has(name)) ||
          [...one.calls].some((routine) => routines.has(routine)),
      );
    const reached = new Set(catalog.functions.filter((routine) => routines.has(routine) || hangs(bodies(routine))));
    const firing = new Set([...reached].map(({ oid }) => oid));
    const rows = catalog.relations.filter(
      (row) =>
        tables.has(qualifiedName(row)) ||
        hangs(askers(row)) ||
        row.triggers.some((trigger) => trigger.enabled && firing.has(trigger.function)),
    );
    return { relations: new Set(rows.map(qualifiedName)), routines: reached };
  };
  const affectedBy = (changed: Iterable<string>, changedRoutines: Iterable<FunctionRow>): Affected => {
    const { relations: affected, routines } = hangingOn(changed, changedRoutines);
    for (let before = -1; before !== affected.size + routines.size;) {
      before = affected.size + routines.size;
      const asked = new Set(
        [
          ...[...affected].map((name) => readsOfRelation(relations.get(name)!)),
          ...[...routines].map(readsOfRoutine),
        ].flatMap((names) => [...names]),
      );
      for (const routine of catalog.functions)
        if ([...writtenBy(routine)].some((name) => asked.has(name))) routines.add(routine);
      for (const name of relations.keys())
        if (asked.has(name) || sideEffects(name).some(({ table }) => asked.has(table))) affected.add(name);
    }
    return { relations: affected, routines };
  };
  /** What a write of the table runs, beside its policies: its own defaults, checks, rules and triggers, and the triggers of what goes with it. */
  const consulted = remember((name: string): ReadonlySet<string> => {
    const found = new Set(relations.has(name) ? readsOfRelation(relations.get(name)!) : []);
    const written = new Set([name, ...sideEffects(name).map(({ table }) => table)]);
    for (const table of written) {
      found.add(table);
      const { columns = [], constraints = [], rules = [], triggers = [], reads = [] } = relations.get(table) ?? {};
      // Writes go through a view to its tables, and deletes to the rows that point at what is deleted.
      for (const one of reads) written.add(one);
      for (const row of relations.values())
        if (row.constraints.some((key) => key.target === table)) written.add(qualifiedName(row));
      const expressions = [...columns.map((column) => column.default), ...constraints.map((check) => check.expression)];
      const trees = expressions
        .flatMap((sql) => (sql === null ? [] : [parse(sql) as Node | undefined]))
        .filter((tree) => tree !== undefined);
      const starts = [
        mentionsIn(trees),
        ...rules.map((rule) => mentionsIn(ruleTrees(rule.definition))),
        ...catalog.functions
          .filter(({ oid }) => triggers.some((trigger) => trigger.enabled && trigger.function === oid))
          .map(bodies),
      ];
      for (const start of starts) for (const one of readsOf(start)) found.add(one);
    }
    return found;
  });
  const askedBy = remember(
    (row: RelationRow) => new Set(closure(askers(row), 'views').flatMap((one) => [...one.reads])),
  );
  const readerOf = (mentions: Mentions, of: Pick<Reader, 'routine' | 'row'>): Reader => {
    const found = closure(mentions, 'views').filter(({ isOpaque }) => !isOpaque);
    return {
      ...of,
      trees: mentions.trees,
      reads: new Set(found.flatMap(({ reads }) => [...reads])),
      reaches: new Set(found.map(({ trees }) => trees)),
    };
  };
  const readers = remember((table: string) => [
    ...catalog.relations
      .filter((row) => qualifiedName(row) === table || askers(row).reads.has(table))
      .map((row) => readerOf(askers(row), { row, routine: undefined })),
    ...catalog.functions
      .filter((routine) => bodies(routine).reads.has(table))
      .map((routine) => readerOf(bodies(routine), { row: undefined, routine })),
  ]);
  const callers = remember((table: string) => {
    const isCaller = (mentions: Mentions): boolean =>
      !mentions.reads.has(table) && closure(mentions, 'calls').some(({ reads }) => reads.has(table));
    return [
      ...catalog.relations
        .filter((row) => qualifiedName(row) !== table && isCaller(askers(row)))
        .map((row) => readerOf(askers(row), { row, routine: undefined })),
      ...catalog.functions
        .filter((routine) => isCaller(bodies(routine)))
        .map((routine) => readerOf(bodies(routine), { row: undefined, routine })),
    ];
  });
  const isDeciding = remember((table: string) => [...dependents([table])].some((name) => name !== table));
  const columnsCompared = remember((table: string): DecidingColumns => {
    const row = relations.get(table);
    const family = row === undefined ? [] : withParents(table).flatMap((name) => relations.get(name) ?? []);
    return decidingColumnsOf(family, { askers, bodies, about }, catalog);
  });
  const copied = remember((table: string): readonly CopiedColumn[] => {
    const row = relations.get(table);
    // Whom or what a row names is no value that a policy compares with a constant.
    const isCompared = ({ table: name, to }: CopiedColumn): boolean => {
      const { columns = [], constraints = [] } = relations.get(name) ?? {};
      const column = columns.find((one) => one.name === to);
      const texts = columnsCompared(name).named.get(to);
      return (
        column !== undefined &&
        texts !== undefined &&
        (column.base === 'boolean' || texts.length > 0) &&
        !constraints.some(({ type, columns: keys }) => (type === 'f' || type === 'p') && keys.includes(to))
      );
    };
    return row === undefined ? [] : copiedColumns(row, catalog, sources).filter(isCompared);
  });
  const decidingColumns = remember((table: string): DecidingColumns => {
    const found = columnsCompared(table);
    if (copied(table).length === 0) return found;
    const named = new Map(found.named);
    for (const { column, table: name, to } of copied(table))
      named.set(column, [...new Set([...(named.get(column) ?? []), ...(columnsCompared(name).named.get(to) ?? [])])]);
    return { ...found, named };
  });
  return {
    dependents,
    namedBy,
    isReadable: (routine) => !closure(bodies(routine), 'calls').some(({ isOpaque }) => isOpaque),
    writtenBy,
    settingsRead,
    sideEffects,
    affectedBy,
    isDeciding,
    decidingColumns,
    copied,
    readers,
    callers,
    changesAccess: (routine) =>
      closure(bodies(routine), 'calls').some(({ isOpaque, turnsTriggers }) => isOpaque || turnsTriggers),
    consults: (relation, tables) =>
      [...tables].some((table) => withParents(table).some((name) => consulted(relation).has(name))),
    askers: remember((table) => catalog.relations.filter((row) => row.policies.length > 0 && askedBy(row).has(table))),
    asks: (routine, tables, change) => reads(bodies(routine), readsOfRoutine(routine), tables, change),
  };
}

/** Returns whether a write sets a trigger off. */
export function fires({ events, columns }: RelationRow['triggers'][number], write: Write): boolean {
  return [...write.events].some(
    (event) =>
      events.includes(event) &&
      (event !== 'U' ||
        columns.length === 0 ||
        write.columns === undefined ||
        columns.some((name) => write.columns!.has(name))),
  );
}

/** Returns whether an ALTER TABLE in the trees has such a command. */
function alters(trees: readonly Node[], isSuch: (command: string) => boolean): boolean {
  let found = false;
  walk(trees, (type, fields) => {
    found ||= type === 'AlterTableCmd' && isSuch(fields.subtype);
    return !found;
  });
  return found;
}

/** Memoizes a function of one argument. */
function remember<K, V>(find: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    if (!known.has(key)) known.set(key, find(key));
    return known.get(key)!;
  };
}

/** Finds relations by name: without a schema along the search path, or, where that is not known or not all, wherever there is one. */
function resolverOf(
  catalog: Catalog,
): (name: RelationName, path: readonly string[] | undefined, isOpen: boolean) => string[] {
  const byName = new Map<string, RelationRow[]>();
  for (const row of catalog.relations) byName.set(row.name, [...(byName.get(row.name) ?? []), row]);
  return ({ schema, name }, path, isOpen) => {
    const rows = byName.get(name) ?? [];
    const places = schema === undefined ? path : [schema];
    const place = places?.find((one) => rows.some((row) => row.schema === one));
    const isAnywhere = places === undefined || (place === undefined && schema === undefined && isOpen);
    return rows.filter((row) => isAnywhere || row.schema === place).map(qualifiedName);
  };
}

function ruleTrees(definition: string): Node[] {
  const parsed = parseTree(definition);
  return Array.isArray(parsed) ? parsed.flatMap(({ stmt }): Node[] => (stmt === undefined ? [] : [stmt])) : [];
}
