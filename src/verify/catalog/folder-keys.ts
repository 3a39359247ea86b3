/** The folders in an object's path that policies compare with columns of tables: the ID of a chat, the short name of a project. */
import {
  type ConstraintRow,
  type FunctionRow,
  isPlatformSchema,
  type PolicyRow,
  type RelationRow,
} from '../../rules/engine/live/catalog.ts';
import { columnOf, constantOf, fields, type Node, nameParts, walk } from '../../rules/engine/live/expression.ts';
import { isWhoAsks, type Model } from './model.ts';

/** A column of a table whose values folders are named after. */
export interface FolderKey {
  table: RelationRow;
  column: string;
}

/** What a whole name is put together from: texts, the ID of who asks, values of columns. */
export type NamePiece = { text: string } | { of: 'user' } | { key: FolderKey };

/** How deep helpers are followed. */
const deepest = 4;

/** What names stand for in an expression or a body: parts of the name of the object, and the rows that are read. */
interface Scene {
  /** The arguments and variables that hold the number of a folder; 0 for the whole name. */
  held: ReadonlyMap<string, number>;
  tables: ReadonlyMap<string, readonly RelationRow[]>;
  /** The calls that a FROM clause names. */
  calls: ReadonlyMap<string, unknown>;
  depth: number;
}

/**
 * By the number of a folder, from 1, or 0 for the whole name: the columns that the policies compare it with, themselves or in helpers
 * that get the folder or the whole name. The columns come in the order of the policies, those by which users read first.
 */
export function folderKeys(policies: readonly PolicyRow[], model: Model): ReadonlyMap<number, readonly FolderKey[]> {
  const reader = new KeyReader(model);
  const reads = (policy: PolicyRow): number => ('r*'.includes(policy.command) ? 0 : 1);
  for (const { using, check } of policies.toSorted((one, other) => reads(one) - reads(other)))
    for (const sql of [using, check]) reader.read(sql === null ? undefined : model.parse(sql), noNames);
  return reader.found;
}

/** The whole names that policies compare the name of an object with, where those are put together: `auth.uid() || '/avatar.png'`. */
export function wholeNames(policies: readonly PolicyRow[], model: Model): readonly (readonly NamePiece[])[] {
  const reader = new KeyReader(model);
  for (const { using, check } of policies)
    for (const sql of [using, check]) reader.read(sql === null ? undefined : model.parse(sql), noNames);
  return reader.names;
}

/** The numbers of the folders that expressions of a policy compare with columns. */
export function keyedFolders(trees: readonly unknown[], model: Model): number[] {
  const reader = new KeyReader(model);
  for (const tree of trees) reader.read(tree, noNames);
  return [...reader.found.keys()];
}

/** The table of the rows that a column names: that of its foreign key, or its own. */
export function keyedTable({ table, column }: FolderKey, { tables }: Model): RelationRow {
  const key = table.constraints.find(
    ({ type, columns }: ConstraintRow) => type === 'f' && columns.length === 1 && columns[0] === column,
  );
  return tables.get(key?.target ?? '') ?? table;
}

const noNames: Scene = { held: new Map(), tables: new Map(), calls: new Map(), depth: 0 };

/** Operators that hold where both sides are alike, or one begins like the other. */
const alike = new Set(['=', '~~', '^@', '&&', '@>', '<@']);

class KeyReader {
  readonly found = new Map<number, FolderKey[]>();
  readonly names: NamePiece[][] = [];
  private readonly model: Model;

  constructor(model: Model) {
    this.model = model;
  }

  /** Reads what an expression or a statement compares with folders. */
  read(tree: unknown, around: Scene): void {
    const scene = this.sceneOf(tree, around);
    walk(tree, (type, node) => {
      if (type === 'A_Expr' && alike.has(nameParts(node['name']).at(-1) ?? '')) {
        this.compare(node['lexpr'], node['rexpr'], scene);
        this.compare(node['rexpr'], node['lexpr'], scene);
        if (nameParts(node['name']).at(-1) === '=')
          this.note(node['lexpr'], node['rexpr'], scene).note(node['rexpr'], node['lexpr'], scene);
      }
      if (type === 'SubLink' && node['testexpr'] !== undefined)
        this.compare(node['testexpr'], { SubLink: { ...node, testexpr: undefined } }, scene);
      if (type !== 'FuncCall') return;
      const args = (node['args'] ?? []) as unknown[];
      if (nameParts(node['funcname']).at(-1) === 'starts_with') this.compare(args[0], args[1], scene);
      const routine = this.ownRoutine(node);
      if (routine !== undefined) this.follow(routine, args, scene);
    });
  }

  private compare(side: unknown, other: unknown, scene: Scene): void {
    const place = this.placeOf(side, scene);
    if (place === undefined) return;
    if (place > 0) {
      for (const key of this.columnsOf(other, scene)) this.add(place, key);
      return;
    }
    const pieces = joined(other);
    // Of a name that begins like what is put together, each slash before a column begins a folder.
    let folder = pieces.length > 1 ? 1 : 0;
    for (const piece of pieces) {
      const text = constantOf(piece);
      if (text === undefined) for (const key of this.columnsOf(piece, scene)) this.add(folder, key);
      else folder += text.split('/').length - 1;
      if (text?.includes('%') === true) return;
    }
  }

