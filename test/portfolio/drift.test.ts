import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import type { PortfolioMuse } from '../../src/portfolio/api-types.ts';
import { temporaryDirectory } from '../support/cli.ts';
import { muse as runMuse } from '../support/cli-in-process.ts';
import { tableFiles } from '../muse/muse-on-disk.ts';
import { urlVariable, useFleet } from './fleet.ts';
import { named, registryKinds } from './registries.ts';

const [count, drifted, away] = process.env['CREATE_MUSE_ALL'] ? [100, 10, 3] : [5, 1, 1];
const { native, museDatabase, fleet } = useFleet();

describe.each(process.env['CREATE_MUSE_ALL'] ? registryKinds : registryKinds.slice(1))(
  `${count} muses, the registry on %s`,
  (kind) => {
    it(
      `of which ${drifted} differ from their files and ${away} cannot be reached: exactly those are named, with exit code 3`,
      { timeout: 1_800_000 },
      async () => {
        const homes = tableFiles('001', 'homes');
        const names = named(count);
        // One database is migrated; the others are copies of it.
        const migrated = await museDatabase('migrated');
        const { folder, environment } = await fleet(['first'], homes);
        const env: Record<string, string | undefined> = {
          ...environment,
          // Only of the muse in whose directory a command runs: a portfolio does not use it.
          DATABASE_URL: migrated,
          CREATE_MUSE_PORTFOLIO: await temporaryDirectory(),
          MUSE_REGISTRY: kind === 'PGlite' ? undefined : await native().createDatabase('registry'),
        };
        const call = async (cwd: string, ...args: string[]): Promise<{ code: number | null; stdout: string }> =>
          runMuse([...args, '--json'], { cwd, env });
        const first = join(folder, 'first');
        expect(await call(first, 'migrate', '--env', 'staging')).toMatchObject({ code: 0 });
        const copies = await fleet(names, homes, migrated);
        Object.assign(env, copies.environment, { MUSE_REGISTRY: env['MUSE_REGISTRY'] });
        const change = async (name: string): Promise<void> => {
          const database = await openPostgres({ url: env[urlVariable(name)]! });
          await database.script('alter table public.homes add column by_hand text');
          await database.close();
        };
        // In the order of the portfolio: `m100` comes before `m98`.
        const [changed, unreachable] = [names.slice(0, drifted), names.slice(-away).sort()];
        for (const name of changed) await change(name);
        for (const name of unreachable) env[urlVariable(name)] = 'postgres://nobody@127.0.0.1:1/none';
        expect(await call(folder, 'portfolio', 'add', '--scan', copies.folder)).toMatchObject({ code: 0 });
        const { code, stdout } = await call(folder, 'portfolio', 'status', '--refresh', '--drift', '--check');
        const { muses } = JSON.parse(stdout) as { muses: PortfolioMuse[] };
        const those = (is: (environment: PortfolioMuse['environments'][number]) => boolean): string[] =>
          muses.filter(({ environments }) => environments.some(is)).map(({ name }) => name);
        expect(muses).toHaveLength(count);
        expect(those(({ drift = 0 }) => drift > 0)).toEqual(changed);
        expect(those(({ known }) => known === 'unreachable')).toEqual(unreachable);
        expect(muses.filter(({ known }) => !known).map(({ name }) => name)).toEqual(unreachable);
        expect(code).toBe(3);
      },
    );
  },
);
