/** What strangers see when an owner writes a row: copies of it that triggers make elsewhere. */
import { isMadeUp } from '../fixtures/known-rows.ts';
import type { Callable } from '../catalog/functions.ts';
import { readsForItsRow } from '../catalog/trigger-values.ts';
import { copyTables } from '../catalog/copy-tables.ts';
import type { Model } from '../catalog/model.ts';
import { type FunctionRow, relation } from '../../rules/engine/live/catalog.ts';
import type { RelationName } from '../catalog/effects.ts';
import type { Actor } from './actors.ts';
import type { NamedProbe } from './probes.ts';
import { condition, type Subject } from './subject.ts';

/** Tables into which a caller may have rows copied: by a function with its owner's rights, or by a trigger of the table. */
function filledTables(subjects: readonly Subject[], callables: readonly Callable[], model: Model): Set<string> {
  const calling = callables.filter(
    ({ routine, skipped }) => skipped === undefined && model.sources.reached(routine).some(({ definer }) => definer),
  );
  return new Set([
    ...subjects
      .filter(({ aims }) => aims.length > 0)
      .flatMap(({ name }) => [name, ...model.dependencies.sideEffects(name).map(({ table }) => table)]),
    ...subjects.flatMap(({ name, table, kind }) => (kind === 'table' && readsForItsRow(table, model) ? [name] : [])),
    ...calling.flatMap(({ routine, tables }) => {
      const written = model.dependencies.writtenBy(routine);
      const isFed = [...tables].some((name) => !written.has(name)) || readsWhatItWrites(routine, model);
      return isFed ? [...written] : [];
    }),
  ]);
}

/** It names a table that it writes once more, where it may read it. */
function readsWhatItWrites(routine: FunctionRow, model: Model): boolean {
  const all = model.sources.reached(routine).map((one) => model.sources.effects(one));
  const count = (names: readonly RelationName[], { schema, name }: RelationName): number =>
    names.filter((one) => one.name === name && one.schema === schema).length;
  const [named, written] = [all.flatMap(({ relations }) => relations), all.flatMap((one) => one.written)];
  return written.some((one) => count(named, one) > count(written, one));
}

/**
 * Probes that read everything that an actor sees in each table that triggers and functions write. In the first round
 * only strangers run them, where rows may be copied for the one who writes.
 * @param beside further tables that they read so
 */
export function copyLooks(
  subjects: readonly Subject[],
  callables: readonly Callable[],
  actors: readonly Actor[],
  model: Model,
  beside: readonly string[],
): NamedProbe[] {
  const filled = new Set([...filledTables(subjects, callables, model), ...beside]);
  const written = new Set([...subjects.flatMap((subject) => copyTables(subject, model)), ...filled]);
  const strangers = actors.flatMap(({ relation, only }, number) =>
    relation === 'none' && only === undefined ? [number] : [],
  );
  return subjects
    .filter((subject) => subject.kind === 'table' && written.has(subject.name) && !subject.isLarge)
    .map((subject) => ({
      subject: subject.name,
      verb: 'select',
      mode: 'rows',
      state: '',
      actors: filled.has(subject.name) ? strangers : [],
      // A trigger has filled the row that is partly A's like the one that a stranger then adds.
      sql: `select jsonb_agg(to_jsonb(seen))::text from ${relation(subject.table)} as seen${butMixed(subject)}`,
    }));
}

function butMixed({ rows: { m } }: Subject): string {
  return m === undefined ? '' : ` where not (${condition(m.key)})`;
}

/**
 * Texts of A's row and of the one that A adds, by the name of each table whose triggers write others. Keys do not
 * count, since other rows reference them.
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
