/** Generated columns that everyone who reads the rows may read, and that tell what is in one that nobody may read. */
import type { Finding } from '../../shared/finding.ts';
import { type ColumnRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import type { Model } from '../catalog/model.ts';
import { columnsPassed } from '../catalog/passed-on.ts';
import { withheldColumns } from '../catalog/withheld.ts';
import { makeFinding } from './make-finding.ts';

/** What they tell: an error where a text keeps the other in it, a warning where something else is made of it. */
export function withheldGenerated(model: Model): Finding[] {
  return [...model.tables.values()].flatMap((table) => {
    const withheld = table.kind === 'v' || table.kind === 'm' ? new Set<string>() : withheldColumns(table, model);
    return withheld.size === 0 ? [] : table.columns.flatMap((column) => ofColumn(column, table, withheld, model));
  });
}

function ofColumn(
  { name, generated, default: sql }: ColumnRow,
  table: RelationRow,
  withheld: ReadonlySet<string>,
  model: Model,
): Finding[] {
  if (!generated || sql === null || withheld.has(name)) return [];
  const [kept, named] = [new Set<string>(), new Set<string>()];
  columnsPassed(model.parse(sql), (column, isKept) => {
    if (withheld.has(column)) (isKept ? kept : named).add(column);
  });
  const told = kept.size > 0 ? kept : named;
  if (told.size === 0) return [];
  const columns = [...told].join(', ');
  return [
    makeFinding(
      'isolation-read',
      qualifiedName(table),
      `${qualifiedName(table)}: the generated column ${name} tells what is in ${columns}, which nobody may read there.`,
      `Leave ${columns} out of ${name}, or take ${name} out of what GRANT SELECT (…) ON ${qualifiedName(table)} names.`,
      kept.size > 0 ? undefined : 'warning',
    ),
  ];
}
