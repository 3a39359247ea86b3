/** What policies ask that no row and no user which were made up may meet. */
import { isPlatformSchema, type PolicyRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, constantOf, fields, nameParts, type Node, walk } from '../../rules/engine/live/expression.ts';
import { isWhoAsks, type Model } from '../catalog/model.ts';
import { policiesFor, scopeOf } from '../catalog/scope.ts';
import { findStaff } from '../catalog/staff.ts';
import { commands, expressionsFor, gathered, isAlwaysFalse, type Letter, stripped } from '../catalog/verb-policies.ts';

/** How deep helpers are followed. */
const deepest = 4;

/** What names mean in a query, and the arguments of the helper around it. */
interface Scene {
  /** Tables by the name that stands for them. */
  tables: ReadonlyMap<string, RelationRow>;
  /** The table whose row is asked about; its columns need no qualifier in a policy. */
  own: RelationRow | undefined;
  names: ReadonlySet<string>;
  /** Policies narrow what is read: it is not in a function with its owner's rights. */
  isUser: boolean;
  depth: number;
}

/**
 * What the policies of a table ask for a verb beyond what the fixtures supply: whose the row is, the states of its own
 * columns, members and their roles, and rows that belong to each other. Named for a report. Empty where nobody can ever meet
 * them: each policy that lets a user in is false, or asks only for what there was.
 */
export function unmetBy(table: RelationRow, letter: Letter, model: Model): string[] {
  const policies = policiesFor(table, letter, model).filter(
    (policy) =>
      // What can never be true asks nothing.
      !expressionsFor(policy, letter).some((sql) => isAlwaysFalse(model.parse(sql))),
  );
  if (policies.length === 0) return [];
  const narrowing = table.policies.filter(
    ({ permissive, command, roles }) =>
      !permissive &&
      (command === '*' || command === commands[letter]) &&
      roles.some((role) => role === 'public' || role === model.userRole),
  );
  const reader = new UnmetReader(table, model);
  for (const policy of [...policies, ...narrowing]) {
    for (const sql of expressionsFor(policy, letter)) reader.read(model.parse(sql));
    // A row that stays as it is does not pass a policy which wants a change.
    if (letter === 'U' && policy.check !== null && policy.check !== policy.using) reader.readChange(policy);
  }
  return [...reader.unmet];
}

/** Gathers what conditions ask beyond what is supplied. */
class UnmetReader {
  readonly unmet = new Set<string>();
  private readonly seen = new Set<RelationRow>();
  private readonly table: RelationRow;
  private readonly model: Model;
  private readonly scene: Scene;

  constructor(table: RelationRow, model: Model) {
    this.table = table;
    this.model = model;
    this.scene = { tables: new Map([[table.name, table]]), own: table, names: new Set(), isUser: true, depth: 0 };
  }

  /** Reads a policy's expression. */
  read(tree: unknown): void {
    this.condition(tree, this.scene);
  }

  /** Reads a policy that asks something else of the row before it is changed than afterwards: the row's own columns count. */
  readChange({ using, check }: PolicyRow): void {
    for (const sql of [using, check]) {
      walk(sql === null ? undefined : this.model.parse(sql), (type, node) => {
        if (type === 'SubLink' || type === 'FuncCall') return false;
        const column = this.columnIn({ [type]: node }, this.scene);
        if (column !== undefined && !scopeOf(this.table, this.model).columns.includes(column.row.name))
          this.add(column);
        return undefined;
      });
    }
  }

  /** Who asks: in a schema that isolates by session variables, any setting says so, and it is given. */
  private asksWho(node: unknown): boolean {
    if (isWhoAsks(node, this.model)) return true;
    let isSetting = false;
    if (this.model.userRole !== 'authenticated')
      walk(node, (type, call) => {
        if (type === 'SubLink' && fields(call['subselect'], 'SelectStmt')?.['fromClause'] !== undefined) return false;
        isSetting ||= type === 'FuncCall' && nameParts(call['funcname']).at(-1) === 'current_setting';
        return undefined;
      });
    return isSetting;
  }

