/**
 * targets/: where a muse's database is. One file for each kind, all with the same interface.
 * May touch: the database, `.env*.local` files, the Management API.
 */
import type { Database } from '../database/database.ts';
import type { Hooks } from '../shared/hooks.ts';
import type { Environment, EnvironmentName } from '../shared/muse-file.ts';
import type { Connected } from '../supabase/connect.ts';
import type { Cloud } from './cloud.ts';
import type { TargetKind } from './kinds.ts';

/** The target where none is named. */
export const defaultTarget: TargetKind = 'embedded';

/** One environment of a muse on disk. */
export interface Place {
  /** Absolute path of the muse. */
  directory: string;
  name: EnvironmentName;
  entry: Environment;
  /** Variables of the process. */
  environment: NodeJS.ProcessEnv;
}

/** What a run knows about a database that is not in `muse.json` or the secrets file yet. */
export interface OpenOptions extends Pick<Hooks, 'signal' | 'onNote'> {
  /** Its URL, as given for this run. */
  url?: string | undefined;
  /** Path of a certificate file, before the muse has its own copy. */
  caFile?: string | undefined;
  /** The connection to Supabase that the run already has. */
  cloud?: (() => Promise<Cloud>) | undefined;
  /** The project was found by searching: its database must accept the password before anything is done to it. */
  mustProve?: boolean | undefined;
  /** How long a statement may take, in ms; default: what the server says. */
  timeoutMs?: number | undefined;
  /** The database will only be read: another process that reads it too is waited for as long as it takes. */
  reads?: boolean | undefined;
}

export interface Opened {
  database: Database;
  /** If there are several ways to connect: the one that was used. */
  connected?: Connected;
}

/** A key of an environment in `muse.json`: text, with the same meaning in every target that has it. */
export interface Setting {
  /** What it holds, for editors. */
  about: string;
  pattern?: RegExp;
  /** A description of what matches the pattern. */
  shape?: string;
}

/** The certificate key, for targets whose server identity is verified. */
export const certificateSetting: Setting = {
  about: "Path of the certificate that the server's identity is verified with, relative to muse.json, with /.",
};

export interface TargetHealth {
  status: string;
  services: { name: string; status: string }[];
}

/** A kind of place for a muse's database. All that commands need to know about a kind is here. */
export interface Target {
  /** For display, e.g. `PostgreSQL`. */
  title: string;
  /** One line, for a list to choose from. */
  about: string;
  /** The keys of its environments in `muse.json`, besides `target`. */
  settings: Readonly<Record<string, Setting>>;
  /** Variables of the secrets file without which it cannot be opened. */
  secrets: readonly string[];
  /** The database is in the muse's own directory: opening creates it, and nothing but this tool changes it. */
  local: boolean;
  /** The database belongs to a project that is created for the muse, and can be destroyed with it. */
  provisioned: boolean;
  /** The user has to give the URL of the database. */
  needsUrl: boolean;
  /** Tables can be reached through a public API, through which isolation is then proven as well. */
  publicApi: boolean;

  /** Opens the database. Throws MuseError if something needed to connect is missing, and what connecting throws. */
  open(place: Place, options?: OpenOptions): Promise<Opened>;
  /** Whether the database exists; checked without creating it. */
  exists(place: Place): Promise<boolean>;
  /**
   * Checks that the database has what migrations for Supabase need.
   * @param wanted whether it may be installed where it is missing
   * @returns a function that installs what is missing, if anything
   * @throws MuseError `baseline-missing` where it is missing and not wanted
   */
  preparePlatform(database: Database, wanted: boolean): Promise<() => Promise<void>>;
  /** The URL for `pg_dump` and `pg_restore`; absent if the database has none. Contains a secret. */
  url?(place: Place): Promise<string>;
  /** Deletes the whole database; absent if only rollbacks can undo migrations. */
  drop?(place: Place, hooks?: Hooks): Promise<void>;
  /** The status of the service that runs the database; undefined if there is no service. */
  health?(place: Place, hooks?: Hooks): Promise<TargetHealth | undefined>;
}
