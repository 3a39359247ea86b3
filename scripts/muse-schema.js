// Writes muse.schema.json, the JSON Schema of muse.json. Run it after a build; a test tells when it was forgotten.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';

/**
 * @type {(schema: Parameters<typeof toJsonSchema>[0], rules: Readonly<Record<string, { means: string }>>) => string}
 * The text of muse.schema.json. The rules say what they mean here: what reads muse.json knows their names only, to start fast.
 */
export const schemaText = (schema, rules) => {
  // Checks that span several keys have no place in a JSON Schema: they are made when the file is read.
  const json = { title: 'muse.json', ...toJsonSchema(schema, { errorMode: 'ignore' }) };
  for (const [name, { means }] of Object.entries(rules))
    json.properties.rules.properties[name].description = `${means}.`;
  return `${JSON.stringify(json, undefined, 2)}\n`;
};

if (process.argv[1] === import.meta.filename) {
  const { museSchema } = await import('../build/muse/muse-schema.js');
  const { rules } = await import('../build/rules/registry.js');
  writeFileSync(join(dirname(import.meta.dirname), 'muse.schema.json'), schemaText(museSchema, rules));
}
