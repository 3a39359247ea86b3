/**
 * Faults on demand: what a test does to the network, the platform or the database. Each fault is added by name, counted
 * down and removed.
 */

/** What happens to one HTTP request. */
export type HttpFault =
  | 'answer-lost'
  | 'reset'
  | 'no-answer'
  | 'slow-body'
  | 'too-many'
  | 'too-many-retry-after'
  | 'html-500'
  | 'html-502'
  | 'html-503'
  | 'applied-502'
  | 'refused-quota'
  | 'refused-plan';

/** What happens to a message on a database connection that contains the text. */
export type WireFault = 'cut-before' | 'cut-during' | 'cut-after-commit';

/** Temporary conditions of the platform. */
export interface Conditions {
  /** Projects and services are healthy at the first poll, for tests that wait in real time. */
  upAtOnce: boolean;
  /** Projects never leave COMING_UP. */
  neverHealthy: boolean;
  /** How many of the next new projects end as INIT_FAILED. */
  initFailed: number;
  /** An undocumented status, shown before the project is healthy. */
  newStatus: string | undefined;
  /** A service that stays UNHEALTHY for this many polls. */
  unhealthyService: { name: string; looks: number } | undefined;
  /** For how many polls the pooler list stays empty. */
  poolerEmpty: number;
  /** How many connections the pooler answers with "Tenant or user not found". */
  tenantNotFound: number;
  /** For how many connections the correct password is refused. */
  passwordRefused: number;
  /** For how many polls the API keys are listed without their text. */
  keysNull: number;
  /** The host in the list of poolers. TLS is required unless it is a loopback name. */
  poolerHost: string;
  /** The pooler's port refuses connections. */
  poolerClosed: boolean;
  /** The direct port answers. */
  directOpen: boolean;
  /** How many times DELETE responds "not ready for deletion". */
  notReadyForDeletion: number;
  /** For how many polls of the list a deleted project is listed as GOING_DOWN and keeps its name. */
  goingDown: number;
  /**
   * The certificate of the poolers and direct ports: a self-signed one, or one signed by
   * test/support/certificates/authority.pem for this host or for another.
   */
  certificate: 'own' | 'signed' | 'elsewhere';
}

export function makeConditions(): Conditions {
  return {
    upAtOnce: false,
    neverHealthy: false,
    initFailed: 0,
    newStatus: undefined,
    unhealthyService: undefined,
    poolerEmpty: 0,
    tenantNotFound: 0,
    passwordRefused: 0,
    keysNull: 0,
    poolerHost: '127.0.0.1',
    poolerClosed: false,
    directOpen: false,
    notReadyForDeletion: 0,
    goingDown: 0,
    certificate: 'own',
  };
}

interface Planned<Fault> {
  fault: Fault;
  /** HTTP: `METHOD /path`, `{ref}` for any ref; wire: a part of the SQL. */
  on: string;
  /** How often it still happens. */
  times: number;
  /** How many matching ones pass first. */
  skip: number;
}

export interface FaultList<Fault> {
  add: (fault: Fault, on: string, times?: number, skip?: number) => void;
  /** The fault for this request or message, counted down; undefined for none. */
  take: (matches: (on: string) => boolean) => Fault | undefined;
}

export function makeFaults<Fault>(): FaultList<Fault> {
  const planned: Planned<Fault>[] = [];
  return {
    add: (fault, on, times = 1, skip = 0) => {
      planned.push({ fault, on, times, skip });
    },
    take: (matches) => {
      for (const one of planned) {
        if (one.times <= 0 || !matches(one.on)) continue;
        if (one.skip > 0) {
          one.skip -= 1;
          continue;
        }
        one.times -= 1;
        return one.fault;
      }
      return undefined;
    },
  };
}
