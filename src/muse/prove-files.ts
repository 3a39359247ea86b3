import { type Database, DatabaseError } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import type { MuseFile } from '../shared/muse-file.ts';
import { counted } from '../shared/printable.ts';
import type { RehearsalReport } from '../rehearsal/rehearse.ts';
import { checkedSession } from '../scaffold/session.ts';
import { changedObjects } from '../sql/changed-objects.ts';
import type { Migration } from '../sql/migration.ts';
import { loadParser } from '../sql/parser.ts';
import { placesOf } from '../rules/engine/live/places.ts';
import { countProven, notProven } from '../verify/report/not-proven.ts';
import type { IsolationReport } from '../verify/report/report.ts';
import type { OnProof } from '../verify/probes/in-parts.ts';
import type { IsolationOptions } from '../verify/verify-isolation.ts';
import { expectationsOf } from './declared-schema.ts';
import { type KeptProof, keptProofs, proofKey } from './proof-cache.ts';

/** What a proof tells as it continues, after the words for what it does. */
export function followProof(what: string, onPhase: ((text: string) => void) | undefined): OnProof {
  return (text) => onPhase?.(`${what}: ${text}`);
}

/** What was proven, after the files and `muse.json` have had their say. */
export interface SettledProof extends IsolationReport {
  /** Findings that a comment in the SQL silences. */
  silenced: number;
}

/** Drops what comments silence, sets the severities that `muse.json` gives, and names the file and line of each finding. */
export async function settleProof(
  proof: IsolationReport,
  museFile: MuseFile,
  migrations: readonly Migration[],
): Promise<SettledProof> {
  const places = await placesOf(migrations);
  const { findings, silenced } = places.settle(proof.findings, museFile.rules);
  return { ...proof, findings: places.locate(findings), silenced };
}

/** A proof on the database of a rehearsal, with what that database could not be made to have. */
export function withUntried<Proof extends IsolationReport>(
  proof: Proof,
  { notRehearsed }: Pick<RehearsalReport, 'notRehearsed'>,
): Proof {
  if (notRehearsed === 0) return proof;
  const untried = `${counted(notRehearsed, 'statement')} ${notRehearsed === 1 ? 'was' : 'were'}`;
  const gap = notProven({
    object: 'what an extension of the target makes possible',
    reason: `${untried} not rehearsed, as only the target has what they need`,
    suggestion: 'Prove it there, once the files are applied: muse verify',
  });
  const findings = [...proof.findings, gap];
  return { ...proof, findings, ...countProven(proof.tables, findings) };
}

/**
 * Proves what files allow, on a shadow database that they alone have made. A proof of the very same files is taken from the
 * cache; where that knows the built-in core, only what the extension touches is proven.
 */
export async function proveFiles(
  database: Database,
  museFile: MuseFile,
  migrations: readonly Migration[],
  onProgress?: OnProof,
): Promise<SettledProof> {
  const key = await proofKey(migrations, museFile, 'whole');
  const kept = await keptProofs.get(key);
  if (kept !== undefined) return settleProof(kept, museFile, migrations);
  const proof = await provedWithCore(database, museFile, migrations, onProgress);
  if (proof.isComplete) await keptProofs.keep(key, proof.report);
  return settleProof(proof.report, museFile, migrations);
}

/**
 * Proves what some of the files change, with all that hangs on it, on a shadow database that all of them have made.
 * @param changes the files that are about to be applied
 */
export async function proveChanges(
  database: Database,
  museFile: MuseFile,
  migrations: readonly Migration[],
  changes: readonly Migration[],
  onProgress?: OnProof,
): Promise<SettledProof & Pick<Attempt, 'isComplete'>> {
  const key = await proofKey(
    migrations,
    museFile,
    changes.map(({ checksum }) => checksum),
  );
  const kept = (await keptProofs.get(key)) ?? (await keptProofs.get(await proofKey(migrations, museFile, 'whole')));
  if (kept !== undefined) return { ...(await settleProof(kept, museFile, migrations)), isComplete: true };
  const { report, isComplete } = await attempt(async () =>
    verify(database, { ...(await optionsFor(museFile, migrations, changes)), onProgress }),
  );
  if (isComplete) await keptProofs.keep(key, report);
  return { ...(await settleProof(report, museFile, migrations)), isComplete };
}

