/**
 * A fake API on its own native server, because a project's roles belong to the whole server and `postgres` is not a
 * superuser.
 */
import { Client } from 'pg';
import { platformSql } from '../../../src/database/platform/platform.ts';
import { type Native, startNative } from '../native.ts';
import { startFakeApi, type FakeApi } from './fake-api.ts';

/** The superuser's password, which only the pooler knows. */
const postgresPassword = 'behind-the-pooler';

/** The database that a project's is a copy of. */
const platform = 'platform';

async function makePlatform(native: Native): Promise<void> {
  const client = new Client({ connectionString: await native.createDatabase(platform) });
  await client.connect();
  await client.query(platformSql());
  await client.query(`alter role postgres password '${postgresPassword}'`);
  await client.end();
}

/** Starts the server and the fake API; closing the fake API stops both. */
export async function openFakeApi(): Promise<FakeApi> {
  const native = await startNative({
    superuser: 'platform_admin',
    beginning: { name: 'fake-api', make: makePlatform },
  });
  const template = new URL(native.url(platform));
  const server = {
    host: template.hostname,
    port: Number(template.port),
    user: template.username,
    password: decodeURIComponent(template.password),
  };
  const fakeApi = await startFakeApi({ ...server, postgresPassword }, platform);
  return {
    ...fakeApi,
    close: async () => {
      await fakeApi.close();
      await native.stop();
    },
  };
}
