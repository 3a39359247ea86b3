/**
 * diagram/: a schema as a picture. Tables are boxes with their columns, and foreign keys are lines. A key to a table that many
 * refer to, or that is too far away for a line, names it in its row. One SVG that loads nothing, for light and dark pages.
 */
import { escapeMarkup } from '../../shared/printable.ts';
import {
  type Box,
  boxWidth,
  type DiagramReference,
  type DiagramTable,
  headHeight,
  isBeside,
  type Part,
  type Placement,
  placeTables,
  rowHeight,
} from './place.ts';

const margin = 20;
/** What a line needs beside the outermost boxes. */
const side = 46;

/** The style of the picture, always the same: a page that forbids others can allow this one by its hash. */
export const diagramStyle = [
  '.muse-schema text{font:11px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#0f172a}',
  '.muse-schema .back,.muse-schema .box{fill:#fff}',
  '.muse-schema .box{stroke:#94a3b8}',
  '.muse-schema .head{fill:#475569}',
  '.muse-schema .extension .box{stroke:#16a34a}',
  '.muse-schema .extension .head{fill:#15803d}',
  '.muse-schema .name{font-size:12.5px;font-weight:650;fill:#fff}',
  '.muse-schema .part{font-size:15px;font-weight:650;fill:#475569}',
  '.muse-schema .part.extension{fill:#15803d}',
  '.muse-schema .key{font-weight:700}',
  '.muse-schema .type{font-size:10px;fill:#5b677a}',
  '.muse-schema .to{font-weight:600}',
  '.muse-schema .line{fill:none;stroke:#64748b;stroke-width:1.1}',
  ...['#2563eb', '#9333ea', '#c2410c', '#0e7490', '#be123c'].map(
    (color, at) => `.muse-schema .hub${at} .head{fill:${color}}.muse-schema .to.hub${at}{fill:${color}}`,
  ),
  '@media (prefers-color-scheme:dark){',
  '.muse-schema text{fill:#e6edf3}',
  '.muse-schema .back{fill:#0d1117}',
  '.muse-schema .box{fill:#161b22}',
  '.muse-schema .name{fill:#fff}',
  '.muse-schema .part{fill:#9fb0c6}',
  '.muse-schema .part.extension{fill:#4ade80}',
  '.muse-schema .type{fill:#9aa4b0}',
  '.muse-schema .line{stroke:#8b949e}',
  ...['#7fb0ff', '#d0a5ff', '#ffa46b', '#5cc8e0', '#ff8fa8'].map(
    (color, at) => `.muse-schema .to.hub${at}{fill:${color}}`,
  ),
  '}',
].join('');
const hubColors = 5;

/** What only these pictures have. */
export const diagramMark = 'class="muse-schema"';

/**
 * Draws a schema. The same tables give the same picture, and one that is added at the end moves no other.
 * @param tables in the order in which they were made
 * @returns an SVG document; each table is a group with its name in `data-table`, each line has `data-from` and `data-to`
 */
export function schemaDiagram(tables: readonly DiagramTable[]): string {
  const placement = placeTables(tables);
  const hubs = new Map(placement.hubs.map((name, at) => [name, `hub${at % hubColors}`]));
  const [width, height] = [placement.width + 2 * side, placement.height + 2 * margin];
  const summary =
    tables.length === 0 ? 'No tables yet' : `Schema: ${tables.length} ${tables.length === 1 ? 'table' : 'tables'}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${diagramMark} role="img" viewBox="${-side} ${-margin} ${width} ${height}" ` +
      `width="${width}" height="${height}">`,
    `<title>${summary}</title>`,
    `<style>${diagramStyle}</style>`,
    `<rect class="back" x="${-side}" y="${-margin}" width="${width}" height="${height}"/>`,
    ...placement.parts.map(partTitle),
    ...linesOf(placement),
    ...placement.boxes.map((box) => drawBox(box, placement, hubs)),
    '</svg>\n',
  ].join('\n');
}

const partNames = { core: 'Core', extension: 'Extension' };

const partTitle = ({ layer, x, count }: Part): string =>
  `<text class="part ${layer}" x="${x}" y="16">${partNames[layer]}: ${count} ${count === 1 ? 'table' : 'tables'}</text>`;

/** The box that a line leads to; undefined where the key's row names the table instead. */
function lineTo(box: Box, reference: DiagramReference, { boxes, hubs }: Placement): Box | undefined {
  if (reference.table === box.table.name || hubs.includes(reference.table)) return undefined;
  return boxes.find((other) => other.table.name === reference.table && isBeside(box, other));
}

/** The lines, which are drawn below the boxes. */
const linesOf = (placement: Placement): string[] =>
  placement.boxes.flatMap((box) =>
    box.table.references.flatMap((reference) => {
      const parent = lineTo(box, reference, placement);
      return parent === undefined ? [] : [line(box, parent, reference)];
    }),
  );