  private condition(node: unknown, scene: Scene): void {
    const bool = fields(node, 'BoolExpr');
    if (bool !== undefined) {
      const args = bool['args'] as unknown[];
      // Every table has rows, so what must not be there may well be.
      if (bool['boolop'] === 'NOT_EXPR' && this.reads(args[0])) this.name(args[0], scene);
      for (const arg of args) this.condition(arg, scene);
      return;
    }
    const link = fields(node, 'SubLink');
    const call = fields(node, 'FuncCall');
    const test = fields(node, 'NullTest') ?? fields(node, 'BooleanTest');
    if (link !== undefined) this.link(link, scene);
    else if (test !== undefined) this.value(test['arg'], scene, node);
    else if (fields(node, 'A_Expr') !== undefined) this.comparison(fields(node, 'A_Expr')!, node, scene);
    else if (this.asksWho(node) || constantOf(node) !== undefined) return;
    else if (call !== undefined) this.call(call, scene);
    else this.value(node, scene, node);
  }

  /** A value that must be true, null or a constant: of the row's own, it is so in one of its states. */
  private value(node: unknown, scene: Scene, whole: unknown): void {
    if (this.asksWho(node)) return;
    const column = this.columnIn(node, scene);
    if (column === undefined ? !this.isOfMembers(node, scene) : !this.isSupplied(column, scene))
      this.name(whole, scene);
  }

  private comparison(expression: Node, node: unknown, scene: Scene): void {
    const { lexpr, rexpr } = expression;
    const operator = nameParts(expression['name']).at(-1) ?? '';
    const sides = [lexpr, rexpr].map((side) => ({ side, column: this.columnIn(side, scene) }));
    if (sides.some(({ side }) => this.asksWho(side))) {
      if (!sides.every(({ side, column }) => this.asksWho(side) || (column !== undefined && this.isHeld(column))))
        this.name(node, scene);
      return;
    }
    const [left, right] = sides as [(typeof sides)[number], (typeof sides)[number]];
    const columns = sides.flatMap(({ column }) => column ?? []);
    if (columns.length === 2) {
      if (operator !== '=' || !this.areLinked(columns[0]!, columns[1]!)) this.name(node, scene);
      return;
    }
    const other = left.column === undefined ? left.side : right.side;
    const [column] = columns;
    if (column !== undefined && this.isConstant(other)) {
      if (!this.isSupplied(column, scene)) this.name(node, scene);
      return;
    }
    if (column !== undefined && this.isArgument(other, scene)) {
      if (operator !== '=' || !(this.isKey(column) || this.isSupplied(column, scene))) this.name(node, scene);
      return;
    }
    const isQueried = [left.side, right.side].some((side) => this.reads(side) && this.isQuery(side));
    if (!isQueried) {
      if (!this.isOfMembers(node, scene)) this.name(node, scene);
      return;
    }
    for (const { side } of sides) if (this.reads(side)) this.condition(stripped(side), scene);
    // What a helper gives is compared with the row's key, or with a constant.
    if (column === undefined ? !this.isOfMembers(node, scene) : !this.isKey(column)) this.name(node, scene);
  }

  private link(link: Node, scene: Scene): void {
    const select = fields(link['subselect'], 'SelectStmt');
    if (select === undefined) return;
    const test = this.columnIn(link['testexpr'], scene);
    if (link['testexpr'] !== undefined && !this.asksWho(link['testexpr']) && (test === undefined || !this.isKey(test)))
      this.name(link['testexpr'], scene);
    this.query(select, scene, link['subLinkType'] !== 'EXISTS_SUBLINK');
  }

