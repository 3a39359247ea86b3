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
import { buildModel } from './catalog/model.ts';
import { notFilled } from './fixtures/not-filled.ts';
import { prove } from './probes/prove.ts';
import { readCatalog } from './catalog/read-catalog.ts';
import type { IsolationReport, TableReport } from './report/report.ts';
import { functionReport, subjectReport, viewReport } from './report/reports.ts';

export interface IsolationOptions {
  /** What the files say of tables. */
  declarations: readonly Declaration[];
  /** Default `auth-uid`. */
  isolation?: Isolation;
  /** With `session`: the application's role and the names of its variables. */
  session?: SessionVariables;
  /** Schemas that the Data API serves, whose functions users can call; default `public`. */
  exposed?: readonly string[];
  /** Names of the tables, views, buckets and functions to prove, as the report has them; default all. */
  only?: readonly string[];
  /** The matrix as it should be, as the files give it in rehearsal: whoever can do more, or less, than there is a finding. */
  expected?: readonly TableReport[];
}

/**
 * Proves who can do what with which rows: makes up users, organizations and rows of each, acts as each of them on every
 * table, view, bucket and callable function, and takes everything back. Needs no interactive transaction.
 * @throws MuseError `cannot-act-as` where the connection may not act as the users' roles
 * @throws DatabaseError what PostgreSQL says
 */
export async function verifyIsolation(database: Session, options: IsolationOptions): Promise<IsolationReport> {
  const isolation = options.isolation ?? 'auth-uid';
  const userRole = isolation === 'session' && options.session !== undefined ? options.session.role : 'authenticated';
  const [catalog, parse] = await Promise.all([readCatalog(database, isolation === 'session' ? [userRole] : []), loadExpressionParser()]);
  const model = buildModel(catalog, options.declarations, parse, isolation, userRole);
  const isWanted = (name: string): boolean => options.only?.includes(name) ?? true;
  const proof = await prove(database, model, isolation, options.session, options.exposed ?? ['public'], isWanted);
  const failures = notFilled(proof);
  const subjects = proof.subjects.filter((subject) => isWanted(subject.name) && !failures.tables.has(`${subject.table.schema}.${subject.table.name}`));
  const findings: Finding[] = [...failures.findings];
  const tables = subjects.map((subject) => {
    const report = subjectReport(subject, proof);
    findings.push(...judge(report, proof.actors, subject), ...(subject.kind === 'view' ? [] : lockedOut(subject, report, proof.actors, model)));
    return report;
  });
  const others = [
    ...proof.looked.map(({ view, behind }) => viewReport(view, behind, proof)),
    ...proof.callables.map((callable) => functionReport(callable, proof)),
  ];
  findings.push(...others.flatMap((report) => judge(report, proof.actors)));
  findings.push(...escalations(proof));
  const reports = [...tables, ...others];
  if (options.expected !== undefined) findings.push(...compareMatrix(options.expected.filter((report) => isWanted(report.table)), reports, proof.actors, findings));
  return { tables: reports, findings };
}
