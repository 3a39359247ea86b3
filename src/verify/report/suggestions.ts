/** What to write instead where no policy of a table is to blame: in a view, in a function, in rights. */
import { type FunctionRow, qualifiedName, relation } from '../../rules/engine/live/catalog.ts';
import type { RuleName } from '../../rules/registry.ts';
import type { Model } from '../catalog/model.ts';
import type { Check, TableReport } from './report.ts';

/**
 * What to do about the checks of one rule.
 * @param routine the function that they are of, if it is one
 */
export function suggestionFor(
  rule: RuleName,
  report: TableReport,
  checks: readonly Check[],
  routine: FunctionRow | undefined,
  model: Model,
): string {
  if (rule === 'policy-error')
    return 'Run the query as that user to see where it fails; a policy that reads its own table needs a SECURITY DEFINER helper.';
  if (routine !== undefined) return forFunction(rule, routine, checks, model);
  const isView = report.kind === 'view';
  switch (rule) {
    case 'anon-read':
      return `Revoke the grant from anon; or write -- muse: public-read beside ${report.table} if everybody may read it.`;
    case 'anon-write':
      return `Revoke INSERT, UPDATE and DELETE on ${report.table} from anon.`;
    case 'isolation-read':
      return isView
        ? `${invoker(report)} what it reads hold, or compare whose a row is with who asks in its WHERE.`
        : "Compare the row's owner or organization with who asks in the USING of every SELECT policy.";
    case 'isolation-insert':
      return "Compare the new row's owner or organization with who asks in the WITH CHECK of every INSERT policy.";
    case 'isolation-reassign':
      return "Give the UPDATE policy a WITH CHECK that compares the new row's owner or organization with who asks, beside its USING.";
    default:
      return isView
        ? `${invoker(report)} what it writes hold, or revoke INSERT, UPDATE and DELETE on it.`
        : "Compare the row's owner or organization with who asks in the USING of every UPDATE and DELETE policy.";
  }
}

function invoker({ table }: TableReport): string {
  return `Give ${table} WITH (security_invoker = true), so that the policies of`;
}

function forFunction(rule: RuleName, routine: FunctionRow, checks: readonly Check[], model: Model): string {
  const kind = routine.kind === 'p' ? 'PROCEDURE' : 'FUNCTION';
  const signature = `${relation(routine)}(${routine.arguments.join(', ')})`;
  const tables = [...new Set(checks.flatMap(({ reached = [] }) => reached))].join(', ') || 'what it reaches';
  const revoke = (roles: string): string => `REVOKE EXECUTE ON ${kind} ${signature} FROM ${roles};`;
  if (rule === 'anon-read' || rule === 'anon-write') return `${revoke('PUBLIC, anon')} Or let it ask who calls it.`;
  if (checks.every(({ message = '' }) => message.startsWith('gives its caller ownerless')))
    return (
      `Let ${qualifiedName(routine)} ask who takes a row of ${tables} for a code that only they were told, or for their own address ` +
      `(auth.jwt() ->> 'email'), beside that it has no owner, or take it away: ${revoke(`PUBLIC, ${model.userRole}`)}`
    );
  const asks = `Let ${qualifiedName(routine)} compare whose the rows of ${tables} are with the caller`;
  const away = `or take it away: ${revoke(`PUBLIC, ${model.userRole}`)}`;
  if (routine.definer) return `${asks}, make it SECURITY INVOKER so that the policies of ${tables} hold, ${away}`;
  const others = model.sources.reached(routine).filter(({ definer }) => definer);
  const through = [...new Set(others.map(qualifiedName))].join(' and ');
  return through !== ''
    ? `${asks}, or ${through}, which it runs with ${others.length > 1 ? "their owners'" : "its owner's"} rights; ${away}`
    : `The policies of ${tables} let the caller do it: narrow them. ${asks} as well.`;
}
