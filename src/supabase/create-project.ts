import { MuseError } from '../shared/error.ts';
import { listProjects, postProject } from './api.ts';
import { jittered } from './clock.ts';
import { apiMessageOf, statusOf } from './failure.ts';
import type { Http } from './http.ts';
import { digestOf, isFrom, isRecent, makeIntent, type Intent, type ProjectRequest } from './intent.ts';
import { isIn, nameTaken } from './preflight.ts';
import type { CreateProjectBody, Project } from './types.ts';

/** Who calls writes these down, and flushes them, before they resolve. */
interface CreateHooks {
  /** Before the request leaves, and again when it was refused for certain. A later call replaces the earlier intent. */
  onIntent: (intent: Intent) => Promise<void>;
  /** As soon as the ref is known. */
  onRef: (created: CreatedProject) => Promise<void>;
}

export interface CreatedProject {
  ref: string;
  /** Region code that the platform gave. */
  region: string;
  /**
   * `answered`: the API said so to this very request. `found`: the answer was lost and the project was found by looking;
   * that the database takes this run's password is then the last proof that it is ours (see `connectProject`).
   */
  settled: 'answered' | 'found';
}

/** What a request came to. */
type Outcome = { project: Project } | { error: unknown };

/**
 * Makes exactly one project, whatever happens to the request or its answer.
 * @param previous the intent of an earlier run that has no ref yet; it is settled by looking before anything is sent
 * @throws MuseError `name-taken`, `quota-reached`, `intent-differs`, `settle-failed`, and what the API refuses
 */
export async function createProject(
  http: Http,
  request: ProjectRequest,
  hooks: CreateHooks,
  previous?: Intent,
): Promise<CreatedProject> {
  // Only after a request that may have taken effect can a project of that name be ours; else it is a stranger's.
  let doubtful = previous?.refused ? undefined : previous;
  if (doubtful) {
    if (doubtful.digest !== digestOf(request)) throw intentDiffers(doubtful);
    const found = await settle(http, doubtful, 2);
    if (found) return finish(hooks, found, 'found');
  }
  for (let round = 1; ; round += 1) {
    const { projects, serverTime } = await listProjects(http);
    const own = projects.filter((project) => isIn(project, { slug: request.organization }) && project.status !== 'REMOVED');
    const taken = own.find((project) => project.name === request.name);
    if (taken && doubtful && isFrom(doubtful, taken)) return finish(hooks, taken, 'found');
    // A project that was just deleted keeps its name until it is gone.
    const leaving = taken?.status === 'GOING_DOWN' && round < 5;
    if (leaving) {
      await http.clock.sleep(2500 + jittered(http.clock, 5000));
      continue;
    }
    if (taken) throw nameTaken(request.name, request.organization, taken.ref);
    const intent = doubtful && isRecent(doubtful, http.clock) ? doubtful : makeIntent(request, own, serverTime, http.clock);
    if (intent !== doubtful) await hooks.onIntent(intent);
    const outcome = await postOnce(http, request);
    if ('project' in outcome) return finish(hooks, outcome.project, 'answered');
    const { error } = outcome;
    const sure = refusalOf(error, request);
    if (sure && !doubtful) await hooks.onIntent({ ...intent, refused: true });
    if (sure && !(doubtful && sure.code === 'name-taken')) throw sure;
    if (!sure && !nothingSent(error)) doubtful = intent;
    const found = doubtful && (await settle(http, doubtful, 6));
    if (found) return finish(hooks, found, 'found');
    if (sure) throw sure;
    if (round >= 5) throw error;
    await http.clock.sleep(jittered(http.clock, Math.min(30_000, 2000 * 2 ** round)));
  }
}

async function postOnce(http: Http, request: ProjectRequest): Promise<Outcome> {
  const body: CreateProjectBody = {
    db_pass: request.password.reveal(),
    name: request.name,
    organization_slug: request.organization,
    region_selection: request.region,
    ...(request.size === undefined ? {} : { desired_instance_size: request.size }),
  };
  try {
    return { project: await postProject(http, body) };
  } catch (error) {
    return { error };
  }
}

/** Looks for the project of an intent, some seconds apart: a list may lag behind what was created. */
async function settle(http: Http, intent: Intent, looks: number): Promise<Project | undefined> {
  for (let look = 1; look <= looks; look += 1) {
    const { projects } = await listProjects(http);
    const found = projects.filter((project) => isFrom(intent, project));
    if (found.length > 1) throw severalFound(intent, found);
    if (found[0]) return found[0];
    if (look < looks) await http.clock.sleep(jittered(http.clock, 5000));
  }
  return undefined;
}

async function finish(hooks: CreateHooks, project: Project, settled: CreatedProject['settled']): Promise<CreatedProject> {
  const created: CreatedProject = { ref: project.ref, region: project.region, settled };
  await hooks.onRef(created);
  return created;
}

/** A 429 was turned away at the door, and a connection never made carried nothing. */
function nothingSent(error: unknown): boolean {
  return error instanceof MuseError && (error.code === 'api-unreachable' || error.code === 'rate-limited');
}

/** The error for an answer that says no for certain; undefined where the request may have taken effect or can be repeated. */
function refusalOf(error: unknown, request: ProjectRequest): MuseError | undefined {
  const status = statusOf(error);
  if (!(error instanceof MuseError)) throw error;
  if (status === undefined || status >= 500 || status === 408 || status === 429) return undefined;
  const message = apiMessageOf(error);
  if (/already exists/i.test(message)) return nameTaken(request.name, request.organization);
  if (status === 402 || /limit|quota|maximum|upgrade|overdue/i.test(message)) {
    return new MuseError({
      code: 'quota-reached',
      message: `Supabase will not make another project in "${request.organization}": ${message}`,
      suggestion: 'Pause or delete a project that is not needed, or change the plan in the dashboard; then go on with --resume. Nothing was created.',
      cause: error,
    });
  }
  return error;
}

function severalFound(intent: Intent, found: readonly Project[]): MuseError {
  return new MuseError({
    code: 'settle-failed',
    message: `Several new projects named "${intent.name}" are in "${intent.organization}", and which of them is this run's cannot be told.`,
    detail: found.map((project) => `${project.ref}  ${project.region}  ${project.created_at}`).join('\n'),
    suggestion: 'Look at them in the dashboard, delete what is not needed, and go on with --project-ref <ref>.',
  });
}

function intentDiffers(intent: Intent): MuseError {
  return new MuseError({
    code: 'intent-differs',
    message: `The run that is resumed asked for "${intent.name}" in "${intent.organization}", ${intent.region.code}, with another size or password.`,
    suggestion: 'Resume with the same name, organization, region and .env.local, or look in the dashboard whether that project exists and take it with --project-ref <ref>.',
  });
}
