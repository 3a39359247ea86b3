/** Texts in which a trigger finds users by a text of theirs, as `@name` in a comment: those in which it finds who writes. */
import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import { type ColumnRow, type FunctionRow, type RelationRow, relation } from '../../rules/engine/live/catalog.ts';
import { isFreeText } from '../catalog/joined-by-call.ts';
import type { Model } from '../catalog/model.ts';
import { type TextForm, textFormsOf } from '../catalog/text-forms.ts';
import { actingUser } from '../fixtures/belongings.ts';
import type { Subject } from './subject.ts';

/** How many texts are tried of one column. */
const most = 2;

/**
 * Values of the columns of a new row that its triggers take apart and look up: with the text of the acting user in place of what they
 * look for.
 */
export function mentionsOf({ table, columns }: Subject, model: Model): [column: string, sql: string][] {
  const routines = table.triggers.flatMap((trigger) =>
    trigger.enabled && trigger.events.includes('I') ? (model.sources.byOid(trigger.function) ?? []) : [],
  );
  return routines.flatMap((routine) => {
    const names = namesOfUsers(routine, table, model);
    if (names.length === 0) return [];
    return columns
      .filter(({ name, category }) => category === 'S' && isFreeText(table, name))
      .flatMap(({ name }) =>
        textFormsOf(routine, name, model.sources)
          .forms.filter(hasOnePart)
          .flatMap((form) => names.map((own): [string, string] => [name, written(form, own)]))
          .slice(0, most),
      );
  });
}

/** A constant, and one part that is looked up. */
function hasOnePart(form: TextForm): boolean {
  return form.filter((part) => typeof part !== 'string').length === 1 && form.length > 1;
}

/** SQL of the texts of the acting user that the function may look for. */
function namesOfUsers(routine: FunctionRow, written: RelationRow, model: Model): string[] {
  const mentioned = new Set(model.sources.reached(routine).flatMap((one) => [...model.sources.effects(one).columns]));
  const named = model.dependencies.namedBy(routine);
  return [...named].flatMap((name) => {
    const table = model.tables.get(name);
    const [user, ...more] = table?.columns.filter((column) => model.meaningOf(table, column) === 'user') ?? [];
    if (table === undefined || table === written || user === undefined || more.length > 0) return [];
    const isName = (column: ColumnRow): boolean =>
      column.category === 'S' && mentioned.has(column.name) && isFreeText(table, column.name);
    const own = `${quoteIdentifier(user.name)} = '${actingUser}'`;
    return table.columns
      .filter(isName)
      .map((column) => `(select ${quoteIdentifier(column.name)} from ${relation(table)} where ${own} limit 1)`);
  });
}

function written(form: TextForm, own: string): string {
  return form.map((part) => (typeof part === 'string' ? quoteLiteral(part) : own)).join(' || ');
}
