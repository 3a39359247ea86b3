import type { Isolation } from '../../shared/muse-file.ts';
import { type Actor, makeActors, triesAll, type SessionVariables } from './actors.ts';
import {
  type FunctionRow,
  isPlatformSchema,
  qualifiedName,
  type RelationRow,
} from '../../rules/engine/live/catalog.ts';
import type { RowStep } from '../fixtures/fill.ts';
import { type Callable, callablesOf, type FurtherCalls } from '../catalog/functions.ts';
import { stateOfTables } from '../catalog/call-states.ts';
import { knownRowsQuery, knownRowsState } from '../fixtures/known-rows.ts';
import { copyLooks, copyTexts } from './copies.ts';
import { type Copied, divide, followWrites } from './follow.ts';
import type { FirstRound, Obstacle, Opening, Path } from './paths.ts';
import { type Difference, otherWorlds, readWorlds } from './worlds.ts';
import { branchesAsked, unmetOf } from './unmet-branches.ts';
import { callsOfOwners, silentOnes } from './silent.ts';
import type { Branch } from '../catalog/branches.ts';
import type { Model } from '../catalog/model.ts';
import { metadataProbes } from './metadata.ts';
import { linkStates, movedProbes } from './moved.ts';
import { knownCells, type NamedProbe, probesOf } from './probes.ts';
import { type OnProof, runInParts } from './in-parts.ts';
import { defaultAttempts, runChains } from './run-chains.ts';
import { holdsOf, type Lift, readHolds } from './held.ts';
import { invitedOf } from './invited.ts';
import { jobChains, type JobResult, jobRuns, jobStates, readJobRuns } from './jobs.ts';
import { raisesOf, readRaises } from './raised.ts';
import { redeemedOf } from './redeemed.ts';
import { renewalProbes } from './renewals.ts';
import { retryRefused, type Supposed } from './refused-writes.ts';
import { retryPicked } from './run-some.ts';
import { repeatsOf } from './repeats.ts';
import { restingTriggers, type SilencedTriggers, silenceTriggers } from '../fixtures/silenced-triggers.ts';
import type { Gap } from '../report/report.ts';
import { leakFinder } from '../report/leaks.ts';
import type { Answer, Cell, ProofSession } from './run-script.ts';
import { keyOf, valuesOf } from '../fixtures/rows.ts';
import { scopeOf } from '../catalog/scope.ts';
import { tablesOfMembers } from '../catalog/ended-seats.ts';
import { readsRowsOfUsers } from '../catalog/rows-of-users.ts';
import { tablesOfGuests } from '../fixtures/guest-lists.ts';
import type { Plan } from '../fixtures/script.ts';
import type { Watched } from '../fixtures/script-effects.ts';
import { anySetting, settingOf } from '../catalog/settings.ts';
import { relation } from '../../rules/engine/live/catalog.ts';
import { bucketsOf, storageSettings, withObjects } from '../catalog/storage.ts';
import { clockPolicies } from '../catalog/clock.ts';
import { secretStatements } from '../fixtures/vault-secrets.ts';
import { condition, largeTable, stateQuery, type Subject, subjectOf } from './subject.ts';
import { type Above, type Below, readTrees, treesOf } from './below.ts';
import { isTable } from '../catalog/tenancy.ts';
import type { Ways } from '../catalog/ways-query.ts';
import { realtimeMessages, topicProbes } from './topics.ts';
import { partitionSubjects } from '../catalog/partitions.ts';
import { isWritable, tablesBehind, usableViews, viewSubject } from '../catalog/views.ts';
import type { IsWanted } from '../catalog/wanted.ts';
import { withheldLooks } from './withheld-looks.ts';
import { withAims } from '../catalog/trigger-values.ts';
import { withheldColumns } from '../catalog/withheld.ts';
import { solveArguments, type SolvedArguments } from '../fixtures/solve-arguments.ts';
import { makeWorld, type World } from '../fixtures/world.ts';

