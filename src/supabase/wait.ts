import { MuseError } from '../shared/error.ts';
import { getHealth, getProject } from './api.ts';
import { jittered } from './clock.ts';
import { statusOf } from './failure.ts';
import type { Http } from './http.ts';

/** The services that a muse needs; others may start later. */
export const neededServices = ['db', 'db_postgres_user', 'pooler', 'auth', 'rest', 'storage'] as const;

/** What a live line shows: `project` or a service, and its status as the API has it. */
export interface Progress {
  name: string;
  status: string;
}

interface WaitOptions {
  /** For all of it, ms. */
  timeoutMs?: number;
  /** The shortest time between two requests, ms. */
  intervalMs?: number;
  /** Called when a status changes. */
  onProgress?: (progress: Progress) => void;
}

const forget = 'muse destroy, in the muse, forgets it; --resume then makes another.';

/** Statuses that waiting does not change, and what to do. All others, known or new, are waited for. */
const finalStatuses: Record<string, string> = {
  INACTIVE: 'It is paused: restore it in the dashboard, then continue with --resume.',
  PAUSING: 'It is being paused: restore it in the dashboard once it is, then continue with --resume.',
  REMOVED: `It was deleted. ${forget}`,
  GOING_DOWN: `It is being deleted. ${forget}`,
  RESTORE_FAILED: 'Look at the project in the dashboard.',
  PAUSE_FAILED: 'Look at the project in the dashboard.',
};

/**
 * Waits until the project and every needed service is healthy. Asks no more once they are, and never more often than
 * `intervalMs`.
 * @throws MuseError `wait-timeout`, `init-failed`, `project-unusable`, `project-gone`, and what the API refuses
 */
export async function waitForProject(http: Http, ref: string, options: WaitOptions = {}): Promise<void> {
  const { timeoutMs = 600_000, intervalMs = 2000 } = options;
  const until = http.clock.now() + timeoutMs;
  const seen = new Map<string, string>();
  const report = (name: string, status: string): void => {
    if (seen.get(name) === status) return;
    seen.set(name, status);
    options.onProgress?.({ name, status });
  };
  let rounds = 0;
  const pause = async (): Promise<void> => {
    if (http.clock.now() >= until) throw timedOut(ref, timeoutMs, seen);
    // Grows to five times the interval, and is never below it.
    const wait = intervalMs * Math.min(4, 1.15 ** rounds - 1);
    rounds += 1;
    await http.clock.sleep(intervalMs + jittered(http.clock, wait));
  };

  for (let missing = 0; ;) {
    const status = await statusNow(http, ref);
    missing = status === undefined ? missing + 1 : 0;
    // A new project may be unknown to some of the API's servers for a moment.
    if (missing >= 5) throw gone(ref);
    report('project', status ?? 'UNKNOWN');
    if (status === 'ACTIVE_HEALTHY') break;
    if (status !== undefined) refuseFinal(ref, status);
    await pause();
  }
  rounds = 0;
  let waiting: readonly string[] = neededServices;
  for (;;) {
    await pause();
    for (const service of await getHealth(http, ref, waiting)) report(service.name, service.status);
    waiting = waiting.filter((name) => seen.get(name) !== 'ACTIVE_HEALTHY');
    if (waiting.length === 0) return;
  }
}

async function statusNow(http: Http, ref: string): Promise<string | undefined> {
  try {
    return (await getProject(http, ref)).status;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/**
 * Refuses a status that waiting does not change.
 * @throws MuseError `init-failed`, `project-unusable`
 */
export function refuseFinal(ref: string, status: string): void {
  if (status === 'INIT_FAILED') {
    throw new MuseError({
      code: 'init-failed',
      message: `Supabase could not start the project ${ref} (INIT_FAILED). It does not recover from that.`,
      suggestion:
        `Delete it and try again: muse destroy --confirm ${ref}, then --resume; if it fails again, add --region ` +
        'with another region.',
    });
  }
  const suggestion = finalStatuses[status];
  if (suggestion) {
    throw new MuseError({ code: 'project-unusable', message: `The project ${ref} is ${status}.`, suggestion });
  }
}

function gone(ref: string): MuseError {
  return new MuseError({
    code: 'project-gone',
    message: `There is no project ${ref}, or the token cannot see it.`,
    suggestion: `Look in the dashboard. If it was deleted: ${forget}`,
  });
}

function timedOut(ref: string, timeoutMs: number, seen: ReadonlyMap<string, string>): MuseError {
  return new MuseError({
    code: 'wait-timeout',
    message: `The project ${ref} was not ready after ${Math.round(timeoutMs / 1000)} s.`,
    detail: [...seen].map(([name, status]) => `${name.padEnd(17)} ${status}`).join('\n'),
    suggestion: 'It continues to start on its own: continue with --resume, and with a longer --wait-timeout if needed.',
  });
}

/** The current state of a project. */
interface ProjectStatus {
  ref: string;
  name: string;
  region: string;
  /** As the API has it, e.g. `ACTIVE_HEALTHY`. */
  status: string;
  /** Empty if the project is not running: its services are not queried then. */
  services: Progress[];
}

/**
 * The status of a project and of the services that a muse needs.
 * @throws MuseError what the API refuses: `api-not-found` if there is no such project
 */
export async function projectStatus(http: Http, ref: string): Promise<ProjectStatus> {
  const { name, region, status } = await getProject(http, ref);
  const health = status.startsWith('ACTIVE') ? await getHealth(http, ref, neededServices) : [];
  return {
    ref,
    name,
    region,
    status,
    services: health.map((service) => ({ name: service.name, status: service.status })),
  };
}
