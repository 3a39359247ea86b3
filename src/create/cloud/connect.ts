import { readFile } from 'node:fs/promises';
import { MuseError } from '../../error.ts';
import { type Connected, connectProject } from '../../supabase/connect.ts';
import type { Secret } from '../../supabase/secret.ts';
import type { Cloud } from './cloud.ts';

/** What connecting to a project's database needs. */
export interface ConnectRequest {
  ref: string;
  password: Secret;
  /** Path of the certificate authority's file. */
  caFile?: string | undefined;
  /** The project was found by looking: its database must take the password. */
  mustProve?: boolean;
  onNote(note: string): void;
}

/**
 * Opens the database of a project, by the best way there is.
 * @throws MuseError `bad-certificate`, and what `connectProject` throws
 */
export async function connectCloud({ settings, http }: Cloud, request: ConnectRequest): Promise<Connected> {
  const { openPostgres } = await import('../../database/postgres/postgres.ts');
  const { ref, password, caFile, mustProve = false, onNote } = request;
  const ca = caFile === undefined ? undefined : await readCertificate(caFile);
  return connectProject({ http, settings, ref, password, mustProve, onNote, openPostgres, ...(ca === undefined ? {} : { ca }) });
}

async function readCertificate(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new MuseError({
      code: 'bad-certificate',
      message: `The certificate ${path} cannot be read.`,
      suggestion: 'Download it in the dashboard (Database, Settings, SSL) and give its path: --db-ca FILE',
      cause,
    });
  }
}