  /** Notes what the whole name is compared with, if all that it is put together from is known. */
  private note(side: unknown, other: unknown, scene: Scene): this {
    const pieces = this.placeOf(side, scene) === 0 ? joined(other) : [];
    const known = pieces.flatMap((piece): NamePiece[] => {
      const text = constantOf(piece);
      if (text !== undefined) return [{ text }];
      if (isWhoAsks(piece, this.model)) return [{ of: 'user' }];
      return this.columnsOf(piece, scene)
        .slice(0, 1)
        .map((key) => ({ key }));
    });
    if (pieces.length > 1 && known.length === pieces.length) this.names.push(known);
    return this;
  }

  private add(place: number, key: FolderKey): void {
    const known = this.found.get(place) ?? [];
    if (!known.some(({ table, column }) => table === key.table && column === key.column))
      this.found.set(place, [...known, key]);
  }

  /** Reads the body of a helper that gets a folder, or the whole name. */
  private follow(routine: FunctionRow, args: readonly unknown[], scene: Scene): void {
    if (scene.depth >= deepest) return;
    const held = this.heldIn(routine, args, scene);
    if (held.size === 0) return;
    const { trees } = this.model.sources.body(routine);
    for (const tree of trees) this.read(tree, { ...noNames, held, depth: scene.depth + 1 });
  }

  /** The arguments and variables of a helper that hold a folder, or the whole name. */
  private heldIn(routine: FunctionRow, args: readonly unknown[], scene: Scene): ReadonlyMap<string, number> {
    const held = new Map<string, number>();
    args.forEach((arg, index) => {
      const named = fields(arg, 'NamedArgExpr');
      const place = this.placeOf(named?.['arg'] ?? arg, scene);
      if (place === undefined) return;
      const at = named === undefined ? index : routine.argumentNames.indexOf(String(named['name']));
      for (const name of [routine.argumentNames[at] ?? '', `$${at + 1}`]) if (name !== '') held.set(name, place);
    });
    if (held.size === 0) return held;
    const inside: Scene = { ...noNames, held, depth: scene.depth + 1 };
    for (const { variables, value } of this.model.sources.body(routine).assigned) {
      const [target] = (fields(value, 'SelectStmt')?.['targetList'] as unknown[] | undefined) ?? [];
      const place = this.placeOf(fields(target, 'ResTarget')?.['val'], inside);
      if (place !== undefined) for (const name of variables) held.set(name, place);
    }
    return held;
  }

  /** The number of the folder that an expression takes from the name; 0 for the name itself. */
  private placeOf(node: unknown, scene: Scene): number | undefined {
    const cast = fields(node, 'TypeCast');
    if (cast !== undefined) return this.placeOf(cast['arg'], scene);
    const parameter = fields(node, 'ParamRef');
    if (parameter !== undefined) return scene.held.get(`$${Number(parameter['number'] ?? 0)}`);
    const column = columnOf(node);
    if (column !== undefined) {
      // In queries, PostgreSQL prints columns of the policy's own table with its name.
      const isOfObject = scene.depth === 0 && column.name === 'name' && (column.qualifier ?? 'objects') === 'objects';
      return isOfObject ? 0 : scene.held.get(column.name);
    }
    const nulled = fields(node, 'A_Expr');
    if (nulled?.['kind'] === 'AEXPR_NULLIF') return this.placeOf(nulled['lexpr'], scene);
    // Only what looks like an ID is cast to one.
    const chosen = fields(node, 'CaseExpr') ?? fields(node, 'CoalesceExpr');
    if (chosen !== undefined)
      return (chosen['args'] as unknown[])
        .map((arg) => this.placeOf(fields(arg, 'CaseWhen')?.['result'] ?? arg, scene))
        .find((place) => place !== undefined);
    const taken = fields(node, 'A_Indirection');
    if (taken !== undefined) {
      const index = fields((taken['indirection'] as unknown[] | undefined)?.[0], 'A_Indices');
      const call = fields(taken['arg'], 'FuncCall');
      const splits = /^(foldername|string_to_array)$/.test(nameParts(call?.['funcname']).at(-1) ?? '');
      const isOfName =
        columnOf(taken['arg'])?.name === 'path_tokens' ||
        (splits && this.placeOf(((call?.['args'] ?? []) as unknown[])[0], scene) === 0);
      return isOfName ? numberOf(index?.['uidx']) : undefined;
    }
    const call = fields(node, 'FuncCall');
    if (call === undefined) return undefined;
    const args = (call['args'] ?? []) as unknown[];
    const routine = this.ownRoutine(call);
    if (routine !== undefined) return this.placeGiven(routine, args, scene);
    const name = nameParts(call['funcname']).at(-1) ?? '';
    if (name === 'split_part')
      return this.placeOf(args[0], scene) === 0 && constantOf(args[1]) === '/' ? numberOf(args[2]) : undefined;
    return /^(lower|upper|btrim|ltrim|rtrim)$/.test(name) ? this.placeOf(args[0], scene) : undefined;
  }

