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
import { fieldsOf, walk, type Node } from '../sql/nodes.ts';
import { lineText, positionAt } from '../shared/text.ts';
import { refusedBy } from '../database/extension-stubs/stub.ts';
import { withoutFunctions } from '../database/extension-stubs/stubs.ts';
import { causeAt, isBefore, type Place, type ParsedFiles } from './parsed-files.ts';

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
  const refusing = refusedBy(error);
  if (refusing !== undefined)
    return {
      rule: 'extension-unavailable',
      severity: 'error',
      message: `${error.message}.`,
      suggestion: `Run it on a server that has ${refusing} (--target postgres), or leave out of the migrations what calls it.`,
    };
  const lacked = lackedExtension(error);
  if (lacked !== undefined && installersOf(lacked, place, parsedFiles).length > 0)
    return {
      rule: 'extension-unavailable',
      severity: 'error',
      message: `Extension "${lacked}" is not there: nothing installs it in the embedded database, which has only a stub of ${installing}.`,
      suggestion: `Run it on a server that has ${installing} (--target postgres), or leave the extension out of the migrations.`,
    };
  if (lacked !== undefined) {
    const who =
      lacked === wrappers ? 'the embedded database has none' : 'neither the embedded database nor Supabase has it';
    return {
      rule: 'extension-unavailable',
      severity: 'error',
      message: `${error.message[0]!.toUpperCase()}${error.message.slice(1)}: ${who}.`,
      suggestion: adviceFor(error)!,
    };
  }
  if (error.code === '42P07' && fieldsOf(statement.tree, 'CreateStmt') !== undefined)
    return {
      rule: 'table-redefined',
      message: `${error.message[0]!.toUpperCase()}${error.message.slice(1)}: this fails.`,
      suggestion: 'Remove this statement, or bring its columns in line with the first one.',
    };
  const missed = missingVerdict(error, place, parsedFiles, failed);
  const stub =
    missed === undefined || (missed.rule === 'unknown-relation' && !isMeant(missed))
      ? emptyStubBefore(error, place, parsedFiles)
      : undefined;
  if (stub !== undefined)
    return {
      rule: 'extension-unavailable',
      severity: 'error',
      ...(missed?.object === undefined ? {} : { object: missed.object }),
      message: `${error.message}: the embedded database has only an empty stub of ${stub}.`,
      suggestion:
        `Run it on a server that has ${stub} (--target postgres), or only where it is there: ` +
        "DO $$ BEGIN IF to_regproc('…') IS NOT NULL THEN …; END IF; END $$;",
    };
  const foreign = error.code === '42704' ? foreignTypeVerdict(statement.sql, error.message) : undefined;
  return (
    foreign ??
    missed ?? {
      rule: 'statement-failed',
      message: `${error.message} (SQLSTATE ${error.code})${error.detail === undefined ? '' : `: ${error.detail}`}`,
      suggestion: adviceFor(error) ?? error.hint ?? 'Correct the statement as PostgreSQL says.',
    }
  );
}

/** The extension of Supabase's with the handlers of foreign data wrappers, which lets `postgres` make them. */
const wrappers = 'wrappers';

/** The extension that a database lacks, by the error of its CREATE EXTENSION, or of what only that allows; undefined for other errors. */
export function lackedExtension({ code, message }: DatabaseError): string | undefined {
  if (code === '42501' && message.startsWith('permission denied to create foreign-data wrapper')) return wrappers;
  return code === '0A000' ? /^extension "([^"]+)" is not available$/.exec(message)?.[1] : undefined;
}

/** What only the target of a rehearsal has. */
export interface OnlyThere {
  /** Extensions that the shadow database lacks. */
  extensions: string[];
  /** The statements that were not rehearsed, because they create these or need what is in them. */
  places: Place[];
  /** What the target has; undefined where that is the embedded database, or cannot be asked. */
  target?: ReadonlySet<string> | undefined;
}

/** The extensions that statements before a place create. */
function createdBefore(place: Place, parsedFiles: ParsedFiles): { name: string; at: Place }[] {
  return parsedFiles.places().flatMap((each) => {
    const name = fieldsOf(each.statement.tree, 'CreateExtensionStmt')?.extname;
    return name !== undefined && isBefore(each, place) ? [{ name, at: each }] : [];
  });
}

/**
 * The place of the CREATE EXTENSION that failed before and may have brought what a statement lacks; undefined where nothing is
 * lacking, or something of nearly its name is there.
 */
function failedExtension(
  error: DatabaseError,
  place: Place,
  parsedFiles: ParsedFiles,
  failed: readonly Place[],
  verdict: Verdict,
): Place | undefined {
  const isLibrary = fieldsOf(place.statement.tree, 'LoadStmt') !== undefined;
  const isLacking = brought.has(error.code) && ['unknown-relation', 'statement-failed'].includes(verdict.rule);
  if (!isLibrary && (!isLacking || verdict.cause !== undefined || isMeant(verdict))) return undefined;
  const created = createdBefore(place, parsedFiles).map(({ at }) => at);
  return lastFailed(created, failed);
}

