/**
 * A fake API on its own native server, because a project's roles belong to the whole server and `postgres` is not a
 * superuser.
 */
import { Client } from 'pg';
import { platformSql } from '../../../src/database/platform/platform.ts';
import { startNative } from '../native.ts';
import { startFakeApi, type FakeApi } from './fake-api.ts';

/** The superuser's password, which only the pooler knows. */
const postgresPassword = 'behind-the-pooler';

/** Starts the server and the fake API; closing the fake API stops both. */
export async function openFakeApi(): Promise<FakeApi> {
  const native = await startNative({ superuser: 'platform_admin' });
  const template = new URL(await native.createDatabase('platform'));
  const client = new Client({ connectionString: template.href });
  await client.connect();
  await client.query(platformSql());
  await client.query(`alter role postgres password '${postgresPassword}'`);
  await client.end();
  const server = {
    host: template.hostname,
    port: Number(template.port),
    user: template.username,
    password: decodeURIComponent(template.password),
  };
  const fakeApi = await startFakeApi({ ...server, postgresPassword }, 'platform');
  return {
    ...fakeApi,
    close: async () => {
      await fakeApi.close();
      await native.stop();
    },
  };
}
