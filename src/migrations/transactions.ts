/** Which files cannot run in the one transaction that every other file gets, by the parse tree. */
import type { Finding } from '../shared/finding.ts';
import type { RunText } from './run-file.ts';
import { runsOutside } from './sections.ts';
import { allOf, fieldsOf, open } from '../sql/nodes.ts';
import type { Statement } from '../sql/statement.ts';
import { lineText } from '../shared/text.ts';

/** How a file is run: as one script with its history row, statement by statement outside a transaction, or not at all. */
export type RunPlan =
  { how: 'script' } | { how: 'alone'; statements: Statement[] } | { how: 'refused'; findings: Finding[] };

/**
 * Words that every statement which needs a closer look contains. Only files with one of them are parsed: a run of plain
 * files does not load the parser. The word in a comment or a name costs that time and nothing else.
 */
const worthParsing =
  /\b(?:copy|concurrently|vacuum|tablespace|reindex|cluster|discard|subscription|system|database|prepare|prepared|begin|start|commit|end|rollback|abort|savepoint|release)\b/i;

/**
 * Says how the file is run. Nothing is sent anywhere.
 * A file with its own BEGIN or COMMIT would commit without its history row: refused.
 * @param statementsOf where the file's statements come from, if it is parsed already
 */
export async function planRun(
  text: RunText,
  statementsOf: (text: RunText) => Promise<readonly Statement[]> = parse,
): Promise<RunPlan> {
  const outside = runsOutside(text.sql);
  if (!outside && !worthParsing.test(text.sql)) return { how: 'script' };
  const statements = await statementsOf(text);
  // The END of a T-SQL block has no finding of its own: its BEGIN does not parse and has one.
  const control = statements.filter(
    (statement) =>
      fieldsOf(statement.tree, 'TransactionStmt') !== undefined &&
      !(/^end$/i.test(statement.sql) && statements.some(({ error }) => error !== undefined)),
  );
  const copies = statements.filter(wantsInput);
  if (control.length + copies.length > 0) {
    return {
      how: 'refused',
      findings: [
        ...control.map((statement) => controlFinding(text, statement)),
        ...copies.map((statement) => finding('psql-command', text, statement, explainCopy)),
      ],
    };
  }
  if (!statements.some((statement) => runsAlone(statement, outside))) return { how: 'script' };
  const mixed = mixedIn(text.sql, statements);
  if (mixed.length === 0) return { how: 'alone', statements: [...statements] };
  return {
    how: 'refused',
    findings: mixed.map((statement) => finding('transaction-mixed', text, statement, explainMixed(statement))),
  };
}

/**
 * The statements of a file that PostgreSQL refuses in a transaction, if the file has others that need one: those of a
 * file that asks to run outside (`-- +goose NO TRANSACTION`) need none.
 */
export function mixedIn(sql: string, statements: readonly Statement[]): Statement[] {
  const alone = statements.filter((statement) => mustRunAlone(statement) !== undefined);
  if (alone.length === 0 || runsOutside(sql)) return [];
  const others = statements.some(
    (statement) => mustRunAlone(statement) === undefined && fieldsOf(statement.tree, 'VariableSetStmt') === undefined,
  );
  return others ? alone : [];
}

/** What may commit itself, or has to be committed before what is after it may use it. */
const committing = ['CallStmt', 'DoStmt', 'AlterEnumStmt'] as const;

/**
 * Says whether a statement runs outside a transaction.
 * @param outside its file asks to
 */
export function runsAlone(statement: Statement, outside: boolean): boolean {
  if (mustRunAlone(statement) !== undefined) return true;
  const { tree } = statement;
  return outside && committing.some((type) => fieldsOf(tree, type) !== undefined);
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
      const wide =
        fields.kind === 'REINDEX_OBJECT_SCHEMA' ||
        fields.kind === 'REINDEX_OBJECT_SYSTEM' ||
        fields.kind === 'REINDEX_OBJECT_DATABASE';
      return wide || allOf(fields.params, 'DefElem').some(({ defname }) => defname === 'concurrently')
        ? 'REINDEX CONCURRENTLY'
        : undefined;
    }
    case 'AlterTableStmt': {
      const partitions = allOf(
        allOf(fields.cmds, 'AlterTableCmd').map(({ def }) => def),
        'PartitionCmd',
      );
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

/** COPY … FROM stdin: the rows after it are input for psql, not SQL. */
export function wantsInput(statement: Statement): boolean {
  const copy = fieldsOf(statement.tree, 'CopyStmt');
  return copy?.is_from === true && copy.filename === undefined;
}

/** The message and suggestion for a COPY … FROM stdin. */
export const explainCopy = {
  message:
    'COPY … FROM stdin reads rows that psql sends. A migration is sent as SQL, and the rows after the COPY are not SQL.',
  suggestion: 'Write INSERT INTO … VALUES …; `pg_dump --inserts` does.',
};

/** The message and suggestion for a statement that must run alone and is in a file with others. */
export function explainMixed(statement: Statement): { message: string; suggestion: string } {
  const what = mustRunAlone(statement)!;
  return {
    message: `${what} cannot run inside a transaction, and the file's other statements have to run in one.`,
    suggestion: Object.hasOwn(instead, what)
      ? instead[what]!
      : 'Move it to a migration file of its own, after this one.',
  };
}

const oneDatabase = 'Remove it: a muse has one database, which exists.';
const ofServer = 'Remove it: only who runs the server may do that.';

/** What to do about statements that are none for a migration, alone or not. */
const instead: Readonly<Record<string, string>> = {
  'CREATE DATABASE': oneDatabase,
  'DROP DATABASE': oneDatabase,
  'ALTER SYSTEM': 'Write ALTER DATABASE … SET or ALTER ROLE … SET: only who runs the server may change it as a whole.',
  'CREATE TABLESPACE': ofServer,
  'DROP TABLESPACE': ofServer,
  'DISCARD ALL': 'Remove it: each file begins with the settings of the session as they were.',
};

function controlFinding(text: RunText, statement: Statement): Finding {
  const word = statement.sql.split(/\s/, 1)[0]!.toUpperCase();
  return finding('transaction-control', text, statement, {
    message:
      `The file has its own ${word}. A file runs in one transaction together with its row in the migration ` +
      'history, and this would end it early.',
    suggestion: `Remove the ${word}; if it separates two steps, make them two files.`,
  });
}

function finding(
  rule: string,
  text: RunText,
  statement: Statement,
  said: { message: string; suggestion: string },
): Finding {
  return {
    rule,
    severity: 'error',
    file: text.file,
    line: statement.line,
    column: statement.column,
    ...said,
    snippet: lineText(text.sql, statement.line),
  };
}
