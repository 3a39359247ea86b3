import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkProduct, createProduct } from '../../src/create/create-product.ts';
import { OwnPortfolio } from '../../src/portfolio/portfolio.ts';
import { readProducts } from '../../src/portfolio/products.ts';
import type { Registry } from '../../src/portfolio/registry/open.ts';
import { MuseError } from '../../src/shared/error.ts';
import { environment as cleanEnvironment } from '../support/cli.ts';
import type { FakeApi } from '../support/fake-api/fake-api.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import { findSecrets } from '../support/find-secrets.ts';
import { addRows, quick, rowsOf, useRegistries } from './registries.ts';

let fakeApi: FakeApi;
beforeAll(async () => {
  fakeApi = await openFakeApi();
  fakeApi.conditions.upAtOnce = true;
});
afterAll(() => fakeApi.close());

interface Kept {
  steps: { id: string; status: string }[];
  data: { project?: { intent?: object; ref?: string } };
}

/** Where a worker can die: the journal that it wrote last. The first two are where a second project could come from. */
const deaths: [string, (kept: Kept) => boolean][] = [
  ['asked for the project', ({ data }) => data.project?.intent !== undefined && data.project.ref === undefined],
  ['knew the project', ({ data }) => data.project?.ref !== undefined],
  ['migrated it', ({ steps }) => steps.some(({ id, status }) => id === 'migrate' && status === 'done')],
];

const open = useRegistries('PostgreSQL');

function portfolioOn(
  registry: Registry,
  directory: string,
  environment: NodeJS.ProcessEnv,
  creator = { check: checkProduct, create: createProduct },
): OwnPortfolio {
  const { signal } = new AbortController();
  return new OwnPortfolio(registry, { directory, environment, signal, intervals: quick, creator });
}

describe('products of a file', () => {
  it.each(process.env['CREATE_MUSE_ALL'] ? deaths : deaths.slice(0, 2))(
    'are one project each, though the machine is lost that %s',
    async (what, isThere) => {
      const { registry, directory } = await open();
      const name = `muse-${what.replaceAll(' ', '-')}`;
      const env = cleanEnvironment({ ...fakeApi.env, SUPABASE_PROFILE: await fakeApi.writeProfile(directory) });
      const file = join(directory, 'new-muses.yaml');
      await writeFile(
        file,
        `defaults: { org: acme, region: eu-central-1 }\nmuses:\n  - { name: ${name}, preset: blank, tags: [new] }\n`,
      );
      // The first machine writes its journal, and is gone with its disk.
      const lost = portfolioOn(registry, join(directory, 'one'), env, {
        check: checkProduct,
        create: (request) =>
          createProduct({
            ...request,
            async save(journal) {
              await request.save(journal);
              if (isThere(journal as Kept))
                throw new MuseError({ code: 'connection-lost', message: 'The machine is gone.', suggestion: 'None.' });
            },
          }).catch((error: unknown) => {
            throw error instanceof MuseError && error.code === 'connection-lost'
              ? new MuseError({ code: 'api-unreachable', message: 'The machine is gone.', suggestion: 'None.' })
              : error;
          }),
      });
      const stopped = await lost.provision(file);
      expect(stopped.muses).toMatchObject([{ name, state: 'unknown' }]);
      await rm(join(directory, 'one'), { recursive: true, force: true });
      const other = portfolioOn(registry, join(directory, 'two'), env);
      const rollout = await other.provision(undefined, { resume: stopped.run.name });
      expect(rollout).toMatchObject({ run: { state: 'done' }, muses: [{ name, state: 'done' }] });
      const projects = [...fakeApi.state.projects.values()].filter((project) => project.name === name);
      expect(projects).toHaveLength(1);
      expect(rollout.muses[0]?.result).toMatchObject({
        directory: join(directory, 'two', 'muses', name),
        ref: projects[0]?.ref,
      });
      expect(await other.status()).toMatchObject([
        {
          name,
          state: 'verified',
          tags: ['new'],
          source: join(directory, 'two', 'muses', name),
          environments: [{ name: 'development', target: 'supabase', ref: projects[0]?.ref, known: 'yes' }],
        },
      ]);
      const rows = await rowsOf<{ row: string }>(registry, 'select i::text as row from portfolio.items i');
      expect(
        findSecrets({ items: rows.map(({ row }) => row).join('\n') }, [fakeApi.env['SUPABASE_ACCESS_TOKEN'] ?? '']),
      ).toEqual([]);
      // The same file again has nothing to do.
      await expect(other.provision(file)).rejects.toMatchObject({ code: 'nothing-to-resume' });
    },
  );

  it('are checked before any of them is begun', async () => {
    const { registry, directory } = await open();
    await addRows(registry, ['taken']);
    const file = join(directory, 'new.yaml');
    const portfolio = portfolioOn(registry, directory, {});
    const cases: [string, string, RegExp][] = [
      ['muses: [{ name: fine }, { name: No Name }]', 'bad-name', /^No Name: /],
      ['muses: [{ name: fine, preset: realti }]', 'bad-preset', /^fine: There is no preset/],
      ['muses: [{ name: fine, presets: x }]', 'bad-spec', /muses\[0\]/],
      ['muses: [{ name: fine, orgg: x }]', 'bad-spec', /orgg/],
      ['muses: [{ name: kid-vault }, { name: kidvault }]', 'bad-spec', /differ only in case or separators/],
      ['muses: []', 'bad-spec', /has no products/],
      ['muses: [', 'bad-spec', /new\.yaml: /],
      ['muses: [{ name: fine, spec: none.yaml }]', 'bad-spec', /none\.yaml: it does not exist/],
      ['muses: [{ name: tak-en }]', 'name-taken', /"tak-en" differs from taken/],
    ];
    for (const [text, code, message] of cases) {
      await writeFile(file, text);
      expect([text, await portfolio.provision(file).catch((error: unknown) => error)]).toMatchObject([
        text,
        { code, message: expect.stringMatching(message) },
      ]);
    }
    await writeFile(
      file,
      'defaults: { prefix: x_ }\nmuses: [{ name: one }, { name: two, tables: ["notes: title text!"] }]',
    );
    expect(await portfolio.provision(file, { dryRun: true })).toMatchObject({
      run: { state: 'planned', waves: 2 },
      muses: [
        { name: 'one', wave: 1 },
        { name: 'two', wave: 2 },
      ],
    });
    expect((await readProducts(file))[1]).toMatchObject({
      product: { name: 'two', prefix: 'x_', tables: ['notes: title text!'] },
    });
    expect(await portfolio.list()).toHaveLength(1);
  });
});
