import type { Session } from '../database/database.ts';
import type { Finding } from '../shared/finding.ts';
import type { Isolation } from '../shared/muse-file.ts';
import type { SessionVariables } from './probes/actors.ts';
import { compareMatrix } from './probes/compare.ts';
import type { Declaration } from '../rules/engine/live/expectations.ts';
import { loadExpressionParser } from '../rules/engine/live/expression.ts';
import { escalations } from './probes/escalation.ts';
import { judge } from './probes/judge.ts';
import { lockedOut } from './probes/locked-out.ts';
import { buildModel, type Found, type Model } from './catalog/model.ts';
import type { OnProof } from './probes/in-parts.ts';
import { type Proof, prove } from './probes/prove.ts';
import type { ProofSession } from './probes/run-script.ts';
import type { Subject } from './probes/subject.ts';
import { qualifiedName } from '../rules/engine/live/catalog.ts';
import type { RuleName } from '../rules/registry.ts';
import { readCatalog } from './catalog/read-catalog.ts';
import { countProven, gapsOf, notProven, unfilledReport, withForcedRows } from './report/not-proven.ts';
import type { Check, IsolationReport, TableReport } from './report/report.ts';
import { addressedGap } from './report/addressed-gaps.ts';
import { bucketFindings, bucketGaps } from './report/bucket-policies.ts';
import { branchGap } from './report/branch-gaps.ts';
import { cascadeGaps } from './report/cascades.ts';
import { functionGap } from './report/function-gaps.ts';
import { functionReport, viewReport } from './report/function-reports.ts';
import { jobFindings } from './report/job-report.ts';
import { leakFinder } from './report/leaks.ts';
import { liftFindings, liftGaps } from './report/lifted.ts';
import { movedRows } from './report/moved-rows.ts';
import { answers, oracles, toldByErrors } from './report/oracles.ts';
import { subjectReport } from './report/reports.ts';
import { isOfAllUsers, isOpen, staffGaps, staffShown } from './report/staff-tables.ts';
import { keysShown } from './report/told-keys.ts';
import { supposedGaps } from './report/supposed-gaps.ts';
import { topicReport } from './report/topic-report.ts';
import { jointKeyGaps } from './report/joint-keys.ts';
import { placesAbove } from './report/places-above.ts';
import { unaskedParents, unaskedPlaces } from './report/unasked-parents.ts';
import { vaultLeaks } from './report/vault-leaks.ts';
import { withheldCopies } from './report/withheld-copies.ts';
import { withheldGenerated } from './report/withheld-generated.ts';
import { unsetPublicGaps } from './report/unset-public.ts';
import { wayFindings } from './report/ways.ts';
import { readWays, type Ways } from './catalog/ways-query.ts';
import { type IsWanted, wantedAfter } from './catalog/wanted.ts';

export interface IsolationOptions {
  /** What the files declare about tables. */
  declarations: readonly Declaration[];
  /** Default: `auth-uid`. */
  isolation?: Isolation;
  /** With `session`: the application's role and the names of its variables. */
  session?: SessionVariables;
  /**
   * Names of the tables, views, buckets and functions that changed, as in the report, a function's also without its
   * argument types: they are proven, with everything that depends on them and everything that may open them. Default:
   * everything is proven.
   */
  only?: readonly string[];
  /**
   * Access by means other than the four verbs, if it is not to be read from this database: for a copy, it comes from
   * the original.
   */
  ways?: Ways;
  /**
   * The expected matrix, from a rehearsal of the files. An actor that can do more or less than it says is a finding.
   */
  expected?: readonly TableReport[];
  /** How many attempts are made after permitted writes: of more writes, some are not followed, and not proven. Default: 100,000. */
  mostAttempts?: number;
  /** Called as it continues, where the connection delivers that. */
  onProgress?: OnProof | undefined;
}

/**
 * Proves who can do what with which rows: generates users, organizations and their rows, acts as each of them on every
 * table, view, bucket and callable function, and rolls everything back. Needs no interactive transaction.
 * @throws MuseError `cannot-act-as` if the connection may not act as the users' roles
 * @throws DatabaseError what PostgreSQL says
 */
