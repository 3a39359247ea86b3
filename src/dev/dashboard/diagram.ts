import { diagramTables } from '../../muse/schema-diagram.ts';
import { readMigrations } from '../../migrations/read.ts';
import { schemaDiagram } from '../../publish/diagram/diagram.ts';
import type { DiagramTable } from '../../publish/diagram/place.ts';
import type { Muse } from '../../shared/muse-file.ts';
import type { DevDatabase } from '../service.ts';
import { service } from './identities.ts';

/**
 * The tables of `public` in the database as a picture. The files say in which order they were made, and which belong to core;
 * what they do not make comes last.
 */
export async function drawDatabase(database: DevDatabase, { directory, museFile }: Muse): Promise<string> {
  const { migrations } = await readMigrations(directory, museFile.migrations, { rollbacks: false });
  const known = await diagramTables(migrations);
  const ranks = new Map(known.map(({ name }, rank) => [name, rank]));
  const core = new Set(known.flatMap(({ name, layer }) => (layer === 'core' ? [name] : [])));
  const { rows } = await database.actAs(service, (session) => session.query<Omit<DiagramTable, 'layer'>>(sql), {
    readOnly: true,
  });
  const rankOf = ({ name }: { name: string }): number => ranks.get(name) ?? known.length;
  const tables = rows
    .toSorted((a, b) => rankOf(a) - rankOf(b))
    .map((table): DiagramTable => ({ ...table, layer: core.has(table.name) ? 'core' : 'extension' }));
  return schemaDiagram(tables);
}

const sql = `
  SELECT c.relname::text AS name,
    (SELECT coalesce(json_agg(json_build_object(
        'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'nullable', NOT a.attnotnull,
        'key', EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey)))
        ORDER BY a.attnum), '[]')
      FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
    (SELECT coalesce(json_agg(json_build_object(
        'columns', (SELECT json_agg(a.attname ORDER BY key.at)
          FROM pg_catalog.unnest(f.conkey) WITH ORDINALITY AS key (number, at)
          JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = key.number),
        'table', CASE WHEN n.nspname = 'public' THEN r.relname::text ELSE n.nspname || '.' || r.relname END,
        'one', EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL
          AND i.indexprs IS NULL AND i.indkey::int2[] <@ f.conkey))
        ORDER BY f.conname), '[]')
      FROM pg_catalog.pg_constraint f
      JOIN pg_catalog.pg_class r ON r.oid = f.confrelid
      JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
      WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.conparentid = 0) AS "references"
  FROM pg_catalog.pg_class c
  WHERE c.relnamespace = 'public'::pg_catalog.regnamespace AND c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition
  ORDER BY c.relname COLLATE "C"`;
