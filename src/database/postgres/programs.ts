import { parseDatabaseUrl } from './options.ts';

/**
 * The connection as environment variables for PostgreSQL's own programs, so that no password is among their arguments.
 * @param environment of the process; the variables are added to it
 */
export function programEnvironment(url: string, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { address, sslmode, caFile, options } = parseDatabaseUrl(url);
  const values: Record<string, string | undefined> = {
    PGHOST: address.host,
    PGPORT: address.port === undefined ? undefined : String(address.port),
    PGUSER: address.user,
    PGPASSWORD: address.password,
    PGDATABASE: address.database,
    // libpq has no mode `no-verify`; its `require` does not verify the certificate.
    PGSSLMODE: sslmode === 'no-verify' ? 'require' : sslmode,
    PGSSLROOTCERT: caFile,
    PGOPTIONS: options,
  };
  return { ...environment, ...Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) };
}
