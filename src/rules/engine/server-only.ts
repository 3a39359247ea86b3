import type { Catalog } from '../../sql/catalog/model.ts';
import { commentsBelow } from './statements.ts';
import { ownTables } from './tables.ts';
import type { OwnTable } from './tables.ts';

/** Words that say that only the server uses a table. */
const words =
  /\bno (?:rls )?polic(?:y|ies) (?:as|because|since|needed|necessary|on purpose)\b|\bprivate table\b|\bserver[ -]?(?:side )?only\b|\bservice[ _-]role only\b/i;

/** Returns whether a comment on the table or on its ENABLE says in plain words that only the server uses it. */
export function saysServerOnly({ site, rls }: OwnTable): boolean {
  return [site, rls].some((each) => {
    if (each === undefined) return false;
    const { source, statement } = each.piece;
    return [...statement.comments, ...commentsBelow(source, statement)].some(({ text }) => words.test(text));
  });
}

/** The tables that the files reserve for the server, as `schema.name`. */
export function serverOnlyTables(catalog: Catalog): string[] {
  return ownTables(catalog)
    .filter(saysServerOnly)
    .map(({ name }) => name);
}
