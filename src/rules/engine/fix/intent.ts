/**
 * The intent of a policy in its author's own words: the only basis on which a repair may write a declaration of intent.
 */
import type { Policy, Table } from '../../../sql/catalog/model.ts';
import { commentsBeside } from '../statements.ts';

/** Words that say that anonymous visitors may read. */
const publicRead =
  /\b(?:any(?:one|body)|every(?:one|body)|anonymous(?:ly)?|anon|visitors?|public(?:ly)?(?!\s*[.'"]|\s+(?:schema|key)\b)|(?:for|to|by) all users|all users (?:can|may))\b/i;
/** Words before them that negate them, and words after them that restrict them. */
const negated = /\b(?:no|not|never|non|without|only|cannot|can't|nobody|instead of)\b[\s\w-]{0,24}$/i;
const limited = /^\s*(?:who|that|in|of|within|signed|with)\b|^[\s\w]{0,24}\b(?:signed|logged|authenticated)\b/i;

/** The author's words that a repair relies on, as a sentence that quotes them. */
export interface Words {
  /** The same on one line, for a SQL comment. */
  quoted: string;
}

function saying(text: string): boolean {
  const match = publicRead.exec(text);
  if (match === null) return false;
  return !negated.test(text.slice(0, match.index)) && !limited.test(text.slice(match.index + match[0].length));
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

/**
 * The words in a policy's name or comments, or in its table's comments, that say that everyone may read; undefined if
 * there are none.
 */
export function publicReadWords(policy: Policy, table: Table | undefined): Words | undefined {
  if (saying(policy.name.replaceAll('_', ' '))) return { quoted: `The policy's name says: "${oneLine(policy.name)}".` };
  const sites = [policy.site, ...(table?.site === undefined ? [] : [table.site])];
  for (const { piece } of sites) {
    const comment = commentsBeside(piece.source, piece.statement).find(
      ({ text }) => !/^(?:--|\/\*)\s*muse:/.test(text) && saying(text),
    );
    if (comment !== undefined)
      return { quoted: `Its comment says: "${oneLine(comment.text.replaceAll(/^(?:--|\/\*)|\*\/$/g, ''))}".` };
  }
  return undefined;
}

/** The declaration that everyone may read a table's rows, with the words it is based on and a line end. */
export function declarePublicRead({ quoted }: Words): string {
  return `-- ${quoted}\n-- muse: public-read\n`;
}
