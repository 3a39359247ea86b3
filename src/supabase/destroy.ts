import { MuseError } from '../shared/error.ts';
import { deleteProject, getProject } from './api.ts';
import { jittered } from './clock.ts';
import { apiMessageOf, statusOf } from './failure.ts';
import type { Http } from './http.ts';

/**
 * Deletes a project permanently; waits while it is "not ready for deletion" because it is starting. A project that does
 * not exist is deleted already.
 * @param timeoutMs how long to wait for it to be ready for deletion, ms
 * @param onWait called for each try that came too early
 * @throws MuseError `destroy-timeout`, and what the API refuses
 */
export async function destroyProject(http: Http, ref: string, timeoutMs = 600_000, onWait?: () => void): Promise<void> {
  const until = http.clock.now() + timeoutMs;
  for (;;) {
    try {
      await deleteProject(http, ref);
      return;
    } catch (error) {
      const status = statusOf(error);
      if (status === 404) return;
      if (!(status === 400 || status === 409) || !/not ready/i.test(apiMessageOf(error))) throw error;
      if (http.clock.now() >= until) throw tooEarly(ref, error);
      onWait?.();
      await http.clock.sleep(2500 + jittered(http.clock, 5000));
    }
  }
}

/** What is shown before a project is deleted: its name, or undefined if there is no such project. */
export async function projectName(http: Http, ref: string): Promise<string | undefined> {
  try {
    return (await getProject(http, ref)).name;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

function tooEarly(ref: string, cause: unknown): MuseError {
  return new MuseError({
    code: 'destroy-timeout',
    message: `The project ${ref} is still not ready for deletion.`,
    suggestion: `Supabase only deletes a project that has started. Try again in a few minutes: muse destroy --confirm ${ref}.`,
    cause,
  });
}
