import type { Catalog } from '../../sql/catalog/model.ts';
import { commentsBelow } from './statements.ts';
import { ownTables } from './tables.ts';
import type { OwnTable } from './tables.ts';

/** Words by which people say that only the server is to use a table. */
const words =
  /\bno (?:rls )?polic(?:y|ies) (?:as|because|since|needed|necessary|on purpose)\b|\bprivate table\b|\bserver[ -]?(?:side )?only\b|\bservice[ _-]role only\b/i;

/** Says whether a comment beside the table or its ENABLE says in plain words that only the server is to use it. */
export function saysServerOnly({ site, rls }: OwnTable): boolean {
  return [site, rls].some((each) => {
    if (each === undefined) return false;
    const { source, statement } = each.piece;
    return [...statement.comments, ...commentsBelow(source, statement)].some(({ text }) => words.test(text));
  });
}

/** The tables of which the files say so, as `schema.name`. */
export function serverOnlyTables(catalog: Catalog): string[] {
  return ownTables(catalog)
    .filter(saysServerOnly)
    .map(({ name }) => name);
}
