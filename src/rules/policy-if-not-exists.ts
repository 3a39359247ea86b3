import { relationName } from '../sql/names.ts';
import { fieldsOf } from '../sql/nodes.ts';
import { policyIfNotExists, recovered, wordsOf } from '../sql/recover.ts';
import { policyObject } from './engine/check.ts';
import { editable, statementOf } from './engine/fix/fix.ts';
import type { Edit, FixResult, Situation } from './engine/fix/fix.ts';
import { aboveFirst } from './engine/fix/place.ts';
import type { Rule } from './engine/rule.ts';

/**
 * The statement without IF NOT EXISTS, which PostgreSQL does not have here, and with a DROP before it, so that it can
 * run again.
 */
function withoutIfNotExists(sql: string, { start, end }: { start: number; end: number }): string {
  const fixed = `${sql.slice(0, start)}${sql.slice(end).trimStart()}`;
  const words = wordsOf(fixed);
  const on = words.findIndex(({ text }, index) => text === 'on' && index > 2);
  const clause = words.findIndex(
    ({ text }, index) => index > on && ['as', 'for', 'to', 'using', 'with'].includes(text),
  );
  const target = fixed.slice(words[2]?.start ?? 0, words[clause]?.start).trim();
  return `DROP POLICY IF EXISTS ${target.replaceAll(/\s+/g, ' ')};\n${fixed};`;
}

/** Adds `DROP POLICY IF EXISTS`, and removes IF NOT EXISTS. */
function apply(situation: Situation): FixResult {
  const edits = editable(situation, 'policy-if-not-exists').flatMap((problem): Edit[] => {
    const statement = statementOf(problem);
    const mistake = statement === undefined ? undefined : policyIfNotExists(statement.sql);
    if (statement === undefined || mistake === undefined) return [];
    const { file, sql } = problem.source.migration;
    const words = wordsOf(statement.sql);
    const on = words.findIndex(({ text }, index) => text === 'on' && index > 5);
    const dotted = words[on + 2]?.text === '.';
    const name = statement.sql.slice(words[5]!.start, words[5]!.end);
    const table = statement.sql.slice(words[on + 1]!.start, words[on + (dotted ? 3 : 1)]!.end);
    const start = statement.start + mistake.start;
    const space = /^\s*/.exec(sql.slice(statement.start + mistake.end))![0].length;
    const above = aboveFirst(problem.source, statement);
    const lower = statement.sql.startsWith('create');
    const drop = `DROP POLICY IF EXISTS`;
    return [
      {
        file,
        start: above,
        end: above,
        text: `${lower ? drop.toLowerCase() : drop} ${name} ${lower ? 'on' : 'ON'} ${table};\n`,
      },
      { file, start, end: statement.start + mistake.end + space, text: '' },
    ];
  });
  return { edits };
}

export const rule: Rule = {
  name: 'policy-if-not-exists',
  severity: 'error',
  found: ['static'],
  stops: true,
  means: 'CREATE POLICY IF NOT EXISTS is not PostgreSQL',
  doc: {
    why:
      'PostgreSQL has no CREATE POLICY IF NOT EXISTS in any version. The statement fails, the table is left with ' +
      'row-level security on and without the policy, and a run that does not stop at errors hides it.',
    bad:
      'CREATE TABLE notes (id uuid PRIMARY KEY, user_id uuid);\n' +
      'CREATE POLICY IF NOT EXISTS "own notes" ON notes FOR SELECT TO authenticated USING ((SELECT auth.uid()) = ' +
      'user_id);',
    good:
      'CREATE TABLE notes (id uuid PRIMARY KEY, user_id uuid);\n' +
      'DROP POLICY IF EXISTS "own notes" ON notes;\n' +
      'CREATE POLICY "own notes" ON notes FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id);',
  },
  check: {
    statement(statement, source, report) {
      const mistake = statement.error === undefined ? undefined : policyIfNotExists(statement.sql);
      if (mistake === undefined) return;
      const policy = fieldsOf(recovered(statement).tree, 'CreatePolicyStmt');
      report({
        source,
        offset: statement.start + mistake.start,
        ...(policy === undefined
          ? {}
          : { object: policyObject({ name: policy.policy_name, table: relationName(policy.table) }) }),
        message: 'PostgreSQL has no CREATE POLICY IF NOT EXISTS: the statement fails, and the policy is never created.',
        suggestion: withoutIfNotExists(statement.sql, mistake),
      });
    },
  },
  fix: { does: 'DROP POLICY IF EXISTS + CREATE POLICY', stage: 'syntax', apply },
};
