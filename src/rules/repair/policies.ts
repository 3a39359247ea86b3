import type { Policy } from '../../sql/catalog/model.ts';
import { rolesFor } from '../lint/access.ts';
import { perRowCalls } from '../lint/per-row.ts';
import { isAlwaysTrue, mentionsOf, namesService } from '../lint/policies.ts';
import { commentsBeside } from '../lint/lint.ts';
import { ident, policyObject, qualified } from '../lint/sql.ts';
import { conditionFor, mayWrite, ownerOf, signedInBySession } from '../lint/suggest.ts';
import { fieldsOf, stringsOf, walk } from '../../sql/nodes.ts';
import type { Node } from '../../sql/nodes.ts';
import { wordsOf } from '../../sql/recover.ts';
import { applyEdits, policyOf, problemsOf } from './plan.ts';
import type { Decision, Edit, Mended, Situation } from './plan.ts';
import type { Located } from '../lint/lint.ts';
import { mayEdit, noteText, placed } from './place.ts';
import type { Texts } from './place.ts';

const open = /\b(?:any(?:one|body)|every(?:one|body)|public(?:ly)?|anonymous|anon|visitors?|all users can (?:read|view))\b/i;

/** The comments beside a policy, and its name: what people say that it is for. */
function saidOf({ name, site }: Policy): string {
  return [name.replaceAll('_', ' '), ...commentsBeside(site.piece.source, site.piece.statement).map(({ text }) => text)].join('\n');
}

/** Who a policy without TO should be for. */
function audience(policy: Policy): { roles: string; reason: string; publicRead: boolean } {
  const said = saidOf(policy);
  const { user } = mentionsOf(policy);
  if (rolesFor(policy) === 'service_role' || (namesService(said) && !user)) return { roles: 'service_role', reason: 'its name, comment or condition speaks of the service role', publicRead: false };
  if (policy.command === 'select' && !user && open.test(said)) return { roles: 'anon, authenticated', reason: 'its name or comment says that everyone may read', publicRead: true };
  if (policy.command === 'select' && !user && !isAlwaysTrue(policy.using) && !asksFurther(policy.using)) return { roles: 'anon, authenticated', reason: 'its condition tells what is published, not who reads', publicRead: true };
  return { roles: 'authenticated', reason: user ? 'its condition is about the user who asks' : 'nothing says that strangers should', publicRead: false };
}

/** Says whether a condition depends on more than the row and the clock. */
function asksFurther(expression: Node | undefined): boolean {
  let further = false;
  walk([expression], (type, fields) => {
    if (type === 'SubLink' || (type === 'FuncCall' && !/^(?:now|lower|upper|coalesce)$/.test(stringsOf(fields['funcname']).join('.')))) further = true;
  });
  return further;
}

/** Where `TO …` stands in a CREATE POLICY, or where it belongs. */
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
    if (text === 'using' || (text === 'with' && words[index + 1]?.text === 'check')) return { start: to ?? start, end: start };
  }
  return { start: to ?? sql.length, end: sql.length };
}

/** Whether the policy is a statement of the file, and may be edited there. */
function inFile(situation: Situation, { site }: Policy): boolean {
  return site.piece.inside === undefined && site.piece.type === 'CreatePolicyStmt' && mayEdit(situation, site.piece.source);
}

function setRoles(situation: Situation, policy: Policy, roles: string, texts: Texts, meaning = ''): Edit[] {
  const { statement, source } = policy.site.piece;
  if (!inFile(situation, policy)) {
    noteText(texts, source, `${meaning}ALTER POLICY ${ident(policy.name)} ON ${qualified(policy.table)} TO ${roles};`);
    return [];
  }
  const { start, end } = toClause(statement.sql);
  const before = start === statement.sql.length ? ' ' : '';
  const after = end === statement.sql.length ? '' : /\n\s*$/.exec(statement.sql.slice(0, end))?.[0] ?? ' ';
  return [{ file: source.migration.file, start: statement.start + start, end: statement.start + end, text: `${before}TO ${roles}${after}` }];
}

function withPlaced(situation: Situation, edits: readonly Edit[], texts: Texts, decisions: Decision[]): Mended {
  const late = placed(situation, texts);
  return { ...late, edits: [...edits, ...late.edits], decisions };
}

function who(policy: Policy): string {
  return policy.roles.length === 0 ? 'everyone, anon too' : policy.roles.join(', ');
}

/** Names the role of each policy that has none. */
export function mendWithoutRole(situation: Situation): Mended {
  const texts: Texts = new Map();
  const edits: Edit[] = [];
  const decisions: Decision[] = [];
  const declared = new Set<string>();
  const signedIn = signedInBySession(situation.catalog);
  for (const problem of problemsOf(situation, 'policy-without-role')) {
    const policy = policyOf(situation, problem);
    if (policy === undefined) continue;
    const { roles, reason, publicRead } = audience(policy);
    const { file } = problem.source.migration;
    if (signedIn !== undefined && roles !== 'service_role') {
      // The app connects as a role of its own, which no file names: what can be said is who must have signed in.
      if (publicRead || policy.command !== 'select' || !isAlwaysTrue(policy.using)) continue;
      edits.push(...replaceTrue(situation, policy, signedIn, texts));
      decisions.push({ file, object: policyObject(policy), before: 'everyone: every row', after: `rows where ${signedIn}`, reason });
      continue;
    }
    const meaning = publicRead && !declared.has(policy.table) ? '-- muse: public-read\n' : '';
    if (meaning !== '') declared.add(policy.table);
    edits.push(...setRoles(situation, policy, roles, texts, meaning));
    const { start } = policy.site.piece.statement;
    if (meaning !== '' && inFile(situation, policy)) edits.push({ file, start, end: start, text: meaning });
    if (!publicRead) decisions.push({ file, object: policyObject(policy), before: who(policy), after: roles, reason });
  }
  return withPlaced(situation, edits, texts, decisions);
}

