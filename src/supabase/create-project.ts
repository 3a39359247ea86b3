import { MuseError } from '../shared/error.ts';
import { listProjects, postProject } from './api.ts';
import { jittered } from './clock.ts';
import { apiMessageOf, statusOf } from './failure.ts';
import type { Http } from './http.ts';
import { digestOf, isFrom, isRecent, makeIntent, type Intent, type ProjectRequest } from './intent.ts';
import { isIn, nameTaken } from './preflight.ts';
import type { CreateProjectBody, Project } from './types.ts';

/** The caller journals these, and flushes the journal, before they resolve. */
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
   * `answered`: the API named it in its answer. `found`: the answer was lost and the project was found in the list;
   * then only a database that accepts this run's password proves that it is ours (see `connectProject`).
   */
  settled: 'answered' | 'found';
}

/** What a request came to. */
type Outcome = { project: Project } | { error: unknown };

/**
 * Creates exactly one project, whatever happens to the request or its answer.
 * @param previous the intent of an earlier run that has no ref yet; it is settled by looking before anything is sent
 * @throws MuseError `name-taken`, `quota-reached`, `intent-differs`, `settle-failed`, and what the API refuses
 */
export async function createProject(
  http: Http,
  request: ProjectRequest,
  hooks: CreateHooks,
  previous?: Intent,
): Promise<CreatedProject> {
  // A project with that name can only be ours after a request that may have taken effect.
  let doubtful = previous?.refused ? undefined : previous;
  if (doubtful) {
    if (doubtful.digest !== digestOf(request)) throw intentDiffers(doubtful);
    const found = await settle(http, doubtful, 2);
    if (found) return finish(hooks, found, 'found');
  }
  for (let round = 1; ; round += 1) {
    const { projects, serverTime } = await listProjects(http);
    const own = projects.filter(
      (project) => isIn(project, { slug: request.organization }) && project.status !== 'REMOVED',
    );
    const taken = own.find((project) => project.name === request.name);
    if (taken && doubtful && isFrom(doubtful, taken)) return finish(hooks, taken, 'found');
    // A project that is being deleted keeps its name until it is gone.
    const leaving = taken?.status === 'GOING_DOWN' && round < 5;
    if (leaving) {
      await http.clock.sleep(2500 + jittered(http.clock, 5000));
      continue;
    }
    if (taken) throw nameTaken(request.name, request.organization, taken.ref);
    const intent =
      doubtful && isRecent(doubtful, http.clock) ? doubtful : makeIntent(request, own, serverTime, http.clock);
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

/** Looks for the project of an intent several times: the list may lag behind what was created. */
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

async function finish(
  hooks: CreateHooks,
  project: Project,
  settled: CreatedProject['settled'],
): Promise<CreatedProject> {
  const created: CreatedProject = { ref: project.ref, region: project.region, settled };
  await hooks.onRef(created);
  return created;
}

/** Neither a 429 nor a failed connection has had an effect. */
function nothingSent(error: unknown): boolean {
  return error instanceof MuseError && (error.code === 'api-unreachable' || error.code === 'rate-limited');
}

/** The error for a definite refusal; undefined if the request may have taken effect or can be repeated. */
function refusalOf(error: unknown, request: ProjectRequest): MuseError | undefined {
  const status = statusOf(error);
  if (!(error instanceof MuseError)) throw error;
  if (status === undefined || status >= 500 || status === 408 || status === 429) return undefined;
  const message = apiMessageOf(error);
  if (/already exists/i.test(message)) return nameTaken(request.name, request.organization);
  if (status === 402 || /limit|quota|maximum|upgrade|overdue/i.test(message)) {
    return new MuseError({
      code: 'quota-reached',
      message: `Supabase refuses to create another project in "${request.organization}": ${message}`,
      suggestion:
        'Nothing was created. Pause or delete a project that you do not need, or change the plan in the ' +
        'dashboard; then continue with --resume.',
      cause: error,
    });
  }
  return error;
}

function severalFound(intent: Intent, found: readonly Project[]): MuseError {
  return new MuseError({
    code: 'settle-failed',
    message:
      `There are several new projects named "${intent.name}" in "${intent.organization}", and it is not clear ` +
      'which one is from this run.',
    detail: found.map((project) => `${project.ref}  ${project.region}  ${project.created_at}`).join('\n'),
    suggestion:
      'Look at them in the dashboard, delete those you do not need, and continue with --resume --project-ref <ref>.',
  });
}

function intentDiffers(intent: Intent): MuseError {
  return new MuseError({
    code: 'intent-differs',
    message:
      `The resumed run asked for "${intent.name}" in "${intent.organization}", ${intent.region.code}, with a ` +
      'different size or password.',
    suggestion:
      'Resume with the same name, organization, region and .env.local, or check in the dashboard whether that ' +
      'project exists and use it with --project-ref <ref>.',
  });
}
