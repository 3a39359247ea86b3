/** The idempotent form of each kind of statement. */
import { quoteIdentifier, quoteQualified } from '../shared/quote.ts';
import { allOf, fieldsOf, open } from '../sql/nodes.ts';
import type { Fields, NodeType, RangeVar } from '../sql/nodes.ts';
import type { Statement } from '../sql/statement.ts';

function shown({ schemaname, relname }: RangeVar): string {
  return schemaname === undefined ? quoteIdentifier(relname) : quoteQualified(`${schemaname}.${relname}`);
}

const typeBlock = (): string =>
  'DO $$ BEGIN CREATE TYPE …; EXCEPTION WHEN duplicate_object THEN NULL; END $$; or text with a CHECK.';

const forms: { [Type in NodeType]?: (fields: Fields<Type>) => string } = {
  CreateStmt: () => 'CREATE TABLE IF NOT EXISTS …',
  IndexStmt: () => 'CREATE INDEX IF NOT EXISTS …, with a name',
  CreateSeqStmt: () => 'CREATE SEQUENCE IF NOT EXISTS …',
  CreateSchemaStmt: () => 'CREATE SCHEMA IF NOT EXISTS …',
  CreateExtensionStmt: () => 'CREATE EXTENSION IF NOT EXISTS …',
  CreateTableAsStmt: () => '… IF NOT EXISTS … AS SELECT …',
  CreateFunctionStmt: () =>
    'CREATE OR REPLACE FUNCTION …; where its result or parameters changed, DROP FUNCTION IF EXISTS before it.',
  ViewStmt: () => 'CREATE OR REPLACE VIEW …',
  CreateEnumStmt: typeBlock,
  CompositeTypeStmt: typeBlock,
  CreateDomainStmt: typeBlock,
  CreateRangeStmt: typeBlock,
  DropStmt: () => 'DROP … IF EXISTS …',
  InsertStmt: () => "INSERT … ON CONFLICT DO NOTHING, or WHERE NOT EXISTS on the row's own values.",
  CreatePolicyStmt: (policy) =>
    `Before it: DROP POLICY IF EXISTS ${quoteIdentifier(policy.policy_name)} ON ${shown(policy.table)};`,
  CreateTrigStmt: (trigger) =>
    `Before it: DROP TRIGGER IF EXISTS ${quoteIdentifier(trigger.trigname)} ON ${shown(trigger.relation)};`,
  AlterPublicationStmt: () => 'A DO block that checks pg_publication_tables first.',
  CreateRoleStmt: () => 'A DO block that checks pg_roles first.',
  RenameStmt: () => 'A DO block that checks whether the old name still exists.',
  AlterTableStmt: alterForm,
};

function alterForm({ relation, cmds }: Fields<'AlterTableStmt'>): string {
  const table = shown(relation);
  for (const { subtype, name, def } of allOf(cmds, 'AlterTableCmd')) {
    if (subtype === 'AT_AddColumn') return `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS …`;
    if (subtype === 'AT_DropColumn' || subtype === 'AT_DropConstraint')
      return `ALTER TABLE ${table} DROP … IF EXISTS ${quoteIdentifier(name ?? '')}`;
    const constraint = fieldsOf(def, 'Constraint')?.conname;
    if (subtype === 'AT_AddConstraint') {
      return constraint === undefined
        ? 'Name the constraint, and write ALTER TABLE … DROP CONSTRAINT IF EXISTS before it.'
        : `Before it: ALTER TABLE ${table} DROP CONSTRAINT IF EXISTS ${quoteIdentifier(constraint)};`;
    }
  }
  return 'A form that changes nothing if the change has been made already.';
}

/** What to write instead of the statement so that it can run twice: a sentence or the SQL itself. */
export function repeatableForm(statement: Statement): string {
  const [type, fields] = statement.tree === undefined ? [] : open(statement.tree);
  const form = type === undefined ? undefined : (forms[type] as ((fields: unknown) => string) | undefined);
  return (
    form?.(fields) ??
    'Write it so that a second run changes nothing: IF NOT EXISTS, OR REPLACE, DROP … IF EXISTS, or a DO block that checks first.'
  );
}

/** Says whether a statement fails where what it creates is there already. */
export function createsOnce({ tree }: Statement): boolean {
  if (tree === undefined) return false;
  const [type, fields] = open(tree);
  switch (type) {
    case 'CreateStmt':
      return fields.if_not_exists !== true && fields.relation.relpersistence !== 't';
    case 'CreateSchemaStmt':
    case 'CreateExtensionStmt':
    case 'CreateSeqStmt':
      return fields.if_not_exists !== true;
    case 'IndexStmt':
      return fields.idxname !== undefined && fields.if_not_exists !== true;
    case 'CreateFunctionStmt':
    case 'CreateTrigStmt':
    case 'ViewStmt':
      return fields.replace !== true;
    case 'CreateEnumStmt':
    case 'CompositeTypeStmt':
    case 'CreateDomainStmt':
    case 'CreatePolicyStmt':
      return true;
    case 'AlterTableStmt':
      return allOf(fields.cmds, 'AlterTableCmd').some(
        ({ subtype, missing_ok: missingOk }) => subtype === 'AT_AddColumn' && missingOk !== true,
      );
    default:
      return false;
  }
}
