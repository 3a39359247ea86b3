import type { Finding } from '../../shared/finding.ts';
import { isPlatformSchema, qualifiedName, relation, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { obstacleGaps } from '../probes/escalation.ts';
import { hasPoliciesOf, rootOf } from '../catalog/partitions.ts';
import { sqlInNewRows } from '../catalog/stored-sql.ts';
import { outsideTrigger } from '../catalog/views.ts';
import { isProbed, type Proof } from '../probes/prove.ts';
import { seatLabel } from '../probes/labels.ts';
import type { Answer } from '../probes/run-script.ts';
import { grantedColumns, largeTable } from '../probes/subject.ts';
import { clockGaps } from './clock-gaps.ts';
import { makeFinding } from './make-finding.ts';
import { messageGaps } from './message-gaps.ts';
import { untriedCopies } from './untried-copies.ts';
import { linkKeyGaps, staffClaimGaps } from './staff-claims.ts';
import type { RowState } from '../fixtures/states.ts';
import type { Gap, IsolationReport, TableReport } from './report.ts';
import { jobGaps } from './job-report.ts';
import { unfollowedGaps } from './unfollowed-gaps.ts';
import { unsolvedCalls, unsolvedGaps } from './unsolved-gaps.ts';

/** The finding for a gap: a warning, or an error for a SECURITY DEFINER function or trigger. */
export function notProven({ object, reason, suggestion, isDefiner = false }: Gap): Finding {
  return makeFinding(
    'not-proven',
    object,
    `${object} is not proven: ${reason}.`,
    suggestion,
    isDefiner ? 'error' : 'warning',
  );
}

/**
 * How many objects were tried in full, and how many were not: those with notes, and those with a finding that says so.
 */
export function countProven(
  tables: readonly TableReport[],
  findings: readonly Finding[],
): Pick<IsolationReport, 'proven' | 'notProven'> {
  const open = new Set([
    ...tables.filter(({ notes }) => notes !== undefined).map(({ table }) => table),
    ...findings.filter(({ rule }) => rule === 'not-proven').map(({ object }) => object ?? ''),
  ]);
  return { proven: tables.filter(({ table }) => !open.has(table)).length, notProven: open.size };
}

/** Everything that was not tried: tables that accepted no row, silenced triggers, and objects that are too large. */
export function gapsOf(proof: Proof): { unfilled: ReadonlyMap<string, Gap>; others: Gap[] } {
  const unfilled = unfilledTables(proof);
  const large = proof.subjects
    .filter(({ isLarge }) => isLarge)
    .map(({ name }): Gap => ({
      object: name,
      reason: 'it is too large to be changed without WHERE, so that was left out',
      suggestion: onCopy,
    }));
  const views = proof.looked
    .filter(({ behind }) => behind.some((table) => table.rows > largeTable))
    .map(({ view }): Gap => ({
      object: qualifiedName(view),
      reason: 'it was not read, since a table that it reads is too large',
      suggestion: onCopy,
    }));
  return {
    unfilled,
    others: [
      ...proof.silenced.gaps,
      ...stateGaps(proof),
      ...leftOutGaps(proof),
      ...unsolvedGaps(proof),
      ...unsolvedCalls(proof),
      ...pathGaps(proof),
      ...large,
      ...views,
      ...proof.writable.map((view) => viewGap(view, proof)),
      ...partitionGaps(proof),
      ...clockGaps(proof.subjects, proof.model),
      ...obstacleGaps(proof),
      ...staffClaimGaps(proof.model),
      ...linkKeyGaps(proof.model),
      ...messageGaps(proof),
      ...untriedCopies(proof),
      ...jobGaps(proof),
      ...unfollowedGaps(proof),
      ...rowSqlGaps(proof),
      ...signUpGaps(proof),
    ].filter(({ object }) => !unfilled.has(object)),
  };
}

/** Tables whose triggers run what users write as SQL. */
function rowSqlGaps({ subjects, model }: Proof): Gap[] {
  return subjects
    .filter(({ kind }) => kind === 'table')
    .flatMap(({ name, table }) =>
      sqlInNewRows(table, model).map(({ trigger, columns }) => ({
        object: name,
        isDefiner: true,
        reason:
          `its trigger ${trigger} runs SQL with its owner's rights that includes ${columns.join(', ')} unquoted, which users write, ` +
          'so any of them can run any query',
        suggestion: "Pass values to EXECUTE with USING, and names with format('%I').",
      })),
    );
}

/** A view that users can write through, for which that could not be tried. */
function viewGap(view: RelationRow, { model }: Proof): Gap {
  const object = qualifiedName(view);
  const outside = outsideTrigger(view, model);
  const routines = view.triggers.flatMap((trigger) => model.sources.byOid(trigger.function) ?? []);
  return {
    object,
    reason:
      outside === undefined
        ? "users can write through it, but it does not show the key of one table's rows, so that was not tried"
        : `its trigger ${outside.trigger} ${outside.effect}, so nothing was written through it`,
    suggestion:
      'Check by hand whose rows a write through it changes, or revoke the privileges: REVOKE INSERT, UPDATE, ' +
      `DELETE ON ${relation(view)} FROM anon, authenticated;`,
    isDefiner: routines.length === 0 ? !view.securityInvoker : routines.some(({ definer }) => definer),
  };
}

/** Partitions without a generated row, whose policies differ from the root's, which were tried. */
function partitionGaps({ subjects, answer, model }: Proof): Gap[] {
  return subjects
    .filter(
      ({ kind, table, state }) =>
        kind === 'table' &&
        table.partition &&
        !(answer.states[state] ?? '').startsWith('a') &&
        !hasPoliciesOf(table, rootOf(table, model)),
    )
    .map(({ name, table }): Gap => ({
      object: name,
      reason: 'users can address this partition by name, and no generated row belongs in it',
      suggestion:
        `REVOKE ALL ON ${relation(table)} FROM anon, authenticated; what users need reaches it through ` +
        `${qualifiedName(rootOf(table, model))}.`,
    }));
}

const onCopy = 'Prove a copy of the schema, which has no rows: muse verify --offline.';

/** Tables that could not be filled, by `schema.name`. */
function unfilledTables(proof: Proof): Map<string, Gap> {
  const suggestion = 'Make the constraint or trigger accept a plain row, or check this table by hand.';
  const gaps = new Map([...proof.silenced.untouchable].map((gap): [string, Gap] => [gap.object, gap]));
  for (const failure of proof.answer.failed) {
    for (const row of proof.steps[failure.step]!.rows) {
      const object = qualifiedName(row.table);
      // A mixed row is optional: there is none if keys forbid it.
      if ((row.label !== 'a' && row.label !== 'b') || gaps.has(object) || !isProbed(row.table)) continue;
      gaps.set(object, { object, reason: reasonOf(failure), suggestion });
    }
  }
  return gaps;
}

/** What the database refuses of any writer: a value that the type does not have, a CHECK, NOT NULL, an error that a trigger raises. */
const neverAllowed = /^(22|23514|23502|P0)/;

/** Columns of a table that the database kept from having a value for which something asks: no row can be so. */
export function refusedColumns(table: RelationRow, { answer, steps }: Proof): ReadonlySet<string> {
  const rows = answer.failed.flatMap(({ step, code }) => (neverAllowed.test(code) ? steps[step]!.rows : []));
  return new Set(rows.flatMap((row) => (row.table === table ? [...(row.state?.values.keys() ?? [])] : [])));
}

/** States that policies tell apart and in which no row could be made, though the database does not forbid them. */
function stateGaps({ answer, steps }: Proof): Gap[] {
  const refused = new Set<string>();
  for (const { step, code } of answer.failed)
    if (neverAllowed.test(code))
      for (const { table, label } of steps[step]!.rows) refused.add(`${qualifiedName(table)} ${label}`);
  // A row that would belong to one which the database forbids cannot be there either.
  const isForbidden = (state: RowState): boolean =>
    [...state.values.values()].some(
      (choice) => 'reference' in choice && refused.has(`${choice.reference.table} ${choice.reference.label ?? ''}`),
    );
  return answer.failed
    .filter(({ code }) => !neverAllowed.test(code))
    .flatMap((failure) =>
      steps[failure.step]!.rows.flatMap(({ table, label, state }): Gap[] => {
        const isMissed = state?.isAsked === true && !isForbidden(state);
        const what = label === seatLabel ? 'that lets a guest in' : isMissed ? `where ${state.text}` : undefined;
        return what === undefined || !isProbed(table)
          ? []
          : [
              {
                object: qualifiedName(table),
                reason: `no row could be made ${what}: ${whyNot(failure)}`,
                suggestion: `Check by hand who reaches the rows of ${relation(table)} ${what}.`,
              },
            ];
      }),
    );
}

/** States for which a table has too many others. */
function leftOutGaps({ leftOut }: Proof): Gap[] {
  return [...leftOut]
    .filter(([table]) => isProbed(table))
    .map(([table, states]) => ({
      object: qualifiedName(table),
      reason:
        'its rows were not tried in all states that policies, views or functions ask for, as there are too many: ' +
        `where ${states.join('; where ')}`,
      suggestion: `Check by hand who reaches such rows of ${relation(table)}, or ask for less in its policies.`,
    }));
}

/** JSON that path expressions read: what users write, and what the table's own policies ask for. */
function pathGaps({ subjects, model }: Proof): Gap[] {
  return subjects.flatMap((subject) => {
    if (subject.kind !== 'table') return [];
    const { unread, unreadByOwn } = model.dependencies.decidingColumns(qualifiedName(subject.table));
    const written = (['I', 'U'] as const).flatMap((letter) => grantedColumns(subject, model.userRole, letter, model));
    const asked = [...unreadByOwn].map((name) => ({
      object: subject.name,
      reason: `its policies ask by a JSON path expression for rows with something in ${name}, and none was made`,
      suggestion: `Check by hand who reaches such a row, or read ${name} with -> and ->>, which the proof understands.`,
    }));
    const ofUsers = [...unread]
      .filter((name) => written.some((column) => column.name === name))
      .map((name) => ({
        object: subject.name,
        reason: `users may write ${name}, and what a JSON path expression wants of it was not tried`,
        suggestion: `Check by hand what a user reaches who writes ${name}, or read it with -> and ->>, which the proof understands.`,
      }));
    return [...ofUsers, ...asked];
  });
}

/** Users whom a trigger refuses: they were made without it, and what it does was not tried. */
function signUpGaps({ answer, steps }: Proof): Gap[] {
  const refused = answer.forced.flatMap((refusal) =>
    steps[refusal.step]!.rows.flatMap(({ table }): Gap[] =>
      refusal.code === '' || !isPlatformSchema(table.schema)
        ? []
        : [
            {
              object: qualifiedName(table),
              reason: `its triggers refuse a new user, so users were made without them: ${whyNot(refusal)}`,
              suggestion: 'Correct the function of the trigger, sign up to try it, and verify again.',
            },
          ],
    ),
  );
  return refused.slice(0, 1);
}

function reasonOf(failure: Answer['failed'][number]): string {
  return `no row could be generated for it: ${whyNot(failure)}`;
}

function whyNot({ code, message }: Answer['failed'][number]): string {
  return code === '' ? 'a row with the same key already exists' : `${message} (${code})`;
}

/** A table that could not be filled, as a line of the report. */
export function unfilledReport({ object }: Gap): TableReport {
  return { table: object, kind: 'table', scope: 'not filled', checks: [] };
}

/**
 * Adds to a finding that it depends on a row that the proof inserted despite a trigger, in its own table or in one that
 * its policies read.
 */
export function withForcedRows(findings: readonly Finding[], { model, steps, answer }: Proof): Finding[] {
  const forced = new Set(answer.forced.flatMap(({ step }) => steps[step]!.rows).map((row) => qualifiedName(row.table)));
  return findings.map((finding) => {
    const [table] = [...forced].filter(
      (name) =>
        name === finding.object ||
        model.dependencies.askers(name).some((asker) => qualifiedName(asker) === finding.object),
    );
    if (table === undefined || !/^(isolation|anon)-/.test(finding.rule)) return finding;
    return {
      ...finding,
      message:
        `${finding.message} A trigger of ${table} refuses rows like the one that was tried, so first check whether ` +
        'such a row can exist.',
    };
  });
}
