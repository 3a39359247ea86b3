/**
 * Files that hold a migration and its rollback, as goose, dbmate and others write them. Their markers are comments on a
 * line of their own, and their tools read them by line, so that is right here too.
 */
import type { Migration } from '../sql/migration.ts';

/** The tools whose files have sections. */
export type SectionTool = 'goose' | 'dbmate' | 'sql-migrate' | 'node-pg-migrate';

interface Markers {
  up: RegExp;
  down: RegExp;
  /** A line by which the file asks to run outside a transaction. */
  outside?: RegExp;
  /** Absent where the tool sends a whole section. */
  statement?: StatementMarks;
  /** What each section of a new file starts and ends with. */
  write: { up: readonly [start: string, end: string]; down: readonly [start: string, end: string] };
}

/** The lines by which a tool holds a statement with semicolons inside together. */
export interface StatementMarks {
  start: string;
  end: string;
}

const marksOf = (word: string): StatementMarks => ({
  start: `-- +${word} StatementBegin`,
  end: `-- +${word} StatementEnd`,
});
const goose = marksOf('goose');
const sqlMigrate = marksOf('migrate');

/** The markers of each tool, as lines of a file. */
export const sectionMarkers: Readonly<Record<SectionTool, Markers>> = {
  goose: {
    up: /^\s*--\s*\+goose\s+up\b/i,
    down: /^\s*--\s*\+goose\s+down\b/i,
    outside: /^\s*--\s*\+goose\s+no\s+transaction\b/i,
    statement: goose,
    write: { up: [`-- +goose Up\n${goose.start}`, goose.end], down: [`-- +goose Down\n${goose.start}`, goose.end] },
  },
  dbmate: {
    up: /^\s*--\s*migrate:up\b/i,
    down: /^\s*--\s*migrate:down\b/i,
    outside: /^\s*--\s*migrate:up\b.*\btransaction:false\b/i,
    write: { up: ['-- migrate:up', ''], down: ['-- migrate:down', ''] },
  },
  'sql-migrate': {
    up: /^\s*--\s*\+migrate\s+up\b/i,
    down: /^\s*--\s*\+migrate\s+down\b/i,
    outside: /^\s*--\s*\+migrate\s+up\b.*\bnotransaction\b/i,
    statement: sqlMigrate,
    write: {
      up: [`-- +migrate Up\n${sqlMigrate.start}`, sqlMigrate.end],
      down: [`-- +migrate Down\n${sqlMigrate.start}`, sqlMigrate.end],
    },
  },
  'node-pg-migrate': {
    up: /^\s*--[\s-]*up\s+migration\s*$/i,
    down: /^\s*--[\s-]*down\s+migration\s*$/i,
    write: { up: ['-- Up Migration', ''], down: ['-- Down Migration', ''] },
  },
};
const tools = Object.keys(sectionMarkers) as SectionTool[];

/** A file in two sections, each with the lines and columns that it has in the file. */
export interface Sections {
  /** The text that runs. */
  up: string;
  /** The text that rolls it back. */
  down: string;
  /** The parts of the file around the first section; see {@link Migration.around}. */
  around: { before: string; after: string };
}

/** The lines around a statement with semicolons inside; undefined where the tool needs none. */
export const statementMarks = (tool: SectionTool): StatementMarks | undefined => sectionMarkers[tool].statement;

/** A text of the same lines and columns without anything in it. */
export function blank(text: string): string {
  return text.replace(/[^\r\n]/g, ' ');
}

interface Line {
  start: number;
  text: string;
}

function* linesOf(text: string): Generator<Line> {
  for (const { index, 0: line } of text.matchAll(/[^\n]*\n?/g)) {
    if (line !== '') yield { start: index, text: line.trimEnd() };
  }
}

/** The tool whose markers a text has; undefined for a text without any. */
export function sectionToolOf(text: string): SectionTool | undefined {
  const lines = [...linesOf(text)].filter(({ text: line }) => /^\s*--/.test(line));
  return tools.find((tool) => lines.some(({ text: line }) => sectionMarkers[tool].up.test(line)));
}

/** A comment that may start a down section, of whatever tool; without one nothing is scanned. */
const downComment = /^\s*--.*(?:\b(?:downs?|undo|revert|roll ?back)\b|drop below)/im;

/** Says whether a text is worth a look for sections where its layout has none. */
export const mayHaveSections = (text: string): boolean => downComment.test(text);

/** The sections of a file; undefined for one that has no down section. */
export function sectionsOf(text: string): Sections | undefined {
  const tool = sectionToolOf(text);
  if (tool === undefined) return undefined;
  const lines = [...linesOf(text)];
  const up = lines.find(({ text: line }) => sectionMarkers[tool].up.test(line))!;
  const down = lines.find(({ text: line }) => sectionMarkers[tool].down.test(line));
  if (down === undefined) return undefined;
  return cutAt(text, up.start, down.start);
}

/** The sections of a text that start at these places; a file starts with the first one. */
export function cutAt(text: string, up: number, down: number): Sections {
  const [before, first] = up < down ? ['', 0] : [text.slice(0, up), up];
  const last = up < down ? down : text.length;
  const around = { before, after: text.slice(last) };
  return {
    up: blank(before) + text.slice(first, last),
    down: up < down ? blank(text.slice(0, last)) + around.after : before,
    around,
  };
}

/** The whole text of a migration's file: what runs, and what is around it. */
export function fileText({ sql, around }: Pick<Migration, 'sql' | 'around'>): string {
  if (around === undefined) return sql;
  const shown = around.shown ?? blank(around.before);
  return around.before + (sql.startsWith(shown) ? sql.slice(shown.length) : sql) + around.after;
}

/** A word that each of those comments has; without one no line is looked at. */
const outsideWords = /no-?transaction|no\s+transaction|transaction:false|atlas:txmode/i;

/** Whether the file asks to run outside a transaction, statement by statement. */
export function runsOutside(sql: string): boolean {
  if (!outsideWords.test(sql)) return false;
  for (const { text } of linesOf(sql)) {
    // Graphile Migrate's own, and Atlas's.
    if (/^--!\s*no-transaction\b|^--\s*atlas:txmode\s+none\b/.test(text)) return true;
    if (tools.some((tool) => sectionMarkers[tool].outside?.test(text) === true)) return true;
  }
  return false;
}

/** A down section that undoes a migration, as the tool writes it. */
export function downSection(tool: SectionTool, sql: string): string {
  const [start, end] = sectionMarkers[tool].write.down;
  return section(start, sql, end);
}

/** An up section, as the tool writes it. */
export function upSection(tool: SectionTool, sql: string): string {
  const [start, end] = sectionMarkers[tool].write.up;
  return section(start, sql, end);
}

/** A file of both sections, as the tool writes it. */
export function inSections(tool: SectionTool, up: string, down: string): string {
  return `${upSection(tool, up)}\n${downSection(tool, down)}`;
}

function section(start: string, sql: string, end: string): string {
  return `${start}\n${sql.trimEnd()}\n${end === '' ? '' : `${end}\n`}`;
}
