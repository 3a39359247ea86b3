import type { Severity } from './finding.ts';

/**
 * Where a rule looks: `static` in the files, `rehearsal` while they run on a throw-away database,
 * `live` in a database, by its catalog or by acting as a user.
 */
export type FoundBy = 'static' | 'rehearsal' | 'live';

/** One rule: the one vocabulary of lint, rehearsal and verification. */
export interface Rule {
  severity: Severity;
  found: readonly FoundBy[];
  /** What it means, one sentence. */
  means: string;
  /** What `--fix` does; undefined where it can do nothing. */
  fix?: string;
}

/** Every rule by its name. */
export const rules = {
  'syntax-error': {
    severity: 'error',
    found: ['static'],
    means: 'not PostgreSQL; line, column, caret',
  },
  'statement-failed': {
    severity: 'error',
    found: ['rehearsal'],
    means: 'PostgreSQL refuses the statement for a reason that no other rule names; the message is its own',
  },
  'policy-if-not-exists': {
    severity: 'error',
    found: ['static'],
    means: 'CREATE POLICY IF NOT EXISTS is no PostgreSQL',
    fix: 'DROP POLICY IF EXISTS + CREATE POLICY',
  },
  'foreign-dialect': {
    severity: 'error',
    found: ['static'],
    means: 'T-SQL, MySQL; says which, and from what',
  },
  'transaction-control': {
    severity: 'error',
    found: ['static'],
    means: 'BEGIN / COMMIT of its own in a file',
    fix: 'takes it out',
  },
  'bad-file-name': {
    severity: 'error',
    found: ['static'],
    means: 'not NNN_name.sql (or the layout\'s own form)',
  },
  'duplicate-number': {
    severity: 'error',
    found: ['static'],
    means: 'two files of a folder share a number',
    fix: 'renumbers the ones not applied anywhere',
  },
  'number-gap': {
    severity: 'warning',
    found: ['static'],
    means: 'a number is missing',
  },
  'missing-header': {
    severity: 'warning',
    found: ['static'],
    means: 'no comment at the top that says what it adds',
  },
  'unknown-relation': {
    severity: 'error',
    found: ['static'],
    means: 'a table, column, function, type or schema is used and nothing creates it',
    fix: 'supplies it from the built-in core where that has it, types fitting',
  },
  'used-before-created': {
    severity: 'error',
    found: ['static'],
    means: 'created by a later file',
    fix: 'moves the statements it needs before the first use',
  },
  'core-depends-on-extension': {
    severity: 'error',
    found: ['static'],
    means: 'core needs what an extension creates',
    fix: 'moves those statements to core',
  },
  'table-redefined': {
    severity: 'error',
    found: ['static'],
    means: 'CREATE TABLE IF NOT EXISTS again with other columns: silently nothing',
    fix: 'ADD COLUMN IF NOT EXISTS for what is missing',
  },
  'not-idempotent': {
    severity: 'error',
    found: ['static', 'rehearsal'],
    means: 'fails or changes something when run again',
    fix: 'the IF NOT EXISTS / DROP … IF EXISTS / OR REPLACE form',
  },
  'seed-not-idempotent': {
    severity: 'error',
    found: ['rehearsal'],
    means: 'row counts differ after the second run',
    fix: 'WHERE NOT EXISTS on the row\'s own values',
  },
  'extension-alters-core': {
    severity: 'warning',
    found: ['static'],
    means: 'adds a column to a core table',
  },
  'extension-breaks-core': {
    severity: 'error',
    found: ['static'],
    means: 'drops, renames, retypes or re-policies something of core',
  },
  'enum-type': {
    severity: 'warning',
    found: ['static'],
    means: 'text with a CHECK is the rule',
  },
  'rls-missing': {
    severity: 'error',
    found: ['static', 'live'],
    means: 'table without row-level security',
    fix: 'turns it on, adds owner or organization policies where the columns tell whose the row is, service-role only where they do not',
  },
  'policy-missing': {
    severity: 'error',
    found: ['static', 'live'],
    means: 'RLS on, nobody can do anything: fine only for a table declared service-only',
    fix: 'as above, or declares it service-only',
  },
  'policy-without-role': {
    severity: 'warning',
    found: ['static', 'live'],
    means: 'no TO: applies to anon too',
    fix: 'TO authenticated, or TO service_role where the policy\'s name or comment says so',
  },
  'policy-always-true': {
    severity: 'error',
    found: ['static', 'live'],
    means: 'USING (true) / WITH CHECK (true)',
    fix: 'TO service_role for writes',
  },
  'policy-recursive': {
    severity: 'error',
    found: ['static', 'rehearsal'],
    means: 'reads its own table, directly or through another policy (42P17)',
    fix: 'membership helper',
  },
  'policy-reads-auth-users': {
    severity: 'error',
    found: ['static', 'rehearsal'],
    means: 'users may not read auth.users (42501)',
  },
  'policy-per-row-call': {
    severity: 'warning',
    found: ['static', 'live'],
    means: 'bare auth.uid(), a helper called with a row\'s column',
    fix: 'wraps the bare call in (select …)',
  },
  'grant-missing': {
    severity: 'error',
    found: ['static', 'live'],
    means: 'a table with policies for a role and no grant to it: 42501 through the Data API',
    fix: 'adds the grants the policies imply',
  },
  'fk-without-index': {
    severity: 'warning',
    found: ['static', 'live'],
    means: 'a foreign key has no index: joins and deletes of the row it points at read the whole table',
    fix: 'adds the index',
  },
  'policy-column-without-index': {
    severity: 'warning',
    found: ['static', 'live'],
    means: 'a policy compares a column that has no index: every query reads the whole table',
    fix: 'adds the index',
  },
  'definer-without-search-path': {
    severity: 'error',
    found: ['static', 'live'],
    means: 'SECURITY DEFINER with a caller\'s search_path',
    fix: 'SET search_path = \'\' where names are qualified, else = pg_catalog, public',
  },
  'swallowed-exception': {
    severity: 'warning',
    found: ['static'],
    means: 'EXCEPTION WHEN others that goes on',
  },
  'secret-literal': {
    severity: 'error',
    found: ['static'],
    means: 'a key, token or password in SQL',
  },
  'personal-data-literal': {
    severity: 'warning',
    found: ['static'],
    means: 'an e-mail address, a hard-coded user id',
  },
  'secret-column': {
    severity: 'warning',
    found: ['static'],
    means: 'a column named as a token or secret, in clear',
  },
  'rollback-missing': {
    severity: 'warning',
    found: ['static'],
    means: 'an extension file without its rollback',
    fix: 'writes it, from the parse tree',
  },
  'rollback-incomplete': {
    severity: 'error',
    found: ['rehearsal'],
    means: 'the schema after roll back is not the schema before',
  },
  'table-missing': {
    severity: 'error',
    found: ['live'],
    means: 'the ledger says applied, the table is not there',
  },
  'checksum-drift': {
    severity: 'error',
    found: ['live'],
    means: 'an applied file was edited',
  },
  'schema-drift': {
    severity: 'warning',
    found: ['live'],
    means: 'the database has, or lacks, what the files do not say',
  },
  'anon-read': {
    severity: 'error',
    found: ['live'],
    means: 'someone not signed in reads or changes a row of a table not declared public',
  },
  'anon-write': {
    severity: 'error',
    found: ['live'],
    means: 'someone not signed in reads or changes a row of a table not declared public',
  },
  'isolation-read': {
    severity: 'error',
    found: ['live'],
    means: 'a user reads another\'s row, or another organization\'s',
  },
  'isolation-write': {
    severity: 'error',
    found: ['live'],
    means: 'a user updates or deletes the row of another user or organization, with or without a WHERE',
  },
  'isolation-insert': {
    severity: 'error',
    found: ['live'],
    means: 'a user inserts a row in the name of another user or organization',
  },
  'isolation-reassign': {
    severity: 'error',
    found: ['live'],
    means: 'a user hands its own row to another, or takes one over',
  },
  'owner-locked-out': {
    severity: 'error',
    found: ['live'],
    means: 'the owner cannot read or insert its own row',
  },
  'policy-error': {
    severity: 'error',
    found: ['live'],
    means: 'a query as a user ends in an error other than a refusal',
  },
} as const satisfies Record<string, Rule>;

export type RuleName = keyof typeof rules;
