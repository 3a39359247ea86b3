import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installPlatform } from '../../src/database/platform/install.ts';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { createHttp } from '../../src/supabase/http.ts';
import { openQueryDatabase } from '../../src/supabase/query-database.ts';
import { secret } from '../../src/supabase/secret.ts';
import { expectationsOf } from '../../src/muse/declared-schema.ts';
import type { Declaration } from '../../src/rules/engine/live/expectations.ts';
import { checkCatalog } from '../../src/verify/catalog/catalog-check.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { fastClock } from '../support/fast-clock.ts';
import { startNative } from '../support/native.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import { asMigration, installKit } from './kit.ts';
import { models } from './models.ts';
import { isWhole } from '../support/sample.ts';

/** An app, what its files declare, and the rows that a proof must leave. */
interface App {
  install(database: Database): Promise<Declaration[]>;
  rows: string;
}
const apps: Record<string, App> = {
  'shared documents': {
    install: async (database) => {
      const sql = models.get('shared-documents')!;
      await database.script(sql);
      return [...(await expectationsOf([asMigration('shared-documents.sql', sql)])).declarations];
    },
    rows: 'select (select count(*) from auth.users) as users, (select count(*) from public.documents) as documents, (select count(*) from storage.objects) as objects',
  },
  ...(isWhole && {
    'the built-in kit with all presets': {
      install: (database) => installKit(database, ['crm', 'deliverables', 'realty', 'social']),
      rows: 'select (select count(*) from auth.users) as users, (select count(*) from public.profiles) as profiles, (select count(*) from storage.objects) as objects, (select count(*) from public.audit_logs) as audit',
    },
  }),
};

/** Each kind of database. */
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

describe.each(Object.entries(apps))('%s', (_name, { install, rows }) => {
  const matrices = new Map<string, unknown>();

  describe.each(Object.keys(openers))('over %s', (kind) => {
    let opened: Awaited<ReturnType<NonNullable<(typeof openers)[string]>>>;
    beforeAll(async () => {
      opened = await openers[kind]!();
    });
    afterAll(() => opened.close());

    it('is correct, and the proof leaves everything unchanged', async () => {
      const { database } = opened;
      const declarations = await install(database);
      const count = async (): Promise<unknown> => (await database.query(rows)).rows;
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