/** Narrows policies that let everyone write: to the server where they speak of it, else to whose row it is. */
export function mendAlwaysTrue(situation: Situation): Mended {
  const texts: Texts = new Map();
  const edits: Edit[] = [];
  const decisions: Decision[] = [];
  for (const problem of problemsOf(situation, 'policy-always-true')) {
    const policy = problem.severity === 'error' ? policyOf(situation, problem) : undefined;
    if (problem.severity !== 'error') declareShared(situation, problem, edits, decisions);
    const table = policy === undefined ? undefined : situation.catalog.tables.get(policy.table);
    if (policy === undefined || table === undefined) continue;
    const owner = ownerOf(table, situation.catalog);
    const late = owner.kind !== 'service' && (table.columns.get(owner.column)?.site?.piece.order ?? 0) > policy.site.piece.order;
    const service = namesService(saidOf(policy)) || owner.kind === 'service' || late || !mayWrite(table, owner);
    const condition = owner.kind === 'service' ? '' : conditionFor(owner);
    if (service) edits.push(...setRoles(situation, policy, 'service_role', texts));
    else {
      edits.push(...replaceTrue(situation, policy, condition, texts));
      if (policy.roles.length === 0 && owner.kind !== 'session') edits.push(...setRoles(situation, policy, 'authenticated', texts));
    }
    decisions.push({
      file: problem.source.migration.file,
      object: policyObject(policy),
      before: `${who(policy)}: any row`,
      after: service ? 'service_role' : `${owner.kind === 'session' ? 'who is signed in' : 'authenticated'}: rows with ${condition}`,
      reason: namesService(saidOf(policy)) ? 'its name or comment speaks of the service role' : service ? 'no column tells whose a row is, or only the server can vouch for it' : `column ${owner.column}`,
    });
  }
  return withPlaced(situation, edits, texts, decisions);
}

/** Says in the file what a policy that lets everyone read means: its rows are for all whom it names. */
function declareShared(situation: Situation, problem: Located, edits: Edit[], decisions: Decision[]): void {
  const policy = policyOf(situation, problem);
  // Without a role it is for `policy-without-role` to decide first who that is.
  if (policy === undefined || policy.roles.length === 0 || !inFile(situation, policy)) return;
  const { file } = problem.source.migration;
  const { start } = policy.site.piece.statement;
  edits.push({ file, start, end: start, text: '-- muse: public-read\n' });
  decisions.push({ file, object: policyObject(policy), before: `${who(policy)}: every row`, after: 'the same, declared: -- muse: public-read', reason: 'USING (true) is what the file says' });
}

/** Puts a condition in the place of each constant `true` of a policy. */
function replaceTrue(situation: Situation, policy: Policy, condition: string, texts: Texts): Edit[] {
  const { piece } = policy.site;
  if (!inFile(situation, policy)) {
    const clauses = [...(isAlwaysTrue(policy.using) ? [`USING (${condition})`] : []), ...(isAlwaysTrue(policy.check) ? [`WITH CHECK (${condition})`] : [])];
    noteText(texts, piece.source, `ALTER POLICY ${ident(policy.name)} ON ${qualified(policy.table)} ${clauses.join(' ')};`);
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
 * A policy's conditions with edits made to them, for a file that may not be edited itself; undefined where the policy is
 * no statement of its file.
 */
export function restated({ name, table, site }: Policy, edits: readonly Edit[]): string | undefined {
  const { statement, inside } = site.piece;
  if (inside !== undefined) return undefined;
  const sql = applyEdits(statement.sql, edits.map((edit) => ({ ...edit, start: edit.start - statement.start, end: edit.end - statement.start })));
  return `ALTER POLICY ${ident(name)} ON ${qualified(table)} ${sql.slice(toClause(sql).end).trim()};`;
}

/** Wraps bare calls in a subquery, so that they run once a query. */
export function mendPerRow(situation: Situation): Mended {
  const texts: Texts = new Map();
  const seen = new Set<Policy>();
  const edits = problemsOf(situation, 'policy-per-row-call').flatMap((problem): Edit[] => {
    const policy = policyOf(situation, problem);
    if (policy === undefined || policy.mixed === true || seen.has(policy)) return [];
    seen.add(policy);
    const { piece } = policy.site;
    const { file, sql } = piece.source.migration;
    const wrapped = perRowCalls(situation.catalog, policy).flatMap(({ location, withColumn, cast }): Edit[] => {
      const start = piece.at(location);
      const length = callLength(sql.slice(start, piece.statement.end));
      if (withColumn || length === undefined) return [];
      return [
        { file, start, end: start, text: '(select ' },
        { file, start: start + length, end: start + length, text: cast === undefined ? ')' : `)::${cast}` },
      ];
    });
    if (mayEdit(situation, piece.source)) return wrapped;
    const altered = wrapped.length === 0 ? undefined : restated(policy, wrapped);
    if (altered !== undefined) noteText(texts, piece.source, altered);
    return [];
  });
  return withPlaced(situation, edits, texts, []);
}

/** Length of the call that a text begins with. */
function callLength(text: string): number | undefined {
  let depth = 0;
  for (const word of wordsOf(text, 60)) {
    if (word.text === '(') depth += 1;
    if (word.text === ')') {
      depth -= 1;
      if (depth === 0) return word.end;
    }
    if (depth === 0 && !/^["\w.]/.test(word.text)) return undefined;
  }
  return undefined;
}
