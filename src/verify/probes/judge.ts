import type { Finding } from '../../shared/finding.ts';
import type { FunctionRow } from '../../rules/engine/live/catalog.ts';
import type { RuleName } from '../../rules/registry.ts';
import type { Actor } from './actors.ts';
import { personalColumns } from './expected.ts';
import { rowsOfA } from './labels.ts';
import type { Model } from '../catalog/model.ts';
import { columnsIn, policiesFor } from '../catalog/scope.ts';
import { adviceOn, onOneLine } from '../report/advice.ts';
import { makeFinding } from '../report/make-finding.ts';
import type { Check, TableReport } from '../report/report.ts';
import { suggestionFor } from '../report/suggestions.ts';
import { isHelperApart } from '../catalog/policy-helpers.ts';
import { mayLoseOwner } from '../catalog/ownerless.ts';
import { type KnownRow, labelledRows, type Subject } from './subject.ts';
import { type Verb, verbs } from './verbs.ts';

/** The rule that a verb breaks if it is possible and must not be. */
export function ruleOf(verb: Verb, isAnonymous: boolean): RuleName {
  return isAnonymous ? verbs[verb].rule.anonymous : verbs[verb].rule.signedIn;
}

/** What a report is of: a table, a view that stands for one, a bucket; or a function. */
interface About {
  subject?: Subject | undefined;
  routine?: FunctionRow | undefined;
}

/** How many statements a finding gives to try by hand. */
const mostProbes = 3;

/**
 * The findings of one report's checks, one for each rule, naming who can do what. Also sets the rule on each check that
 * breaks it, and removes the SQL from the others.
 */
export function judge(report: TableReport, actors: readonly Actor[], model: Model, about: About = {}): Finding[] {
  const broken = new Map<RuleName, Check[]>();
  for (const check of report.checks) {
    const rule = brokenRule(check, actors);
    if (rule === undefined) {
      delete check.probe;
      continue;
    }
    check.rule = rule;
    broken.set(rule, [...(broken.get(rule) ?? []), check]);
  }
  return [...broken].map(([rule, checks]) => {
    const advice = adviceOn(rule, checks, about.subject, rule.startsWith('anon-'), model);
    const by = advice === undefined || advice.policies.length === 0 ? '' : ` ${lets(advice.policies)}`;
    const isDoubtful = checks.every(
      (check) =>
        check.outcome !== 'error' && (check.expected === 'doubtful' || isOfNobody(check, about.subject, model)),
    );
    const suggestion = advice?.suggestion ?? suggestionFor(rule, report, checks, about.routine, model);
    const probes = [...new Set(checks.flatMap(({ probe }) => probe ?? []))].slice(0, mostProbes);
    return {
      ...makeFinding(
        rule,
        report.table,
        `${report.table} (${report.scope}): ${tell(checks, about.subject)}.${by}`,
        `${suggestion}${isDoubtful ? orMeant(rule, checks, about, model) : ''}`,
        isDoubtful ? 'warning' : undefined,
      ),
      ...(advice?.policies[0] === undefined ? {} : { policy: advice.policies[0] }),
      ...(probes.length === 0 ? {} : { probe: probes.map((sql) => `${sql};`).join('\n') }),
    };
  });
}

/** It only reads rows without an owner, such as no user can make: they may be meant for everybody. */
function isOfNobody({ verb, rows, outcome }: Check, subject: Subject | undefined, model: Model): boolean {
  const letters = rowsOfA(rows ?? '');
  if (subject === undefined || verbs[verb].letter !== 'S' || outcome !== 'allowed' || letters === '') return false;
  const states = new Map(labelledRows(subject));
  const isBelow = ({ links = [] }: KnownRow): boolean => links.length > 0;
  const mayBeSomeones = mayLoseOwner(subject.table, subject.scope.columns, model);
  return [...letters].every((letter) => {
    const row = states.get(letter);
    return row?.isOwnerless === true && !isStillSomeones(row, subject, model) && (isBelow(row) || !mayBeSomeones);
  });
}

/** The row names a person in another column, for whom the policies ask by which it is read. */
function isStillSomeones(row: KnownRow, subject: Subject, model: Model): boolean {
  const { table } = subject;
  const asked = new Set(policiesFor(table, 'S', model).flatMap(({ using }) => [...columnsIn(using, table, model)]));
  return namesPerson(row, subject, model, asked);
}

/**
 * Says whether a row names a person: a user, or an address.
 * @param among the columns that count; default: all
 */
