/** What to write instead, in the terms of the table or function that a finding is about. */
import { type FunctionRow, qualifiedName, relation } from '../../rules/engine/live/catalog.ts';
import type { RuleName } from '../../rules/registry.ts';
import type { Model } from '../catalog/model.ts';
import { policiesFor } from '../catalog/scope.ts';
import type { Subject } from '../probes/subject.ts';
import { verbs } from '../probes/verbs.ts';
import type { Check, TableReport } from './report.ts';

/** What a finding is about: a table, a view that stands for one, a bucket; or a function. */
export interface About {
  subject?: Subject | undefined;
  routine?: FunctionRow | undefined;
}

/** Names of the policies that let users do what the checks found; none where rights alone do, or a function. */
export function policiesBehind(checks: readonly Check[], { subject }: About, model: Model): string[] {
  if (subject === undefined || !subject.table.rls || (subject.kind === 'view' && !subject.table.securityInvoker))
    return [];
  const letters = new Set(checks.map(({ verb }) => verbs[verb].letter));
  return [
    ...new Set(
      [...letters].flatMap((letter) =>
        policiesFor(subject.table, letter === 'R' ? 'U' : letter, model).map(({ name }) => name),
      ),
    ),
  ];
}

/** What to do about the checks of one rule. */
export function suggestionFor(
  rule: RuleName,
  report: TableReport,
  checks: readonly Check[],
  about: About,
  model: Model,
): string {
  if (rule === 'policy-error')
    return 'Run the query as that user to see where it fails; a policy that reads its own table needs a SECURITY DEFINER helper.';
  if (about.routine !== undefined) return forFunction(rule, about.routine, checks, model);
  const policies = policiesBehind(checks, about, model);
  const named = (command: string): string =>
    policies.length === 0 ? `every ${command} policy of ${report.table}` : `policy ${policies.join(', ')}`;
  const keys = keysOf(about.subject, '');
  const newKeys = keysOf(about.subject, ' of the new row');
  switch (rule) {
    case 'anon-read':
      return `Revoke the grant from anon and give ${named('SELECT')} TO authenticated; or write -- muse: public-read beside the table if everybody may read it.`;
    case 'anon-write':
      return `Revoke INSERT, UPDATE and DELETE on ${report.table} from anon, and give ${named('write')} TO authenticated or TO service_role.`;
    case 'isolation-read':
      return report.kind === 'view'
        ? `Give ${report.table} WITH (security_invoker = true), so that the policies of what it reads hold, or compare ${keys} in its WHERE.`
        : `Compare ${keys} in the USING of ${named('SELECT')}.`;
    case 'isolation-write':
      return `Compare ${keys} in the USING of ${named('UPDATE and DELETE')}.`;
    case 'isolation-insert':
      return `Compare ${newKeys} in the WITH CHECK of ${named('INSERT')}.`;
    case 'isolation-reassign':
      return `Give ${named('UPDATE')} a WITH CHECK that compares ${newKeys}, beside its USING.`;
    default:
      return '';
  }
}

/** What tells whose a row is, and whom to compare it with. */
function keysOf(subject: Subject | undefined, of: string): string {
  const [column] = subject?.belongs ?? [];
  if (subject === undefined || column === undefined)
    return `the owner or organization${of === '' ? ' of the row' : of} with who asks`;
  const names = `${subject.belongs.map((one) => one.column).join(', ')}${of}`;
  if (subject.scope.parent !== undefined)
    return `${names} with the rows of ${subject.scope.parent} that are the caller's`;
  return subject.scope.owner === 'organization'
    ? `${names} with the organizations of the caller`
    : `${names} with (select auth.uid())`;
}

function forFunction(rule: RuleName, routine: FunctionRow, checks: readonly Check[], model: Model): string {
  const kind = routine.kind === 'p' ? 'PROCEDURE' : 'FUNCTION';
  const signature = `${relation(routine)}(${routine.arguments.join(', ')})`;
  const tables = [...new Set(checks.flatMap(({ reached = [] }) => reached))].join(', ') || 'what it reaches';
  const revoke = (roles: string): string => `REVOKE EXECUTE ON ${kind} ${signature} FROM ${roles};`;
  if (rule === 'anon-read' || rule === 'anon-write') return `${revoke('PUBLIC, anon')} Or let it ask who calls it.`;
  const asks = `Let ${qualifiedName(routine)} compare whose the rows of ${tables} are with the caller`;
  return routine.definer
    ? `${asks}, make it SECURITY INVOKER so that the policies of ${tables} hold, or take it away: ${revoke(`PUBLIC, ${model.userRole}`)}`
    : `The policies of ${tables} let the caller do it: narrow them. ${asks} as well.`;
}