/** The same on a database that is in use, where files were applied a moment ago. */
export async function proveApplied(
  database: Database,
  museFile: MuseFile,
  migrations: readonly Migration[],
  applied: readonly Migration[],
  onProgress?: OnProof,
): Promise<SettledProof> {
  const { report } = await attempt(async () =>
    verify(database, { ...(await optionsFor(museFile, migrations, applied)), onProgress }),
  );
  return settleProof(report, museFile, migrations);
}

/** @param changes the files whose objects are proven; undefined for everything */
async function optionsFor(
  museFile: MuseFile,
  migrations: readonly Migration[],
  changes?: readonly Migration[],
): Promise<IsolationOptions> {
  await loadParser();
  const { declarations } = await expectationsOf(migrations, museFile);
  const only = changes === undefined ? undefined : changedObjects(changes);
  return {
    declarations,
    isolation: museFile.isolation,
    ...(museFile.isolation === 'session' ? { session: checkedSession(museFile.session) } : {}),
    ...(only === undefined ? {} : { only }),
  };
}

/** Loads the proof, which a kept one does without, and runs it. */
async function verify(database: Database, options: IsolationOptions): Promise<IsolationReport> {
  const { verifyIsolation } = await import('../verify/verify-isolation.ts');
  return verifyIsolation(database, options);
}

interface Attempt {
  report: IsolationReport;
  /** The proof could be run; whatever came of it. */
  isComplete: boolean;
}

/** A proof that cannot be run proves nothing, and says so. */
async function attempt(prove: () => Promise<IsolationReport>): Promise<Attempt> {
  try {
    return { report: await prove(), isComplete: true };
  } catch (error) {
    const isOurs = (error instanceof MuseError && error.code !== 'cancelled') || error instanceof DatabaseError;
    if (!isOurs) throw error;
    const findings = [
      notProven({
        object: 'the database',
        reason: `the proof could not be run: ${error.message.replace(/\.$/, '')}`,
        suggestion: 'Try it alone: muse verify',
      }),
    ];
    return { report: { tables: [], findings, ...countProven([], findings) }, isComplete: false };
  }
}

/** With a proof of the built-in core in the cache, proves the rest; without one, proves all of it and keeps what is core's. */
async function provedWithCore(
  database: Database,
  museFile: MuseFile,
  migrations: readonly Migration[],
  onProgress: OnProof | undefined,
): Promise<Attempt> {
  const core = migrations.filter(({ layer }) => layer === 'core');
  const extensions = migrations.filter(({ layer }) => layer === 'extension');
  const whole = { ...(await optionsFor(museFile, migrations)), onProgress };
  const touched = { ...(await optionsFor(museFile, migrations, extensions)), onProgress };
  // Of another kit, extensions may hold the tables that say who the tenants are.
  if (museFile.kit.source !== 'builtin' || touched.only === undefined) return attempt(() => verify(database, whole));
  const key = await proofKey(core, museFile, 'core');
  const kept = await keptProofs.get(key);
  if (kept === undefined) {
    const proof = await attempt(() => verify(database, whole));
    const known = new Set(proof.report.tables.map(({ table }) => table));
    // A finding about something that is not in the matrix could not be told again.
    const isTold = proof.report.findings.every(({ object }) => known.has(object ?? ''));
    if (proof.isComplete && isTold) await keptProofs.keep(key, await partOfCore(database, touched, proof.report));
    return proof;
  }
  const proof = await attempt(() =>
    verify(database, { ...touched, only: [...(touched.only ?? []), ...(kept.toProve ?? [])] }),
  );
  return { ...proof, report: joined(kept, proof.report) };
}

/** What is true of core whatever the extension: the reports in which it had no part. */
async function partOfCore(
  database: Database,
  touched: IsolationOptions,
  { tables, findings }: IsolationReport,
): Promise<KeptProof> {
  const { findAffected } = await import('../verify/verify-isolation.ts');
  const isAffected = await findAffected(database, touched);
  const isOpen = new Set(findings.map(({ object }) => object));
  const isKept = (name: string): boolean => !isAffected(name) && !isOpen.has(name);
  const own = tables.filter(({ table }) => isKept(table));
  return {
    tables: own,
    findings: [],
    proven: own.length,
    notProven: 0,
    toProve: tables.map(({ table }) => table).filter((name) => !isKept(name)),
  };
}

function joined(core: IsolationReport, proof: IsolationReport): IsolationReport {
  const known = new Set(proof.tables.map(({ table }) => table));
  const tables = [...core.tables.filter(({ table }) => !known.has(table)), ...proof.tables];
  return { tables, findings: proof.findings, ...countProven(tables, proof.findings) };
}
