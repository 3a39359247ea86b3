import { parseDatabaseUrl } from '../../database/postgres/options.ts';
import type { EnvironmentName, Muse } from '../../shared/muse-file.ts';
import { placeOf } from '../../targets/open.ts';

/**
 * The database server of an environment, `host:port`; undefined where it shares none with others, and where that cannot be
 * told: opening it then says why.
 */
export async function serverOf(
  muse: Muse,
  name: EnvironmentName,
  variables: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  try {
    const { place, target } = placeOf(muse, name, variables);
    const url = await target.url?.(place);
    if (url === undefined) return undefined;
    const { host = 'localhost', port = 5432 } = parseDatabaseUrl(url).address;
    return `${host.toLowerCase()}:${port}`;
  } catch {
    return undefined;
  }
}
