import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeWhole } from '../shared/files.ts';
import type { EnvironmentName } from '../shared/muse-file.ts';
import { certificateSetting, type Place, type Target } from './target.ts';

/**
 * Copies a database's CA certificate into the muse. It is public: once committed, it lets everyone who clones
 * the muse verify the same server.
 * @param directory absolute path of the muse
 * @param from path of the PEM file that was given
 * @returns its path in the muse, for `muse.json`. Not `.pem`: many kits have git ignore that.
 * @throws MuseError `bad-certificate`
 */
export async function keepCertificate(directory: string, name: EnvironmentName, from: string): Promise<string> {
  // Loaded here: every command imports this file, and few need the reader.
  const { readCertificates } = await import('../database/postgres/certificate.ts');
  const text = await readCertificates(from);
  const path = `certificates/${name}.crt`;
  await mkdir(dirname(join(directory, path)), { recursive: true });
  await writeWhole(join(directory, path), text);
  return path;
}

/** Whether environments of this target can have a certificate. */
export function takesCertificate({ settings }: Target): boolean {
  return settings['databaseCa'] === certificateSetting;
}

/**
 * The path of the certificate that verifies an environment's database, as an option of `openPostgres` and `connectProject`.
 * @param given path of the file, before the muse has its own copy
 */
export function certificateOf(
  { directory, entry }: Pick<Place, 'directory' | 'entry'>,
  given?: string,
): { caFile?: string } {
  const caFile = entry.databaseCa === undefined ? given : join(directory, entry.databaseCa);
  return caFile === undefined ? {} : { caFile };
}
