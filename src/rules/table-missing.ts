import { isPlatformSchema, qualifiedName } from './engine/live/catalog.ts';
import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'table-missing',
  severity: 'error',
  found: ['live'],
  means: 'the migration history says that the file is applied, and its table does not exist',
  doc: {
    why:
      'The migration history says that the file was applied, and its table does not exist: someone dropped it by ' +
      'hand, or a backup was restored in part.',
  },
  live: {
    database({ catalog, expectations }, report) {
      const present = new Set(catalog.relations.map(qualifiedName));
      // The catalog is read without the schemas that the platform owns.
      const missing = (expectations.tables ?? []).filter(
        (each) => !present.has(each) && !isPlatformSchema(each.slice(0, each.indexOf('.'))),
      );
      for (const name of missing) {
        report({
          object: name,
          message: `The files that were applied create ${name}, but the database has no such table.`,
          suggestion:
            'Find out who dropped it, then write a migration that creates it again; muse status shows what else has drifted.',
        });
      }
    },
  },
};
