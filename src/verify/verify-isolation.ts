import type { Session } from '../database/database.ts';
import type { Finding } from '../finding.ts';
import type { Isolation } from '../muse-file.ts';
import { type Actor, makeActors, type SessionVariables } from './actors.ts';
import { isPlatformSchema, type RelationRow } from './catalog.ts';
import type { Declaration } from './expectations.ts';
import { expectedOf } from './expected.ts';
import { loadExpressionParser } from './expression.ts';
import { judge } from './judge.ts';
import { lockedOut } from './locked-out.ts';
import { buildModel, type Model } from './model.ts';
import { notFilled } from './not-filled.ts';
import { type NamedProbe, probesOf } from './probes.ts';
import { readCatalog } from './read-catalog.ts';
import type { Check, IsolationReport, TableReport } from './report.ts';
import { resultOf } from './outcome.ts';
import { type Answer, runPlan } from './run-script.ts';
import { scopeOf } from './scope.ts';
import { stateQuery, type Subject, subjectOf } from './subject.ts';
import { isTable } from './tenancy.ts';
import { makeWorld, type World } from './world.ts';

export interface IsolationOptions {
  /** What the files say of tables. */
  declarations: readonly Declaration[];
  /** Default `auth-uid`. */
  isolation?: Isolation;
  /** With `session`: the application's role and the names of its variables. */
  session?: SessionVariables;
}

/**
 * Proves who can do what with which rows: makes up users, organizations and rows of each, acts as each of them on every
 * table, view and callable function, and takes everything back.
 * @throws MuseError `cannot-act-as` where the connection may not act as the users' roles
 * @throws DatabaseError what PostgreSQL says
 */
export async function verifyIsolation(database: Session, options: IsolationOptions): Promise<IsolationReport> {
  const isolation = options.isolation ?? 'auth-uid';
  const userRole = isolation === 'session' && options.session !== undefined ? options.session.role : 'authenticated';
  const [catalog, parse] = await Promise.all([readCatalog(database, isolation === 'session' ? [userRole] : []), loadExpressionParser()]);
  const model = buildModel(catalog, options.declarations, parse, isolation, userRole);
  const world = await makeWorld(database, model);
  const actors = makeActors(world.people, isolation, options.session);
  const tables = [...model.tables.values()].filter(isProbed);
  const subjects = tables.flatMap((table) => subjectOf(table, scopeOf(table, model), world.rows, world.people) ?? []);
  const probes = subjects.flatMap((subject) => probesOf(subject, actors, model));
  const answer = await run(database, world, subjects, actors, probes, model);
  const failures = notFilled(answer, world, isProbed);
  const reports = subjects.filter((subject) => !failures.tables.has(subject.name)).map((subject) => reportOf(subject, probes, answer, actors, model));
  const findings = reports.flatMap((report): Finding[] => {
    const subject = subjects.find((one) => one.name === report.table)!;
    return [...judge(report, actors), ...lockedOut(subject, report, actors, model)];
  });
  return { tables: reports, findings: [...failures.findings, ...findings] };
}

function isProbed(table: RelationRow): boolean {
  return isTable(table) && !isPlatformSchema(table.schema) && !table.partition;
}

function run(database: Session, world: World, subjects: Subject[], actors: Actor[], probes: NamedProbe[], model: Model): Promise<Answer> {
  return runPlan(database, {
    sequences: [...model.tables.values()].flatMap((table) => table.sequences),
    quiet: [],
    fill: world.steps.map(({ rows: _, ...step }) => step),
    states: Object.fromEntries(subjects.map((subject) => [subject.state, stateQuery(subject)])),
    marks: [],
    actors: actors.map(({ role, settings, user, organization }) => ({ role, settings, user, organization })),
    probes: probes.map(({ sql, mode, state, actors }) => ({ sql, mode, state, actors })),
  });
}

/** The checks of one subject; of several tries of one verb by one actor the most successful counts. */
function reportOf(subject: Subject, probes: readonly NamedProbe[], answer: Answer, actors: readonly Actor[], model: Model): TableReport {
  const checks = new Map<string, Check>();
  for (const cell of answer.cells) {
    const probe = probes[cell.probe]!;
    if (probe.subject !== subject.name) continue;
    const actor = actors[cell.actor]!;
    const result = resultOf(cell, probe.verb, answer.states[subject.state] ?? '', subject.table.name, actor.isAnonymous, subject.kind === 'table');
    const key = `${actor.name} ${probe.verb}`;
    const before = checks.get(key);
    if (before?.outcome === 'allowed' || (before !== undefined && result.outcome !== 'allowed')) continue;
    checks.set(key, { actor: actor.name, verb: probe.verb, expected: expectedOf(subject, actor, probe.verb, model), ...result });
  }
  return { table: subject.name, kind: subject.kind, scope: subject.scope.text, checks: [...checks.values()] };
}
