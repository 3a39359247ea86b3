/**
 * What strangers see once the jobs of pg_cron have run: each is run once, after the rows were made, with the rights of its owner and nobody
 * signed in, and rolled back.
 */
import type { FunctionRow, JobRow } from '../../rules/engine/live/catalog.ts';
import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import { walk } from '../../sql/nodes.ts';
import { routineOfJob } from '../catalog/jobs.ts';
import type { Model } from '../catalog/model.ts';
import { lastingEffect } from '../catalog/outside-effects.ts';
import { isPublic } from '../catalog/scope.ts';
import { withheldColumns } from '../catalog/withheld.ts';
import type { Chain } from '../fixtures/script.ts';
import { readFound } from '../report/leaks.ts';
import { rowsOfA, without } from './labels.ts';
import type { FirstRound } from './paths.ts';
import type { NamedProbe } from './probes.ts';
import type { Opened } from './run-script.ts';
import { largeTable, type Subject } from './subject.ts';
import { verbs } from './verbs.ts';

/** A job that may bring rows of some tables to where others read them. */
export interface JobRun {
  job: JobRow;
  /** The tables that it writes, which strangers may read. */
  targets: readonly Subject[];
  /** The tables that it reads, of which strangers may not read everything. */
  sources: readonly Subject[];
  /** Why it is not run. */
  skipped: string | undefined;
}

/** What came of a job. */
export interface JobResult extends JobRun {
  /** It changed rows in the targets, or strangers see others there. */
  isSeen: boolean;
  error: { code: string; message: string } | undefined;
  /** What strangers see in a target that was in a source. */
  copies: { target: string; actor: number; sources: string[] }[];
  /** The tables in which strangers then read rows of others. */
  opened: { object: string; actor: number }[];
}

/** The tables of the catalog that a job writes rows into, by whatever way. */
function jobTargets(routine: FunctionRow, { dependencies, sources }: Model): ReadonlySet<string> {
  const written = dependencies.writtenBy(routine);
  const put = new Set<string>();
  const changed = new Set<string>();
  let isAny = false;
  for (const one of sources.reached(routine)) {
    const { executed, understood, defining, isUnreadable } = sources.body(one);
    isAny ||= isUnreadable || executed.some((sql) => !understood.has(sql) && !defining.has(sql));
    for (const { name } of sources.effects(one).written) changed.add(name);
    walk(sources.body(one).trees, (type, fields) => {
      if (type === 'InsertStmt' || type === 'UpdateStmt' || type === 'MergeStmt')
        put.add((fields as { relation?: { relname?: string } }).relation?.relname ?? '');
    });
  }
  const among = (names: ReadonlySet<string>): string[] =>
    [...written].filter((name) => isAny || names.has(name.slice(name.indexOf('.') + 1)));
  return new Set([
    ...among(put),
    ...among(changed).flatMap((name) => dependencies.sideEffects(name).map(({ table }) => table)),
  ]);
}

/** The jobs that are worth a run, and the tables that have to be looked at before. */
export function jobRuns(jobs: readonly JobRow[], subjects: readonly Subject[], model: Model): JobRun[] {
  const isHidden = (subject: Subject): boolean =>
    subject.scope.kind === 'service-only' ||
    withheldColumns(subject.table, model).size > 0 ||
    (subject.scope.kind !== 'public-read' && (subject.scope.owner !== undefined || !isReadable(subject, model)));
  const tables = subjects.filter(({ kind }) => kind === 'table');
  return jobs.flatMap((job): JobRun[] => {
    const routine = model.sources.byOid(routineOfJob(job).oid);
    if (routine === undefined) return [];
    const [written, named] = [jobTargets(routine, model), model.dependencies.namedBy(routine)];
    const targets = tables.filter(
      ({ name, table }) => written.has(name) && !isPublic(table, model) && isReadable({ table }, model),
    );
    const sources = tables.filter((subject) => named.has(subject.name) && isHidden(subject));
    const isOther = targets.some((target) => sources.some((source) => source !== target));
    return isOther ? [{ job, targets, sources, skipped: whyNot(routine, [...named, ...written], model) }] : [];
  });
}

/** Why a job is not run: what it does outside, which a rollback does not undo, or how long it may take. */
function whyNot(routine: FunctionRow, names: readonly string[], { sources, tables }: Model): string | undefined {
  const effect = lastingEffect(routine, sources);
  const large = names.find((name) => (tables.get(name)?.rows ?? 0) > largeTable);
  return effect !== undefined
    ? `it ${effect.does}`
    : large === undefined
      ? undefined
      : `${large} is too large for that`;
}

/** Users or visitors may read rows of the table, if policies let them. */
function isReadable({ table }: Pick<Subject, 'table'>, { userRole }: Model): boolean {
  return ['anon', userRole].some(
    (role) => table.grants[role]?.includes('S') === true || table.columnGrants[role]?.S !== undefined,
  );
}