/** Everything that was tried, and the results. */
export interface Proof {
  model: Model;
  actors: Actor[];
  /** Tables, views that are tested like a table, buckets. */
  subjects: Subject[];
  /** Views that are searched for known values; also some that are tested like a table, apart from that. */
  looked: { view: RelationRow; behind: RelationRow[]; isApart?: true; isWritten?: true }[];
  /** Views that users can write through but for which that was not tried. */
  writable: RelationRow[];
  callables: Callable[];
  probes: NamedProbe[];
  silenced: SilencedTriggers;
  steps: RowStep[];
  /** By table: the states of its rows that something asks for and in which no row was made. */
  leftOut: World['leftOut'];
  solved: World['solved'];
  /** What functions ask of their arguments and was met by no call at first. */
  argued: ReadonlyMap<FunctionRow, SolvedArguments>;
  answer: Answer;
  /** The access that permitted writes opened. */
  openings: Opening[];
  /** Errors that permitted writes led to. */
  obstacles: Obstacle[];
  /** Permitted writes that were more than the proof follows. */
  notFollowed: Path[];
  /** Permitted writes after as many as are followed in a row. */
  tooLong: Path[];
  /** How many attempts are made after permitted writes. */
  mostAttempts: number;
  /** Calls whose results depend on rows that the actor may not read, of these tables. */
  differences: Difference[];
  differing: ReadonlySet<string>;
  /** By the name of a table: the branches of its policies that no row met for anyone. */
  unmet: ReadonlyMap<string, readonly Branch[]>;
  /** What triggers or functions refused to everyone, and is not proven. */
  refused: readonly Gap[];
  supposed: readonly Supposed[];
  /** Functions over rows of users that gave nothing to anyone, not even to those whose rows they are. */
  silent: ReadonlySet<Callable>;
  /** Rows that held a stranger back, and that it took off. */
  lifts: readonly Lift[];
  /** What lies below a row of another in a tree: what its owner reads above it, and what a stranger put there. */
  above: readonly Above[];
  below: readonly Below[];
  /** What came of the jobs of pg_cron. */
  jobs: readonly JobResult[];
  /** The texts of A's rows by the name of each table whose triggers write others, and into which they copied any row. */
  copies: ReadonlyMap<string, ReadonlySet<string>>;
  copied: Copied;
  /** What came of the tables whose policies open with the time, as those will be then. */
  later: Later | undefined;
}

/** Another run, with the clock moved on. */
interface Later {
  answer: Answer;
  /** By `schema.name` of a table: `on 2027-03-01`. */
  when: ReadonlyMap<string, string>;
}

/** Returns whether the isolation of the table is to be proven. */
export function isProbed(table: RelationRow): boolean {
  return isTable(table) && !isPlatformSchema(table.schema) && !table.partition;
}

/**
 * Generates the fixtures, tries everything, and rolls back.
 * @throws MuseError, DatabaseError as {@link runInParts}
 */
