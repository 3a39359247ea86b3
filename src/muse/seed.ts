import { countRows } from '../database/count-rows.ts';
import { type Database, DatabaseError, type Session } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import { fileDone, type Hooks } from '../shared/hooks.ts';
import type { Finding } from '../shared/finding.ts';
import { failure } from '../migrations/failure.ts';
import { type RunSettings, runSettings } from '../migrations/session-state.ts';
import { planRun } from '../migrations/transactions.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import { openEnvironment } from '../targets/open.ts';
import { type Consent, needConsent, takeConsent } from './guard.ts';
import { placeIn, saidBy } from './seed-module.ts';
import { readSeeds, type Seed } from './seed-files.ts';

/** What seeding did. */
export interface SeedResult {
  /** In the order in which they ran. */
  seeds: { file: string; ms: number }[];
  /** By how much the number of rows of each table changed, by `schema.table`; unchanged tables are left out. */
  added: Record<string, number>;
  /** Users with a password that the seeds name: who can sign in, and the seed that says with what. */
  logins?: { email: string; file: string }[];
  /** The backup that was taken first: production only. */
  backup?: string;
}

export interface SeedOptions extends Consent, Hooks {
  onProgress?(text: string): void;
}

/**
 * Runs the muse's seeds in the order of their names, each in one transaction, under the run lock. Where the connection can
 * hold a transaction open, each runs twice in it, and one that adds rows the second time is rolled back.
 * @throws MuseError `bad-confirmation`, `not-confirmed` outside development; `seed-unreadable`; `findings` for a seed with
 *   its own BEGIN or COMMIT, or that is not repeatable; `seed-failed` with file, line and column. Seeds before it stay.
 */
export async function seedMuse(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  options: SeedOptions = {},
): Promise<SeedResult> {
  if (name !== 'development') needConsent(name, options, `muse seed --env ${name}`);
  const seeds = await readSeeds(muse.directory);
  await refuseControl(seeds);
  if (seeds.length === 0) return { seeds: [], added: {} };
  const { database } = await openEnvironment(muse, name, environment, options);
  try {
    if (name === 'development') {
      const result = await runSeeds(database, seeds, options);
      const logins = await loginsOf(database, seeds);
      return logins.length === 0 ? result : { ...result, logins };
    }
    await takeConsent(
      name,
      options,
      [`Seeds for ${name}:`, `  in the ${database.description}`, ...seeds.map(({ file }) => `  ${file}`)].join('\n'),
    );
    if (name !== 'production') return await runSeeds(database, seeds, options);
    const { backupBefore } = await import('./backup.ts');
    const backup = await backupBefore(muse, name, environment, database, options);
    return { ...(await runSeeds(database, seeds, options)), backup };
  } finally {
    await database.close();
  }
}

/** So many logins are enough to try an app with. */
const mostLogins = 5;

/** The users with a password whose address a seed has. */
async function loginsOf(database: Database, seeds: readonly Seed[]): Promise<NonNullable<SeedResult['logins']>> {
  const { rows: present } = await database.query<{ there: boolean }>(
    `SELECT pg_catalog.has_table_privilege(pg_catalog.to_regclass('auth.users'), 'SELECT') AS there`,
  );
  if (present[0]?.there !== true) return [];
  const { rows } = await database.query<{ email: string }>(
    `SELECT email FROM auth.users WHERE encrypted_password <> '' AND email <> '' ORDER BY created_at, email LIMIT 100`,
  );
  return rows
    .flatMap(({ email }) => {
      const seed = seeds.find(({ sql }) => sql?.includes(email) === true);
      return seed === undefined ? [] : [{ email, file: seed.file }];
    })
    .slice(0, mostLogins);
}

/** Runs seeds on an open database; see {@link seedMuse}. */
async function runSeeds(
  database: Database,
  seeds: readonly Seed[],
  { onDone, onProgress }: SeedOptions,
): Promise<SeedResult> {
  return database.withRunLock(async () => {
    const before = await countRows(database);
    const settings = await runSettings(database, {}, false);
    const done: SeedResult['seeds'] = [];
    if (settings.begin !== '') await database.script(settings.begin);
    try {
      for (const [index, seed] of seeds.entries()) {
        onProgress?.(`${index + 1}/${seeds.length} ${seed.file}`);
        const began = performance.now();
        await runSeed(database, seed, settings).catch(async (error: unknown) => {
          throw await seedFailure(database, error, seed, settings, done, seeds);
        });
        const entry = { file: seed.file, ms: Math.round(performance.now() - began) };
        done.push(entry);
        onDone?.(fileDone('seeds', entry));
      }
    } finally {
      // If the connection is gone, so are its settings, and the first error says more than this one.
      if (settings.end !== '') await database.script(settings.end).catch(() => undefined);
    }
    return { seeds: done, added: difference(before, await countRows(database)) };
  });
}

