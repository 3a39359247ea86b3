import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkProduct, createProduct } from '../../src/create/create-product.ts';
import { OwnPortfolio } from '../../src/portfolio/portfolio.ts';
import { readProducts } from '../../src/portfolio/products.ts';
import type { Registry } from '../../src/portfolio/registry/open.ts';
import { rolloutError } from '../../src/portfolio/rollout.ts';
import { MuseError } from '../../src/shared/error.ts';
import { environment as cleanEnvironment } from '../support/cli.ts';
import type { FakeApi } from '../support/fake-api/fake-api.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import { smallKit } from '../kit/repository.ts';
import { isWhole } from '../support/sample.ts';
import { findSecrets } from '../support/find-secrets.ts';
import { writeMuse } from './fleet.ts';
import { addRows, rowsOf, useRegistries } from './registries.ts';

/** Creating a product keeps this process busy for longer than it may be silent in other tests. */
const intervals = { beatMs: 1000, silenceMs: 30_000, pollMs: 50 };

const kit = smallKit();

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

/** Where a machine dies whose files another one finds when it continues: as they were then, and are not any more. */
const returns: [string, (kept: Kept) => boolean][] = [
  ['was making the files', ({ steps }) => steps.at(-1)?.id === 'rehearse'],
  ['had put them in place', ({ steps }) => steps.some(({ id, status }) => id === 'place' && status === 'done')],
];

const open = useRegistries('PostgreSQL');

function portfolioOn(
  registry: Registry,
  directory: string,
  environment: NodeJS.ProcessEnv,
  creator = { check: checkProduct, create: createProduct },
): OwnPortfolio {
  const { signal } = new AbortController();
  return new OwnPortfolio(registry, { directory, environment, signal, intervals, creator });
}

/** The pipeline on a machine that is gone, with all that it has under way, once it has written such a journal. */
function dyingCreator(isThere: (kept: Kept) => boolean, onDeath = async (): Promise<void> => {}) {
  const gone = (code: 'connection-lost' | 'api-unreachable'): MuseError =>
    new MuseError({ code, message: 'The machine is gone.', suggestion: 'None.' });
  return {
    check: checkProduct,
    create: (request: Parameters<typeof createProduct>[0]) =>
      createProduct({
        ...request,
        async save(journal) {
          await request.save(journal);
          if (!isThere(journal as Kept)) return;
          await onDeath();
          throw gone('connection-lost');
        },
      }).catch((error: unknown) => {
        throw error instanceof MuseError && error.code === 'connection-lost' ? gone('api-unreachable') : error;
      }),
  };
}

describe('products of a file', () => {
  it.each(isWhole ? deaths : deaths.slice(0, 1))(
    'are one project each, though the machine is lost that %s',
    { timeout: 240_000 },
    async (what, isThere) => {
      const { registry, directory } = await open();
      const name = `muse-${what.replaceAll(' ', '-')}`;
      const env = cleanEnvironment({ ...fakeApi.env, SUPABASE_PROFILE: await fakeApi.writeProfile(directory) });
      const file = join(directory, 'new-muses.yaml');
      await writeFile(
        file,
        `defaults: { kit: ${kit}, org: acme, region: eu-central-1 }\nmuses:\n  - { name: ${name}, preset: blank, tags: [new] }\n`,
      );
      // The first machine writes its journal, and is gone with its disk.
      const lost = portfolioOn(registry, join(directory, 'one'), env, dyingCreator(isThere));
      const stopped = await lost.provision(file);
      expect(stopped.muses).toMatchObject([{ name, error: { message: 'The machine is gone.' } }]);
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

  it.each(isWhole ? returns : returns.slice(1))(
    'are finished by a machine that %s before another one went further, and died too',
    { timeout: 240_000 },
    async (what, isThere) => {
      const { registry, directory } = await open();
      const name = `muse-${what.replaceAll(' ', '-')}`;
      const env = cleanEnvironment({ ...fakeApi.env, SUPABASE_PROFILE: await fakeApi.writeProfile(directory) });
      const file = join(directory, 'new-muses.yaml');
      await writeFile(
        file,
        `defaults: { kit: ${kit}, org: acme, region: eu-central-1 }\nmuses: [{ name: ${name}, preset: blank }]\n`,
      );
      const [one, disk] = [join(directory, 'one'), join(directory, 'disk')];
      const first = portfolioOn(
        registry,
        one,
        env,
        dyingCreator(isThere, () => cp(one, disk, { recursive: true })),
      );
      const { run, muses } = await first.provision(file);
      expect(muses).toMatchObject([{ name, error: { message: 'The machine is gone.' } }]);
      await rm(one, { recursive: true, force: true });
      await cp(disk, one, { recursive: true });
      // The process that had the lock is gone; this one is not.
      await rm(join(one, 'muses', name, '.muse', 'lock'), { recursive: true });
      const second = portfolioOn(registry, join(directory, 'two'), env, dyingCreator(deaths[2]![1]));
      const stopped = await second.provision(undefined, { resume: run.name });
      expect(stopped.muses).toMatchObject([{ name, error: { message: 'The machine is gone.' } }]);
      const back = portfolioOn(registry, one, env);
      const [project, ...others] = [...fakeApi.state.projects.values()].filter((each) => each.name === name);
      const rollout = await back.provision(undefined, { resume: run.name });
      expect(rollout.muses[0]?.error).toBeUndefined();
      expect(rollout.muses).toMatchObject([
        { state: 'done', result: { directory: join(one, 'muses', name), ref: project?.ref } },
      ]);
      expect(others).toEqual([]);
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

describe('a muse whose project is paused', () => {
  it('is unknown at once, with what to do, and stops the run', { timeout: 60_000 }, async () => {
    const { registry, directory } = await open();
    const folder = join(directory, 'muses');
    const project = fakeApi.addProject({ name: 'asleep' });
    project.status = 'INACTIVE';
    const environment = cleanEnvironment({
      ...fakeApi.env,
      SUPABASE_PROFILE: await fakeApi.writeProfile(directory),
      MUSE_ASLEEP_DEVELOPMENT_PASSWORD: project.password,
    });
    await writeMuse(join(folder, 'asleep'), 'asleep', {}, { development: { target: 'supabase', ref: project.ref } });
    await writeMuse(join(folder, 'waiting'), 'waiting', {}, { development: { target: 'embedded' } });
    const portfolio = portfolioOn(registry, directory, environment);
    await portfolio.add([], { scan: [folder] });
    const error = {
      code: 'project-unusable',
      message: `The project ${project.ref} is INACTIVE.`,
      suggestion: expect.stringContaining('restore it in the dashboard'),
    };
    const rollout = await portfolio.rollOut('migrate', { waves: '1,100%' });
    expect(rollout).toMatchObject({
      run: { state: 'stopped' },
      muses: [
        { name: 'asleep', state: 'unknown', error },
        { name: 'waiting', state: 'blocked' },
      ],
    });
    // Exit 3: nothing went wrong, and nothing is known.
    expect(rolloutError(rollout, 'x')).toMatchObject({ code: 'findings', detail: expect.stringContaining('paused') });
    const [asleep] = await portfolio.status({ refresh: true, only: 'asleep' });
    expect(asleep).toMatchObject({ known: false, environments: [{ known: 'unreachable', error }] });
  });
});