export async function prove(
  session: ProofSession,
  model: Model,
  isolation: Isolation,
  variables: SessionVariables | undefined,
  isWanted: IsWanted,
  topics: Ways['topics'],
  mostAttempts: number = defaultAttempts,
  onProgress?: OnProof,
): Promise<Proof> {
  const world = await makeWorld(session, model);
  const actors = makeActors(
    world.people,
    isolation,
    variables,
    world.cargo,
    tablesOfGuests(model),
    tablesOfMembers(model),
    readsRowsOfUsers(model),
  );
  const buckets = isolation === 'session' ? [] : await bucketsOf(session, model, world);
  const filled = [...new Set(world.steps.flatMap((step) => step.rows.map((row) => row.table)))];
  const silenced = silenceTriggers(filled, model);
  const resting = restingTriggers(filled, model);
  const untouchable = new Set(silenced.untouchable.map(({ object }) => object));
  const tables = [...model.tables.values()].filter(
    (table) => isProbed(table) && !untouchable.has(`${table.schema}.${table.name}`),
  );
  const tableSubjects = withAims(
    withObjects(
      tables.flatMap((table) => subjectOf(table, scopeOf(table, model), world, model) ?? []),
      buckets.map(({ subject }) => subject),
      model,
    ),
    model,
  );
  const roles = [...new Set(actors.map((actor) => actor.role))];
  const views = usableViews(model, roles);
  const viewSubjects = withAims(
    views.flatMap((view) => viewSubject(view, tableSubjects, roles, model) ?? []),
    model,
    tableSubjects,
  );
  const tested = new Map(viewSubjects.map(({ name, isWrittenOnly }) => [name, isWrittenOnly === true]));
  const looked = views.flatMap((view): Proof['looked'] => {
    if (!isWanted(qualifiedName(view))) return [];
    const behind = tablesBehind(view, model);
    const isWrittenOnly = tested.get(qualifiedName(view));
    if (isWrittenOnly !== false) return [{ view, behind, ...(isWrittenOnly && { isWritten: true }) }];
    const isApart = !view.securityInvoker && behind.some((table) => withheldColumns(table, model).size > 0);
    return isApart ? [{ view, behind, isApart }] : [];
  });
  const writable = looked.flatMap(({ view, isApart, isWritten }) =>
    isApart !== true && isWritten !== true && isWritable(view, roles) ? [view] : [],
  );
  // A view is searched by reading all of it, and a materialized view has to be refreshed first.
  const small = looked.filter(({ behind }) => !behind.some((table) => table.rows > largeTable));
  const subjects = [
    ...tableSubjects,
    ...partitionSubjects(tableSubjects, roles, model),
    ...viewSubjects,
    ...buckets.map((bucket) => bucket.subject),
  ];
  const calledWith = (further?: FurtherCalls): Callable[] =>
    callablesOf(model, actors, [...tableSubjects, ...buckets.map(({ subject }) => subject)], further).filter(
      ({ name }) => isWanted(name),
    );
  const likely = calledWith();
  const argued = await solveArguments(
    session,
    likely
      .filter(({ runsAsOwner, skipped }) => runsAsOwner && skipped === undefined)
      .map(({ routine, called, rowKeys }) => ({ routine, calls: called, rowKeys: rowKeys.map(({ sql }) => sql) })),
    model,
  );
  const callables = argued.size === 0 ? likely : calledWith(argued);
  const runs = jobRuns(
    model.catalog.jobs ?? [],
    tableSubjects.filter(({ name }) => isWanted(name)),
    model,
  );
  const filledByJobs = runs.flatMap(({ targets }) => targets.map(({ name }) => name));
  const looks = copyLooks(tableSubjects, callables, actors, model, filledByJobs);
  const copies = copyTexts(tableSubjects, model);
  const probes = [
    ...subjects.filter(({ name }) => isWanted(name)).flatMap((subject) => probesOf(subject, actors, model)),
    ...small.map(({ view }) => lookProbe(view, actors)),
    ...callables.flatMap((callable) => callable.probes),
    ...looks,
    ...withheldLooks(
      tableSubjects.filter(({ name }) => isWanted(name)),
      actors,
      model,
    ),
    ...movedProbes(
      tableSubjects.filter(({ name }) => isWanted(name)),
      actors,
      model,
    ),
    ...(isolation === 'session'
      ? []
      : [...metadataProbes(tableSubjects, actors, world.rows, model), ...renewalProbes(model)]),
    ...(isWanted(realtimeMessages) ? topicProbes(topics, tableSubjects, world.people, actors, model) : []),
  ];
  const steps = [
    ...world.steps.filter((step) => !step.rows.some((row) => untouchable.has(`${row.table.schema}.${row.table.name}`))),
    ...buckets.flatMap((bucket) => bucket.steps),
    ...restoringSteps(world, tableSubjects, model),
    ...small.filter(({ view }) => view.kind === 'm' && view.isOurs).map(({ view }) => refreshStep(view)),
  ];
  // A view uses the state of its table, which may distinguish rows by columns that the view does not show.
  const states = Object.fromEntries(
    subjects.filter(({ kind }) => kind !== 'view').map((subject) => [subject.state, stateQuery(subject)]),
  );
  const together = Object.fromEntries(
    callables.flatMap(({ routine, probes }) =>
      probes
        .filter(({ state }) => state !== '')
        .map(({ state }) => [
          state,
          stateOfTables(routine, [...tableSubjects, ...buckets.map(({ subject }) => subject)], states, model),
        ]),
    ),
  );
  const numbers = new Map(probes.map((probe, number) => [probe, number]));
  const plan: Plan = {
    sequences: [...model.tables.values()].flatMap((table) => table.sequences),
    silenced: [...silenced.sql, ...secretStatements(model), ...resting.off],
    woken: resting.on,
    fill: steps.map(({ settings, sql, force }) => ({ settings, sql, ...(force === undefined ? {} : { force }) })),
    states: {
      ...states,
      ...together,
      ...linkStates(tableSubjects, model),
      ...jobStates(runs),
      [knownRowsState]: knownRowsQuery(
        [...tableSubjects, ...buckets.map(({ subject }) => subject)],
        world.people,
        model,
        [...copies.values()].flatMap((texts) => [...texts]),
      ),
    },
    known: knownRowsState,
    actors: actors.map(({ role, settings, user, organization }) => ({
      role,
      user,
      organization,
      settings: { ...settings, ...(buckets.length > 0 ? storageSettings : {}) },
    })),
    probes: probes.map(({ sql, mode, state, actors, prepare, uncounted, wider }) => ({
      sql,
      mode,
      state,
      actors,
      ...(wider === undefined
        ? {}
        : { unless: Object.fromEntries([...wider].map(([actor, other]) => [actor, numbers.get(other)!])) }),
      ...(prepare === undefined ? {} : { prepare }),
      ...(uncounted === undefined ? {} : { uncounted }),
    })),
    chains: [],
    watched: watchedOf(actors, model),
  };
  const asked = branchesAsked(
    tableSubjects.filter(({ name }) => isWanted(name)),
    model,
  );
  const answer = await runInParts(session, { ...plan, asked: asked.map(({ condition }) => condition) }, onProgress);
  answer.cells.push(...knownCells(probes, answer));
  const tried = { model, actors, subjects, callables, probes, plan };
  const retried = await retryRefused(session, tried, answer);
  const again = new Set(retried.cells.map(({ probe }) => probe));
  const picked = await retryPicked(session, tried);
  const isPicked = (cell: Cell): boolean => picked.some((one) => one.probe === cell.probe && one.actor === cell.actor);
  answer.cells = [
    ...[...answer.cells.filter(({ probe }) => !again.has(probe)), ...retried.cells].filter((cell) => !isPicked(cell)),
    ...picked,
  ];
  answer.cells.sort((x, y) => x.actor - y.actor || x.probe - y.probe);
  const repeats = new Map<number, number>();
  for (const [of, probe] of repeatsOf(tableSubjects, actors, probes, answer.cells, model)) {
    repeats.set(of, probes.push(probe) - 1);
    const { sql, mode, state, prepare } = probe;
    plan.probes.push({ sql, mode, state, actors: [], ...(prepare === undefined ? {} : { prepare }) });
  }
  const first: FirstRound = {
    model,
    actors,
    subjects,
    callables,
    probes,
    cells: answer.cells,
    copies,
    behind: new Map(looked.map(({ view, behind }) => [qualifiedName(view), new Set(behind.map(qualifiedName))])),
    leaks: leakFinder({ model, subjects, answer, probes }),
    copyLooks: new Map(looks.map((look) => [look.subject, probes.indexOf(look)])),
    repeats,
  };
  const raises = raisesOf(first, probes.length);
  const invited = invitedOf(first, probes.length + raises.probes.length);
  const redeemed = redeemedOf(first, probes.length + raises.probes.length + invited.probes.length);
  const before = [...raises.probes, ...invited.probes, ...redeemed.probes];
  const holds = holdsOf(first, probes.length + before.length);
  const firstOfJobs = probes.length + before.length + holds.probes.length;
  const jobs = jobChains(runs, first, firstOfJobs);
  const trees = treesOf(first, firstOfJobs + jobs.probes.length);
  const added = [...before, ...holds.probes, ...jobs.probes, ...trees.probes];
  const worlds = otherWorlds(first, probes.length + added.length);
  const beside = [
    worlds.chains,
    callsOfOwners(first),
    raises.chains,
    invited.chains,
    redeemed.chains,
    holds.chains,
    jobs.chains,
    trees.chains,
  ];
  const { inWorlds, ...followed } = await followWrites(first, beside.flat(), mostAttempts, (chains, limits) =>
    runChains(
      session,
      {
        ...plan,
        states: { ...plan.states, ...raises.states, ...invited.states, ...redeemed.states },
        probes: [...plan.probes, ...added, ...worlds.probes],
      },
      chains,
      limits,
      onProgress,
    ),
  );
  const [inOthers, ofOwners, ofRaises, ofInvited, ofRedeemed, ofHolds, ofJobs, ofTrees] = divide(inWorlds, beside);
  const differences = readWorlds(inOthers!, worlds, first);
  const silent = silentOnes(first, ofOwners!);
  followed.openings.push(
    ...readRaises(ofRaises!, raises, first),
    ...readRaises(ofInvited!, invited, first),
    ...readRaises(ofRedeemed!, redeemed, first),
  );
  const later = await runLater(session, plan, probes, subjects, model);
  return {
    model,
    actors,
    subjects,
    looked,
    writable,
    callables,
    probes: [...probes, ...added, ...worlds.probes],
    silenced,
    steps,
    leftOut: world.leftOut,
    solved: world.solved,
    argued,
    answer,
    later,
    lifts: readHolds(ofHolds!, holds, first),
    jobs: readJobRuns(runs, ofJobs!, first, firstOfJobs),
    ...readTrees(ofTrees!, trees, first),
    mostAttempts,
    differences,
    differing: worlds.tables,
    silent,
    copies,
    unmet: unmetOf(asked, answer),
    refused: retried.gaps,
    supposed: retried.supposed,
    ...followed,
  };
}

