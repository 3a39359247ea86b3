/**
 * rules/: every rule of lint, rehearsal and verification: what it means, how it is found, what fixes it.
 * May touch: nothing. Files and catalogs in, findings and edits out.
 */
import type { Severity } from '../shared/finding.ts';

/**
 * Where a rule looks: `static` in the files, `rehearsal` while they run on a throw-away database,
 * `live` in a database, by its catalog or by acting as a user.
 */
export type FoundBy = 'static' | 'rehearsal' | 'live';

/** One rule: the one vocabulary of lint, rehearsal and verification. */
export interface Rule {
  severity: Severity;
  found: FoundBy[];
  /** What it means, one sentence. */
  means: string;
  /** What `--fix` does; undefined where it can do nothing. */
  fix?: string;
}

const error = (...found: FoundBy[]) => ({ severity: 'error' as const, found });
const warning = (...found: FoundBy[]) => ({ severity: 'warning' as const, found });

/** Every rule by its name. */
export const rules = {
  'syntax-error': {
    ...error('static'),
    means: 'not PostgreSQL; line, column, caret',
  },
  'statement-failed': {
    ...error('rehearsal'),
    means: 'PostgreSQL refuses the statement for a reason that no other rule names; the message is its own',
  },
  'policy-if-not-exists': {
    ...error('static'),
    means: 'CREATE POLICY IF NOT EXISTS is no PostgreSQL',
    fix: 'DROP POLICY IF EXISTS + CREATE POLICY',
  },
  'foreign-dialect': {
    ...error('static'),
    means: 'T-SQL, MySQL; says which, and from what',
    fix: 'takes an INDEX out of its CREATE TABLE and makes it behind; the rest by hand',
  },
  'transaction-control': {
    ...error('static'),
    means: 'BEGIN / COMMIT of its own in a file',
    fix: 'takes it out',
  },
  'bad-file-name': {
    ...error('static'),
    means: 'not NNN_name.sql (or the layout\'s own form)',
  },
  'duplicate-number': {
    ...error('static'),
    means: 'two files of a folder share a number',
    fix: 'renumbers the ones not applied anywhere',
  },
  'number-gap': {
    ...warning('static'),
    means: 'a number is missing',
  },
  'missing-header': {
    ...warning('static'),
    means: 'no comment at the top that says what it adds',
  },
  'unknown-relation': {
    ...error('static'),
    means: 'a table, column, function, type or schema is used and nothing creates it',
    fix: 'supplies it from the built-in core where that has it, types fitting',
  },
  'used-before-created': {
    ...error('static'),
    means: 'created by a later file',
    fix: 'moves the statements it needs before the first use',
  },
  'core-depends-on-extension': {
    ...error('static'),
    means: 'core needs what an extension creates',
    fix: 'moves those statements to core',
  },
  'table-redefined': {
    ...error('static'),
    means: 'CREATE TABLE IF NOT EXISTS again with other columns: silently nothing',
    fix: 'ADD COLUMN IF NOT EXISTS for what is missing',
  },
  'not-idempotent': {
    ...error('static', 'rehearsal'),
    means: 'fails or changes something when run again',
    fix: 'the IF NOT EXISTS / DROP … IF EXISTS / OR REPLACE form',
  },
  'seed-not-idempotent': {
    ...error('rehearsal'),
    means: 'row counts differ after the second run',
    fix: 'WHERE NOT EXISTS on the row\'s own values',
  },
  'extension-alters-core': {
    ...warning('static'),
    means: 'adds a column to a core table',
  },
  'extension-breaks-core': {
    ...error('static'),
    means: 'drops, renames, retypes or re-policies something of core',
  },
  'enum-type': {
    ...warning('static'),
    means: 'text with a CHECK is the rule',
  },
  'rls-missing': {
    ...error('static', 'live'),
    means: 'table without row-level security',
    fix: 'turns it on, adds owner or organization policies where the columns tell whose the row is, service-role only where they do not',
  },
  'policy-missing': {
    ...error('static', 'live'),
    means: 'RLS on, nobody can do anything: fine only for a table declared service-only',
    fix: 'as above, or declares it service-only',
  },
  'policy-without-role': {
    ...warning('static', 'live'),
    means: 'no TO: applies to anon too',
    fix: 'TO authenticated, or TO service_role where the policy\'s name or comment says so',
  },
  'policy-always-true': {
    ...error('static', 'live'),
    means: 'USING (true) / WITH CHECK (true)',
    fix: 'TO service_role for writes',
  },
  'policy-recursive': {
    ...error('static', 'rehearsal'),
    means: 'reads its own table, directly or through another policy (42P17)',
    fix: 'membership helper',
  },
  'policy-reads-auth-users': {
    ...error('static', 'rehearsal'),
    means: 'users may not read auth.users (42501)',
  },
  'policy-per-row-call': {
    ...warning('static', 'live'),
    means: 'bare auth.uid(), a helper called with a row\'s column',
    fix: 'wraps the bare call in (select …)',
  },
  'grant-missing': {
    ...error('static', 'live'),
    means: 'a table with policies for a role and no grant to it: 42501 through the Data API',
    fix: 'adds the grants the policies imply',
  },
  'fk-without-index': {
    ...warning('static', 'live'),
    means: 'a foreign key has no index: joins and deletes of the row it points at read the whole table',
    fix: 'adds the index',
  },
  'policy-column-without-index': {
    ...warning('static', 'live'),
    means: 'a policy compares a column that has no index: every query reads the whole table',
    fix: 'adds the index',
  },
  'definer-without-search-path': {
    ...error('static', 'live'),
    means: 'SECURITY DEFINER with a caller\'s search_path',
    fix: 'SET search_path = \'\' where names are qualified, else = pg_catalog, public',
  },
  'swallowed-exception': {
    ...warning('static'),
    means: 'EXCEPTION WHEN others that goes on',
  },
  'secret-literal': {
    ...error('static'),
    means: 'a key, token or password in SQL',
  },
  'personal-data-literal': {
    ...warning('static'),
    means: 'an e-mail address, a hard-coded user id',
  },
  'secret-column': {
    ...warning('static'),
    means: 'a column named as a token or secret, in clear',
  },
  'rollback-missing': {
    ...warning('static'),
    means: 'an extension file without its rollback',
    fix: 'writes it, from the parse tree',
  },
  'rollback-incomplete': {
    ...error('rehearsal'),
    means: 'the schema after roll back is not the schema before',
  },
  'table-missing': {
    ...error('live'),
    means: 'the ledger says applied, the table is not there',
  },
  'checksum-drift': {
    ...error('live'),
    means: 'an applied file was edited',
  },
  'schema-drift': {
    ...warning('live'),
    means: 'the database has, or lacks, what the files do not say',
  },
  'anon-read': {
    ...error('live'),
    means: 'someone not signed in reads or changes a row of a table not declared public',
  },
  'anon-write': {
    ...error('live'),
    means: 'someone not signed in reads or changes a row of a table not declared public',
  },
  'isolation-read': {
    ...error('live'),
    means: 'a user reads another\'s row, or another organization\'s',
  },
  'isolation-write': {
    ...error('live'),
    means: 'a user updates or deletes the row of another user or organization, with or without a WHERE',
  },
  'isolation-insert': {
    ...error('live'),
    means: 'a user inserts a row in the name of another user or organization',
  },
  'isolation-reassign': {
    ...error('live'),
    means: 'a user hands its own row to another, or takes one over',
  },
  'isolation-escalation': {
    ...error('live'),
    means: 'a permitted write (joining, a role, a flag, a share) widens what the same user can reach afterwards',
  },
  'owner-locked-out': {
    ...error('live'),
    means: 'the owner cannot read or insert its own row',
  },
  'table-not-filled': {
    severity: 'error',
    found: ['live'],
    means: 'no row could be made up for the table, so nothing is proven of it',
  },
  'policy-error': {
    ...error('live'),
    means: 'a query as a user ends in an error other than a refusal',
  },
} satisfies Record<string, Rule>;

export type RuleName = keyof typeof rules;

/**
 * The rule of a finding.
 * @throws Error for a name that is no rule's: a mistake in the check that made the finding
 */
export function ruleNamed(name: string): Rule {
  const rule: Rule | undefined = (rules as Record<string, Rule>)[name];
  if (rule === undefined) throw new Error(`There is no rule "${name}".`);
  return rule;
}
