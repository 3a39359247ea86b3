/** Tables of which only trying shows whether they are of all users or of the muse's own staff. */
import { isStranger } from '../probes/actors.ts';
import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import type { Finding } from '../../shared/finding.ts';
import { signatureOf } from '../catalog/functions.ts';
import type { Model } from '../catalog/model.ts';
import { findStaff } from '../catalog/staff.ts';
import type { Gap, IsolationReport } from './report.ts';

const reaching: ReadonlySet<string> = new Set([
  'anon-read',
  'anon-write',
  'isolation-insert',
  'isolation-read',
  'isolation-reassign',
  'isolation-write',
]);

/** Says that rows of others are reached as things are, or written where that is only seldom meant, without a write that opens more. */
function reaches({ rule, severity }: Finding): boolean {
  return reaching.has(rule) && (severity === 'error' || rule === 'isolation-write');
}

/** The same, or by a call: a function may ask who of the staff calls it. */
export function isOpen(finding: Finding): boolean {
  return reaches(finding) || (finding.rule === 'isolation-escalation' && finding.object?.endsWith(')') === true);
}

/** The tables, of those that may be of staff, that are asked where a stranger with a row in them reaches rows of others. */
export function staffShown({ findings }: Pick<IsolationReport, 'findings'>, model: Model): string[] {
  const objects = (found: readonly Finding[]): Set<string | undefined> => new Set(found.map(({ object }) => object));
  const [reached, all] = [objects(findings.filter(reaches)), objects(findings.filter(isOpen))];
  const { askers, namedBy, writtenBy } = model.dependencies;
  return [...findStaff(model).doubted].filter(
    (name) =>
      askers(name).some((row) => reached.has(qualifiedName(row))) ||
      model.catalog.functions.some((routine) => {
        const signature = signatureOf(routine);
        // What a call writes into one's own row there is no matter of who has one.
        const isAsked = namedBy(routine).has(name);
        return isAsked && (reached.has(signature) || (all.has(signature) && !writtenBy(routine).has(name)));
      }),
  );
}

/**
 * Says that a stranger adds a row of its own to one of the tables, and without one nothing is found there: then it is of all users, and
 * what such a row opens is seen only of one that is there.
 */
export function isOfAllUsers(
  names: readonly string[],
  { tables, findings }: Pick<IsolationReport, 'tables' | 'findings'>,
  without: Pick<IsolationReport, 'findings'>,
): boolean {
  const isAdded = (name: string): boolean =>
    tables.some(
      ({ table, checks }) =>
        table === name &&
        checks.some(
          ({ actor, verb, outcome }) =>
            verb === 'insert' && outcome === 'allowed' && isStranger(actor) && actor !== 'anon',
        ),
    );
  const isFound = (name: string): boolean =>
    without.findings.some(({ severity, object }) => severity === 'error' && object === name);
  return findings.some(isOpen) && names.some((name) => isAdded(name) && !isFound(name));
}

/** The gaps of tables that were taken for those of staff. */
export function staffGaps({ staffTables }: Model): Gap[] {
  return [...staffTables].map((name) => ({
    object: name,
    reason:
      'a user with a row in it reaches rows of others, so it was taken for a table of your own staff, in which strangers have none',
    suggestion:
      'If all users have a row there, let the policies that read it ask for more than a new row has. If it is of staff alone, say so: ' +
      '-- muse: ignore not-proven because only staff has rows here',
  }));
}