/** Tries the tables whose policies open with the time once more, with the conditions on the time as they will be. */
async function runLater(
  session: ProofSession,
  plan: Plan,
  probes: readonly NamedProbe[],
  subjects: readonly Subject[],
  model: Model,
): Promise<Later | undefined> {
  const when = new Map<string, string>();
  const moved = [...new Set(subjects.map(({ table }) => table))].flatMap((table) =>
    clockPolicies(table, model).flatMap((policy) => {
      if (policy.moved === undefined) return [];
      when.set(qualifiedName(table), policy.when);
      return [policy.moved];
    }),
  );
  if (moved.length === 0) return undefined;
  const names = new Set(subjects.filter(({ table }) => when.has(qualifiedName(table))).map(({ name }) => name));
  const answer = await runInParts(session, {
    ...plan,
    silenced: [...plan.silenced, ...moved],
    probes: plan.probes.map((probe, number) => (names.has(probes[number]!.subject) ? probe : { ...probe, actors: [] })),
  });
  answer.cells.push(...knownCells(probes, answer).filter(({ probe }) => names.has(probes[probe]!.subject)));
  return { answer, when };
}

/** What tells whether a call has changed anything: all settings that anything reads; none if a name is only known at run time. */
function watchedOf(actors: readonly Actor[], { dependencies, catalog }: Model): Watched | undefined {
  const read = dependencies.settingsRead().flatMap((node) => settingOf(node) ?? []);
  if (read.includes(anySetting)) return undefined;
  return {
    small: catalog.relations
      .filter(({ rows }) => rows <= largeTable)
      .map((row) => [row.schema, row.name].map((name) => `"${name.replaceAll('"', '""')}"`).join('.')),
    settings: [...new Set([...read, ...actors.flatMap(({ settings }) => Object.keys(settings))])],
  };
}

