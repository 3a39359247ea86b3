/** Which files cannot run in the one transaction that every other file gets, by the parse tree. */
import type { Finding } from '../shared/finding.ts';
import type { RunText } from './run-file.ts';
import { allOf, fieldsOf, open } from '../sql/nodes.ts';
import type { Statement } from '../sql/statement.ts';
import { lineText } from '../shared/text.ts';

/** How a file is run: as one script with its ledger row, statement by statement outside a transaction, or not at all. */
export type RunPlan =
  | { how: 'script' }
  | { how: 'alone'; statements: Statement[] }
  | { how: 'refused'; findings: Finding[] };

/**
 * Words without which no statement of these kinds can be written. Only files that hold one are parsed for this: a run
 * of plain files does not load the parser. A word in a comment or a name costs that time and nothing else.
 */
const worthParsing =
  /\b(?:copy|concurrently|vacuum|tablespace|reindex|cluster|discard|subscription|system|database|prepare|prepared|begin|start|commit|end|rollback|abort|savepoint|release)\b/i;

/**
 * Says how the file is run. Nothing is sent anywhere.
 * A file with its own BEGIN or COMMIT would let its ledger row escape the file's transaction: refused.
 * @param statementsOf where the file's statements come from, if somebody has parsed it already
 */
export async function planRun(text: RunText, statementsOf: (text: RunText) => Promise<readonly Statement[]> = parse): Promise<RunPlan> {
  if (!worthParsing.test(text.sql)) return { how: 'script' };
  const statements = await statementsOf(text);
  // The END of a T-SQL block is not at fault: that its beginning cannot be read is told of that.
  const control = statements.filter((statement) => fieldsOf(statement.tree, 'TransactionStmt') !== undefined && !(/^end$/i.test(statement.sql) && statements.some(({ error }) => error !== undefined)));
  const copies = statements.filter(wantsInput);
  if (control.length + copies.length > 0) {
    return { how: 'refused', findings: [...control.map((statement) => controlFinding(text, statement)), ...copies.map((statement) => copyFinding(text, statement))] };
  }
  const alone = statements.filter((statement) => mustRunAlone(statement) !== undefined);
  if (alone.length === 0) return { how: 'script' };
  const mixed = statements.some((statement) => mustRunAlone(statement) === undefined && fieldsOf(statement.tree, 'VariableSetStmt') === undefined);
  if (!mixed) return { how: 'alone', statements: [...statements] };
  return { how: 'refused', findings: alone.map((statement) => mixedFinding(text, statement)) };
}

async function parse({ sql }: RunText): Promise<readonly Statement[]> {
  const [{ loadParser }, { parseSql }] = await Promise.all([import('../sql/parser.ts'), import('../sql/split.ts')]);
  await loadParser();
  return parseSql(sql).statements;
}

/** What the statement is, if PostgreSQL 17 refuses it inside a transaction block; else undefined. */
export function mustRunAlone({ tree }: Statement): string | undefined {
  if (tree === undefined) return undefined;
  const [type, fields] = open(tree);
  switch (type) {
    case 'IndexStmt':
      return fields.concurrent === true ? 'CREATE INDEX CONCURRENTLY' : undefined;
    case 'DropStmt':
      return fields.concurrent === true ? 'DROP INDEX CONCURRENTLY' : undefined;
    case 'ReindexStmt': {
      const wide = fields.kind === 'REINDEX_OBJECT_SCHEMA' || fields.kind === 'REINDEX_OBJECT_SYSTEM' || fields.kind === 'REINDEX_OBJECT_DATABASE';
      return wide || allOf(fields.params, 'DefElem').some(({ defname }) => defname === 'concurrently') ? 'REINDEX CONCURRENTLY' : undefined;
    }
    case 'AlterTableStmt': {
      const partitions = allOf(allOf(fields.cmds, 'AlterTableCmd').map(({ def }) => def), 'PartitionCmd');
      return partitions.some(({ concurrent }) => concurrent === true) ? 'DETACH PARTITION CONCURRENTLY' : undefined;
    }
    case 'VacuumStmt':
      return fields.is_vacuumcmd === true ? 'VACUUM' : undefined;
    case 'ClusterStmt':
      return fields.relation === undefined ? 'CLUSTER without a table' : undefined;
    case 'DiscardStmt':
      return fields.target === 'DISCARD_ALL' ? 'DISCARD ALL' : undefined;
    case 'CreatedbStmt':
      return 'CREATE DATABASE';
    case 'DropdbStmt':
      return 'DROP DATABASE';
    case 'AlterSystemStmt':
      return 'ALTER SYSTEM';
    case 'CreateTableSpaceStmt':
      return 'CREATE TABLESPACE';
    case 'DropTableSpaceStmt':
      return 'DROP TABLESPACE';
    case 'CreateSubscriptionStmt':
      return 'CREATE SUBSCRIPTION';
    case 'DropSubscriptionStmt':
      return 'DROP SUBSCRIPTION';
    default:
      return undefined;
  }
}

/** COPY … FROM stdin: the rows behind it are psql's, and no SQL. */
export function wantsInput(statement: Statement): boolean {
  const copy = fieldsOf(statement.tree, 'CopyStmt');
  return copy?.is_from === true && copy.filename === undefined;
}

function controlFinding(migration: RunText, statement: Statement): Finding {
  const word = statement.sql.split(/\s/, 1)[0]!.toUpperCase();
  return {
    rule: 'transaction-control',
    severity: 'error',
    file: migration.file,
    line: statement.line,
    column: statement.column,
    message: `${word} of the file's own: a file runs in one transaction together with its ledger row, and this would split the two.`,
    suggestion: `Take the ${word} out; where it is meant to separate two steps, make them two files.`,
    snippet: lineText(migration.sql, statement.line),
  };
}

function copyFinding(text: RunText, statement: Statement): Finding {
  return {
    rule: 'statement-failed',
    severity: 'error',
    file: text.file,
    line: statement.line,
    column: statement.column,
    message: 'COPY … FROM stdin reads rows that psql sends, and what runs migrations sends SQL only: the rows behind it are no SQL.',
    suggestion: 'INSERT INTO … VALUES …; pg_dump writes them with --inserts.',
    snippet: lineText(text.sql, statement.line),
  };
}

function mixedFinding(migration: RunText, statement: Statement): Finding {
  const what = mustRunAlone(statement)!;
  return {
    rule: 'statement-failed',
    severity: 'error',
    file: migration.file,
    line: statement.line,
    column: statement.column,
    message: `${what} cannot run inside a transaction, and the file's other statements must not run outside one.`,
    suggestion: 'Move it to a migration file of its own, behind this one.',
    snippet: lineText(migration.sql, statement.line),
  };
}
