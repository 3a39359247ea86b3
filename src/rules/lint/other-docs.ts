import type { RuleName } from '../registry.ts';
import type { RuleDoc } from './check.ts';

/** Documentation of the rules that no check of SQL files has: found by reading file names, by running, or in a database. */
export const otherDocs: Partial<Record<RuleName, RuleDoc>> = {
  'statement-failed': {
    why: 'PostgreSQL refuses the statement when it runs, for a reason that the text alone does not show: data that breaks a constraint, an index expression that is not immutable, a missing unique key behind ON CONFLICT.',
  },
  'bad-file-name': {
    why: 'Migrations run in the order of their numbers. A file whose name has none has no place in that order, so it is not run at all, or in another place on another machine.',
  },
  'duplicate-number': {
    why: 'Two files with one number run in an order that nobody decided, and the ledger cannot tell by the number which of them a database has had.',
  },
  'number-gap': {
    why: 'A missing number is most often a file that was not committed, or was deleted after some database had it.',
  },
  'seed-not-idempotent': {
    why: 'Rows that are inserted again on each run: a second tier "Gold", a second settings row of which the app reads either. ON CONFLICT DO NOTHING does not help where nothing of the row is unique.',
    bad: 'INSERT INTO tiers (name, price) VALUES (\'Gold\', 30) ON CONFLICT DO NOTHING;',
    good: 'INSERT INTO tiers (name, price)\nSELECT given.name::text, given.price::integer\nFROM (VALUES (\'Gold\', 30)) AS given (name, price)\nWHERE NOT EXISTS (SELECT 1 FROM tiers AS known WHERE known.name = given.name::text);',
  },
  'rollback-incomplete': {
    why: 'The schema after the rollback is not the schema before the file. Whoever goes back is left with something that no file describes, and going forward again can fail on it.',
  },
  'not-proven': {
    why: 'What was not tried is not proven. A table takes no made-up row; a function or trigger reaches out of the database, where nothing can be rolled back; a table is too large to be read as a whole. The message says why. A SECURITY DEFINER function or trigger that was not tried is an error, since it has its owner\'s rights; the rest are warnings, and errors with muse verify --strict.',
  },
  'table-missing': {
    why: 'The ledger says that the file was applied, and its table is not there: someone dropped it by hand, or a backup was restored in part.',
  },
  'checksum-drift': {
    why: 'An applied file was edited. The databases that had it keep the old form, new ones get the new one, and the two differ from then on.',
  },
  'schema-drift': {
    why: 'The database has something that no file makes, or lacks something that one does. The next migration is written for a schema that is not there.',
  },
  'anon-read': {
    why: 'Someone who is not signed in read rows of a table that no file declares public. The key that this takes is in every browser that opens the app.',
    good: '-- muse: public-read\nCREATE POLICY plans_read ON plans FOR SELECT TO anon, authenticated USING (true);',
  },
  'anon-write': { why: 'Someone who is not signed in changed a row. The key that this takes is in every browser that opens the app.' },
  'isolation-read': {
    why: 'A user of one tenant read a row of another. It was tried: two users, two organizations, each asking for the other\'s rows.',
    bad: 'CREATE POLICY notes_read ON notes FOR SELECT TO authenticated USING (true);',
    good: 'CREATE POLICY notes_read ON notes FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);',
  },
  'isolation-write': {
    why: 'A user updated or deleted a row of another. Both forms are tried, with a WHERE that names the row and without any.',
    bad: 'CREATE POLICY notes_write ON notes FOR UPDATE TO authenticated USING (true);',
    good: 'CREATE POLICY notes_write ON notes FOR UPDATE TO authenticated USING ((SELECT auth.uid()) = user_id) WITH CHECK ((SELECT auth.uid()) = user_id);',
  },
  'isolation-insert': {
    why: 'A user inserted a row in the name of another: a forged owner, or an organization that the user does not belong to.',
    bad: 'CREATE POLICY notes_add ON notes FOR INSERT TO authenticated WITH CHECK (user_id IS NOT NULL);',
    good: 'CREATE POLICY notes_add ON notes FOR INSERT TO authenticated WITH CHECK ((SELECT auth.uid()) = user_id);',
  },
  'isolation-reassign': {
    why: 'A user handed a row of their own to another, or took one over: the policy looks at the row before the change and not at the row after it.',
    bad: 'CREATE POLICY notes_write ON notes FOR UPDATE TO authenticated USING ((SELECT auth.uid()) = user_id) WITH CHECK (true);',
    good: 'CREATE POLICY notes_write ON notes FOR UPDATE TO authenticated USING ((SELECT auth.uid()) = user_id) WITH CHECK ((SELECT auth.uid()) = user_id);',
  },
  'owner-locked-out': {
    why: 'The owner of a row cannot read it, or cannot insert one: the table is safe and of no use. Most often a policy for INSERT or SELECT is missing, or a grant.',
  },
  'policy-error': {
    why: 'A query of a user ended in an error that is no refusal: a policy calls a function that the user may not call, casts what is not there, or divides by zero. Which rows it would have let through nobody knows.',
  },
};
