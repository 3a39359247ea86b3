import { countRows } from '../database/count-rows.ts';
import { DatabaseError, type Session } from '../database/database.ts';
import { diffSchema, schemaReader, type SchemaObject } from '../database/schema.ts';

/** The state of a database at one moment of a rehearsal. */
export interface Snapshot {
  schema: SchemaObject[];
  /** Rows by `schema.table`. */
  rows: ReadonlyMap<string, number>;
}

/** One difference between two snapshots. */
export interface SchemaChange {
  /** E.g. `table public.t`, `constraint c on public.t`. */
  object: string;
  /** `schema.table` for objects that belong to a table. */
  table?: string;
  /** For messages: `index public.i is there and was not`. */
  what: string;
}

/** Returns a function that reads the schema and row counts of a session. A few round trips per call. */
export function snapshotTaker(session: Session): () => Promise<Snapshot> {
  const readSchema = schemaReader(session);
  return async () => ({ schema: await readSchema(), rows: new Map(Object.entries(await countAll(session))) });
}

async function countAll(session: Session): Promise<Record<string, number>> {
  try {
    return await countRows(session);
  } catch (error) {
    // A migration may give a table to an owner who grants it to no one. The rest of the rehearsal is still useful.
    if (error instanceof DatabaseError && error.code === '42501') return {};
    throw error;
  }
}

/** The table (for a grant or a comment, the object) that something belongs to, if its name or definition says so. */
function tableOfObject({ kind, name, definition }: SchemaObject): string | undefined {
  if (kind === 'column') return name.slice(0, name.lastIndexOf('.'));
  if (kind === 'index') return / ON (?:ONLY )?(\S+) USING /.exec(definition)?.[1];
  if (kind === 'grant') return /^(?:relation|function|schema) (.+)$/.exec(name)?.[1];
  if (kind === 'comment') return /^(?:table|table column|index|view) ([^.]+\.[^.]+)/.exec(name)?.[1];
  return / on ([^ ]+)$/.exec(name)?.[1];
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 160 ? `${line.slice(0, 160)}…` : line;
}

/**
 * The differences in `after`. For a table, view or function that is new or gone, only the object itself is listed, not
 * what belongs to it.
 */
export function changesBetween(before: Snapshot, after: Snapshot): SchemaChange[] {
  const { missing, extra, changed } = diffSchema(before.schema, after.schema);
  const belongsToAnother = /^(?:column|constraint|index|policy|trigger|grant|comment)$/;
  const whole = new Set(
    [...missing, ...extra].filter(({ kind }) => !belongsToAnother.test(kind)).map(({ name }) => name),
  );
  const withoutParts = (object: SchemaObject): SchemaObject[] =>
    whole.has(tableOfObject(object) ?? '') ? [] : [object];
  const change = (object: SchemaObject, what: string): SchemaChange => {
    const table = tableOfObject(object);
    return {
      object: `${object.kind} ${object.name}`,
      ...(table === undefined ? {} : { table }),
      what: `${object.kind} ${object.name} ${what}`,
    };
  };
  return [
    ...missing.flatMap(withoutParts).map((object) => change(object, 'is gone')),
    ...extra.flatMap(withoutParts).map((object) => change(object, 'is there and was not')),
    ...changed.map(({ kind, name, before: was, after: now }) =>
      change({ kind, name, definition: now }, `was "${shortened(was)}" and is "${shortened(now)}"`),
    ),
  ];
}
