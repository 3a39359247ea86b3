/** What reads a table, and what names mean there. */
import { type Catalog, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf } from '../../rules/engine/live/expression.ts';
import { fieldsOf, type Node, stringOf, walk } from '../../sql/nodes.ts';

/** Something that reads a table, or has one of its rows: the policies of a table, a view, a function, a generated column. */
export interface Scope {
  trees: readonly Node[];
  /** The trees of what calls it, if it is a function: their arguments are what it compares with. */
  callers: readonly Node[];
  /** Names of variables that hold a row of the table, such as `new` in its triggers. */
  rows: readonly string[];
  /** Other variables may hold one as well. */
  isOpen: boolean;
  /** Only what a column is compared with may be a value, not every constant nearby: a trigger does much else. */
  isStrict: boolean;
  /** The relation whose policies they are: its columns are named by its name, or alone. */
  of: RelationRow | undefined;
  /** Names of other tables of which it is a trigger: `new` and `old` are their rows. */
  fires?: readonly string[];
  /** By the name of an argument: the constants that its callers give it. */
  given?: ReadonlyMap<string, readonly string[]>;
}

/** Adds texts to those of a name. */
export function add(to: Map<string, Set<string>>, name: string, texts: Iterable<string>): void {
  to.set(name, new Set([...(to.get(name) ?? []), ...texts]));
}

/** What names mean in a scope. */
export class Names {
  /** It has rows as a whole: all columns, under other names, or in variables. */
  readonly isWhole: boolean;
  readonly #columns: ReadonlySet<string>;
  /** What its rows are called. */
  readonly #rows: ReadonlySet<string>;
  /** What the rows of other tables are called, each with the names of those tables. */
  readonly others: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(table: RelationRow, called: ReadonlySet<string>, { trees, rows, isOpen, of, fires = [] }: Scope) {
    this.#columns = new Set(table.columns.map(({ name }) => name));
    const [own, queries] = [new Set([...called, ...rows]), new Set<string>()];
    const others = new Map<string, Set<string>>(['new', 'old'].map((name) => [name, new Set(fires)]));
    let isRenamed = false;
    if (of !== undefined && of.query === null && !called.has(of.name)) add(others, of.name, [of.name]);
    walk(trees, (...[type, fields]) => {
      if (type === 'CommonTableExpr') queries.add(fields.ctename ?? '');
      if (type === 'JoinExpr') isRenamed ||= fields.isNatural === true;
      if (type !== 'RangeVar') return;
      const isOurs = called.has(fields.relname ?? '');
      const { relname = '' } = fields;
      const name = fields.alias?.aliasname ?? relname;
      if (isOurs) own.add(name);
      else add(others, name, [relname]);
      isRenamed ||= isOurs && fields.alias?.colnames !== undefined;
    });
    this.#rows = own;
    this.others = new Map([...others].filter(([name]) => !own.has(name) && !queries.has(name)));
    let isTaken = isRenamed;
    walk(trees, (...[type, fields]) => {
      if (type !== 'ColumnRef' || isTaken) return;
      const parts = (fields.fields ?? []).map((field) => stringOf(field) || '*');
      const [name = '*', qualifier] = [parts.at(-1), parts.at(-2)];
      isTaken = name === '*' ? qualifier === undefined || own.has(qualifier) : qualifier === undefined && own.has(name);
    });
    this.isWhole = isTaken || isOpen;
  }

  /** The column of the table that the node is, ignoring casts. */
  columnIn(node: unknown): string | undefined {
    const field = fieldsOf(node, 'A_Indirection');
    const name =
      field === undefined ? undefined : stringOf((field.indirection as readonly unknown[] | undefined)?.at(-1));
    const column = name === undefined || name === '' ? columnOf(node) : { name, qualifier: '' };
    return column !== undefined && this.#columns.has(column.name) && this.#isOurs(column.qualifier)
      ? column.name
      : undefined;
  }

  /** The names of other tables with that column, if the table has none of that name: what a query names alone. */
  othersWith(name: string | undefined, { relations }: Catalog): ReadonlySet<string> | undefined {
    const named = new Set([...this.others.values()].flatMap((tables) => [...tables]));
    const found = relations.filter((row) => named.has(row.name) && row.columns.some((column) => column.name === name));
    return name === undefined || this.#columns.has(name) || found.length === 0
      ? undefined
      : new Set(found.map((row) => row.name));
  }

  /** The column of the table with that name. */
  ownColumn(name: string): string | undefined {
    return this.#columns.has(name) ? name : undefined;
  }

  /** Says whether the node is a row of the table. */
  isRow(node: unknown): boolean {
    const column = columnOf(node);
    return (
      column !== undefined &&
      this.#rows.has(column.qualifier !== undefined && column.name === '*' ? column.qualifier : column.name)
    );
  }

  #isOurs(qualifier: string | undefined): boolean {
    if (qualifier === undefined || this.#rows.has(qualifier)) return true;
    return this.isWhole && !this.others.has(qualifier);
  }
}
