import type { Database } from '../database/database.ts';
import { openEmbedded } from '../database/embedded/embedded.ts';
import { diffSchema, readSchema, type SchemaObject } from '../database/schema.ts';
import type { Finding } from '../shared/finding.ts';
import { migrate } from '../migrations/apply.ts';
import type { Migration } from '../sql/migration.ts';
import { schemasOf } from './declared-schema.ts';
import { filesOf } from './applied.ts';

/**
 * What a database has, or lacks, that its applied files do not say: the same files are run on a throw-away database, and
 * the two schemas compared, in `public` and the schemas that the files make.
 */
export async function schemaDrift(database: Database, migrations: readonly Migration[], signal?: AbortSignal): Promise<Finding[]> {
  const { applied: files } = await filesOf(database, migrations);
  const schemas = await schemasOf(files);
  const model = await openEmbedded({ signal });
  try {
    await migrate(model, files);
    const [expected, found] = await Promise.all([readSchema(model, { schemas }), readSchema(database, { schemas })]);
    const { missing, extra, changed } = diffSchema(expected.filter(isOfFiles), found.filter(isOfFiles));
    return [
      ...missing.map((object) => finding(object, 'is not in the database, and the files make it')),
      ...extra.map((object) => finding(object, 'is in the database, and no file makes it')),
      ...changed.map(({ kind, name, after }) => finding({ kind, name, definition: after }, 'is not as the files make it')),
    ];
  } finally {
    await model.close();
  }
}

/** What a platform has of its own, and has otherwise than the throw-away database, is nobody's change. */
const platformKinds = new Set(['extension', 'publication', 'event trigger', 'default privileges']);

const isOfFiles = ({ kind }: SchemaObject): boolean => !platformKinds.has(kind);

function finding({ kind, name, definition }: SchemaObject, what: string): Finding {
  return {
    rule: 'schema-drift',
    severity: 'warning',
    object: `${kind} ${name}`,
    message: `The ${kind} ${name} ${what}: somebody changed the database by hand.`,
    suggestion: `Write the change as a migration (muse new), or take it back. In the database it is: ${definition.slice(0, 300)}`,
  };
}
