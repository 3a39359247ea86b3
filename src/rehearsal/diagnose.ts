/** Turns PostgreSQL's error about a statement into a finding: rule, place, message, and what to write instead. */
import type { DatabaseError } from '../database/database.ts';
import type { Finding } from '../shared/finding.ts';
import { explainPsql, psqlCommand } from '../rules/engine/psql.ts';
import { adviceFor } from '../migrations/advice.ts';
import { rules } from '../rules/registry.ts';
import { offsetInFile } from '../sql/locate.ts';
import { missingVerdict, type Verdict } from './missing.ts';
import { repeatableForm } from './repeatable.ts';
import { foreignTypeVerdict, syntaxVerdict } from './syntax.ts';
import { lineText, positionAt } from '../shared/text.ts';
import type { Place, ParsedFiles } from './parsed-files.ts';

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
  if (error.code === '0A000' && /^extension "[^"]+" is not available$/.test(error.message)) {
    return {
      rule: 'extension-unavailable',
      severity: 'error',
      message: `${error.message[0]!.toUpperCase()}${error.message.slice(1)}: neither the embedded database nor Supabase has it.`,
      suggestion: adviceFor(error)!,
    };
  }
  const foreign = error.code === '42704' ? foreignTypeVerdict(statement.sql, error.message) : undefined;
  return (
    foreign ??
    missingVerdict(error, place, parsedFiles, failed) ?? {
      rule: 'statement-failed',
      message: `${error.message} (SQLSTATE ${error.code})${error.detail === undefined ? '' : `: ${error.detail}`}`,
      suggestion: adviceFor(error) ?? error.hint ?? 'Correct the statement as PostgreSQL says.',
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
  return at(
    error,
    place,
    { ...verdict, suggestion: `${verdict.suggestion}${hint}` },
    verdict.severity ?? rules[verdict.rule].severity,
  );
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
        adviceFor(error) ??
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
  const { object, cause, ...rest } = verdict;
  return {
    ...rest,
    severity,
    file: migration.file,
    ...position,
    ...(object === undefined ? {} : { object }),
    ...(cause === undefined ? {} : { cause }),
    snippet: lineText(migration.sql, position.line),
  };
}