export function namesPerson(
  { values }: KnownRow,
  { table, columns }: Subject,
  model: Model,
  among?: ReadonlySet<string>,
): boolean {
  return columns.some((column) => {
    const meaning = among?.has(column.name) === false ? undefined : model.meaningOf(table, column);
    return (meaning === 'user' || meaning === 'email') && (values.get(column.name) ?? 'NULL') !== 'NULL';
  });
}

function lets(policies: readonly string[]): string {
  const names = policies.map(onOneLine).join(', ');
  return policies.length === 1 ? `Policy ${names} lets it.` : `Policies ${names} let it.`;
}

function brokenRule(check: Check, actors: readonly Actor[]): RuleName | undefined {
  // A made-up state may be refused in any way.
  if (check.outcome === 'error') return verbs[check.verb].counted === true ? undefined : 'policy-error';
  const actor = actors.find((one) => one.name === check.actor);
  if (actor === undefined || !isAgainst(check) || check.outcome !== 'allowed' || !reachesOthers(check, actor))
    return undefined;
  return ruleOf(check.verb, actor.isAnonymous);
}

/** Says whether what the check is about must not be possible, or seldom is meant to be. */
export function isAgainst({ expected }: Check): boolean {
  return expected === 'no' || expected === 'doubtful';
}

/** How to say that it is meant. */
function orMeant(rule: RuleName, checks: readonly Check[], { routine }: About, model: Model): string {
  if (routine !== undefined && isHelperApart(routine, model))
    return (
      ` Or, if the API does not expose the schema ${onOneLine(routine.schema)}, so that only policies call it, write: ` +
      `-- muse: ignore ${rule} because <reason>`
    );
  const who = checks.some(({ expected }) => expected === 'doubtful')
    ? 'all who are let in may do that'
    : "rows without an owner are everybody's";
  return ` Or, if ${who}, write: -- muse: ignore ${rule} because <reason>`;
}

/** Without WHERE a statement also affects the actor's own rows, which is allowed. */
function reachesOthers(check: Check, actor: Actor): boolean {
  const { withoutWhere: isBroad, anyRow } = verbs[check.verb];
  // A constraint may have stopped a statement without WHERE at the actor's own row. Where that row must not change either, the
  // policies let it: the constraint holds this row, for example by what refers to it, and not the next one.
  if (isBroad === true && check.code?.startsWith('23') === true)
    return actor.isAnonymous || actor.isNobody || anyRow === true;
  if (check.rows === undefined || check.rows === '?') return true;
  if (check.rows === '#') return actor.relation === 'none';
  return rowsOfA(check.rows) !== '' || anyRow === true;
}

function tell(checks: readonly Check[], subject: Subject | undefined): string {
  const errors = checks.filter((check) => check.outcome === 'error');
  if (errors.length > 0) {
    const first = errors[0]!;
    return (
      `${[...new Set(errors.map((check) => check.actor))].join(', ')} on ${[...new Set(errors.map((check) => check.verb))].join(', ')} ` +
      `meets ${first.code}: ${first.message}`
    );
  }
  const byActors = new Map<string, string[]>();
  for (const what of new Set(checks.map((check) => wordingOf(check, subject)))) {
    const who = checks
      .filter((check) => wordingOf(check, subject) === what)
      .map((check) => check.actor)
      .join(', ');
    byActors.set(who, [...(byActors.get(who) ?? []), what]);
  }
  const shown = [...new Set(checks.flatMap((check) => (subject === undefined ? (check.message ?? []) : [])))];
  const told = [...byActors].map(([who, what]) => `${who} ${what.join(', ')}`).join('; ');
  return shown.length === 0 ? told : `${told}; it ${shown.join(' and ')}`;
}

/** What the actor does, and to rows in which state, if not to every row of A. */
function wordingOf(check: Check, subject: Subject | undefined): string {
  const { wording, letter } = verbs[check.verb];
  const rows = rowsOfA(check.rows ?? '');
  const states =
    subject === undefined || rows.includes('a')
      ? []
      : labelledRows(subject).flatMap(([label, { state }]) =>
          rows.includes(label) && state !== undefined ? [state] : [],
        );
  if (states.length > 0) return `${wording} where ${[...new Set(states)].join(' or ')}`;
  const columns = subject?.scope.kind === 'unowned' && letter === 'S' ? personalColumns(subject) : [];
  return columns.length === 0 ? wording : `${wording} with ${columns.join(', ')}`;
}
