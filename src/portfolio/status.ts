/** What is known about every muse: from the registry, or looked up anew. */
import { runGit } from '../kit/git-run.ts';
import { lsRemote } from '../kit/git-fetch.ts';
import { ownVersion } from '../kit/builtin.ts';
import { parseKitSource } from '../kit/source.ts';
import type { expectedSchema } from '../muse/drift.ts';
import { type EnvironmentStatus, museStatus } from '../muse/status.ts';
import { cancelled } from '../shared/error.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import type { Session } from '../database/database.ts';
import type { PortfolioEnvironment, PortfolioMuse } from './api-types.ts';
import type { Shared } from './kinds/kind.ts';
import { createShared, keyOfFiles } from './kinds/shared.ts';
import { locateMuse, type LocateOptions } from './locate.ts';
import {
  type EnvironmentRow,
  type KeptError,
  listEnvironments,
  listMuses,
  type MuseRow,
  type MuseState,
  putEnvironments,
} from './registry/muses.ts';
import type { Registry } from './registry/open.ts';
import { keptError } from './worker/failure.ts';
import { itemEnvironment } from './worker/secrets.ts';
import { connectionsPerServer, Limit } from './limit.ts';
import { serverOf } from './worker/server-of.ts';

/** What was seen longer ago than this is not known any more, in seconds. */
const longestKnown = 24 * 60 * 60;

/** Every muse with its environments, from the registry alone. */
export async function readStatus(session: Session, { archived = false } = {}): Promise<PortfolioMuse[]> {
  const [muses, environments] = [await listMuses(session, { archived }), await listEnvironments(session)];
  const byMuse = new Map<string, EnvironmentRow[]>();
  for (const row of environments) byMuse.set(row.muse, [...(byMuse.get(row.muse) ?? []), row]);
  return muses.map((muse) => describe(muse, byMuse.get(muse.id) ?? []));
}

function describe(muse: MuseRow, environments: readonly EnvironmentRow[]): PortfolioMuse {
  const { name, source, host, isRemote, tags, kit, state, error, addedAt, seenAt, archivedAt } = muse;
  const shown = environments.map(describeEnvironment);
  const isArchived = archivedAt !== null;
  return {
    name,
    state,
    source,
    host,
    isRemote,
    tags,
    kit,
    environments: shown,
    addedAt,
    ...(seenAt === null ? {} : { seenAt }),
    ...(isArchived ? { archivedAt } : {}),
    ...(error === null ? {} : { error }),
    known: shown.length > 0 && shown.every(({ known }) => known === 'yes'),
  };
}

function describeEnvironment(row: EnvironmentRow): PortfolioEnvironment {
  const { name, target, ref, region, files, drift, isolation, error, seenAt, seenAgo } = row;
  return {
    name,
    target,
    ...(ref === null ? {} : { ref }),
    ...(region === null ? {} : { region }),
    ...files,
    ...(drift === null ? {} : { drift }),
    ...(isolation === null ? {} : { isolation }),
    ...(seenAt === null ? {} : { seenAt }),
    ...(error === null ? {} : { error }),
    known:
      error !== null ? 'unreachable' : seenAgo === null ? 'never' : seenAgo > longestKnown ? 'too long ago' : 'yes',
  };
}

/** Whether everything about a muse is known and as it should be. */
export function isFine({ known, environments, error }: PortfolioMuse): boolean {
  return (
    known &&
    error === undefined &&
    environments.every(
      ({ pending = 0, edited = 0, missing = 0, unreadable = 0, drift = 0, isolation }) =>
        pending + edited + missing + unreadable + drift + (isolation?.errors ?? 0) === 0,
    )
  );
}

export interface RefreshOptions extends LocateOptions {
  drift: boolean;
  secretsFrom?: string | undefined;
  /** Called after each muse. */
  onMuse?: (name: string, index: number, count: number) => void;
}

/** What was seen of one muse. */
interface Seen {
  muse?: Muse;
  behind?: number;
  error?: KeptError;
  environments: Map<EnvironmentName, { status?: EnvironmentStatus; error?: KeptError }>;
}

/** Looks at these muses, several at a time, and writes down what it sees. */
export async function refresh(registry: Registry, muses: readonly MuseRow[], options: RefreshOptions): Promise<void> {
  const limit = new Limit();
  const shared = createShared();
  let next = 0;
  let seen = 0;
  const loop = async (): Promise<void> => {
    for (let index = next++; index < muses.length; index = next++) {
      const muse = muses[index]!;
      const found = await look(muse, options, limit, shared);
      if (options.signal?.aborted) throw cancelled(options.signal.reason);
      await registry.transaction((session) => keep(session, muse, found));
      seen += 1;
      options.onMuse?.(muse.name, seen, muses.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(connectionsPerServer, muses.length) }, loop));
}