export async function verifyIsolation(database: ProofSession, options: IsolationOptions): Promise<IsolationReport> {
  const read = await readModel(database, options);
  let first = read();
  let report = await reportOn(database, first, options);
  // Who reads the keys that others send may send them.
  const toldKeys = new Set(keysShown(report, first));
  if (toldKeys.size > 0) {
    first = read({ toldKeys });
    report = await reportOn(database, first, options);
  }
  const opening = staffShown(report, first);
  if (opening.length === 0) return report;
  // Without a row there, a stranger may reach nothing: then it is a table of staff.
  const second = read({ toldKeys, staffTables: new Set(opening) });
  const again = await reportOn(database, second, options);
  const isLess = again.findings.filter(isOpen).length < report.findings.filter(isOpen).length;
  return isLess && !isOfAllUsers(opening, report, again) ? again : report;
}

async function reportOn(database: ProofSession, model: Model, options: IsolationOptions): Promise<IsolationReport> {
  const isolation = options.isolation ?? 'auth-uid';
  const ways = options.ways ?? (await readWays(database, model.userRole));
  const isWanted = wantedAfter(options.only, model);
  const proof = await prove(
    database,
    model,
    isolation,
    options.session,
    isWanted,
    ways.topics,
    options.mostAttempts,
    options.onProgress,
  );
  const gaps = gapsOf(proof);
  const subjects = proof.subjects.filter(
    (subject) => isWanted(subject.name) && !gaps.unfilled.has(`${subject.table.schema}.${subject.table.name}`),
  );
  const leaks = leakFinder(proof);
  const functions = proof.callables.map((callable) => ({ callable, report: functionReport(callable, proof, leaks) }));
  const notCalled = functions.flatMap(({ callable, report }) => functionGap(callable, report, proof, leaks) ?? []);
  const channels = topicReport(ways.topics, proof);
  const open = [
    ...gaps.unfilled.values(),
    ...gaps.others,
    ...liftGaps(proof),
    ...placesAbove(proof),
    ...jointKeyGaps(proof),
    ...[...proof.refused, ...supposedGaps(proof, leaks)].filter(
      ({ object }) => !notCalled.some((gap) => gap.object === object),
    ),
    ...bucketGaps(model),
    ...staffGaps(model),
    ...cascadeGaps(proof),
    ...unsetPublicGaps(proof),
    ...notCalled,
    ...channels.gaps,
  ].filter(({ object }) => isWanted(object));
  const findings: Finding[] = open.map(notProven);
  const tables = subjects.map((subject) => {
    const report = subjectReport(subject, proof);
    findings.push(...judge(report, proof.actors, model, { subject }), ...oracles(subject, report, proof));
    findings.push(...toldByErrors(subject, proof, leaks));
    findings.push(...foundLater(subject, report, proof), ...movedRows(subject, proof));
    // Owners reach their rows through the table itself, whatever a view or a partition of it allows.
    if (subject.kind === 'view' || subject.table.partition) return report;
    const addressed = addressedGap(subject, report, proof);
    if (addressed !== undefined) findings.push(notProven(addressed));
    const shut = lockedOut(subject, report, proof, new Set(gaps.unfilled.keys()));
    findings.push(...shut);
    const gap =
      shut.length === 0 && !open.some(({ object }) => object === subject.name) ? branchGap(subject, proof) : undefined;
    if (gap !== undefined) findings.push(notProven(gap));
    return report;
  });
  findings.push(...subjects.flatMap((subject) => unaskedParents(subject, tables, proof)), ...unaskedPlaces(proof));
  const others = [
    ...proof.looked
      .filter(({ isApart }) => isApart !== true)
      .map((one) => ({ report: viewReport(one, proof, leaks), routine: undefined })),
    ...functions.map(({ callable, report }) => ({ report, routine: callable.routine })),
    ...channels.reports.map((report) => ({ report, routine: undefined })),
  ];
  findings.push(...others.flatMap(({ report, routine }) => judge(report, proof.actors, model, { routine })));
  const apart = proof.looked.filter(({ isApart }) => isApart).map((one) => viewReport(one, proof, leaks));
  findings.push(...apart.flatMap((report) => judge(report, proof.actors, model)));
  findings.push(...functions.flatMap(({ callable, report }) => answers(callable, report, proof)));
  // Roles, schemas and default privileges concern every table.
  const isAbout = (object: string): boolean => !model.tables.has(object) || isWanted(object);
  findings.push(
    ...escalations(proof),
    ...bucketFindings(model).filter(({ object }) => isAbout(object ?? '')),
    ...liftFindings(proof).filter(({ object }) => isAbout(object ?? '')),
    ...withheldCopies(proof, leaks),
    ...[...withheldGenerated(model), ...vaultLeaks(model)].filter(({ object }) => isWanted(object ?? '')),
    ...jobFindings(proof).filter(({ object }) => isAbout(object ?? '')),
    ...wayFindings(ways, options.declarations).filter(({ object }) => isAbout(object ?? '')),
  );
  const unfilled = [...gaps.unfilled.values()].filter(({ object }) => isWanted(object)).map(unfilledReport);
  // What a view shows, and what is written through it, are told together.
  const written = new Set(
    proof.looked.flatMap(({ view, isWritten }) => (isWritten === true ? [qualifiedName(view)] : [])),
  );
  const shown = others.map(({ report }) => report);
  const whole = tables.map((report): TableReport =>
    written.has(report.table)
      ? {
          ...report,
          checks: [
            ...shown.filter(({ table }) => table === report.table).flatMap(({ checks }) => checks),
            ...report.checks,
          ],
        }
      : report,
  );
  const rest = shown.filter(({ table }) => !written.has(table));
  const reports = [...whole, ...unfilled, ...rest].map((report): TableReport => {
    const notes = open.filter(({ object }) => object === report.table).map(({ reason }) => reason);
    return notes.length === 0 ? report : { ...report, notes };
  });
  if (options.expected !== undefined)
    findings.push(
      ...compareMatrix(
        options.expected.filter((report) => isWanted(report.table)),
        reports,
        proof.actors,
        findings,
      ),
    );
  return { tables: reports, findings: withForcedRows(findings, proof), ...countProven(reports, findings) };
}

