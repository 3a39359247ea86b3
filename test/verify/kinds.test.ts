import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installPlatform } from '../../src/database/platform/install.ts';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { createHttp } from '../../src/supabase/http.ts';
import { openQueryDatabase } from '../../src/supabase/query-database.ts';
import { secret } from '../../src/supabase/secret.ts';
import { checkCatalog } from '../../src/verify/catalog/catalog-check.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { fastClock } from '../support/fast-clock.ts';
import { startNative } from '../support/native.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import { installKit } from './kit.ts';

const presets = ['crm', 'deliverables', 'realty', 'social'];

/** The same kit in each kind of database. */
const openers: Record<string, () => Promise<{ database: Database; close(): Promise<void> }>> = {
  embedded: async () => {
    const database = await openEmbedded();
    return { database, close: () => database.close() };
  },
  postgres: async () => {
    const native = await startNative();
    const database = await openPostgres({ url: await native.createDatabase('verify_kinds') });
    await installPlatform(database);
    return {
      database,
      close: async () => {
        await database.close();
        await native.stop();
      },
    };
  },
  https: async () => {
    const fakeApi = await openFakeApi();
    const http = createHttp({ baseUrl: fakeApi.url, token: secret(fakeApi.state.token), clock: fastClock() });
    return { database: openQueryDatabase(http, fakeApi.addProject().ref), close: () => fakeApi.close() };
  },
};

describe('the built-in kit with all presets', () => {
  const matrices = new Map<string, unknown>();

  describe.each(Object.keys(openers))('over %s', (kind) => {
    let opened: Awaited<ReturnType<NonNullable<(typeof openers)[string]>>>;
    beforeAll(async () => {
      opened = await openers[kind]!();
    });
    afterAll(() => opened.close());

    it('is correct, and the proof leaves everything unchanged', async () => {
      const { database } = opened;
      const declarations = await installKit(database, presets);
      const count = async (): Promise<unknown> =>
        (
          await database.query(
            'select (select count(*) from auth.users) as users, (select count(*) from public.profiles) as profiles, (select count(*) from storage.objects) as objects, (select count(*) from public.audit_logs) as audit',
          )
        ).rows;
      const before = await count();
      expect(
        (await checkCatalog(database, { declarations })).filter((finding) => finding.severity === 'error'),
      ).toEqual([]);
      const report = await verifyIsolation(database, { declarations });
      expect(report.findings).toEqual([]);
      expect(await count()).toEqual(before);
      matrices.set(
        kind,
        report.tables.map((table) => [
          table.table,
          table.scope,
          table.checks.map((check) => [check.actor, check.verb, check.outcome, check.rows]),
        ]),
      );
    });
  });

  it('has the same matrix everywhere', () => {
    expect(matrices.size).toBe(3);
    expect(matrices.get('postgres')).toEqual(matrices.get('embedded'));
    expect(matrices.get('https')).toEqual(matrices.get('embedded'));
  });
});