  /** The folder that a helper takes from the name that it gets. */
  private placeGiven(routine: FunctionRow, args: readonly unknown[], scene: Scene): number | undefined {
    if (scene.depth >= deepest) return undefined;
    const held = this.heldIn(routine, args, scene);
    const select = fields(this.model.sources.body(routine).trees.at(-1), 'SelectStmt');
    const [target] = (select?.['targetList'] as unknown[] | undefined) ?? [];
    return held.size === 0 || select?.['fromClause'] !== undefined
      ? undefined
      : this.placeOf(fields(target, 'ResTarget')?.['val'], { ...noNames, held, depth: scene.depth + 1 });
  }

  /** The columns that an expression gives: itself, by a query, by a helper. */
  private columnsOf(node: unknown, scene: Scene): FolderKey[] {
    const cast = fields(node, 'TypeCast');
    if (cast !== undefined) return this.columnsOf(cast['arg'], scene);
    const select = fields(fields(node, 'SubLink')?.['subselect'], 'SelectStmt');
    if (select !== undefined) return this.columnsGiven(select, scene);
    const column = columnOf(node);
    if (column !== undefined) {
      const call = scene.calls.get(column.qualifier ?? column.name);
      if (call !== undefined) return this.columnsOf(call, scene);
      if (column.qualifier === undefined && scene.held.has(column.name)) return [];
      const among =
        column.qualifier === undefined ? [...scene.tables.values()].flat() : (scene.tables.get(column.qualifier) ?? []);
      return among
        .filter(({ columns }) => columns.some(({ name }) => name === column.name))
        .map((table) => ({ table, column: column.name }));
    }
    const chosen = fields(node, 'CoalesceExpr');
    const call = fields(node, 'FuncCall');
    const routine = call === undefined ? undefined : this.ownRoutine(call);
    const [first] = ((chosen ?? call)?.['args'] ?? []) as unknown[];
    if (routine === undefined) return first === undefined ? [] : this.columnsOf(first, scene);
    if (scene.depth >= deepest) return [];
    return this.model.sources.body(routine).trees.flatMap((tree) => {
      const given = fields(tree, 'SelectStmt');
      return given === undefined ? [] : this.columnsGiven(given, { ...noNames, depth: scene.depth + 1 });
    });
  }

  private columnsGiven(select: Node, scene: Scene): FolderKey[] {
    const sides = ['larg', 'rarg'].flatMap((side) =>
      select[side] === undefined ? [] : this.columnsGiven(select[side] as Node, scene),
    );
    const inside = this.sceneOf(select['fromClause'], scene);
    const [target, ...more] = ((select['targetList'] ?? []) as unknown[]).map((one) => fields(one, 'ResTarget'));
    return target === undefined || more.length > 0 ? sides : [...sides, ...this.columnsOf(target['val'], inside)];
  }

  /** What the FROM clauses of a tree add to the names around it. */
  private sceneOf(tree: unknown, around: Scene): Scene {
    const tables = new Map(around.tables);
    const calls = new Map(around.calls);
    walk(tree, (type, range) => {
      const alias = (range['alias'] as Node | undefined)?.['aliasname'];
      if (type === 'RangeFunction') {
        const call: { value: unknown } = { value: undefined };
        walk(range['functions'], (inner, node) => {
          if (inner === 'FuncCall') call.value ??= { FuncCall: node };
        });
        if (alias !== undefined) calls.set(String(alias), call.value);
      }
      if (type !== 'RangeVar') return;
      const found = this.model.catalog.relations.filter(
        ({ name, schema }) => name === range['relname'] && schema === (range['schemaname'] ?? schema),
      );
      const name = String(alias ?? range['relname']);
      tables.set(name, [...new Set([...(tables.get(name) ?? []), ...found])]);
    });
    return { ...around, tables, calls };
  }

  private ownRoutine(call: Node): FunctionRow | undefined {
    const parts = nameParts(call['funcname']);
    return this.model.catalog.functions.find(
      ({ name, schema }) =>
        name === parts.at(-1) && !isPlatformSchema(schema) && (parts.length === 1 || schema === parts.at(-2)),
    );
  }
}

/** The pieces of a text that is put together with `||`, in order; of any other expression, itself. */
export function joined(node: unknown): unknown[] {
  const cast = fields(node, 'TypeCast');
  if (cast !== undefined && fields(cast['arg'], 'A_Expr') !== undefined) return joined(cast['arg']);
  const expression = fields(node, 'A_Expr');
  return expression !== undefined && nameParts(expression['name']).at(-1) === '||'
    ? [...joined(expression['lexpr']), ...joined(expression['rexpr'])]
    : [node];
}

function numberOf(node: unknown): number | undefined {
  const number = Number(constantOf(node));
  return Number.isInteger(number) && number > 0 ? number : undefined;
}