/** Those that are run. */
function tried(runs: readonly JobRun[]): JobRun[] {
  return runs.filter(({ skipped }) => skipped === undefined);
}

/** The name of the state that shows whether a job has changed anything in its targets. */
const stateOf = ({ job }: JobRun): string => `* job ${job.id}`;

/** The queries of those states, by their names. */
export function jobStates(runs: readonly JobRun[]): Record<string, string> {
  const countOf = ({ into }: Subject): string =>
    `(select concat(count(*), ' ', md5(string_agg(one::text, ' ' order by one::text collate "C"))) from ${into} as one)`;
  return Object.fromEntries(
    tried(runs).map((run) => [stateOf(run), `select concat_ws(';', ${run.targets.map(countOf).join(', ')})`]),
  );
}

/**
 * The probes that run the jobs, and the chains of what is looked at afterwards.
 * @param start the number of the first probe that is added
 */
export function jobChains(
  runs: readonly JobRun[],
  { actors, probes, model, copyLooks, cells }: FirstRound,
  start: number,
): { probes: NamedProbe[]; chains: Chain[] } {
  const all = tried(runs);
  const owner = actors.findIndex(({ relation }) => relation === 'self');
  const ran = new Set(cells.map(({ probe, actor }) => `${probe} ${actor}`));
  const strangers = actors.flatMap(({ relation }, number) => (relation === 'none' ? [number] : []));
  const unset = Object.keys(actors[owner]?.settings ?? {}).map((name) => `set_config(${quoteLiteral(name)}, '', true)`);
  return {
    probes: all.map(({ job }): NamedProbe => ({
      subject: '',
      verb: 'select',
      mode: 'read',
      state: '',
      actors: [],
      sql: "select ''",
      prepare: [
        ...(unset.length === 0 ? [] : [`select ${unset.join(', ')}`]),
        ...(job.owner === model.catalog.user ? [] : [`set local role ${quoteIdentifier(job.owner)}`]),
        job.command,
      ].join('\n;'),
    })),
    chains: all.map((run, index): Chain => {
      const asking = model.dependencies.dependents(run.targets.map(({ name }) => name));
      const targets = new Set(run.targets.map(({ name }) => name));
      const looks = run.targets.flatMap(({ name }) => copyLooks.get(name) ?? []);
      const reads = probes.flatMap(({ subject, verb, mode }, probe) =>
        verb === 'select' && mode === 'read' && asking.has(subject) && !targets.has(subject) ? [probe] : [],
      );
      return {
        lead: [[start + index, owner]],
        afterwards: [...looks, ...reads].flatMap((probe) =>
          strangers.filter((actor) => ran.has(`${probe} ${actor}`)).map((actor): [number, number] => [probe, actor]),
        ),
        states: [stateOf(run)],
      };
    }),
  };
}

/** Reads what came of the jobs. */
export function readJobRuns(
  runs: readonly JobRun[],
  opened: readonly Opened[],
  first: FirstRound,
  start: number,
): JobResult[] {
  const { actors, probes, cells, leaks, subjects, model } = first;
  const before = new Map(cells.map((cell) => [`${cell.probe} ${cell.actor}`, cell]));
  const byName = new Map(subjects.map((subject) => [subject.name, subject]));
  let index = -1;
  return runs.map((run): JobResult => {
    const result: JobResult = { ...run, isSeen: false, error: undefined, copies: [], opened: [] };
    if (run.skipped !== undefined) return result;
    index += 1;
    const sources = new Set(run.sources.map(({ name }) => name));
    for (const one of opened.filter(({ chain }) => chain === index)) {
      if ('state' in one) {
        result.isSeen = true;
        continue;
      }
      if ('code' in one) {
        if (one.probe === start + index) result.error = { code: one.code, message: one.message };
        continue;
      }
      const { subject, mode } = probes[one.probe]!;
      const cell = before.get(`${one.probe} ${one.actor}`);
      const earlier = cell === undefined || 'code' in cell ? '' : cell.answer;
      const actor = actors[one.actor]!;
      if (mode === 'rows') {
        const known = new Set(readFound(earlier).values);
        const more = readFound(one.answer).values.filter((value) => !known.has(value));
        const given = leaks
          .given(more, sources)
          .filter(({ value, holders }) => holders.every((name) => leaks.isHidden(name, actor, sources, value)));
        if (given.length > 0)
          result.copies.push({
            target: subject,
            actor: one.actor,
            sources: [...new Set(given.flatMap(({ holders }) => holders))],
          });
        continue;
      }
      const reached = byName.get(subject);
      const isNew = without(rowsOfA(one.answer), earlier) !== '';
      if (reached !== undefined && isNew && verbs.select.expects(reached, actor, model) === 'no')
        result.opened.push({ object: subject, actor: one.actor });
    }
    return result;
  });
}
