/** What strangers see of a row when its owner writes it: copies that triggers make of it elsewhere. */
import { isMadeUp } from '../fixtures/known-rows.ts';
import type { Model } from '../catalog/model.ts';
import { isPublic } from '../catalog/scope.ts';
import { relation } from '../../rules/engine/live/catalog.ts';
import type { NamedProbe } from './probes.ts';
import type { Subject } from './subject.ts';

/** Tables that triggers write when the subject is written, whose rows are not declared to be everyone's. */
function copyTables(subject: Subject, model: Model): string[] {
  if (subject.kind !== 'table' || subject.scope.kind === 'public-read') return [];
  return model.dependencies
    .sideEffects(subject.name)
    .map(({ table }) => table)
    .filter((name) => {
      const table = model.tables.get(name);
      return name !== subject.name && !(table !== undefined && isPublic(table, model));
    });
}

/** Probes that read everything an actor sees of each table that triggers write; no actor does them in the first round. */
export function copyLooks(subjects: readonly Subject[], model: Model): NamedProbe[] {
  const written = new Set(subjects.flatMap((subject) => copyTables(subject, model)));
  return subjects
    .filter((subject) => subject.kind === 'table' && written.has(subject.name) && !subject.isLarge)
    .map((subject) => ({
      subject: subject.name,
      verb: 'select',
      mode: 'rows',
      state: '',
      actors: [],
      sql: `select jsonb_agg(to_jsonb(seen))::text from ${relation(subject.table)} as seen`,
    }));
}

/**
 * Texts of A's row and of the one that A adds, by the name of each table whose triggers write others: keys do not count, since
 * other rows point at them.
 */
export function copyTexts(subjects: readonly Subject[], model: Model): Map<string, ReadonlySet<string>> {
  return new Map(
    subjects
      .filter((subject) => copyTables(subject, model).length > 0)
      .map((subject) => {
        const keys = new Set([
          ...subject.rows.a.key.map(([name]) => name),
          ...subject.table.constraints.filter(({ type }) => type === 'f').flatMap(({ columns }) => columns),
        ]);
        const columns = subject.columns.filter(
          (column) =>
            column.category === 'S' && !keys.has(column.name) && model.meaningOf(subject.table, column) === undefined,
        );
        const texts = columns.flatMap(({ name }) =>
          [subject.rows.a, subject.fresh.a].flatMap(({ values }) => {
            const value = values.get(name);
            return value === undefined ||
              value === subject.rows.b.values.get(name) ||
              !/^'[^'\\]*'$/.test(value) ||
              !isMadeUp(value.slice(1, -1))
              ? []
              : [value.slice(1, -1)];
          }),
        );
        return [subject.name, new Set(texts)];
      }),
  );
}
