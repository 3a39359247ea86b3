/** Marks of templates and of unfinished merges, in statements that PostgreSQL cannot parse. */
import type { Statement } from '../../sql/statement.ts';
import { tokensOf } from '../../sql/tokens.ts';

/** Something that another tool has to replace or a person has to decide before the file is SQL. */
export interface TemplateSign {
  /** What writes such marks. */
  what: string;
  /** The mark, as it stands there. */
  mark: string;
  /** Offset in the file. */
  offset: number;
  instead: string;
}

const rendered = 'Render the template first, and put what comes of it here; or name the folder with the finished SQL.';

const ofPsql = {
  what: 'a template with placeholders, as Graphile Migrate and psql fill them in',
  instead: 'Write what stands for it: the name of a role or a database, or the value.',
};

const signs: readonly { what: string; mark: RegExp; instead: string }[] = [
  {
    what: 'a merge that was not finished',
    mark: /^(?:<{7}|>{7}|\|{7})(?: .*)?$|^={7}$/m,
    instead: 'Decide between the two sides of the merge, and delete its marks.',
  },
  { what: 'a Jinja template', mark: /\{%-?.*?-?%\}/s, instead: rendered },
  { what: 'an ERB template', mark: /<%[-=#]?.*?%>/s, instead: rendered },
  {
    what: 'a Go template',
    mark: /\{\{-?\s*(?:\.|if\b|else\b|end\b|range\b|with\b|template\b|define\b).*?\}\}/s,
    instead: rendered,
  },
  { what: 'a template', mark: /\{\{.*?\}\}/s, instead: rendered },
  {
    what: 'a template with placeholders',
    mark: /\$\{[A-Za-z_][\w.:-]*\}/,
    instead:
      'Write the value in its place: its tool (goose with ENVSUB, Flyway and others) takes it from its environment or settings.',
  },
  { ...ofPsql, mark: /(?<![:\w\]]):[A-Z][A-Z0-9]*_[A-Z0-9_]+\b/ },
];

/**
 * The first mark in a statement that does not parse; undefined for any other mistake. String literals and comments are
 * ignored: a literal may contain a template.
 */
export function templateSign({ error, sql, start }: Statement): TemplateSign | undefined {
  if (error === undefined) return undefined;
  // PostgreSQL stops at the colon before a variable of psql: a name, or one in quotes as a text or an identifier.
  const variable = /^:(?:'\w+'|"\w+"|[A-Za-z_]\w*)/.exec(sql.slice(error.offset - start))?.[0];
  if (variable !== undefined) return { ...ofPsql, mark: variable, offset: error.offset };
  const code = withoutTexts(sql);
  for (const { what, mark, instead } of signs) {
    const found = mark.exec(code);
    if (found === null) continue;
    const [line = ''] = sql.slice(found.index, found.index + found[0].length).split('\n');
    return { what, mark: line, offset: start + found.index, instead };
  }
  return undefined;
}

/** The statement with spaces in place of its texts and comments. */
function withoutTexts(sql: string): string {
  const parts: string[] = [];
  let last = 0;
  for (const { name, start, end } of tokensOf(sql)) {
    if (!/SCONST$|_COMMENT$/.test(name)) continue;
    parts.push(sql.slice(last, start), ' '.repeat(end - start));
    last = end;
  }
  parts.push(sql.slice(last));
  return parts.join('');
}
