/**
 * What the database does not know of columns: policies, the helpers that they call, and triggers compare a column with the key of another
 * table, so its values are that table's; or they cast a text, so that it holds values of another type.
 */
import {
  type Catalog,
  type ColumnRow,
  type ConstraintRow,
  isPlatformSchema,
  qualifiedName,
  type RelationRow,
} from '../../rules/engine/live/catalog.ts';
import {
  columnOf,
  fields,
  nameParts,
  type Node,
  type ParseExpression,
  walk,
} from '../../rules/engine/live/expression.ts';
import { asCast, type CastType, castTypeOf } from './cast-types.ts';
import type { Sources } from './effects.ts';

/** A column of a table: `schema.name column`. */
type Place = string;

/** The tables that names in a query stand for, innermost last; and the arguments of a helper. */
interface Scope {
  tables: ReadonlyMap<string, RelationRow>[];
  variables: ReadonlyMap<string, Place>;
}

/** How deep calls of helpers are followed. */
const deepest = 3;

/** Types of keys. */
const keyTypes = /^(uuid|smallint|integer|bigint|text|character varying)/;

/** The catalog, with the foreign keys and the types that policies imply. */
export function withImplied(catalog: Catalog, parse: ParseExpression, sources: Sources): Catalog {
  const finder = new Comparisons(catalog, parse, sources);
  const implied = finder.keys();
  return {
    ...catalog,
    relations: catalog.relations.map((row) => {
      const keys = implied.get(row) ?? [];
      return {
        ...row,
        columns: row.columns.map((column) => {
          const cast = finder.casts.get(placeOf(row, column.name));
          return cast === undefined || keys.some((key) => key.column === column.name)
            ? column
            : asCast(column, cast, row, catalog);
        }),
        constraints: [
          ...row.constraints,
          ...keys.map(({ column, target, targetColumn }) => ({
            name: nameOfImplied(column, target),
            type: 'f' as const,
            columns: [column],
            target,
            targetColumns: [targetColumn],
            clears: false,
            cascades: false,
            expression: null,
          })),
        ],
      };
    }),
  };
}

const nameOfImplied = (column: string, target: string): string => `${column} of ${target}`;

/** Says whether that is a foreign key which the database does not have. */
export function isImplied({ name, type, columns, target }: ConstraintRow): boolean {
  return type === 'f' && target !== null && columns.length === 1 && name === nameOfImplied(columns[0]!, target);
}

interface ImpliedKey {
  column: string;
  target: string;
  targetColumn: string;
}

/** Gathers the columns that are compared with each other. */
class Comparisons {
  private readonly catalog: Catalog;
  private readonly sources: Sources;
  private readonly tables: ReadonlyMap<string, RelationRow>;
  private readonly columns = new Map<Place, { table: RelationRow; column: ColumnRow }>();
  /** Each column leads to another of its group, or is the last. */
  private readonly groups = new Map<Place, Place>();
  /** The types to which columns are cast. */
  readonly casts = new Map<Place, CastType>();
  /** Columns of queries inside, by how often they are compared: whose the key is, if no primary key tells. */
  private readonly asked = new Map<Place, number>();

  constructor(catalog: Catalog, parse: ParseExpression, sources: Sources) {
    this.catalog = catalog;
    this.sources = sources;
    const own = catalog.relations.filter(
      ({ kind, schema }) => (kind === 'r' || kind === 'p') && !isPlatformSchema(schema),
    );
    this.tables = new Map(own.map((row) => [qualifiedName(row), row]));
    for (const table of own)
      for (const column of table.columns)
        if (keyTypes.test(column.base)) this.columns.set(placeOf(table, column.name), { table, column });
    for (const table of own) {
      for (const { type, columns, target, targetColumns } of table.constraints)
        if (type === 'f' && columns.length === 1 && target !== null)
          this.join(placeOf(table, columns[0]!), `${target} ${targetColumns?.[0] ?? ''}`);
      for (const { using, check } of table.policies)
        for (const sql of [using, check])
          if (sql !== null)
            this.visit(parse(sql), { tables: [new Map([[table.name, table]])], variables: new Map() }, 0);
      for (const trigger of table.triggers) if (trigger.enabled) this.fired(table, trigger.function);
    }
  }

