import { createHash } from 'node:crypto';
import type { Clock } from './clock.ts';
import { isIn } from './preflight.ts';
import { regionMatches } from './regions.ts';
import type { Secret } from './secret.ts';
import type { Project, RegionSelection } from './types.ts';

/** What is to be created. */
export interface ProjectRequest {
  name: string;
  /** Slug. */
  organization: string;
  region: RegionSelection;
  /** `micro`, `small` …; default: Supabase's smallest. */
  size?: string;
  password: Secret;
}

/** What is journaled before the request leaves: enough to know the project again, and no secret. */
export interface Intent {
  name: string;
  organization: string;
  region: RegionSelection;
  /** By this machine's clock, ISO 8601. */
  at: string;
  /** How far the server's clock was ahead of this machine's, ms. */
  skewMs: number;
  /** SHA-256 of the request, password included: tells a resumed run whether its request is the same. */
  digest: string;
  /** Refs of the projects that the organization had before. */
  before: string[];
  /** The API definitely refused it: it created no project. */
  refused?: true;
}

/** How far a project's time may lie before the intent's, ms: the skew is measured, in whole seconds, over a network. */
const earlier = 120_000;

/** How long after the intent a lost request can still have created the project, ms. */
const later = 15 * 60_000;

/** The digest of a request. */
export function digestOf(request: ProjectRequest): string {
  const { name, organization, region, size, password } = request;
  const text = JSON.stringify([name, organization, region.type, region.code, size ?? null, password.reveal()]);
  return createHash('sha256').update(text).digest('hex');
}

/** The intent for a request that is about to leave. */
export function makeIntent(
  request: ProjectRequest,
  before: readonly Project[],
  serverTime: number,
  clock: Clock,
): Intent {
  const now = clock.now();
  return {
    name: request.name,
    organization: request.organization,
    region: request.region,
    at: new Date(now).toISOString(),
    skewMs: serverTime - now,
    digest: digestOf(request),
    before: before.map((project) => project.ref),
  };
}

/** Says whether a request sent now falls into the time in which the intent's project can have been created. */
export function isRecent(intent: Intent, clock: Clock): boolean {
  return clock.now() - Date.parse(intent.at) < later / 3;
}

/** Says whether a project in the list can only be the one that this intent was journaled for. */
export function isFrom(intent: Intent, project: Project): boolean {
  const expected = Date.parse(intent.at) + intent.skewMs;
  const created = Date.parse(project.created_at);
  return (
    !['REMOVED', 'GOING_DOWN'].includes(project.status) &&
    project.name === intent.name &&
    isIn(project, { slug: intent.organization }) &&
    regionMatches(intent.region, project.region) &&
    !intent.before.includes(project.ref) &&
    created >= expected - earlier &&
    created <= expected + later
  );
}
