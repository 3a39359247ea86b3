/** Turns PostgreSQL's error about a statement into a finding: rule, place, message, and what to write instead. */
import type { DatabaseError } from '../database/database.ts';
import type { Finding } from '../shared/finding.ts';
import { explainPsql, psqlCommand } from '../rules/engine/psql.ts';
import { rules } from '../rules/registry.ts';
import { offsetInFile } from '../sql/locate.ts';
import { missingVerdict, type Verdict } from './missing.ts';
import { repeatableForm } from './repeatable.ts';
import { foreignTypeVerdict, syntaxVerdict } from './syntax.ts';
import { lineText, positionAt } from '../shared/text.ts';
import type { Place, ParsedFiles } from './parsed-files.ts';

/** What to do about errors that the files do not explain, by SQLSTATE. */
const advice: Record<string, string> = {
  '42501':
    'On Supabase the role that runs migrations is not a superuser and may not change auth, storage, realtime or ' +
    'objects of other owners: leave that out, or do it in public or in a schema of your own.',
  '0A000': 'PostgreSQL 17 does not support this here: write it another way.',
  '2BP01': 'Drop what depends on it first, or write CASCADE if all of it may be dropped.',
  '3D000': 'A muse has one database, which exists: remove what creates or names another one.',
  '22P02': 'Correct the value, or cast it to the type of its column.',
  '23502': 'Give the column a value, or a default.',
  '23503': 'Insert the row that it references first.',
  '23505': 'Add ON CONFLICT DO NOTHING, or correct the row.',
  '23514': 'Correct the row, or the CHECK.',
  '42P07': 'Create it once; write IF NOT EXISTS if it is a second run that creates it again.',
  '42710': 'Create it once; write DROP … IF EXISTS before it if it is meant to be replaced.',
  '42804': 'Make the two types the same: a foreign key has the type of the column that it references.',
  '42830': 'Add a PRIMARY KEY or UNIQUE constraint on exactly the referenced columns.',
  '42P16': 'Correct the definition of the table or view; drop a view first if its columns change.',
  '55P04': 'Use the new value of the enum type in a later file, or use text with a CHECK instead.',
  '57014': 'Make it end: look for a loop without an exit, or a join without a condition.',
  '55P03': 'Another session holds the lock: run it again when that session is done.',
};

function verdictOf(error: DatabaseError, place: Place, parsedFiles: ParsedFiles, failed: readonly Place[]): Verdict {
  const { statement } = place;
  const psql = psqlCommand(statement, place.migration.sql);
  if (psql !== undefined) return { rule: 'psql-command', ...explainPsql(psql.word) };
  if (statement.error !== undefined || error.code === '42601') return syntaxVerdict(statement.sql, error.message);
  if (error.code === '42P17' && error.message.includes('policy')) {
    return {
      rule: 'policy-recursive',
      message: `${error.message}: the policy reads its own table.`,
      suggestion: "Ask a SECURITY DEFINER helper with SET search_path = '' instead of reading the table in the policy.",
    };
  }
  const foreign = error.code === '42704' ? foreignTypeVerdict(statement.sql, error.message) : undefined;
  return (
    foreign ??
    missingVerdict(error, place, parsedFiles, failed) ?? {
      rule: 'statement-failed',
      message: `${error.message} (SQLSTATE ${error.code})${error.detail === undefined ? '' : `: ${error.detail}`}`,
      suggestion: advice[error.code] ?? error.hint ?? 'Correct the statement as PostgreSQL says.',
    }
  );
}

/**
 * The finding for a statement that failed on the first run.
 * @param failed the places that failed before it
 */
export function diagnose(
  error: DatabaseError,
  place: Place,
  parsedFiles: ParsedFiles,
  failed: readonly Place[],
): Finding {
  const verdict = verdictOf(error, place, parsedFiles, failed);
  const hint =
    error.hint === undefined || verdict.suggestion.includes(error.hint) ? '' : ` (PostgreSQL: ${error.hint})`;
  return at(error, place, { ...verdict, suggestion: `${verdict.suggestion}${hint}` }, rules[verdict.rule].severity);
}

/** The finding for a statement that ran once and failed on the second run. */
export function diagnoseRepeat(error: DatabaseError, place: Place): Finding {
  return at(
    error,
    place,
    {
      rule: 'not-idempotent',
      message: `The statement fails when it runs a second time: ${error.message}.`,
      suggestion: repeatableForm(place.statement),
    },
    place.migration.layer === 'core' ? 'warning' : 'error',
    'start',
  );
}

/** The finding for a statement of a rollback file that failed. */
export function diagnoseRollback(error: DatabaseError, place: Place, migration: string): Finding {
  return at(
    error,
    place,
    {
      rule: 'rollback-incomplete',
      message:
        `The rollback of ${migration} fails: ` +
        `${error.message}${error.detail === undefined ? '' : ` (${error.detail.split('\n', 1)[0]})`}.`,
      suggestion:
        advice[error.code] ??
        error.hint ??
        'Correct the rollback: it removes in reverse order what the migration creates.',
    },
    'error',
  );
}

function at(
  error: DatabaseError,
  { migration, statement }: Place,
  verdict: Verdict,
  severity: Finding['severity'],
  where?: 'start',
): Finding {
  const position = positionAt(migration.sql, where === 'start' ? statement.start : offsetInFile(statement, error));
  const { object, ...rest } = verdict;
  return {
    ...rest,
    severity,
    file: migration.file,
    ...position,
    ...(object === undefined ? {} : { object }),
    snippet: lineText(migration.sql, position.line),
  };
}
