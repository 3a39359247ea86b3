import { markdownLine } from '../shared/text.ts';
import type { TableSummary } from './scaffold.ts';
import type { TableScope } from './table.ts';

const begin = '<!-- muse:tables -->';
const end = '<!-- /muse:tables -->';

const whose: Readonly<Record<TableScope, string>> = {
  owner: 'each user their own',
  organization: "each organization's members",
  'public-read': 'everyone reads',
  'service-only': 'the backend only',
};

/** A text as the inside of a Markdown table cell: on one line, and nothing in it is markup. */
function cell(text: string): string {
  return markdownLine(text).replaceAll(/[\\|`*_[\]<>]/g, String.raw`\$&`);
}

/** A name as code in Markdown; names contain no backquote. */
const code = (text: string): string => `\`${markdownLine(text.replaceAll(/[`|]+/g, ' '))}\``;

/**
 * The README's section on the tables that the extensions add, between its markers: name, whose rows, columns, comment.
 * Sorted by name, so that it only changes when the tables do.
 */
export function tableDocs(tables: readonly TableSummary[]): string {
  const rows = tables
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, scope, columns, comment }) => {
      const list = columns.map((column) => `${code(column.name)} ${cell(column.type)}`).join(', ');
      return `| ${code(name)} | ${whose[scope]} | ${list} | ${cell(comment)} |`;
    });
  const table = ['| table | whose rows | columns | what it holds |', '|---|---|---|---|', ...rows];
  return [begin, '## Tables', '', ...(rows.length === 0 ? ['The extensions add no tables yet.'] : table), end].join(
    '\n',
  );
}

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
