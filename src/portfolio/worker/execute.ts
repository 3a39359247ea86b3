/** Runs one item: finds its muse and its secrets, does what its kind says, and puts what went wrong into words. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelled, MuseError } from '../../shared/error.ts';
import type { Muse } from '../../shared/muse-file.ts';
import type { Outcome, TakenItem } from '../engine/items.ts';
import type { ItemContext, Kind, Shared } from '../kinds/kind.ts';
import { locateMuse } from '../locate.ts';
import type { MuseRow } from '../registry/muses.ts';
import { isPassing, isUnknown, keptError } from './failure.ts';
import { itemEnvironment } from './secrets.ts';
import { serverOf } from './server-of.ts';
import type { Limit } from '../limit.ts';

/** What running an item needs. */
export interface ExecuteOptions {
  item: TakenItem;
  muse: MuseRow;
  kind: Kind;
  /** The data directory of this machine, and what it is called in the registry. */
  directory: string;
  host: string;
  environment: NodeJS.ProcessEnv;
  secretsFrom?: string | undefined;
  limit: Limit;
  shared: Shared;
  saveJournal: ItemContext['saveJournal'];
  signal: AbortSignal;
  onNote(text: string): void;
}

/** How often something that passes by itself is tried again, and how long the first wait is, in ms; each next one doubles. */
const again = { times: 5, firstMs: 500 };

/**
 * Runs an item to its end.
 * @throws MuseError `cancelled` where the signal ended it: then it has come to nothing
 */
export async function executeItem(options: ExecuteOptions): Promise<Outcome> {
  const { signal } = options;
  let secrets: readonly string[] = [];
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptItem(options, (found) => (secrets = found));
    } catch (thrown) {
      if (signal.aborted) throw cancelled(signal.reason);
      const error = keptError(thrown, secrets);
      if (isPassing(error) && attempt <= again.times) {
        await sleep(again.firstMs * 2 ** (attempt - 1), undefined, { signal }).catch(() => undefined);
        if (signal.aborted) throw cancelled(signal.reason);
        continue;
      }
      const findings = thrown instanceof MuseError ? (thrown.findings ?? []) : [];
      return {
        state: isUnknown(error) ? 'unknown' : 'failed',
        result: findings.length === 0 ? {} : { findings: findings.length },
        error,
      };
    }
  }
}

async function attemptItem(
  { item, muse, kind, limit, ...options }: ExecuteOptions,
  onSecrets: (secrets: string[]) => void,
): Promise<Outcome> {
  const { directory, host, environment, secretsFrom, signal } = options;
  const locate = (): Promise<Muse> => locateMuse(muse, { directory, host, environment, signal });
  const located = kind.needsEnvironment ? await locate() : undefined;
  const museFile = located?.museFile ?? { name: muse.name, environments: {} };
  const { variables, secrets } = await itemEnvironment(museFile, item.environment, environment, secretsFrom, signal);
  onSecrets(secrets);
  const server = located === undefined ? undefined : await serverOf(located, item.environment, variables);
  return limit.run(server, signal, () =>
    kind.run({
      muse: { id: muse.id, name: muse.name },
      environmentName: item.environment,
      open: async () => located ?? (await locate()),
      variables,
      input: item.input,
      journal: item.journal,
      saveJournal: options.saveJournal,
      directory,
      shared: options.shared,
      signal,
      onNote: options.onNote,
    }),
  );
}
