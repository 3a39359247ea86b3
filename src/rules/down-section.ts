import { rollbackPath } from '../migrations/new-files.ts';
import type { Migration } from '../sql/migration.ts';
import { editable } from './engine/fix/fix.ts';
import type { FixResult, Left, NewFile, Situation } from './engine/fix/fix.ts';
import type { Rule } from './engine/rule.ts';

/** A text without the line of a marker, and without the empty lines that it then starts with. */
function withoutMarker(sql: string, marker: string | undefined): string {
  const at = marker === undefined ? -1 : sql.indexOf(marker);
  if (at === -1) return sql.replace(/^(?:[ \t]*\r?\n)+/, '');
  const start = sql.lastIndexOf('\n', at - 1) + 1;
  const end = sql.indexOf('\n', at);
  return withoutMarker(sql.slice(0, start) + (end === -1 ? '' : sql.slice(end + 1)), undefined);
}

/** Moves each down section into a rollback of its own. */
function apply(situation: Situation): FixResult {
  const whole = new Map<string, string>();
  const newFiles: NewFile[] = [];
  const left: Left[] = [];
  for (const { source } of editable(situation, 'down-section')) {
    const { migration } = source;
    const { file, sql, unknownSections: found } = migration;
    const rollback = situation.rollbacks.get(file);
    if (rollback !== undefined && rollback.file !== file) {
      const why = `${file} has a part that undoes it, and a rollback of its own in ${rollback.file}: remove one of them.`;
      left.push({ rule: 'down-section', file, why });
      continue;
    }
    const up = withoutMarker(sql, found?.up).trimEnd();
    whole.set(file, `${up}\n`);
    if (rollback === undefined) continue;
    const path = rollbackPath(situation.folders, { ...migration, sql: up });
    newFiles.push({ path, sql: `${withoutMarker(rollback.sql, found?.down).trimEnd()}\n`, rollback: { of: file } });
  }
  return { edits: [], whole, newFiles, left };
}

const asWritten = ({ tool }: NonNullable<Migration['unknownSections']>): string =>
  tool === undefined ? 'as a comment says' : `as ${tool} writes them`;

export const rule: Rule = {
  name: 'down-section',
  severity: 'error',
  found: ['static'],
  means: 'a migration and what undoes it in one file, in a folder that is not known to be of a tool with such files',
  doc: {
    why:
      'goose, dbmate, tern and others keep both in one file, and run one part of it. Whatever runs the whole file creates its ' +
      'tables and drops them at once, without an error. create-muse runs the first part alone; `psql` and the Supabase CLI run ' +
      'both. Folders whose files are those of goose, dbmate, sql-migrate or node-pg-migrate are known, and have no such finding.',
  },
  check: {
    source(source, report) {
      const { sql, unknownSections: found } = source.migration;
      if (found === undefined) return;
      const offset = found.up === undefined ? (source.parsed.statements[0]?.start ?? 0) : sql.indexOf(found.up);
      report({
        source,
        offset: Math.max(0, offset),
        message:
          `The file holds a migration and what undoes it, ${asWritten(found)} ("${found.down}"): whatever runs the whole ` +
          'file drops what it has just created. Only the first part is run here.',
        suggestion: 'Move the part that undoes it into a rollback of its own: muse lint --fix does.',
      });
    },
  },
  fix: { does: 'splits the file into the migration and its rollback', stage: 'syntax', apply },
};