/** What else can be done with a table once its policies open with the time. */
function foundLater(subject: Subject, now: TableReport, proof: Proof): Finding[] {
  const when = proof.later?.when.get(qualifiedName(subject.table));
  if (proof.later === undefined || when === undefined) return [];
  const known = new Set(now.checks.flatMap(({ rule }) => rule ?? []));
  const report = subjectReport(subject, { ...proof, answer: proof.later.answer });
  // What joining opens is not followed once more, so a stranger must not come to join.
  const strangers = new Set(proof.actors.filter(({ relation }) => relation === 'none').map(({ name }) => name));
  const joins = ({ checks }: TableReport): Check[] =>
    checks.filter(({ verb, outcome, actor }) => verb === 'join' && outcome === 'allowed' && strangers.has(actor));
  const joinedNow = new Set(joins(now).map(({ actor }) => actor));
  for (const check of joins(report)) if (!joinedNow.has(check.actor)) check.expected = 'no';
  return judge({ ...report, scope: `${report.scope}, ${when}` }, proof.actors, proof.model, { subject }).filter(
    ({ rule }) => !known.has(rule as RuleName),
  );
}

/** A filter for the names of a report: those that {@link verifyIsolation} proves for that `only`. */
export async function findAffected(database: Session, options: IsolationOptions): Promise<IsWanted> {
  const read = await readModel(database, options);
  return wantedAfter(options.only, read());
}

/** Reads the database. Returns what builds its model, with what an earlier proof has shown. */
async function readModel(database: Session, options: IsolationOptions): Promise<(found?: Found) => Model> {
  const isolation = options.isolation ?? 'auth-uid';
  const userRole = isolation === 'session' && options.session !== undefined ? options.session.role : 'authenticated';
  const [catalog, parse] = await Promise.all([
    readCatalog(database, isolation === 'session' ? [userRole] : []),
    loadExpressionParser(),
  ]);
  // A copy has the schema alone: its jobs are those of the original.
  const jobs = options.ways?.jobs;
  return (found) =>
    buildModel(
      jobs === undefined ? catalog : { ...catalog, jobs },
      options.declarations,
      parse,
      isolation,
      userRole,
      found,
    );
}