/** From a key's row to the table that it leads to: a bar there, and at the key a fork where many rows may lead to one. */
function line(box: Box, parent: Box, { columns, one }: DiagramReference): string {
  const y1 = rowOf(box, columns[0]);
  const y2 = rowOf(parent, parent.table.columns.find(({ key }) => key)?.name);
  // On the sides that face each other; in one lane, both on the right.
  const [out, into] = box.x > parent.x ? [-1, 1] : box.x < parent.x ? [1, -1] : [1, 1];
  const x1 = box.x + (out > 0 ? boxWidth : 0);
  const x2 = parent.x + (into > 0 ? boxWidth : 0);
  const bend = box.x === parent.x ? 36 : Math.max(40, Math.abs(x2 - x1) / 2);
  const path = `M${x1} ${y1}h${out * 9}C${x1 + out * bend} ${y1} ${x2 + into * bend} ${y2} ${x2 + into * 6} ${y2}H${x2}`;
  const end = one
    ? `M${x1 + out * 7} ${y1 - 4}v8`
    : `M${x1 + out * 9} ${y1}L${x1} ${y1 - 4.5}M${x1 + out * 9} ${y1}L${x1} ${y1 + 4.5}`;
  const bar = `M${x2 + into * 6} ${y2 - 4}v8`;
  const [from, to] = [escapeMarkup(box.table.name), escapeMarkup(parent.table.name)];
  return `<path class="line" data-from="${from}" data-to="${to}" d="${path}${end}${bar}"/>`;
}

/** The middle of a column's row; the row that counts the others where it is not shown. */
function rowOf({ y, rows, hidden }: Box, column: string | undefined): number {
  const at = rows.findIndex(({ name }) => name === column);
  return y + headHeight + rowHeight * (at >= 0 ? at : hidden > 0 ? rows.length : 0) + rowHeight / 2 + 1;
}

function drawBox(box: Box, placement: Placement, hubs: ReadonlyMap<string, string>): string {
  const { table, x, y, height, rows, hidden } = box;
  const kind = [table.layer, hubs.get(table.name)].filter((part) => part !== undefined).join(' ');
  const top = `M0 7a7 7 0 0 1 7-7h${boxWidth - 14}a7 7 0 0 1 7 7v${headHeight - 8}H0z`;
  const baseline = (row: number): number => headHeight + rowHeight * row + 13;
  return [
    `<g class="${kind}" data-table="${escapeMarkup(table.name)}" transform="translate(${x} ${y})">`,
    `<title>${escapeMarkup(table.name)}</title>`,
    `<rect class="box" width="${boxWidth}" height="${height}" rx="7"/><path class="head" d="${top}"/>`,
    `<text class="name" x="10" y="17">${escapeMarkup(cut(table.name, 33))}</text>`,
    ...rows.map((column, row) => {
      // A column may be part of several keys: its own says most.
      const reference = table.references
        .filter(({ columns }) => columns.includes(column.name))
        .toSorted((a, b) => a.columns.length - b.columns.length)[0];
      const named = reference !== undefined && lineTo(box, reference, placement) === undefined ? reference.table : '';
      const right = named === '' ? shortType(column.type) : `→ ${named === table.name ? 'itself' : named}`;
      const kinds = named === '' ? 'type' : `type to ${hubs.get(named) ?? ''}`.trim();
      // The name gets what the type leaves.
      const name = cut(column.name, lettersInRow - Math.min(lettersOnRight, right.length));
      return (
        `<text x="10" y="${baseline(row)}"${column.key ? ' class="key"' : ''}>${escapeMarkup(name)}` +
        `${column.nullable ? '<tspan class="type">?</tspan>' : ''}</text>` +
        `<text class="${kinds}" x="${boxWidth - 10}" y="${baseline(row)}" text-anchor="end"` +
        `${named === '' ? '' : ` data-to="${escapeMarkup(named)}"`}>${escapeMarkup(cut(right, lettersOnRight))}</text>`
      );
    }),
    ...(hidden === 0
      ? []
      : [`<text class="type" x="10" y="${baseline(rows.length)}">and ${hidden} more columns</text>`]),
    '</g>',
  ].join('');
}

/** About how many letters fit into a row, and how many of them its right side may have. */
const lettersInRow = 38;
const lettersOnRight = 24;

/** Types that people write shorter than PostgreSQL prints them. */
const shortNames: readonly (readonly [long: string, short: string])[] = [
  ['timestamp with time zone', 'timestamptz'],
  ['timestamp without time zone', 'timestamp'],
  ['time with time zone', 'timetz'],
  ['time without time zone', 'time'],
  ['character varying', 'varchar'],
  ['character', 'char'],
  ['double precision', 'float8'],
];

function shortType(type: string): string {
  const known = shortNames.find(([long]) => type.startsWith(long));
  return known === undefined ? type : `${known[1]}${type.slice(known[0].length)}`;
}

function cut(text: string, most: number): string {
  const letters = [...text];
  return letters.length <= most ? text : `${letters.slice(0, most - 1).join('')}…`;
}