async function runSeed(database: Database, seed: Seed, settings: RunSettings): Promise<void> {
  const once = (session: Session): Promise<unknown> =>
    seed.sql === undefined
      ? Promise.resolve(seed.run?.(session))
      : session.script(`${settings.before}${seed.sql}\n;${settings.reset}`);
  if (database.kind === 'https' && seed.sql !== undefined) {
    await once(database);
    return;
  }
  await database.transaction(async (session) => {
    await once(session);
    const first = await countRows(session);
    await once(session).catch((error: unknown) => {
      throw error instanceof DatabaseError
        ? notRepeatable(seed.file, `fails: ${error.message} (SQLSTATE ${error.code})`)
        : error;
    });
    const again = Object.entries(difference(first, await countRows(session)));
    if (again.length === 0) return;
    throw notRepeatable(
      seed.file,
      `changes row counts: ${again.map(([table, rows]) => `${table} ${rows > 0 ? '+' : ''}${rows}`).join(', ')}`,
    );
  });
}

function difference(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Record<string, number> {
  const changes = Object.entries(after).map(([table, rows]) => [table, rows - (before[table] ?? 0)] as const);
  return Object.fromEntries(changes.filter(([, rows]) => rows !== 0));
}

async function refuseControl(seeds: readonly Seed[]): Promise<void> {
  const plans = await Promise.all(
    seeds
      .flatMap(({ file, sql }) => (sql === undefined ? [] : [{ file, sql }]))
      .map(async (text) => ({ text, plan: await planRun(text) })),
  );
  const findings = plans.flatMap(({ plan }) => (plan.how === 'refused' ? plan.findings : []));
  const alone = plans.find(({ plan }) => plan.how === 'alone');
  if (findings.length === 0 && alone === undefined) return;
  throw new MuseError({
    code: 'findings',
    message:
      `${alone === undefined ? 'A seed' : alone.text.file} cannot run in a transaction, and every seed runs in ` +
      'one. No seed was run.',
    suggestion: findings[0]?.suggestion ?? 'Write it as a migration: muse new.',
    findings,
  });
}

function notRepeatable(file: string, what: string): MuseError {
  const finding: Finding = {
    rule: 'seed-not-idempotent',
    severity: 'error',
    file,
    line: 1,
    column: 1,
    message: `A second run ${what}.`,
    suggestion: 'Use INSERT … ON CONFLICT DO NOTHING with a fixed key, or WHERE NOT EXISTS on the row’s own values.',
  };
  return new MuseError({
    code: 'findings',
    message: `${file} is not repeatable, so it was rolled back.`,
    suggestion: 'Change it so that a second run adds nothing, then run muse seed.',
    findings: [finding],
  });
}

/** The error of one seed, with line and column if PostgreSQL or the parser knows them, and what ran before it. */
async function seedFailure(
  database: Database,
  thrown: unknown,
  seed: Seed,
  settings: RunSettings,
  done: SeedResult['seeds'],
  seeds: readonly Seed[],
): Promise<unknown> {
  if (thrown instanceof MuseError && thrown.code === 'findings') return thrown;
  if (seed.sql === undefined) {
    if (thrown instanceof MuseError) return thrown;
    const said = thrown instanceof DatabaseError ? `${thrown.message} (SQLSTATE ${thrown.code})` : saidBy(thrown);
    return new MuseError({
      code: 'seed-failed',
      message: `${seed.file}${placeIn(thrown, seed.path ?? '')}: ${said}. It was rolled back.`,
      suggestion: `Correct ${seed.file}, then run muse seed again.`,
      cause: thrown,
    });
  }
  const layered = (file: string): { layer: 'extension'; file: string } => ({ layer: 'extension', file });
  const waiting = seeds.slice(seeds.indexOf(seed) + 1).map(({ file }) => layered(file));
  const state = { applied: done.map(({ file }) => layered(file)), waiting };
  const told = await failure(
    database,
    thrown,
    { file: seed.file, sql: seed.sql },
    { text: '', offset: settings.before.length },
    state,
    'muse seed',
  );
  if (!(told instanceof MuseError) || told.code !== 'migration-failed') return told;
  const { message, detail, suggestion, cause } = told;
  return new MuseError({
    code: 'seed-failed',
    message,
    ...(detail === undefined ? {} : { detail }),
    suggestion,
    cause,
  });
}
