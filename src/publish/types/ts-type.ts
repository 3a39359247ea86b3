/** A PostgreSQL type as TypeScript writes the values that the Data API gives for it. */
import type { CatalogType, TypesCatalog } from './catalog.ts';

const simpleTypes: Readonly<Record<string, string>> = {
  bool: 'boolean',
  ...listed(['int2', 'int4', 'int8', 'float4', 'float8', 'numeric'], 'number'),
  ...listed(['bytea', 'bpchar', 'varchar', 'date', 'text', 'citext', 'time', 'timetz', 'timestamp'], 'string'),
  ...listed(['timestamptz', 'uuid', 'vector', 'interval'], 'string'),
  ...listed(['json', 'jsonb'], 'Json'),
  void: 'undefined',
  record: 'Record<string, unknown>',
};

function listed(names: readonly string[], type: string): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, type]));
}

/** Finds types by their ids and names. */
export class TypeNames {
  readonly #catalog: TypesCatalog;
  readonly #byId: ReadonlyMap<number, CatalogType>;

  constructor(catalog: TypesCatalog) {
    this.#catalog = catalog;
    this.#byId = new Map(catalog.types.map((type) => [type.id, type]));
  }

  get(id: number): CatalogType | undefined {
    return this.#byId.get(id);
  }

  /** TypeScript for the type of an id. */
  ofId(id: number): string {
    const type = this.get(id);
    return type === undefined ? 'unknown' : this.ofName(type.name, type.schema);
  }

  /**
   * TypeScript for a type as a catalog names it, e.g. `_text`. Of several with that name it is the one in the schema.
   */
  ofName(name: string, schema: string): string {
    if (Object.hasOwn(simpleTypes, name)) return simpleTypes[name] as string;
    if (name.startsWith('_')) {
      const element = this.ofName(name.slice(1), schema);
      return element.includes(' | ') ? `(${element})[]` : `${element}[]`;
    }
    const nearest = <T extends { name: string; schema: string }>(all: readonly T[]): T | undefined => {
      const same = all.filter((one) => one.name === name);
      return same.find((one) => one.schema === schema) ?? same[0];
    };
    const { types, relations } = this.#catalog;
    const enumeration = nearest(types.filter(({ labels }) => labels.length > 0));
    if (enumeration !== undefined)
      return (
        this.#reference(enumeration, 'Enums') ?? enumeration.labels.map((label) => JSON.stringify(label)).join(' | ')
      );
    const composite = nearest(types.filter(({ attributes }) => attributes.length > 0));
    if (composite !== undefined) return this.#reference(composite, 'CompositeTypes') ?? 'unknown';
    const tables = relations.filter(({ kind }) => kind === 'table');
    const relation = nearest([...tables, ...relations.filter(({ kind }) => kind === 'view')]);
    if (relation === undefined) return 'unknown';
    const row = this.#reference(relation, relation.kind === 'table' ? 'Tables' : 'Views');
    return row === undefined ? 'unknown' : `${row}["Row"]`;
  }

  /** How the file refers to one of its own types; undefined if it has none of that schema. */
  #reference({ schema, name }: { schema: string; name: string }, kind: string): string | undefined {
    return this.#catalog.schemas.includes(schema)
      ? `Database[${JSON.stringify(schema)}]["${kind}"][${JSON.stringify(name)}]`
      : undefined;
  }
}

/** The type with NULL: `unknown` has it already, and `Json` does, so a column that has no NULL excludes it. */
export function orNull(type: string, nullable: boolean): string {
  if (type === 'Json' && !nullable) return 'NonNullable<Json>';
  return type === 'unknown' || !nullable ? type : `${type} | null`;
}
