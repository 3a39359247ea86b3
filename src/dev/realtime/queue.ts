import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import type { DevDatabase } from '../service.ts';

/**
 * Where changes wait to be told. Triggers write them, for logical decoding does not work in the embedded database. All
 * of it is in one schema, which is there only while somebody listens.
 */
const schema = 'muse_dev';

/** A change that was committed. */
export interface Change {
  type: 'INSERT' | 'UPDATE' | 'DELETE' | 'MESSAGE';
  schema: string;
  table: string;
  /** The new row as JSON, null for a deleted one. The text keeps numbers that JavaScript would round. */
  record: string | null;
  /** The old row as JSON, null for an inserted one. */
  old: string | null;
}

export interface TableName {
  schema: string;
  table: string;
}

export interface ChangeQueue {
  /**
   * Makes the queue where it is missing, watches the tables, and no others.
   * @param wanted tells which tables of the publication are to be watched
   * @returns all tables of the publication
   * @throws DatabaseError where a table cannot have a trigger
   */
  watch(wanted: (table: TableName) => boolean): Promise<TableName[]>;
  /** The committed changes in their order, which are then gone. */
  take(): Promise<Change[]>;
  /** Removes the queue with all triggers. */
  remove(): Promise<void>;
}

/** Reads what the server may read, in a transaction that counts as no change. */
const reader = { role: 'service_role', claims: {} } as const;

const createSql = `
CREATE SCHEMA ${schema};
GRANT USAGE ON SCHEMA ${schema} TO service_role;
CREATE UNLOGGED TABLE ${schema}.changes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  type text NOT NULL,
  schema_name text NOT NULL,
  table_name text NOT NULL,
  record jsonb,
  old_record jsonb
);
GRANT SELECT ON ${schema}.changes TO service_role;
CREATE FUNCTION ${schema}.note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  INSERT INTO ${schema}.changes (type, schema_name, table_name, record, old_record) VALUES (
    CASE WHEN TG_NARGS > 2 THEN TG_ARGV[2] ELSE TG_OP END, TG_ARGV[0], TG_ARGV[1],
    CASE WHEN TG_OP <> 'DELETE' THEN pg_catalog.to_jsonb(NEW) END,
    CASE WHEN TG_OP <> 'INSERT' THEN pg_catalog.to_jsonb(OLD) END);
  RETURN NULL;
END $$;
-- Private channels' policies are asked by writing messages, which need a partition; what SQL sends by realtime.send()
-- is told from there.
DO $$
BEGIN
  IF pg_catalog.to_regclass('realtime.messages') IS NOT NULL THEN
    CREATE TABLE ${schema}.messages PARTITION OF realtime.messages DEFAULT;
    CREATE TRIGGER ${schema}_changes AFTER INSERT ON ${schema}.messages
      FOR EACH ROW EXECUTE FUNCTION ${schema}.note_change('realtime', 'messages', 'MESSAGE');
  END IF;
END $$;
`;

export function createChangeQueue(database: DevDatabase): ChangeQueue {
  async function look(): Promise<{
    exists: boolean;
    tables: (TableName & { published: boolean; watched: boolean })[];
  }> {
    return database.actAs(
      reader,
      async (session) => {
        const { rows } = await session.query<{ exists: boolean }>(
          `SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = '${schema}') AS exists`,
        );
        const tables = await session.query<TableName & { published: boolean; watched: boolean }>(
          `SELECT n.nspname AS schema, c.relname AS table, p.tablename IS NOT NULL AS published,
             t.oid IS NOT NULL AS watched
           FROM pg_catalog.pg_class c
           JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
           LEFT JOIN pg_catalog.pg_publication_tables p
             ON p.schemaname = n.nspname AND p.tablename = c.relname AND p.pubname = 'supabase_realtime'
           LEFT JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid AND t.tgname = '${schema}_changes' AND t.tgparentid = 0
           WHERE (p.tablename IS NOT NULL OR t.oid IS NOT NULL) AND n.nspname <> '${schema}'`,
        );
        return { exists: rows[0]?.exists === true, tables: tables.rows };
      },
      { readOnly: true },
    );
  }

  return {
    async watch(wanted) {
      const { exists, tables } = await look();
      const statements = tables.flatMap((table) => {
        const want = table.published && wanted(table);
        if (want && !table.watched) return [watchSql(table)];
        return !want && table.watched ? [`DROP TRIGGER ${schema}_changes ON ${nameOf(table)};`] : [];
      });
      if (!exists) statements.unshift(createSql);
      if (statements.length > 0) await database.asServer((session) => session.script(statements.join('\n')));
      return tables.filter(({ published }) => published);
    },
    async take() {
      // Looking first: a transaction that may write would be told as a change, which is looked for, and so on.
      const some = await database.actAs(
        reader,
        async (session) => {
          const { rows } = await session.query<{ some: boolean }>(
            `SELECT EXISTS (SELECT FROM ${schema}.changes) AS some`,
          );
          return rows[0]?.some === true;
        },
        { readOnly: true },
      );
      if (!some) return [];
      return database.asServer(async (session) => {
        const { rows } = await session.query<Change>(
          `WITH taken AS (DELETE FROM ${schema}.changes RETURNING *)
           SELECT type, schema_name AS schema, table_name AS table, record::text AS record, old_record::text AS old
           FROM taken ORDER BY id`,
        );
        return rows;
      });
    },
    async remove() {
      await database.asServer((session) => session.script(`DROP SCHEMA IF EXISTS ${schema} CASCADE`));
    },
  };
}

const nameOf = ({ schema, table }: TableName): string => `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;

/** Always: what a replica or an import writes is a change too. */
function watchSql(table: TableName): string {
  const name = nameOf(table);
  return `CREATE TRIGGER ${schema}_changes AFTER INSERT OR UPDATE OR DELETE ON ${name} FOR EACH ROW
  EXECUTE FUNCTION ${schema}.note_change(${quoteLiteral(table.schema)}, ${quoteLiteral(table.table)});
ALTER TABLE ${name} ENABLE ALWAYS TRIGGER ${schema}_changes;`;
}
