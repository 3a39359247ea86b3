import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { readText, writeWhole } from '../shared/files.ts';
import type { EnvironmentName } from '../shared/muse-file.ts';
import { loopback } from './http.ts';

const runningServer = v.object({
  pid: v.number(),
  token: v.string(),
  url: v.pipe(v.string(), v.startsWith(`http://${loopback}:`)),
  databaseUrl: v.optional(v.string()),
  dashboardUrl: v.optional(v.string()),
  only: v.optional(v.literal('dashboard')),
});

/** Where a server that runs says how to reach it: a secret, as the URLs have a password and a token. */
export type RunningServer = v.InferOutput<typeof runningServer>;

const pathOf = (directory: string, name: EnvironmentName): string =>
  join(directory, '.muse', `dev-${name}-server.json`);

/** How long a server may take to say that it is there, in ms. */
const answerMs = 1000;

/** The server that already serves this environment; undefined where none answers. */
export async function findRunning(directory: string, name: EnvironmentName): Promise<RunningServer | undefined> {
  const text = await readText(pathOf(directory, name));
  const known = v.safeParse(v.pipe(v.string(), v.parseJson(), runningServer), text);
  if (!known.success) return undefined;
  const { url, token } = known.output;
  try {
    const answer = await fetch(`${url}${localPrefix}/alive`, {
      headers: { [tokenHeader]: token },
      signal: AbortSignal.timeout(answerMs),
    });
    await answer.body?.cancel();
    return answer.ok ? known.output : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Notes that this process serves the environment.
 * @returns a function that takes the note away
 */
export async function noteRunning(
  directory: string,
  name: EnvironmentName,
  server: RunningServer,
): Promise<() => Promise<void>> {
  const path = pathOf(directory, name);
  await writeWhole(path, `${JSON.stringify(server, undefined, 2)}\n`, 0o600);
  return () => rm(path, { force: true });
}

/** What only this machine's user asks for. */
export const localPrefix = '/_muse';
/** The header that has the token, so that no page of another origin can send it. */
export const tokenHeader = 'x-muse-token';

/** The key to the local pages, new at each start. */
export const makeToken = (): string => randomBytes(18).toString('base64url');
