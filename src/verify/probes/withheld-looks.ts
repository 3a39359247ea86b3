/** Tables to which triggers may copy what nobody may read in their own: a history of all that was written. */
import { qualifiedName, relation } from '../../rules/engine/live/catalog.ts';
import { quoteIdentifier } from '../../shared/quote.ts';
import type { Model } from '../catalog/model.ts';
import { isHeldBack } from '../catalog/withheld.ts';
import type { Actor } from './actors.ts';
import type { NamedProbe } from './probes.ts';
import { grantedColumns, type Subject } from './subject.ts';

/** A table with such columns, and one that its triggers write. */
interface Copying {
  from: Subject;
  to: Subject;
  trigger: string;
}

/** The tables whose triggers write others so. */
export function copyingIn(subjects: readonly Subject[], model: Model): Copying[] {
  const tables = subjects.filter(({ kind }) => kind === 'table');
  return tables
    .filter(({ table }) => table.columns.some((column) => isHeldBack(column, table, model)))
    .flatMap((from) =>
      model.dependencies.sideEffects(from.name).flatMap(({ table, trigger }): Copying[] => {
        const to = tables.find(({ name }) => name === table);
        return to === undefined || to === from || to.isLarge ? [] : [{ from, to, trigger }];
      }),
    );
}

/** Strangers, guests, and members of one organization. */
function readersOf({ table }: Subject, actors: readonly Actor[]): number[] {
  return actors.flatMap(({ relation: is, isMultiOrg, only, isAnonymous }, number) => {
    const isTried = only === undefined || (is === 'guest' && only.has(qualifiedName(table)));
    return is !== 'self' && !isMultiOrg && isTried && !isAnonymous ? [number] : [];
  });
}

/** The name of what those probes are about: not the table itself, whose rows are tried by others. */
export function looksAt({ name }: Subject): string {
  return `* withheld in ${name}`;
}

/** Probes that read all that such a reader sees in the tables that are written so. */
export function withheldLooks(subjects: readonly Subject[], actors: readonly Actor[], model: Model): NamedProbe[] {
  const targets = new Set(copyingIn(subjects, model).map(({ to }) => to));
  return [...targets].flatMap((to): NamedProbe[] => {
    const columns = grantedColumns(to, model.userRole, 'S', model).map(({ name }) => quoteIdentifier(name));
    return columns.length === 0
      ? []
      : [
          {
            subject: looksAt(to),
            verb: 'select',
            mode: 'rows',
            state: '',
            sql: `select jsonb_agg(jsonb_build_array(${columns.join(', ')}))::text from ${relation(to.table)}`,
            actors: readersOf(to, actors),
          },
        ];
  });
}