  /** What the function of a trigger compares the written row with. */
  private fired(table: RelationRow, oid: string): void {
    const routine = this.sources.byOid(oid);
    if (routine === undefined || isPlatformSchema(routine.schema)) return;
    const { trees, assigned } = this.sources.body(routine);
    const variables = new Map<string, Place>();
    const scope: Scope = {
      tables: [
        new Map([
          ['new', table],
          ['old', table],
        ]),
      ],
      variables,
    };
    for (const { variables: names, value } of assigned) {
      const [place] = names.length === 1 ? this.resultOf(value, scope, 0) : [];
      if (place !== undefined) variables.set(names[0]!, place);
    }
    this.visit(trees, scope, 0);
  }

  /** The foreign keys of each table that are not there. */
  keys(): Map<RelationRow, ImpliedKey[]> {
    const members = new Map<Place, Place[]>();
    for (const place of this.groups.keys()) {
      const root = this.rootOf(place);
      members.set(root, [...(members.get(root) ?? []), place]);
    }
    const found = new Map<RelationRow, ImpliedKey[]>();
    for (const group of members.values()) {
      const target = this.targetOf(group);
      if (target === undefined) continue;
      for (const place of group) {
        const { table, column } = this.columns.get(place) ?? {};
        const isHeld =
          table === undefined ||
          column === undefined ||
          table === target.table ||
          column.base !== target.column.base ||
          column.generated ||
          table.constraints.some(({ type, columns }) => type === 'f' && columns.includes(column.name)) ||
          isWholeKey(table, column.name);
        if (isHeld) continue;
        const key = { column: column.name, target: qualifiedName(target.table), targetColumn: target.column.name };
        found.set(table, [...(found.get(table) ?? []), key]);
      }
    }
    return found;
  }

  /** Whose key the columns hold: that of the only table of which one is the primary key, or of the one that is asked most. */
  private targetOf(group: readonly Place[]): { table: RelationRow; column: ColumnRow } | undefined {
    const known = group.flatMap((place) => this.columns.get(place) ?? []);
    const keys = known.filter(({ table, column }) => isWholeKey(table, column.name));
    if (keys.length > 0) return keys.length === 1 ? keys[0] : undefined;
    // Users and other tables of the platform have keys of their own.
    if (known.length < group.length) return undefined;
    const uses = (place: Place): number => this.asked.get(place) ?? 0;
    const [first] = group.filter((place) => uses(place) > 0).toSorted((x, y) => uses(y) - uses(x) || (x < y ? -1 : 1));
    const found = first === undefined ? undefined : this.columns.get(first);
    return found?.column.base === 'uuid' ? found : undefined;
  }

  private visit(tree: unknown, scope: Scope, depth: number): void {
    walk(tree, (type, node) => {
      if (type === 'SelectStmt' || type === 'UpdateStmt' || type === 'DeleteStmt') {
        this.visit(node, this.inside(node, scope), depth);
        return false;
      }
      if (type === 'A_Expr' && nameParts(node['name']).at(-1) === '=')
        for (const left of this.placesOf(node['lexpr'], scope, depth))
          for (const right of this.placesOf(node['rexpr'], scope, depth)) this.compare(left, right, scope);
      if (type === 'SubLink' && node['testexpr'] !== undefined)
        for (const left of this.placesOf(node['testexpr'], scope, depth))
          for (const right of this.placesOf({ SubLink: node }, scope, depth)) this.compare(left, right, scope);
      if (type === 'TypeCast') {
        const cast = castTypeOf(node);
        if (cast !== undefined)
          for (const place of this.placesOf(node['arg'], scope, depth))
            if (!this.casts.has(place)) this.casts.set(place, cast);
      }
      if (type === 'FuncCall') this.call(node, scope, depth);
      return undefined;
    });
  }

  /** Follows a call of a helper that gets columns. */
  private call(node: Node, scope: Scope, depth: number): void {
    const args = (node['args'] ?? []) as unknown[];
    const places = args.map((arg) => this.placesOf(arg, scope, depth)[0]);
    if (depth >= deepest || places.every((place) => place === undefined)) return;
    const routine = this.helper(node);
    if (routine === undefined) return;
    const variables = new Map<string, Place>();
    places.forEach((place, index) => {
      if (place === undefined) return;
      variables.set(`$${index + 1}`, place);
      const name = routine.argumentNames[index] ?? '';
      if (name !== '') variables.set(name, place);
    });
    this.visit(this.sources.body(routine).trees, { tables: [], variables }, depth + 1);
  }

  private helper(node: Node): Catalog['functions'][number] | undefined {
    const parts = nameParts(node['funcname']);
    return this.catalog.functions.find(
      ({ name, schema }) =>
        name === parts.at(-1) && !isPlatformSchema(schema) && (parts.length < 2 || schema === parts.at(-2)),
    );
  }

