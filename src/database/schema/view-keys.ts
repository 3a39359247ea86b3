import type { Session } from '../database.ts';

/** A table or a view, by its name. */
export interface RelationName {
  schema: string;
  name: string;
}

/** The columns of a key as a view shows them: for each of the key's columns, in its order, the view's names for it. */
export interface ViewKey {
  view: RelationName;
  columns: readonly (readonly string[])[];
}

export interface ViewKeys {
  /** The views that show all columns of a foreign key. */
  ofForeignKey(table: RelationName, constraint: string): readonly ViewKey[];
  /** The views that show all columns that a foreign key refers to. */
  ofReference(table: RelationName, constraint: string): readonly ViewKey[];
  /** The view's columns that show the primary keys of its tables. */
  primaryKey(view: RelationName): string[];
}

interface ViewRow {
  oid: number;
  schema: string;
  name: string;
  columns: Record<string, string>;
  rule: string;
}

const viewsQuery = `
  SELECT c.oid, n.nspname AS schema, c.relname AS name, r.ev_action::text AS rule,
    (SELECT json_object_agg(a.attnum, a.attname) FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid AND r.rulename = '_RETURN'
  WHERE c.relkind IN ('v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  ORDER BY n.nspname, c.relname`;

const keyColumnsQuery = `
  SELECT k.kind, k.conname AS constraint, k.relation, n.nspname AS schema, c.relname AS name, k.columns
  FROM (
    SELECT contype::text AS kind, conname, conrelid AS relation, conkey AS columns FROM pg_catalog.pg_constraint
      WHERE contype IN ('p', 'f') AND conparentid = 0
    UNION ALL
    SELECT 'reference', conname, confrelid, confkey FROM pg_catalog.pg_constraint
      WHERE contype = 'f' AND conparentid = 0
  ) k JOIN pg_catalog.pg_class c ON c.oid = k.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
  ORDER BY k.conname`;

interface KeyColumns extends RelationName {
  kind: 'p' | 'f' | 'reference';
  constraint: string;
  relation: number;
  columns: number[];
}

/**
 * Finds the keys that views show, through views of views.
 * @param schemas of the views to look at, and of those between; default all but the system's
 * @throws DatabaseError
 */
export async function readViewKeys(session: Session, schemas?: readonly string[]): Promise<ViewKeys> {
  const { rows: all } = await session.query<ViewRow>(viewsQuery);
  const views = all.filter(({ schema }) => schemas?.includes(schema) ?? true);
  const { rows: keys } = views.length === 0 ? { rows: [] } : await session.query<KeyColumns>(keyColumnsQuery);
  const targets = new Map(views.map((view) => [view.oid, readTargets(view.rule)]));
  const found = new Map<string, ViewKey[]>();
  const primary = new Map<string, string[]>();
  for (const view of views) {
    const names = shownColumns(view, targets);
    for (const key of keys) {
      const columns = key.columns.map((column) => names.get(`${key.relation}.${column}`) ?? []);
      if (columns.some((shown) => shown.length === 0)) continue;
      if (key.kind === 'p') {
        const list = primary.get(nameId(view)) ?? [];
        primary.set(nameId(view), [...list, ...columns.map((shown) => shown[0] as string)]);
      } else {
        const id = keyId(key.kind, key, key.constraint);
        found.set(id, [...(found.get(id) ?? []), { view: { schema: view.schema, name: view.name }, columns }]);
      }
    }
  }
  return {
    ofForeignKey: (table, constraint) => found.get(keyId('f', table, constraint)) ?? [],
    ofReference: (table, constraint) => found.get(keyId('reference', table, constraint)) ?? [],
    primaryKey: (view) => [...new Set(primary.get(nameId(view)))].sort(),
  };
}

function nameId({ schema, name }: RelationName): string {
  return JSON.stringify([schema, name]);
}

function keyId(kind: string, { schema, name }: RelationName, constraint: string): string {
  return JSON.stringify([kind, schema, name, constraint]);
}

/** The view's names of each column, by `relation.column`, of the tables below it and of the views between. */
function shownColumns(view: ViewRow, targets: ReadonlyMap<number, readonly Target[]>): Map<string, string[]> {
  const names = new Map<string, string[]>();
  const follow = (relation: number, column: number, name: string, above: readonly number[]): void => {
    const id = `${relation}.${column}`;
    names.set(id, [...(names.get(id) ?? []), name]);
    if (above.includes(relation)) return;
    for (const target of targets.get(relation) ?? []) {
      if (target.column === column) follow(target.relation, target.relationColumn, name, [...above, relation]);
    }
  };
  for (const target of targets.get(view.oid) ?? []) {
    const name = view.columns[String(target.column)];
    if (name !== undefined) follow(target.relation, target.relationColumn, name, [view.oid]);
  }
  return names;
}

/** A column of a view that is nothing but a column of another relation. */
interface Target {
  column: number;
  relation: number;
  relationColumn: number;
}

/**
 * Reads the outermost target list of a view's rule, a `pg_node_tree` such as
 * `({QUERY … :targetList ({TARGETENTRY … :resno 1 … :resorigtbl 16385 :resorigcol 1 …}) …})`. A backslash escapes the
 * character after it.
 */
function readTargets(rule: string): Target[] {
  const targets: Target[] = [];
  let depth = 0;
  let inList = false;
  let label = '';
  let entry: Record<string, number> = {};
  for (const [token] of rule.matchAll(/[(){}]|(?:\\.|[^\s(){}\\])+/gs)) {
    if (token === '(' || token === '{') {
      depth += 1;
      // ( { ( {: the list of queries, the query, its target list, an entry.
      if (depth === 3 && label === ':targetList') inList = true;
      if (depth === 4) entry = {};
    } else if (token === ')' || token === '}') {
      if (inList && depth === 4) pushTarget(targets, entry);
      depth -= 1;
      if (inList && depth === 2) return targets;
    } else if (token.startsWith(':')) {
      if (depth === 2 || depth === 4) label = token;
    } else if (inList && depth === 4) {
      entry[label] = Number(token);
    }
  }
  return targets;
}

function pushTarget(targets: Target[], entry: Record<string, number>): void {
  const { ':resno': column, ':resorigtbl': relation, ':resorigcol': relationColumn } = entry;
  if (column && relation && relationColumn) targets.push({ column, relation, relationColumn });
}