function lookProbe(view: RelationRow, actors: readonly Actor[]): NamedProbe {
  return {
    subject: `${view.schema}.${view.name}`,
    verb: 'select',
    mode: 'rows',
    state: '',
    actors: actors.flatMap((actor, number) => (triesAll(actor) ? [number] : [])),
    sql: `select jsonb_agg(to_jsonb(seen))::text from ${relation(view)} as seen`,
    byHand: `select * from ${relation(view)}`,
  };
}

/**
 * A trigger of one table may delete rows of another that were inserted before. Missing rows are inserted again at the
 * end.
 */
function restoringSteps(world: World, subjects: readonly Subject[], model: Model): RowStep[] {
  const touched = new Set(
    subjects.flatMap(({ name }) => model.dependencies.sideEffects(name).map(({ table }) => table)),
  );
  return world.steps.flatMap((step): RowStep[] => {
    const [row] = step.rows;
    if (row === undefined || step.force === undefined || !touched.has(qualifiedName(row.table))) return [];
    const key = keyOf(row, valuesOf(row, world.rows));
    return key.length === 0 ? [] : [{ ...step, sql: [`select 1 from ${relation(row.table)} where ${condition(key)}`] }];
  });
}

function refreshStep(view: RelationRow): RowStep {
  return { rows: [], settings: {}, sql: [`refresh materialized view ${relation(view)}`] };
}
