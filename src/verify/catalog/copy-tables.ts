/** Where triggers may copy what is written. */
import type { Subject } from '../probes/subject.ts';
import type { Model } from './model.ts';
import { isPublic } from './scope.ts';

/** Tables that triggers write when the subject is written, unless their rows are declared public. */
export function copyTables(subject: Subject, model: Model): string[] {
  if (subject.kind !== 'table' || subject.scope.kind === 'public-read') return [];
  return model.dependencies
    .sideEffects(subject.name)
    .map(({ table }) => table)
    .filter((name) => {
      const table = model.tables.get(name);
      return name !== subject.name && table !== undefined && !isPublic(table, model);
    });
}
