import type { Policy } from '../../../sql/catalog/model.ts';
import { fieldsOf } from '../../../sql/nodes.ts';
import { wordsOf } from '../../../sql/recover.ts';
import { quoteIdentifier, quoteQualified } from '../../../shared/quote.ts';
import { isAlwaysTrue } from '../policies.ts';
import { commentsBeside } from '../statements.ts';
import { applyEdits } from './fix.ts';
import type { Decision, Edit, FixResult, Situation } from './fix.ts';
import { mayEdit, noteText, placed } from './place.ts';
import type { Texts } from './place.ts';

/** The comments on a policy, and its name: what its author says it is for. */
export function saidOf({ name, site }: Policy): string {
  return [
    name.replaceAll('_', ' '),
    ...commentsBeside(site.piece.source, site.piece.statement).map(({ text }) => text),
  ].join('\n');
}

/** The position of `TO …` in a CREATE POLICY, or where it belongs. */
function toClause(sql: string): { start: number; end: number } {
  const words = wordsOf(sql);
  let depth = 0;
  const on = words.findIndex(({ text }, index) => text === 'on' && index > 1);
  let to: number | undefined;
  for (const [index, { text, start }] of words.entries()) {
    if (text === '(') depth += 1;
    if (text === ')') depth -= 1;
    if (depth > 0 || index <= on) continue;
    if (text === 'to') to = start;
    if (text === 'using' || (text === 'with' && words[index + 1]?.text === 'check'))
      return { start: to ?? start, end: start };
  }
  return { start: to ?? sql.length, end: sql.length };
}

/** Whether the policy is a statement of the file and can be edited there. */
export function inFile(situation: Situation, { site }: Policy): boolean {
  return (
    site.piece.inside === undefined && site.piece.type === 'CreatePolicyStmt' && mayEdit(situation, site.piece.source)
  );
}

/** Sets the roles of a policy: in its statement, or with an ALTER POLICY if that cannot be edited. */
export function setRoles(situation: Situation, policy: Policy, roles: string, texts: Texts, meaning = ''): Edit[] {
  const { statement, source } = policy.site.piece;
  if (!inFile(situation, policy)) {
    noteText(
      texts,
      source,
      `${meaning}ALTER POLICY ${quoteIdentifier(policy.name)} ON ${quoteQualified(policy.table)} TO ${roles};`,
    );
    return [];
  }
  const { start, end } = toClause(statement.sql);
  const before = start === statement.sql.length ? ' ' : '';
  const after = end === statement.sql.length ? '' : (/\n\s*$/.exec(statement.sql.slice(0, end))?.[0] ?? ' ');
  return [
    {
      file: source.migration.file,
      start: statement.start + start,
      end: statement.start + end,
      text: `${before}TO ${roles}${after}`,
    },
  ];
}

/** Combines edits, texts for the ends of files, and the changes of access that both make into one result. */
export function withPlaced(
  situation: Situation,
  edits: readonly Edit[],
  texts: Texts,
  decisions: Decision[],
): FixResult {
  const late = placed(situation, texts);
  return { ...late, edits: [...edits, ...late.edits], decisions };
}

/** The roles of a policy, as a report names them. */
export function rolesOf(policy: Policy): string {
  return policy.roles.length === 0 ? 'everyone, including anon' : policy.roles.join(', ');
}

/** Replaces each constant `true` in a policy with a condition. */
export function replaceTrue(situation: Situation, policy: Policy, condition: string, texts: Texts): Edit[] {
  const { piece } = policy.site;
  if (!inFile(situation, policy)) {
    const clauses = [
      ...(isAlwaysTrue(policy.using) ? [`USING (${condition})`] : []),
      ...(isAlwaysTrue(policy.check) ? [`WITH CHECK (${condition})`] : []),
    ];
    noteText(
      texts,
      piece.source,
      `ALTER POLICY ${quoteIdentifier(policy.name)} ON ${quoteQualified(policy.table)} ${clauses.join(' ')};`,
    );
    return [];
  }
  if (policy.mixed === true) return [];
  return [policy.using, policy.check].flatMap((expression): Edit[] => {
    const constant = fieldsOf(expression, 'A_Const');
    if (!isAlwaysTrue(expression) || constant === undefined) return [];
    const start = piece.at(constant.location);
    const { file, sql } = piece.source.migration;
    const word = /^\w+/.exec(sql.slice(start))?.[0] ?? '';
    return word.toLowerCase() === 'true' ? [{ file, start, end: start + word.length, text: condition }] : [];
  });
}

/**
 * A policy's conditions after edits, for a file that cannot be edited; undefined if the policy is not a statement of
 * its file.
 */
export function restated({ name, table, site }: Policy, edits: readonly Edit[]): string | undefined {
  const { statement, inside } = site.piece;
  if (inside !== undefined) return undefined;
  const sql = applyEdits(
    statement.sql,
    edits.map((edit) => ({ ...edit, start: edit.start - statement.start, end: edit.end - statement.start })),
  );
  return `ALTER POLICY ${quoteIdentifier(name)} ON ${quoteQualified(table)} ${sql.slice(toClause(sql).end).trim()};`;
}
