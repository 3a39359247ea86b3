import { guestKey, isFormer, isMultiOrg } from '../fixtures/people.ts';
import { isVariant } from './actors.ts';
import type { Check, TableReport } from '../report/report.ts';
import { verbs } from './verbs.ts';

/** One actor's cell of the matrix. */
export interface MatrixCell {
  /**
   * One character per letter of {@link letters}: the letter if the actor can, `.` if not, `?` if not tried, `i` for its
   * own rows only.
   */
  text: string;
  /** Whether it breaks a rule. */
  broken: boolean;
}

/** Whether it was not tried, and so is neither possible nor refused. */
const unknown = '?';

/** The columns of a cell: Select, Insert, Update, Delete, Reassign. */
const letters = ['S', 'I', 'U', 'D', 'R'] as const;

/** Every actor of the reports, in order of first appearance. */
export function actorsOf(tables: readonly TableReport[]): string[] {
  // Who has left, is in both organizations, or differs from another in a claim only, is shown where that breaks a rule.
  return [
    ...new Set(
      tables.flatMap((table) =>
        table.checks
          .filter(
            (check) =>
              !(isMultiOrg(check.actor) || isVariant(check.actor) || isFormer(check.actor)) || check.rule !== undefined,
          )
          .map((check) => check.actor),
      ),
    ),
  ];
}

/** What an actor can do with A's rows of one table, or whether it can call a function. */
export function cellOf(table: TableReport, actor: string): MatrixCell {
  const checks = table.checks.filter((check) => check.actor === actor);
  const broken = checks.some((check) => check.rule !== undefined);
  // A guest tries only what its seat may open.
  if ((actor === guestKey || isFormer(actor)) && checks.length === 0) return { text: '', broken };
  // If something was left out, the failure of the rest does not mean that it is refused.
  const none = table.notes === undefined ? '.' : unknown;
  if (table.kind === 'function') {
    return { text: checks.some((check) => check.outcome === 'allowed') ? 'X' : none, broken };
  }
  const holds =
    /^owner( with(out)? |$)/.test(actor) || (actor.startsWith('member') && table.scope.includes('organization'));
  return {
    text: letters
      .map((letter) =>
        letterOf(
          letter,
          checks.filter((check) => verbs[check.verb].letter === letter),
          holds,
          none,
        ),
      )
      .join(''),
    broken,
  };
}

function letterOf(letter: string, checks: readonly Check[], holds: boolean, none: string): string {
  if (checks.some((check) => check.outcome === 'error')) return 'E';
  const reaching = checks.filter((check) => check.outcome === 'allowed' && reachesA(check));
  if (reaching.length === 0) return none;
  // Anyone may add rows of their own: lower case, unless the actor could also forge the owner.
  const isOwnOnly =
    letter === 'I' &&
    !holds &&
    reaching.every((check) => verbs[check.verb].shown === 'own-only' && check.expected !== 'no');
  return isOwnOnly ? 'i' : letter;
}

function reachesA(check: Check): boolean {
  if (verbs[check.verb].shown === 'when-broken') return check.rule !== undefined;
  return check.rows === undefined || /[a?]/.test(check.rows);
}

/** The legend of the matrix, in one line. */
export const legend =
  'S reads, I inserts (i only its own), U updates, D deletes, R reassigns, X calls, E error, ? not proven, ! ' +
  'breaks a rule; +role is a member of the same organization';
