import { setTimeout as sleep } from 'node:timers/promises';
import { MuseError, type MuseErrorFields } from '../../shared/error.ts';
import { DatabaseError, type Database, type Session } from '../database.ts';
import { extensionStubs } from '../extension-stubs/stubs.ts';
import { platformMark, platformSql } from './platform.ts';

export interface InstalledBaseline {
  /** False if the platform's objects already existed. */
  installed: boolean;
  /** Extensions that Supabase offers but this server has no files for: CREATE EXTENSION fails here. */
  unavailable: string[];
}

interface Facts {
  superuser: boolean;
  version: number;
  mark: string | null;
  auth: boolean;
  parts: boolean;
}

const factsQuery = `
  SELECT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) AS superuser,
    current_setting('server_version_num')::int AS version,
    pg_catalog.obj_description(pg_catalog.to_regnamespace('auth'), 'pg_namespace') AS mark,
    pg_catalog.to_regnamespace('auth') IS NOT NULL OR pg_catalog.to_regnamespace('storage') IS NOT NULL AS parts,
    pg_catalog.to_regclass('auth.users') IS NOT NULL AND pg_catalog.to_regprocedure('auth.uid()') IS NOT NULL
      AND (SELECT count(*) = 3 FROM pg_catalog.pg_roles WHERE rolname IN ('anon', 'authenticated', 'service_role'))
      AS auth`;

/**
 * Returns whether the database has what migrations for Supabase need, from any source: `auth.users`, `auth.uid()` and
 * the Data API's roles.
 * @throws DatabaseError
 */
export async function platformPresent(session: Session): Promise<boolean> {
  return (await readFacts(session)).auth;
}

async function readFacts(session: Session): Promise<Facts> {
  const { rows } = await session.query<Facts>(factsQuery);
  return rows[0] as Facts;
}

/**
 * Installs the platform's objects in a database of a plain server, all or nothing. Does nothing if they exist.
 * @param database a superuser's connection
 * @throws MuseError `baseline-present` if the database has Supabase's schemas, or parts of them, from another source;
 *   `baseline-needs-superuser`; `baseline-version` below PostgreSQL 16
 */
export async function installPlatform(database: Database): Promise<InstalledBaseline> {
  const facts = await readFacts(database);
  const ours = facts.mark === platformMark;
  if (!ours) {
    refuse(facts, database.description);
    await install(database);
  }
  return { installed: !ours, unavailable: await unavailableExtensions(database) };
}

/** What would keep the baseline from being installed, a sentence each with what to do; empty where nothing would. */
export async function baselineObstacles(database: Database): Promise<string[]> {
  return obstaclesOf(await readFacts(database), database.description).map(
    ({ message, suggestion }) => `${message} ${suggestion}`,
  );
}

function obstaclesOf(facts: Facts, description: string): MuseErrorFields[] {
  const found: MuseErrorFields[] = [];
  if (facts.parts)
    found.push({
      code: 'baseline-present',
      message:
        `${description} has a schema auth or storage already, which this tool did not create. The Supabase ` +
        'baseline was not installed.',
      suggestion: 'Leave --supabase-baseline out for a Supabase database, or use an empty database.',
    });
  if (!facts.superuser)
    found.push({
      code: 'baseline-needs-superuser',
      message: `The Supabase baseline creates roles and event triggers, and this user of ${description} is not a superuser.`,
      suggestion: 'Connect as a superuser of the server this once.',
    });
  if (facts.version < 160_000)
    found.push({
      code: 'baseline-version',
      message: `${description} is PostgreSQL ${Math.floor(facts.version / 10_000)}; the baseline needs 16 or later.`,
      suggestion: 'Use PostgreSQL 17, which is what Supabase runs.',
    });
  return found;
}

/** @throws MuseError the first obstacle, with the others as its detail */
function refuse(facts: Facts, description: string): void {
  const [first, ...others] = obstaclesOf(facts, description);
  if (first === undefined) return;
  throw new MuseError({
    ...first,
    ...(others.length === 0
      ? {}
      : { detail: others.map(({ message, suggestion }) => `${message} ${suggestion}`).join('\n') }),
  });
}

/** Roles belong to the whole server, so another process that installs the platform in another database can conflict. */
const collisions = ['XX000', '40001', '40P01', '42710', '23505'];

async function install(database: Database): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await database.transaction((session) => session.script(platformSql()));
      return;
    } catch (error) {
      if (!(error instanceof DatabaseError) || !collisions.includes(error.code) || attempt === 5) throw error;
      await sleep(50 * 2 ** attempt);
    }
  }
}

/** The extensions that a database offers, created or not. */
export async function offeredExtensions(session: Session): Promise<Set<string>> {
  const { rows } = await session.query<{ name: string }>('SELECT name FROM pg_catalog.pg_available_extensions');
  return new Set(rows.map(({ name }) => name));
}

async function unavailableExtensions(session: Session): Promise<string[]> {
  const { rows } = await session.query<{ name: string }>(
    `SELECT wanted AS name FROM unnest($1::text[]) AS wanted
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_available_extensions e WHERE e.name = wanted) ORDER BY 1`,
    [[...extensionStubs.map(({ extension }) => extension), 'postgis']],
  );
  return rows.map(({ name }) => name);
}
