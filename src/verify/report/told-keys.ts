/** Keys that stand for others in a request, and that strangers read where they are kept: only trying shows that. */
import { qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { isCredential, isOptionalKey } from '../catalog/chance.ts';
import type { Model } from '../catalog/model.ts';
import { isStranger } from '../probes/actors.ts';
import { verbs } from '../probes/verbs.ts';
import type { IsolationReport } from './report.ts';

/** The tables, as `schema.name`, in which a stranger reads such a key of another, itself or through a view. */
export function keysShown({ tables: reports }: Pick<IsolationReport, 'tables'>, model: Model): string[] {
  const keys = model.claims.all
    .filter(({ isSigned }) => !isSigned)
    .flatMap(({ columns, readers }) =>
      columns.filter(({ table, column: name }) => {
        const column = table.columns.find((one) => one.name === name);
        return (
          column !== undefined && (isOptionalKey(column, table, model) || isCredential(column, table, model, readers))
        );
      }),
    );
  const shown = keys.filter(({ table, column }) =>
    reports.some(({ table: name, checks }) => {
      const row = model.tables.get(name);
      return (
        row !== undefined &&
        checks.some(
          ({ actor, verb, outcome, rows, reached }) =>
            isStranger(actor) &&
            outcome === 'allowed' &&
            verbs[verb].letter === 'S' &&
            (row === table ? rows?.includes('a') === true : reached?.includes(qualifiedName(table)) === true) &&
            isGranted(row, column, actor === 'anon' ? 'anon' : model.userRole),
        )
      );
    }),
  );
  return [...new Set(shown.map(({ table }) => qualifiedName(table)))];
}

/** The role may read the column. */
function isGranted({ columns, grants, columnGrants }: RelationRow, column: string, role: string): boolean {
  return (
    columns.some(({ name }) => name === column) &&
    (grants[role]?.includes('S') === true || columnGrants[role]?.S?.includes(column) === true)
  );
}
