/** The state of the fake API: organizations, projects, requests. No I/O here. */
import { randomBytes, randomInt } from 'node:crypto';
import { makeKeys, type FakeKeys } from './jwt.ts';

export interface FakeProject {
  ref: string;
  name: string;
  organization: string;
  region: string;
  createdAt: string;
  status: string;
  password: string;
  keys: FakeKeys;
  authConfig: Record<string, unknown>;
  /** How often its status was polled. The status advances with each poll, so no test has to wait. */
  looks: number;
  serviceLooks: Record<string, number>;
  poolerLooks: number;
  bans: string[];
  /** Creation time by the clock of the fake API's process, in ms since 1970. */
  bornAt: number;
}

export interface LoggedRequest {
  /** 1 for the first. */
  number: number;
  method: string;
  path: string;
  /** `management`, `auth`, `rest`, `storage`. */
  part: string;
  at: number;
  /** Status of the response; undefined if none was sent. */
  status?: number;
}

export interface FakeState {
  token: string;
  tokenRevoked: boolean;
  organizations: { slug: string; name: string; plan: string }[];
  projects: Map<string, FakeProject>;
  /** Deleted refs. */
  deleted: string[];
  /** A deleted project that is still listed for this many polls. */
  leaving?: { project: FakeProject; looks: number };
  requests: LoggedRequest[];
  /** How far ahead the fake API's clock is, in ms. */
  skewMs: number;
}

export function makeState(): FakeState {
  return {
    token: `sbp_${randomBytes(20).toString('hex')}`,
    tokenRevoked: false,
    organizations: [{ slug: 'acme', name: 'Acme Inc.', plan: 'pro' }],
    projects: new Map(),
    deleted: [],
    requests: [],
    skewMs: 0,
  };
}

export function makeProject(
  state: FakeState,
  given: { name: string; organization: string; region: string; password: string },
): FakeProject {
  const ref = Array.from({ length: 20 }, () => String.fromCharCode(97 + randomInt(26))).join('');
  const project: FakeProject = {
    ref,
    ...given,
    createdAt: new Date(Date.now() + state.skewMs).toISOString(),
    status: 'UNKNOWN',
    keys: makeKeys(ref),
    authConfig: {
      site_url: 'http://localhost:3000',
      uri_allow_list: '',
      disable_signup: false,
      external_email_enabled: true,
      mailer_autoconfirm: false,
      jwt_exp: 3600,
    },
    looks: 0,
    serviceLooks: {},
    poolerLooks: 0,
    bans: [],
    bornAt: Date.now(),
  };
  state.projects.set(ref, project);
  return project;
}
