// Writes muse.schema.json, the JSON Schema of muse.json. Run it after a build; a test tells when it was forgotten.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';

/** @type {(schema: Parameters<typeof toJsonSchema>[0]) => string} The text of muse.schema.json. */
export const schemaText = (schema) => {
  // Checks that span several keys have no place in a JSON Schema: they are made when the file is read.
  const json = { title: 'muse.json', ...toJsonSchema(schema, { errorMode: 'ignore' }) };
  return `${JSON.stringify(json, undefined, 2)}\n`;
};

if (process.argv[1] === import.meta.filename) {
  const { museSchema } = await import('../dist/muse/muse-schema.js');
  writeFileSync(join(dirname(import.meta.dirname), 'muse.schema.json'), schemaText(museSchema));
}
