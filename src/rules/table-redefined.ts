import type { Column } from '../sql/catalog/model.ts';
import { wordsOf } from '../sql/recover.ts';
import { quoteIdentifier, quoteQualified } from '../shared/quote.ts';
import { at } from './engine/check.ts';
import { problemsOf } from './engine/fix/fix.ts';
import type { Edit, FixResult, Situation } from './engine/fix/fix.ts';
import { mayEdit, noteText, placed } from './engine/fix/place.ts';
import type { Texts } from './engine/fix/place.ts';
import type { Rule } from './engine/rule.ts';

function suggestionFor(table: string, missing: readonly Column[]): string {
  if (missing.length === 0) return 'Remove this statement, or bring its columns in line with the first one.';
  return (
    `ALTER TABLE ${quoteQualified(table)}\n` +
    `${missing.map(({ name, type }) => `  ADD COLUMN IF NOT EXISTS ${quoteIdentifier(name)} ${type}`).join(',\n')};`
  );
}

/**
 * Adds the columns that a second CREATE TABLE declares without effect, right after it; also adds a missing IF NOT
 * EXISTS.
 */
function apply(situation: Situation): FixResult {
  const wanted = new Set(
    problemsOf(situation, 'table-redefined').map(({ source, offset }) => `${source.migration.file}:${offset}`),
  );
  const texts: Texts = new Map();
  const edits = situation.catalog.redefinitions.flatMap(({ known, described, missing, site }): Edit[] => {
    const { piece, offset } = site;
    const { statement, source } = piece;
    const { file } = source.migration;
    const never = missing.filter(({ name }) => !known.columns.has(name));
    if (!wanted.has(`${file}:${offset}`) || piece.inside !== undefined || never.length === 0) return [];
    const elements = elementTexts(statement.sql);
    const adds = never.map(
      (column) =>
        `  ADD COLUMN IF NOT EXISTS ${columnText(column, elements.get((column.site?.offset ?? 0) - statement.start))}`,
    );
    const text =
      '-- The table exists already, so the new columns of this definition are added to it.\n' +
      `ALTER TABLE ${quoteQualified(described.name)}\n` +
      `${adds.join(',\n')}`;
    if (mayEdit(situation, source)) return [{ file, start: statement.end, end: statement.end, text: `;\n\n${text}` }];
    noteText(texts, source, `${text};`);
    return [];
  });
  const late = placed(situation, texts);
  return { ...late, edits: [...edits, ...late.edits] };
}

/** A column definition, changed so that it can be added to a table that has rows. */
function columnText(column: Column, text = `${quoteIdentifier(column.name)} ${column.type}`): string {
  const words = wordsOf(text);
  const not = words.findIndex((word, index) => word.text === 'not' && words[index + 1]?.text === 'null');
  const optional =
    not !== -1 && column.default === undefined
      ? text.slice(0, words[not]!.start).trimEnd() + text.slice(words[not + 1]!.end)
      : text;
  return optional.replaceAll(/\s*\bprimary\s+key\b/gi, '');
}

/** The elements of a CREATE TABLE by their start in the statement. */
function elementTexts(sql: string): Map<number, string> {
  const texts = new Map<number, string>();
  let depth = 0;
  let start: number | undefined;
  let end = 0;
  for (const word of wordsOf(sql)) {
    const closes = word.text === ')' || word.text === ']';
    if (closes) depth -= 1;
    if (depth === 0 && closes) break;
    if (depth === 1 && word.text === ',') {
      if (start !== undefined) texts.set(start, sql.slice(start, end));
      start = undefined;
    } else if (depth > 0) {
      start ??= word.start;
      end = word.end;
    }
    if (word.text === '(' || word.text === '[') depth += 1;
  }
  if (start !== undefined) texts.set(start, sql.slice(start, end));
  return texts;
}

export const rule: Rule = {
  name: 'table-redefined',
  severity: 'error',
  found: ['static'],
  stops: true,
  means: 'CREATE TABLE IF NOT EXISTS again with other columns: it silently does nothing',
  doc: {
    why:
      'CREATE TABLE IF NOT EXISTS does nothing at all when the table exists, whatever its columns are. The second ' +
      'definition misleads its readers, and the first statement that uses one of its columns fails.',
    bad:
      '-- Notes.\n' +
      'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY);\n' +
      'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, title text);',
    good: '-- Notes.\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY);\nALTER TABLE notes ADD COLUMN IF NOT EXISTS title text;',
  },
  check: {
    end(catalog, report) {
      for (const { known, described, skips, missing, retyped, site } of catalog.redefinitions) {
        // A later ALTER TABLE may add the column after all.
        const never = missing.filter(({ name }) => !known.columns.has(name));
        if (skips && never.length === 0 && retyped.length === 0) continue;
        const { migration, parsed } = known.site!.piece.source;
        const place = `${migration.file}:${parsed.position(known.site!.offset).line}`;
        const names = [
          ...never.map(({ name }) => name),
          ...retyped.map(({ column, type }) => `${column.name} (${type} there, ${column.type} here)`),
        ];
        report({
          ...at(site),
          object: described.name,
          message: skips
            ? `Table ${described.name} exists already, from ${place}: this does nothing, and what it says of ` +
              `${names.join(', ')} never happens.`
            : `Table ${described.name} exists already, from ${place}: this fails.`,
          suggestion: suggestionFor(described.name, never),
        });
      }
    },
  },
  fix: { does: 'ADD COLUMN IF NOT EXISTS for the missing columns', stage: 'columns', apply },
};
