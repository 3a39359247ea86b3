import type { Database } from '../database/database.ts';
import { openEmbedded } from '../database/embedded/embedded.ts';
import { diffSchema, readSchema, type SchemaObject } from '../database/schema.ts';
import type { Finding } from '../shared/finding.ts';
import { migrate } from '../migrations/apply.ts';
import type { Migration } from '../sql/migration.ts';
import { schemasOf } from './declared-schema.ts';
import { filesOf } from './applied.ts';

/**
 * Finds where a database differs from its applied files: the same files are run on a shadow database, and
 * the two schemas are compared, in `public` and the schemas that the files create.
 */
export async function schemaDrift(
  database: Database,
  migrations: readonly Migration[],
  signal?: AbortSignal,
): Promise<Finding[]> {
  const { applied: files } = await filesOf(database, migrations);
  const schemas = await schemasOf(files);
  const model = await openEmbedded({ signal });
  try {
    await migrate(model, files);
    const [expected, found] = await Promise.all([readSchema(model, { schemas }), readSchema(database, { schemas })]);
    const { missing, extra, changed } = diffSchema(expected.filter(isOfFiles), found.filter(isOfFiles));
    return [
      ...missing.map((object) => finding(object, 'is not in the database, but the files create it')),
      ...extra.map((object) => finding(object, 'is in the database, but no file creates it')),
      ...changed.map(({ kind, name, after }) =>
        finding({ kind, name, definition: after }, 'differs from what the files create'),
      ),
    ];
  } finally {
    await model.close();
  }
}

/** A platform has its own objects of these kinds, which differ from the shadow database without anyone changing them. */
const platformKinds = new Set(['extension', 'publication', 'event trigger', 'default privileges']);

const isOfFiles = ({ kind }: SchemaObject): boolean => !platformKinds.has(kind);

function finding({ kind, name, definition }: SchemaObject, what: string): Finding {
  return {
    rule: 'schema-drift',
    severity: 'warning',
    object: `${kind} ${name}`,
    message: `The ${kind} ${name} ${what}: the database was changed by hand.`,
    suggestion: `Write the change as a migration (muse new), or undo it in the database. Definition there: ${definition.slice(0, 300)}`,
  };
}