  private query(select: Node, around: Scene, isCompared: boolean): void {
    if (around.depth > deepest) return;
    for (const part of ['larg', 'rarg'] as const)
      if (select[part] !== undefined) this.query(select[part] as Node, around, isCompared);
    const tables = new Map<string, RelationRow>();
    let isPlain = true;
    walk(select['fromClause'], (type, range) => {
      if (type === 'RangeSubselect' || type === 'RangeFunction') {
        isPlain = false;
        return false;
      }
      if (type !== 'RangeVar') return undefined;
      const table = this.model.catalog.relations.find(
        (one) => one.name === range['relname'] && one.schema === (range['schemaname'] ?? one.schema),
      );
      if (table === undefined) isPlain = false;
      else tables.set(String((range['alias'] as Node | undefined)?.['aliasname'] ?? table.name), table);
      return undefined;
    });
    const inside: Scene = {
      ...around,
      tables: new Map([...around.tables, ...tables]),
      own: tables.size === 1 ? [...tables.values()][0] : undefined,
    };
    if (!isPlain || select['groupClause'] !== undefined || select['havingClause'] !== undefined)
      this.name(select, inside);
    if (around.isUser) for (const table of tables.values()) this.policies(table, around.depth + 1);
    walk(select['fromClause'], (type, join) => {
      if (type === 'JoinExpr' && join['quals'] !== undefined) this.condition(join['quals'], inside);
      return type !== 'RangeSubselect';
    });
    if (select['whereClause'] !== undefined) this.condition(select['whereClause'], inside);
    for (const target of (select['targetList'] ?? []) as unknown[]) {
      const value = gathered(fields(target, 'ResTarget')?.['val']);
      const column = this.columnIn(value, inside);
      if (column !== undefined || constantOf(value) !== undefined || this.asksWho(value)) {
        // What a helper gives is compared with a key.
        if (column !== undefined && isCompared && !this.isKey(column) && !this.isSupplied(column, inside))
          this.add(column);
        continue;
      }
      if (fields(value, 'SubLink') !== undefined || fields(value, 'BoolExpr') !== undefined)
        this.condition(value, inside);
      else if (fields(value, 'FuncCall') !== undefined && select['fromClause'] === undefined)
        this.condition(value, inside);
      else if (isCompared) this.name(value, inside);
    }
  }

  /** Who reads a table as a user meets its policies. */
  private policies(table: RelationRow, depth: number): void {
    if (!table.rls || table === this.table || depth > deepest || this.seen.has(table)) return;
    this.seen.add(table);
    const scene: Scene = { tables: new Map([[table.name, table]]), own: table, names: new Set(), isUser: true, depth };
    for (const { using } of policiesFor(table, 'S', this.model))
      if (using !== null) this.condition(this.model.parse(using), scene);
  }

  private call(call: Node, scene: Scene): void {
    const parts = nameParts(call['funcname']);
    const args = (call['args'] ?? []) as unknown[];
    const routine = this.model.catalog.functions.find(
      ({ name, schema, arguments: types }) =>
        name === parts.at(-1) && (parts.length === 1 || schema === parts.at(-2)) && types.length >= args.length,
    );
    if (routine === undefined || isPlatformSchema(routine.schema) || scene.depth >= deepest) {
      if (!this.asksWho({ FuncCall: call })) this.name({ FuncCall: call }, scene);
      return;
    }
    const { trees, isUnreadable } = this.model.sources.body(routine);
    const inside: Scene = {
      tables: new Map(),
      own: undefined,
      names: new Set([...routine.argumentNames, ...routine.arguments.map((_, index) => `$${index + 1}`)]),
      isUser: scene.isUser && !routine.definer,
      depth: scene.depth + 1,
    };
    const isForeign = args.some(
      (arg) =>
        this.columnIn(arg, scene) === undefined &&
        constantOf(arg) === undefined &&
        !this.isConstant(arg) &&
        !this.asksWho(arg),
    );
    if (isUnreadable || isForeign || routine.language !== 'sql') this.name({ FuncCall: call }, scene);
    for (const tree of trees) {
      const select = fields(tree, 'SelectStmt');
      if (select !== undefined) this.query(select, inside, true);
    }
  }

  /** It is `= ANY (ARRAY[…])` of constants, or a constant. */
  private isConstant(node: unknown): boolean {
    if (constantOf(node) !== undefined) return true;
    if (Array.isArray(node)) return node.every((one) => this.isConstant(one));
    const array = fields(stripped(node), 'A_ArrayExpr')?.['elements'] ?? fields(node, 'List')?.['items'];
    return Array.isArray(array) && array.every((one) => this.isConstant(one));
  }

  private isArgument(node: unknown, { names }: Scene): boolean {
    const parameter = fields(stripped(node), 'ParamRef');
    const name = parameter === undefined ? columnOf(node)?.name : `$${Number(parameter['number'] ?? 0)}`;
    return name !== undefined && names.has(name);
  }

  private isQuery(node: unknown): boolean {
    const inner = stripped(node);
    return fields(inner, 'SubLink') !== undefined || fields(inner, 'FuncCall') !== undefined;
  }

  /** It reads tables, or calls what may. */
  private reads(node: unknown): boolean {
    let found = false;
    walk(node, (type) => {
      found ||= type === 'SubLink' || type === 'FuncCall';
      return !found;
    });
    return found && !this.asksWho(node);
  }