  /** The columns whose values an expression has: a column itself, or what a query or a helper returns. */
  private placesOf(node: unknown, scope: Scope, depth: number): Place[] {
    const cast = fields(node, 'TypeCast');
    if (cast !== undefined) return this.placesOf(cast['arg'], scope, depth);
    const link = fields(node, 'SubLink');
    if (link !== undefined) return this.resultOf(link['subselect'], scope, depth);
    const call = fields(node, 'FuncCall');
    const routine = call === undefined ? undefined : this.helper(call);
    if (routine !== undefined && depth < deepest)
      return this.sources
        .body(routine)
        .trees.flatMap((tree) => this.resultOf(tree, { tables: [], variables: new Map() }, depth + 1));
    const argument = fields(node, 'ParamRef');
    if (argument !== undefined) return [scope.variables.get(`$${Number(argument['number'] ?? 0)}`) ?? []].flat();
    const { name, qualifier } = columnOf(node) ?? {};
    return name === undefined ? [] : [this.resolve(name, qualifier, scope) ?? []].flat();
  }

  /** What the first column of a query is. */
  private resultOf(query: unknown, scope: Scope, depth: number): Place[] {
    const select = fields(query, 'SelectStmt');
    const [target] = ((select?.['targetList'] ?? []) as unknown[]).map((one) => fields(one, 'ResTarget')?.['val']);
    if (select === undefined || target === undefined) return [];
    const aggregated = nameParts(fields(target, 'FuncCall')?.['funcname']).at(-1) === 'array_agg';
    const value = aggregated ? (fields(target, 'FuncCall')?.['args'] as unknown[] | undefined)?.[0] : target;
    return this.placesOf(value, this.inside(select, scope), depth);
  }

  private inside(select: Node, { tables, variables }: Scope): Scope {
    const named = new Map<string, RelationRow>();
    // The relation that a statement writes is a RangeVar without its type.
    const written = select['relation'] === undefined ? undefined : { RangeVar: select['relation'] };
    walk([select['fromClause'], select['usingClause'], written], (type, range) => {
      if (type === 'RangeSubselect' || type === 'SubLink') return false;
      if (type !== 'RangeVar') return undefined;
      const name = String(range['relname']);
      const table =
        this.tables.get(`${String(range['schemaname'] ?? 'public')}.${name}`) ??
        [...this.tables.values()].find((one) => one.name === name);
      const alias = (range['alias'] as Node | undefined)?.['aliasname'];
      if (table !== undefined) named.set(String(alias ?? name), table);
      return undefined;
    });
    return { tables: [...tables, named], variables };
  }

  private resolve(name: string, qualifier: string | undefined, { tables, variables }: Scope): Place | undefined {
    for (const named of tables.toReversed()) {
      const table =
        qualifier === undefined
          ? [...named.values()].find((one) => one.columns.some((column) => column.name === name))
          : named.get(qualifier);
      if (table !== undefined) return placeOf(table, name);
    }
    return qualifier === undefined ? variables.get(name) : undefined;
  }

  private compare(left: Place, right: Place, { tables, variables }: Scope): void {
    const [one, other] = [this.columns.get(left), this.columns.get(right)];
    if (one === undefined || other === undefined || one.table === other.table || one.column.base !== other.column.base)
      return;
    // The outermost table is the one with the policy: what it is compared with is asked.
    const outer = new Set([...(tables[0]?.values() ?? [])].map(qualifiedName));
    const given = new Set(variables.values());
    for (const [place, { table }] of [
      [left, one],
      [right, other],
    ] as const)
      if (!given.has(place) && (!outer.has(qualifiedName(table)) || variables.size > 0))
        this.asked.set(place, (this.asked.get(place) ?? 0) + 1);
    this.join(left, right);
  }

  private join(left: Place, right: Place): void {
    for (const place of [left, right]) if (!this.groups.has(place)) this.groups.set(place, place);
    this.groups.set(this.rootOf(left), this.rootOf(right));
  }

  private rootOf(place: Place): Place {
    const next = this.groups.get(place)!;
    return next === place ? place : this.rootOf(next);
  }
}

function placeOf(table: RelationRow, column: string): Place {
  return `${qualifiedName(table)} ${column}`;
}

/** The column is the primary key of its table by itself. */
function isWholeKey(table: RelationRow, column: string): boolean {
  return table.constraints.some(({ type, columns }) => type === 'p' && columns.join() === column);
}
