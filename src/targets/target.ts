/**
 * targets/: where a muse's database is. One file a kind, behind one interface.
 * May touch: the database, `.env*.local` files, the Management API.
 */
import type { Database } from '../database/database.ts';
import type { Environment, EnvironmentName } from '../shared/muse-file.ts';
import type { Connected } from '../supabase/connect.ts';
import type { Cloud } from './cloud.ts';

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
export interface OpenOptions {
  /** Its URL, as given for this run. */
  url?: string | undefined;
  /** Path of a certificate file, before the muse has its own copy. */
  caFile?: string | undefined;
  /** The connection to Supabase that the run already has. */
  cloud?: (() => Promise<Cloud>) | undefined;
  /** The project was found by looking for it: its database must take the password before anything is done to it. */
  mustProve?: boolean | undefined;
  /** For people: what is being tried, and what stands in the way. */
  onNote?: ((note: string) => void) | undefined;
  /** When it aborts: ends a wait for another process that has the database open, and then the connection. */
  signal?: AbortSignal | undefined;
}

export interface Opened {
  database: Database;
  /** Where there are several ways to the database: the one that was taken. */
  connected?: Connected;
}

/** A key that an environment of this kind may have in `muse.json`: text that means the same in every target that has it. */
export interface Setting {
  /** What it holds, for editors. */
  about: string;
  pattern?: RegExp;
  /** What matches the pattern, in words. */
  shape?: string;
}

/** The key for the certificate of every target whose server has an identity to verify. */
export const certificateSetting: Setting = {
  about: "Path of the certificate that the server's identity is verified with, relative to muse.json, with /.",
};

export interface TargetHealth {
  status: string;
  services: { name: string; status: string }[];
}

/** A kind of place for a muse's database. All that commands need to know about a kind is here. */
export interface Target {
  /** As people write it. */
  title: string;
  /** One line, for a list to choose from. */
  about: string;
  /** The keys of its environments in `muse.json`, besides `target`. */
  settings: Readonly<Record<string, Setting>>;
  /** The database is in the muse's own directory: opening creates it, and nothing but this tool changes it. */
  local: boolean;
  /** The database belongs to a project that is created for the muse, and can be destroyed with it. */
  provisioned: boolean;
  /** The person has to name the database by its URL. */
  needsUrl: boolean;
  /** Tables can be reached through a public API, through which isolation is then proven as well. */
  publicApi: boolean;

  /** Opens the database. Throws MuseError: what is missing to reach it, and what connecting throws. */
  open(place: Place, options?: OpenOptions): Promise<Opened>;
  /** Whether there is a database to ask, found out without creating one. */
  exists(place: Place): Promise<boolean>;
  /**
   * Checks that the database has what migrations for Supabase build on.
   * @param wanted whether it may be installed where it is missing
   * @returns installs what is missing; does nothing where nothing is
   * @throws MuseError `baseline-missing` where it is missing and not wanted
   */
  preparePlatform(database: Database, wanted: boolean): Promise<() => Promise<void>>;
  /** The URL that `pg_dump` and `pg_restore` take; absent where the database has none. Holds a secret. */
  url?(place: Place): Promise<string>;
  /** Deletes the database in one go; absent where only rollbacks can undo what migrations made. */
  drop?(place: Place): Promise<void>;
  /** How the service that runs the database is; undefined where there is nothing to ask about. */
  health?(place: Place): Promise<TargetHealth | undefined>;
}