  /** All that it reads are members and users, who have each role there is. */
  private isOfMembers(node: unknown, scene: Scene): boolean {
    const { membership } = this.model.tenancy;
    const read = new Set<string>();
    walk(node, (type, inner) => {
      if (type === 'RangeVar') read.add(String(inner['relname']));
      if (type === 'FuncCall') {
        const name = nameParts(inner['funcname']).at(-1);
        for (const routine of this.model.catalog.functions)
          if (routine.name === name)
            for (const table of this.model.dependencies.namedBy(routine)) read.add(table.split('.').at(-1)!);
      }
    });
    return (
      read.size > 0 &&
      membership !== undefined &&
      [...read].every((name) => name === membership.table.name) &&
      scene.depth < deepest
    );
  }

  private columnIn(node: unknown, { tables, own, names }: Scene): Found | undefined {
    const { name, qualifier } = columnOf(node) ?? {};
    if (
      name === undefined ||
      (qualifier === undefined && names.has(name) && own?.columns.every((one) => one.name !== name) !== false)
    )
      return undefined;
    const candidates =
      qualifier === undefined
        ? own === undefined
          ? [...tables.values()]
          : [own, ...tables.values()]
        : [tables.get(qualifier)];
    for (const table of candidates) {
      const row = table?.columns.find((column) => column.name === name);
      if (table !== undefined && row !== undefined) return { table, row };
    }
    return undefined;
  }

  /** Rows are there with each value that the column is compared with: the table's own states, roles, and flags. */
  private isSupplied({ table, row }: Found, scene: Scene): boolean {
    const { membership } = this.model.tenancy;
    const flags = findStaff(this.model).flags.get(qualifiedName(table));
    return (
      (table === this.table && scene.depth === 0 && scene.own === this.table) ||
      (table === membership?.table && row.name === membership.role) ||
      flags?.has(row.name) === true
    );
  }

  /** A user who acts is in the column of some row: of a table that names several users, that is so of whose the row is. */
  private isHeld({ table, row }: Found): boolean {
    const users = table.columns.filter((column) => this.model.meaningOf(table, column) !== undefined);
    const scope = scopeOf(table, this.model);
    const isOnlyOne = users.length === 1 && users[0] === row;
    return (
      isOnlyOne ||
      (scope.parent === undefined && scope.columns.includes(row.name)) ||
      table === this.model.tenancy.membership?.table
    );
  }

  /** The columns hold the same key. */
  private areLinked(one: Found, other: Found): boolean {
    const leads = (from: Found, to: Found): boolean =>
      from.table.constraints.some(
        ({ type, target, columns, targetColumns }) =>
          type === 'f' &&
          target === qualifiedName(to.table) &&
          targetColumns?.[columns.indexOf(from.row.name)] === to.row.name,
      );
    const targetOf = ({ table, row }: Found): string | undefined =>
      table.constraints.find(({ type, columns }) => type === 'f' && columns.join() === row.name)?.target ?? undefined;
    const meaning = this.model.meaningOf(one.table, one.row);
    return (
      leads(one, other) ||
      leads(other, one) ||
      (targetOf(one) !== undefined && targetOf(one) === targetOf(other)) ||
      (meaning !== undefined && meaning !== 'email' && meaning === this.model.meaningOf(other.table, other.row))
    );
  }

  /** It holds the key of a row, or of whom it belongs to. */
  private isKey({ table, row }: Found): boolean {
    return (
      this.model.meaningOf(table, row) !== undefined ||
      table.constraints.some(({ type, columns }) => (type === 'p' || type === 'f') && columns.includes(row.name))
    );
  }

  private name(node: unknown, scene: Scene): void {
    walk(node, (type, inner) => {
      const column = type === 'ColumnRef' ? this.columnIn({ ColumnRef: inner }, scene) : undefined;
      if (column !== undefined) this.add(column);
      if (type === 'FuncCall' && !this.asksWho({ FuncCall: inner }))
        this.unmet.add(`${nameParts(inner['funcname']).join('.')}()`);
    });
    if (this.unmet.size === 0) this.unmet.add('more than whose it is');
  }

  private add({ table, row }: Found): void {
    this.unmet.add(table === this.table ? row.name : `${qualifiedName(table)}.${row.name}`);
  }
}

interface Found {
  table: RelationRow;
  row: RelationRow['columns'][number];
}