/** The last of these places among those that failed. */
function lastFailed(places: readonly Place[], failed: readonly Place[]): Place | undefined {
  const statements = new Set(failed.map(({ statement }) => statement));
  return places.findLast(({ statement }) => statements.has(statement));
}

/** The extension of Supabase's by which others are installed that a server does not have. */
const installing = 'pg_tle';

/** The statements before a place that install an extension by a function: they call one with its name, in files that create pg_tle. */
function installersOf(extension: string, place: Place, parsedFiles: ParsedFiles): Place[] {
  if (!createdBefore(place, parsedFiles).some(({ name }) => name === installing)) return [];
  return parsedFiles.places().filter((each) => isBefore(each, place) && isCalledWith(each.statement.tree, extension));
}

/** Whether a statement calls a function with a text as one of its arguments. */
function isCalledWith(tree: Node | undefined, text: string): boolean {
  let found = false;
  walk(tree, (type, fields) => {
    if (type === 'FuncCall')
      found ||= (fields.args ?? []).some((each) => fieldsOf(each, 'A_Const')?.sval?.sval === text);
    return !found;
  });
  return found;
}

/** The extension of which there is only an empty stub, and which may have brought what a statement lacks. */
function emptyStubBefore(error: DatabaseError, place: Place, parsedFiles: ParsedFiles): string | undefined {
  if (!brought.has(error.code)) return undefined;
  return createdBefore(place, parsedFiles).findLast(({ name }) => withoutFunctions.includes(name))?.name;
}

/** Whether the verdict knows a name that was meant. */
const isMeant = ({ suggestion }: Verdict): boolean => suggestion.startsWith('Did you mean');

/** Whether an extension may bring what an error says is missing, or do what its stub does not. */
export const mayBeBrought = (error: DatabaseError): boolean =>
  brought.has(error.code) || refusedBy(error) !== undefined;

/** SQLSTATEs of things that an extension may bring: relations, functions and operators, types and access methods, schemas. */
const brought = new Set(['42P01', '42883', '42704', '3F000']);

/**
 * The finding for a statement that the shadow database could not run, because an extension is only there: it creates the
 * extension, needs something that no file creates, or needs what another such statement would have created. Undefined for
 * other statements.
 * @param failed the places that failed before it
 */
export function notRehearsed(
  error: DatabaseError,
  place: Place,
  parsedFiles: ParsedFiles,
  failed: readonly Place[],
  { extensions, places, target }: OnlyThere,
): Finding | undefined {
  const own = lackedExtension(error);
  if (own !== undefined && extensions.includes(own)) {
    const message = `The target has the extension ${own}, and the embedded database lacks it: what needs it is not rehearsed here.`;
    return at(error, place, { ...there, object: own, message }, 'warning');
  }
  const refusing = refusedBy(error);
  if (refusing !== undefined && target?.has(refusing) === true) {
    const message = `${error.message}. The target has the extension, so the statement was not rehearsed here.`;
    return at(error, place, { ...there, object: refusing, message }, 'warning');
  }
  if (own !== undefined && target?.has(installing) === true && installersOf(own, place, parsedFiles).length > 0) {
    const message = `Extension "${own}" is installed by ${installing}, which only the target has: what needs it is not rehearsed here.`;
    return at(error, place, { ...there, object: own, message }, 'warning');
  }
  const stub = target === undefined ? undefined : emptyStubBefore(error, place, parsedFiles);
  if (places.length === 0 && (stub === undefined || target?.has(stub) !== true)) return undefined;
  const verdict = missingVerdict(error, place, parsedFiles, failed);
  const follows = places.some(
    ({ migration, statement }) => migration.file === verdict?.cause?.file && statement.line === verdict.cause.line,
  );
  const isForeign = brought.has(error.code) && (verdict === undefined || verdict.rule === 'unknown-relation');
  if (!follows && (!isForeign || (verdict !== undefined && isMeant(verdict)))) return undefined;
  const { object } = verdict ?? {};
  const names = stub !== undefined && !follows ? stub : extensions.join(', ');
  const message = `${error.message}: only the target has ${names}, so the statement was not rehearsed.`;
  return at(error, place, { ...there, ...(object === undefined ? {} : { object }), message }, 'warning');
}

const there = {
  rule: 'extension-unavailable',
  suggestion:
    'Look at it on the target once it has run there: muse verify. The target refuses a name that is mistyped.',
} as const;

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
  const found = verdictOf(error, place, parsedFiles, failed);
  const lacked = lackedExtension(error);
  const extension =
    lacked === undefined
      ? failedExtension(error, place, parsedFiles, failed, found)
      : lastFailed(installersOf(lacked, place, parsedFiles), failed);
  const verdict = extension === undefined ? found : { ...found, cause: causeAt(extension) };
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
