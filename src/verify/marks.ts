import type { RelationRow } from './catalog.ts';
import type { Model } from './model.ts';
import type { Person } from './people.ts';
import type { Subject } from './subject.ts';

/** Texts that stand in A's row of a table and nowhere else: who gets to see one has seen the row. */
export interface Mark {
  text: string;
  table: RelationRow;
}

const leastLength = 6;

/** The marks of the subjects' first rows: ids and texts that were made up for them alone. */
export function marksOf(subjects: readonly Subject[], shared: ReadonlySet<string>): Mark[] {
  return subjects.filter(({ kind }) => kind === 'table').flatMap((subject) => {
    const texts = [...subject.rows.a.values].filter(([name, value]) =>
      isTelling(value) && !shared.has(value) && subject.rows.b.values.get(name) !== value && !isLink(subject, name));
    return [...new Set(texts.map(([, value]) => plain(value)))].map((text) => ({ text, table: subject.table }));
  });
}

/** The name of Supabase's own table of users. */
export const authUsers = 'auth.users';

/** The mark of A in Supabase's own table of users, which no user may read: the e-mail address. */
export function marksOfUsers(model: Model, people: readonly Person[]): Mark[] {
  const table = model.tables.get(authUsers);
  return table === undefined ? [] : people.slice(0, 1).map(({ email }) => ({ text: email, table }));
}

/** Long enough, and a literal of our own making rather than an expression. */
function isTelling(value: string): boolean {
  // One random id in twenty-five has no four digits in a row.
  return /^'[^'\\]*'$/.test(value) && value.length >= leastLength + 2 && /\d{4}|muse|^'[\da-f]{8}-/.test(value) && !/^'\d{4}-\d\d-\d\dT/.test(value);
}

function plain(value: string): string {
  return value.slice(1, -1);
}

/** A column that points at another table's row holds that row's mark, not its own. */
function isLink(subject: Subject, name: string): boolean {
  return subject.table.constraints.some((key) => key.type === 'f' && key.columns.includes(name));
}