async function look(row: MuseRow, options: RefreshOptions, limit: Limit, shared: Shared): Promise<Seen> {
  const { environment, secretsFrom, drift } = options;
  const signal = options.signal ?? new AbortController().signal;
  const seen: Seen = { environments: new Map() };
  // Muses with the same files are compared with the same schema.
  const expected: typeof expectedSchema = async (files, until) => {
    const drifts = await import('../muse/drift.ts');
    return shared.onShadow(`schema ${keyOfFiles(files)}`, () => drifts.expectedSchema(files, until), until);
  };
  try {
    seen.muse = await locateMuse(row, options);
  } catch (thrown) {
    return { ...seen, error: keptError(thrown) };
  }
  const { muse } = seen;
  const behind = await kitBehind(muse, options, shared);
  if (behind !== undefined) seen.behind = behind;
  for (const name of Object.keys(muse.museFile.environments) as EnvironmentName[]) {
    let secrets: readonly string[] = [];
    try {
      const found = await itemEnvironment(muse.museFile, name, environment, secretsFrom, signal);
      ({ secrets } = found);
      const server = await serverOf(muse, name, found.variables);
      const status = await limit.run(server, signal, () =>
        museStatus(muse, name, found.variables, { drift, expected, signal }),
      );
      seen.environments.set(name, { status });
    } catch (thrown) {
      seen.environments.set(name, { error: keptError(thrown, secrets) });
    }
  }
  return seen;
}

async function keep(session: Session, row: MuseRow, { muse, behind, error, environments }: Seen): Promise<void> {
  if (muse === undefined) {
    await session.query('update portfolio.muses set error = $2, updated_at = now() where id = $1', [row.id, error]);
    await session.query(
      'update portfolio.environments set error = $2, checked_at = clock_timestamp() where muse = $1',
      [row.id, error],
    );
    return;
  }
  await putEnvironments(session, row, muse.museFile);
  for (const [name, { status, error: failure }] of environments)
    await keepEnvironment(session, row.id, name, status, failure);
  const { source, commit, layout } = muse.museFile.kit;
  const kit = { source, commit, layout, ...(behind === undefined ? {} : { behind }) };
  const statuses = [...environments.values()].flatMap(({ status }) => (status === undefined ? [] : [status]));
  await session.query(
    `update portfolio.muses set kit = $2, state = $3, error = null, updated_at = now(),
            seen_at = case when $4 then clock_timestamp() else seen_at end where id = $1`,
    [row.id, kit, stateOf(row.state, statuses), statuses.length > 0],
  );
}

async function keepEnvironment(
  session: Session,
  muse: string,
  name: EnvironmentName,
  status: EnvironmentStatus | undefined,
  error: KeptError | undefined,
): Promise<void> {
  const lists = ['applied', 'pending', 'edited', 'missing', 'unreadable'] as const;
  const files =
    status === undefined ? null : Object.fromEntries(lists.map((list) => [list, status[list].length] as const));
  await session.query(
    `update portfolio.environments
        set files = coalesce($3, files), drift = case when $5::jsonb is null then $4 else drift end, error = $5,
            checked_at = clock_timestamp(),
            seen_at = case when $5::jsonb is null then clock_timestamp() else seen_at end
      where muse = $1 and name = $2`,
    [muse, name, files, status?.drift?.length ?? null, error ?? null],
  );
}

/**
 * A muse that can be reached is healthy at least, and one with everything applied is migrated. What was proven stays so until
 * something is pending.
 */
function stateOf(known: MuseState, statuses: readonly EnvironmentStatus[]): MuseState {
  if (statuses.length === 0) return known === 'planned' ? 'created' : known;
  const isMigrated = statuses.every(({ applied, pending }) => applied.length > 0 && pending.length === 0);
  if (!isMigrated) return 'healthy';
  return known === 'seeded' || known === 'verified' ? known : 'migrated';
}

/**
 * How many commits a muse's kit has that the muse has not; undefined where that cannot be told without fetching all of them.
 * A kit is asked once for all of its muses.
 */
async function kitBehind(
  { museFile: { kit } }: Muse,
  { environment, signal }: LocateOptions,
  shared: Shared,
): Promise<number | undefined> {
  return shared.once(`kit ${JSON.stringify([kit.source, kit.ref ?? null, kit.commit])}`, ask);

  async function ask(): Promise<number | undefined> {
    try {
      const source = parseKitSource(kit.source, kit.source === 'builtin' ? undefined : kit.ref);
      if (source.kind === 'builtin') return kit.commit === `create-muse@${await ownVersion()}` ? 0 : undefined;
      const git = { environment, signal, timeoutMs: 20_000 };
      const ref = source.ref ?? 'HEAD';
      if (source.kind === 'path') {
        const range = `${kit.commit}..${ref}`;
        const args = ['rev-list', '--count', '--end-of-options', range, '--'];
        const counted = await runGit(args, { ...git, directory: source.path });
        return counted.ok ? Number(counted.stdout.trim()) : undefined;
      }
      const refs = await lsRemote(source.url, git);
      const head = refs.find(({ name }) => [ref, `refs/heads/${ref}`, `refs/tags/${ref}`].includes(name));
      return head?.commit === kit.commit ? 0 : undefined;
    } catch {
      // A kit that cannot be reached says nothing about the muse.
      return undefined;
    }
  }
}
