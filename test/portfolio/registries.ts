/** Both kinds of registry, for tests that run on each; muses that exist in the registry alone, and kinds that only note what they do. */
import { join } from 'node:path';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { Session } from '../../src/database/database.ts';
import type { Rollout, RolloutOptions } from '../../src/portfolio/api-types.ts';
import type { Kind, Kinds } from '../../src/portfolio/kinds/kind.ts';
import { putMuse } from '../../src/portfolio/registry/muses.ts';
import { openRegistry, type Registry } from '../../src/portfolio/registry/open.ts';
import { rollOut } from '../../src/portfolio/rollout.ts';
import type { Intervals } from '../../src/portfolio/worker/work.ts';
import type { Outcome } from '../../src/portfolio/engine/items.ts';
import { MuseError } from '../../src/shared/error.ts';
import { temporaryDirectory } from '../support/cli.ts';
import { type Native, startNative } from '../support/native.ts';

/** Times for tests: nobody waits for half a minute. */
export const quick: Intervals = { beatMs: 50, silenceMs: 700, pollMs: 20 };

/** The kinds of registries, for `describe.each`. */
export const registryKinds = ['PGlite', 'PostgreSQL'] as const;
export type RegistryKind = (typeof registryKinds)[number];

/**
 * Opens registries of one kind for the tests of a file.
 * @param shared every test gets the same one, emptied; else each gets its own
 */
export function useRegistries(
  kind: RegistryKind,
  shared = false,
): () => Promise<{ registry: Registry; url?: string; directory: string }> {
  let native: Native | undefined;
  let kept: { registry: Registry; directory: string; url?: string } | undefined;
  const make = async (directory: string): Promise<NonNullable<typeof kept>> => {
    const url = await native?.createDatabase('registry');
    return { registry: await openRegistry({ url, directory }), directory, ...(url === undefined ? {} : { url }) };
  };
  beforeAll(async () => {
    if (kind === 'PostgreSQL') native = await startNative();
    if (shared) kept = await make(await mkdtemp(join(tmpdir(), 'create-muse-test-')));
  });
  afterAll(async () => {
    await kept?.registry.close();
    await native?.stop();
    if (kept !== undefined) await rm(kept.directory, { recursive: true, force: true });
  });
  return async () => {
    if (kept !== undefined) {
      await empty(kept.registry);
      return kept;
    }
    const made = await make(await temporaryDirectory());
    onTestFinished(() => made.registry.close());
    return made;
  };
}

async function empty(registry: Registry): Promise<void> {
  for (const sql of [
    'alter table portfolio.audit disable trigger user',
    `truncate portfolio.items, portfolio.runs, portfolio.workers, portfolio.environments, portfolio.muses, portfolio.audit
       restart identity`,
    'alter table portfolio.audit enable trigger user',
    "update portfolio.audit_head set number = 0, hash = ''",
    'delete from pgboss.job',
    'select pgboss.delete_queue(name) from pgboss.queue',
  ])
    await rowsOf(registry, sql);
}

/** Muses that are only rows: of this host, with these environments. */
export async function addRows(
  registry: Registry,
  names: readonly string[],
  { isRemote = false, tags = [] as string[] } = {},
): Promise<void> {
  await registry.transaction(async (session) => {
    for (const name of names) {
      await putMuse(session, {
        name,
        source: isRemote ? `https://git.test/${name}.git` : `/nowhere/${name}`,
        isRemote,
        host: registry.host,
        tags,
        state: 'created',
        museFile: {
          version: 1,
          name,
          kit: { source: 'builtin', commit: 'create-muse@0.1.0', layout: 'musekit' },
          migrations: { core: [], extensions: [], rollback: '', archive: '', order: 'number' },
          isolation: 'auth-uid',
          prefix: '',
          presets: [],
          environments: { development: { target: 'embedded' }, staging: { target: 'postgres' } },
        },
      });
    }
  });
}

/** A kind that does what the test says, without a muse on disk. */
export function testKind(
  run: (name: string, context: Parameters<Kind['run']>[0]) => Promise<Partial<Outcome> | void>,
): Kinds {
  return {
    try: {
      title: 'try',
      waves: '100%',
      changes: true,
      needsEnvironment: false,
      async run(context) {
        return { state: 'done', result: {}, ...(await run(context.muse.name, context)) };
      },
    },
  };
}

/** A kind that fails for these muses. */
export const failing = (...names: string[]): Kinds =>
  testKind(async (name) => {
    if (names.includes(name))
      throw new MuseError({ code: 'migration-failed', message: `${name} is broken.`, suggestion: 'Mend it.' });
  });

/** Runs the kind of a test, in this process. */
export function runner(
  registry: Registry,
  directory: string,
): (kinds: Kinds, options?: RolloutOptions, signal?: AbortSignal) => Promise<Rollout> {
  return (kinds, options = {}, signal = new AbortController().signal) =>
    rollOut('try', options, { registry, kinds, directory, environment: {}, signal, intervals: quick });
}

/** The rows of a query in the registry. */
export function rowsOf<Row>(registry: Registry, sql: string, parameters: unknown[] = []): Promise<Row[]> {
  return registry.transaction(async (session: Session) => (await session.query<Row>(sql, parameters)).rows);
}

/** Names with a number: `m01`, `m02` … */
export const named = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `m${String(index + 1).padStart(2, '0')}`);
