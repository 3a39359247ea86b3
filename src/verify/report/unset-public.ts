/** Rows that everyone may read because something in them is not set, and a policy takes that for what opens them. */
import { type ColumnRow, relation } from '../../rules/engine/live/catalog.ts';
import { columnOf, constantOf, fields, nameParts, walk } from '../../rules/engine/live/expression.ts';
import { quoteIdentifier } from '../../shared/quote.ts';
import { publicConditions } from '../catalog/scope.ts';
import type { Proof } from '../probes/prove.ts';
import { type KnownRow, labelledRows, type Subject } from '../probes/subject.ts';
import { onOneLine } from './advice.ts';
import { cellsOf } from './reports.ts';
import type { Gap } from './report.ts';

/** A column, or a place in its JSON, with a value in its place where it is not set. */
interface Instead {
  column: ColumnRow;
  key: string | undefined;
}

/** A gap for each table with a policy that is declared to be public and lets such rows through: whether they are meant, nothing says. */
export function unsetPublicGaps(proof: Proof): Gap[] {
  return proof.subjects.flatMap((subject): Gap[] => {
    if (subject.kind !== 'table') return [];
    const { table } = subject;
    const shown = new Set(
      cellsOf(subject.name, proof).flatMap(({ cell, verb }) =>
        verb === 'select-public' && !('code' in cell) ? [...cell.answer] : [],
      ),
    );
    const rows = labelledRows(subject).flatMap(([label, row]) => (shown.has(label) ? [row] : []));
    for (const using of rows.length === 0 ? [] : publicConditions(table, proof.model)) {
      const one = insteadIn(using, subject, proof).find((instead) => rows.some((row) => isUnset(row, instead)));
      const policy = table.policies.find((other) => other.using === using)?.name ?? '';
      if (one === undefined) continue;
      const name = quoteIdentifier(one.column.name);
      const what = one.key === undefined ? one.column.name : `${one.key} in ${one.column.name}`;
      return [
        {
          object: subject.name,
          reason:
            `policy ${onOneLine(policy)}, which is declared public, lets everyone read rows in which ${what} is not set, as it is ` +
            'in a new row of a user who says nothing of it',
          suggestion:
            `If they are to be seen, let a DEFAULT say so: ALTER TABLE ${relation(table)} ALTER COLUMN ${name} SET DEFAULT …; ` +
            `if not, compare ${what} itself, without COALESCE.`,
        },
      ];
    }
    return [];
  });
}

/** What a condition puts a value in place of, and what no default sets. */
function insteadIn(using: string, { table }: Subject, { model }: Proof): Instead[] {
  const found: Instead[] = [];
  walk(model.parse(using), (type, node) => {
    if (type === 'SubLink') return false;
    const [first] = type === 'CoalesceExpr' ? ((node['args'] ?? []) as unknown[]) : [];
    const path = fields(first, 'A_Expr');
    const isPath = /^->>?$/.test(nameParts(path?.['name']).at(-1) ?? '');
    const own = columnOf(isPath ? path!['lexpr'] : first);
    const column = table.columns.find(({ name }) => name === own?.name);
    if (column === undefined || column.generated) return undefined;
    const byDefault = column.default === null ? undefined : constantOf(model.parse(column.default));
    const key = isPath ? constantOf(path!['rexpr']) : undefined;
    const isOpen =
      key === undefined ? column.default === null && !column.notNull && !isPath : !holdsKey(byDefault ?? '{}', key);
    if (isOpen) found.push({ column, key });
    return undefined;
  });
  return found;
}

function isUnset({ values }: KnownRow, { column, key }: Instead): boolean {
  const sql = values.get(column.name) ?? column.default ?? 'NULL';
  if (key === undefined) return sql === 'NULL';
  const text = /^'((?:[^']|'')*)'/.exec(sql)?.[1]?.replaceAll("''", "'");
  return sql === 'NULL' || (text !== undefined && !holdsKey(text, key));
}

function holdsKey(json: string, key: string): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && Object.hasOwn(value, key);
  } catch {
    return true;
  }
}
