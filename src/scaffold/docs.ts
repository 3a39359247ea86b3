import { markdownLine } from '../shared/text.ts';
import type { TableSummary } from './scaffold.ts';
import type { TableScope } from './table.ts';

const begin = '<!-- muse:tables -->';
const end = '<!-- /muse:tables -->';

const whose: Readonly<Record<TableScope | 'open', string>> = {
  owner: 'each user their own',
  organization: "each organization's members",
  'public-read': 'everyone reads',
  'service-only': 'the backend only',
  open: 'everyone reads some',
};

/** A text as the inside of a Markdown table cell: on one line, and nothing in it is markup. */
function cell(text: string): string {
  return markdownLine(text).replaceAll(/[\\|`*_[\]<>]/g, String.raw`\$&`);
}

/** A name as code in Markdown; names contain no backquote. */
const code = (text: string): string => `\`${markdownLine(text.replaceAll(/[`|]+/g, ' '))}\``;

/** Where the picture of the schema is, which the list links to. */
export const schemaPicture = 'docs/schema.svg';

/** So many columns are listed in the table itself; the others of a longer list are folded below it. */
const shownColumns = 6;

/**
 * The README's section on the tables that the extensions add, between its markers: name, whose rows, columns, comment, and
 * below them the columns of long tables, folded. Sorted by name, so that it only changes when the tables do.
 */
export function tableDocs(tables: readonly TableSummary[]): string {
  const sorted = tables.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const rows = sorted.map(({ name, scope, open, columns, comment }) => {
    const readers = [whose[scope], ...(open === true ? [whose.open] : [])].join('; ');
    const isLong = columns.length > shownColumns;
    const shown = columns.slice(0, isLong ? shownColumns - 1 : columns.length);
    const list = shown.map((column) => `${code(column.name)} ${cell(column.type)}`);
    if (isLong) list.push(`${columns.length - shown.length} more`);
    return `| ${code(name)} | ${readers} | ${list.join(', ')} | ${cell(comment)} |`;
  });
  const table = ['| table | whose rows | columns | what it holds |', '|---|---|---|---|', ...rows];
  const picture = ['', `All tables, core and extensions, as a picture: [${schemaPicture}](${schemaPicture}).`];
  const folded = sorted.filter(({ columns }) => columns.length > shownColumns).flatMap(foldedColumns);
  return [
    begin,
    '## Tables',
    '',
    ...(rows.length === 0 ? ['The extensions add no tables yet.'] : table),
    ...folded,
    ...picture,
    end,
  ].join('\n');
}

/** The columns of one table, below a line that opens them. */
function foldedColumns({ name, columns }: TableSummary): string[] {
  const rows = columns.map((column) => `| ${code(column.name)} | ${cell(column.type)} |`);
  const title = `<summary>The ${columns.length} columns of <code>${html(name)}</code></summary>`;
  return ['', '<details>', title, '', '| column | type |', '|---|---|', ...rows, '', '</details>'];
}

/** A name inside of HTML. */
const html = (text: string): string =>
  markdownLine(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/**
 * The README with its section on tables replaced; everything outside the markers stays as it is, line ends included.
 * Without markers, the section goes to the end.
 */
export function replaceSection(readme: string, section: string): string {
  const newline = readme.includes('\r\n') ? '\r\n' : '\n';
  const text = section.replaceAll(/\r?\n/g, newline);
  const start = readme.indexOf(begin);
  const stop = readme.indexOf(end, start);
  if (start >= 0 && stop >= 0) return readme.slice(0, start) + text + readme.slice(stop + end.length);
  const before = readme.replace(/\s+$/, '');
  return `${before === '' ? '' : `${before}${newline}${newline}`}${text}${newline}`;
}
