import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serve, type Serving } from '../../src/dev/dev.ts';
import { createDashboard } from '../../src/dev/dashboard/dashboard.ts';
import { createRequestLog } from '../../src/dev/request-log.ts';
import type { DevDatabase, DevRequest } from '../../src/dev/service.ts';
import type { Muse } from '../../src/shared/muse-file.ts';
import { addFiles, museIn, tableSql } from '../muse/muse-on-disk.ts';
import { browserNote, browserPath, faintTexts, openBrowser } from '../support/browser.ts';

const schema = `
  CREATE TABLE public.notes (id int PRIMARY KEY, owner uuid NOT NULL, "Te""xt" text);
  ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
  CREATE POLICY "own <b>notes</b>" ON public.notes FOR SELECT TO authenticated USING (owner = (SELECT auth.uid()));
  GRANT SELECT ON public.notes TO authenticated, service_role;
  CREATE TABLE public.many (id int); GRANT SELECT ON public.many TO service_role;
  INSERT INTO public.many SELECT generate_series(1, 60);`;

/** What the files of the muse make: a table that is as it should be, and one that everyone may write. No proof of them is kept. */
const files = {
  'migrations/core/001_pets.sql': `-- ${randomUUID()}\n${tableSql('pets')}`,
  'migrations/extensions/001_posts.sql': `${tableSql('posts', ',\n  pet uuid references public.pets (id)')}
drop policy if exists "<script>all</script>" on public.posts;
create policy "<script>all</script>" on public.posts for update to authenticated using (true) with check (true);
create index if not exists posts_pet_idx on public.posts (pet);
`,
};

let directory: string;
let muse: Muse;
let server: Serving;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
  muse = await museIn(directory, files);
  server = await serve(muse, { environment: 'development', variables: {}, port: 0, databasePort: 0 });
  const database = new pg.Client({ connectionString: server.databaseUrl });
  await database.connect();
  for (const sql of [...Object.values(files), schema]) await database.query(sql);
  await database.end();
});
afterAll(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

const ask = (url: string, headers: Record<string, string> = {}): Promise<Response> => fetch(url, { headers });

it('gives nothing of the database without its token', async () => {
  const { url, dashboardUrl } = server;
  const token = new URL(dashboardUrl!).searchParams.get('t')!;
  const paths = [
    'alive',
    'about',
    'tables',
    'rows?table=1',
    'users',
    'mails',
    'requests',
    'diagram',
    'check',
    'buckets',
  ];
  for (const path of [...paths, 'folder?bucket=x', 'rule?name=rls-missing']) {
    expect((await ask(`${url}/_muse/${path}`)).status, path).toBe(401);
    expect((await ask(`${url}/_muse/${path}`, { 'x-muse-token': `${token}x` })).status, path).toBe(401);
    const answer = await ask(`${url}/_muse/${path}`, { 'x-muse-token': token });
    expect([answer.status, answer.headers.get('access-control-allow-origin')], path).toEqual([200, null]);
  }
  expect((await ask(`${url}/_muse/constructor`, { 'x-muse-token': token })).status).toBe(404);
  expect((await ask(`${url}/_muse/..%2f..%2fpackage.json`, { 'x-muse-token': token })).status).toBe(404);
  const post = (path: string, headers = {}): Promise<Response> =>
    fetch(`${url}/_muse/${path}`, { method: 'POST', headers });
  expect((await post('check')).status).toBe(401);
  expect((await post('rows', { 'x-muse-token': token })).status).toBe(405);
  const page = await ask(dashboardUrl!);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(await page.text()).not.toContain(token);
});

it('has no page where none is wanted', async () => {
  const services = { mails: [], log: createRequestLog(), storage: directory };
  const options = { muse, environment: 'development', token: 't', page: false, services };
  const { handle } = createDashboard({ ...options, database: {} as DevDatabase });
  const status = async (path: string): Promise<number> =>
    (
      await handle({
        method: 'GET',
        path,
        query: new URLSearchParams(),
        headers: { 'x-muse-token': 't' },
      } as unknown as DevRequest)
    ).status;
  expect(await Promise.all(['/', '/tables', '/dashboard.js', '/alive'].map(status))).toEqual([404, 404, 404, 200]);
});

describe.skipIf(browserPath === undefined)(`the page${browserNote}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser.close());

  it('shows rows as anyone sees them, policies, mails, users and requests', async () => {
    const post = async (path: string, body: object): Promise<{ user: { id: string } }> => {
      const headers = { apikey: server.publishableKey, 'content-type': 'application/json' };
      const answer = await fetch(`${server.url}/auth/v1${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      return (await answer.json()) as { user: { id: string } };
    };
    const ann = (await post('/signup', { email: 'ann@example.com', password: 'secret-123' })).user.id;
    const database = new pg.Client({ connectionString: server.databaseUrl });
    await database.connect();
    await database.query('INSERT INTO public.notes VALUES (1, $1, $2), (2, gen_random_uuid(), NULL)', [
      ann,
      '<img src=x onerror=document.title="hacked">',
    ]);
    await database.end();
    await post('/recover', { email: 'ann@example.com' });

    for (const [width, colorScheme] of [
      [360, 'light'],
      [1600, 'dark'],
    ] as const) {
      const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
      const errors = watched(page);
      await page.goto(server.dashboardUrl!);
      await page.getByRole('link', { name: 'notes' }).click();
      const cells = page.locator('td');
      await expect
        .poll(() => cells.allTextContents(), patient)
        .toEqual(expect.arrayContaining(['1', '2', 'NULL', ann]));
      expect(await page.locator('main').textContent()).toContain('own <b>notes</b>');
      expect(await page.title()).toBe('guarded · muse dev');

      await page.getByLabel('See as').selectOption({ label: 'ann@example.com' });
      await expect.poll(() => cells.count(), patient).toBe(3);
      await page.getByLabel('See as').selectOption('anon');
      await expect
        .poll(() => page.locator('.bad').textContent(), patient)
        .toBe('permission denied for table notes (42501)');

      await byKeyboard(page, 'Mails');
      await expect
        .poll(() => cells.allTextContents(), patient)
        .toEqual(expect.arrayContaining(['ann@example.com', 'recovery']));
      await byKeyboard(page, 'Users');
      await expect
        .poll(() => cells.allTextContents(), patient)
        .toEqual(expect.arrayContaining(['ann@example.com', ann]));
      await byKeyboard(page, 'Requests');
      await expect
        .poll(() => cells.allTextContents(), patient)
        .toEqual(expect.arrayContaining(['POST', '/auth/v1/signup']));

      const wide = await page.evaluate('document.documentElement.scrollWidth');
      expect(wide, 'no page wider than the screen').toBeLessThanOrEqual(width);
      expect(errors).toEqual([]);
      await page.close();
    }
  });

  it('checks the files, with every finding led to its rule, and shows what was proven beside the policies', async () => {
    const page = await browser.newPage({ viewport: { width: 360, height: 800 }, colorScheme: 'dark' });
    await page.addInitScript(impatient);
    const problems = watched(page);
    const said = (): Promise<string | null> => page.locator('main').textContent();
    await page.goto(server.dashboardUrl!);
    await page.getByRole('link', { name: 'posts' }).click();
    await expect.poll(said, patient).toContain('Not checked yet');

    await page.evaluate(noteStatus);
    await byKeyboard(page, 'Findings');
    await expect.poll(said, patient).toMatch(/Checked at .*; no file has changed since/);
    expect(await page.evaluate('window.statuses')).toContainEqual(
      expect.stringMatching(/^Checking: (?:running the migrations|[\d,]+ of [\d,]+ checks)$/),
    );
    const found = page.locator('.finding');
    const rules = (): Promise<string[]> => found.locator('header > a:first-of-type').allTextContents();
    expect((await rules()).slice(0, 3)).toEqual(['policy-always-true', 'isolation-reassign', 'isolation-write']);
    expect(await found.first().textContent()).toContain('Policy "<script>all</script>" lets authenticated write');
    expect(await found.first().locator('.place').textContent()).toMatch(
      /^migrations\/extensions\/001_posts\.sql:\d+:1$/,
    );
    expect(await faintTexts(page, 'main *')).toEqual([]);
    await page.getByRole('link', { name: 'isolation-write' }).first().click();
    await expect.poll(said, patient).toContain('How to fix it');

    await page.goBack();
    await page.getByRole('link', { name: 'posts', exact: true }).first().click();
    const verdict = page.getByRole('region', { name: 'Who can do what with public.posts' });
    await expect.poll(() => verdict.locator('tr.breaks').count(), patient).toBeGreaterThan(0);
    expect(await verdict.locator('tr').first().textContent()).toBe('WhoReadInsertUpdateDeleteReassign');
    expect(await verdict.locator('tr', { hasText: 'a visitor' }).textContent()).toBe(`a visitor${'no'.repeat(5)}`);
    expect(await page.locator('.policy', { hasText: '<script>' }).locator('a').allTextContents()).toEqual([
      'policy-always-true',
      'isolation-reassign',
      'isolation-write',
    ]);
    await page.getByRole('link', { name: 'pets' }).click();
    await expect.poll(() => page.locator('.pill.good').allTextContents(), patient).toContain('proven');
    await page.getByRole('link', { name: 'many' }).click();
    await expect.poll(said, patient).toContain('Not proven: no migration of this muse makes it.');

    await addFiles(directory, { 'migrations/extensions/002_more.sql': '-- More.\nselect 1/0;\n' });
    await page.getByRole('link', { name: 'pets' }).click();
    await expect.poll(said, patient).toContain('Files have changed since');
    await page.getByRole('button', { name: 'Check now' }).click();
    await byKeyboard(page, 'Findings');
    await expect.poll(said, patient).toMatch(/The proof could not be run.*division by zero/);
    await rm(join(directory, 'migrations/extensions/002_more.sql'));
    expect(problems).toEqual([]);
    await page.close();
  });

  it('draws the schema, which keys, the wheel and a pointer move', async () => {
    const page = await browser.newPage({ viewport: { width: 1600, height: 900 } });
    const problems = watched(page);
    await page.goto(server.dashboardUrl!);
    await byKeyboard(page, 'Diagram');
    const names = (): Promise<string[]> =>
      page.locator('[data-table]').evaluateAll((all) => all.map((one) => one.getAttribute('data-table') ?? ''));
    await expect.poll(names, patient).toEqual(['posts', 'many', 'notes', 'pets']);
    const colors = ['posts', 'pets'].map((name) =>
      page.evaluate(`getComputedStyle(document.querySelector('[data-table="${name}"] .head')).fill`),
    );
    expect(await Promise.all(colors)).toEqual(['rgb(21, 128, 61)', 'rgb(71, 85, 105)']);
    const svg = page.locator('.diagram svg');
    const shown = async (): Promise<number[]> => (await svg.getAttribute('viewBox'))!.split(' ').map(Number);
    const all = await shown();
    await page.getByRole('application').focus();
    for (const [key, is] of [
      ['+', ([, , width]: number[], before: number[]) => width! < before[2]!],
      ['-', ([, , width]: number[], before: number[]) => width! > before[2]!],
      ['ArrowRight', ([x]: number[], before: number[]) => x! > before[0]!],
      ['ArrowDown', ([, y]: number[], before: number[]) => y! > before[1]!],
    ] as const) {
      const before = await shown();
      await page.keyboard.press(key);
      expect(is(await shown(), before), key).toBe(true);
    }
    await page.keyboard.press('0');
    expect(await shown()).toEqual(all);
    await svg.hover();
    await page.mouse.wheel(0, -300);
    await expect.poll(async () => (await shown())[2]! < all[2]!, patient).toBe(true);
    await page.getByLabel('Go to a table').selectOption('posts');
    const dimmed = (): Promise<string[]> =>
      page.locator('g.dimmed').evaluateAll((found) => found.map((one) => one.getAttribute('data-table') ?? ''));
    expect(await dimmed()).toEqual(['many', 'notes']);
    await page.getByLabel('Go to a table').focus();
    await page.keyboard.press('?');
    expect(await page.getByRole('dialog').isVisible(), 'not while something is chosen').toBe(false);
    await page.getByRole('application').focus();
    await page.keyboard.press('?');
    expect(await page.getByRole('dialog').isVisible()).toBe(true);
    expect(problems).toEqual([]);
    await page.close();
  });

  it('shows the files of Storage as anyone sees them', async () => {
    const picture =
      'iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC';
    const headers = { apikey: server.secretKey, authorization: `Bearer ${server.secretKey}` };
    const post = async (path: string, type: string, body: string | Buffer): Promise<void> => {
      const options = { method: 'POST', headers: { ...headers, 'content-type': type }, body };
      expect((await fetch(`${server.url}/storage/v1${path}`, options)).status).toBe(200);
    };
    await post('/bucket', 'application/json', '{"name":"avatars"}');
    await post('/object/avatars/ann/face.png', 'image/png', Buffer.from(picture, 'base64'));
    await post('/object/avatars/page.html', 'text/html', '<script>document.title="hacked"</script>');

    const page = await browser.newPage({ viewport: { width: 1600, height: 900 } });
    const problems = watched(page);
    await page.goto(server.dashboardUrl!);
    await byKeyboard(page, 'Storage');
    const cells = (): Promise<string[]> => page.locator('td').allTextContents();
    await expect
      .poll(cells, patient)
      .toEqual(expect.arrayContaining(['ann/', 'folder', 'page.html', 'text/html', '40 B']));
    expect(await page.getByRole('button', { name: 'Preview page.html' }).count()).toBe(0);
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download page.html' }).click();
    expect((await download).suggestedFilename()).toBe('page.html');

    await page.getByRole('link', { name: 'ann/' }).click();
    await page.getByRole('button', { name: 'Preview ann/face.png' }).click();
    await expect.poll(() => page.evaluate(`document.querySelector('.preview img')?.naturalWidth`), patient).toBe(10);
    await page.getByLabel('See as').selectOption('anon');
    await expect.poll(() => page.locator('main').textContent(), patient).toContain('Nothing here that they may see.');
    await page.getByRole('navigation', { name: 'Folders' }).getByRole('link', { name: 'avatars' }).click();
    await expect.poll(() => page.locator('.crumbs a').count(), patient).toBe(1);
    await page.getByLabel('See as').selectOption('service');
    await expect.poll(cells, patient).toContain('page.html');
    expect(problems).toEqual([]);
    await page.close();
  });

  it('has lists that the arrow keys move in, and a field that narrows them', async () => {
    const page = await browser.newPage();
    const database = new pg.Client({ connectionString: server.databaseUrl });
    await database.connect();
    for (let at = 0; at < 5; at += 1) await database.query(`CREATE TABLE public."z${at}" (id int)`);
    await page.goto(server.dashboardUrl!);
    await expect.poll(() => page.locator('.list a').count(), patient).toBe(9);
    await page.keyboard.press('/');
    await page.keyboard.type('z');
    expect(await page.locator('.list a:visible').allTextContents()).toEqual(
      [0, 1, 2, 3, 4].map((at) => `z${at}no RLS`),
    );
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.getByRole('heading', { level: 2 }).first().textContent(), patient).toBe('z1');
    expect(await page.locator(':focus').textContent()).toBe('z1no RLS');
    await database.query('DROP TABLE public.z0, public.z1, public.z2, public.z3, public.z4');
    await database.end();
    await page.close();
  });

  it('turns pages', async () => {
    const page = await browser.newPage();
    await page.goto(server.dashboardUrl!);
    await page.getByRole('link', { name: 'many' }).click();
    await expect.poll(() => page.locator('td').count(), patient).toBe(50);
    await page.getByRole('link', { name: 'Next' }).click();
    await expect.poll(() => page.locator('td').count(), patient).toBe(10);
    expect(await page.getByRole('link', { name: 'Next' }).count()).toBe(0);
    await page.close();
  });
});

/** Runs in the page: notes everything that is said of how far a check is. */
const noteStatus = `
  window.statuses = [];
  const note = () => window.statuses.push(document.querySelector('[role=status]')?.textContent);
  new MutationObserver(note).observe(document.querySelector('main'), { subtree: true, childList: true, characterData: true });`;

/** Looks at a check fifteen times as often: a fast machine has done most of this one between two looks. */
const impatient = `
  const wait = window.setTimeout;
  window.setTimeout = (work, ms, ...rest) => wait(work, ms === 300 ? 20 : ms, ...rest);`;

/** What a page reports as wrong; an answer that refuses something is logged by the browser as well. */
function watched(page: Page): string[] {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !message.text().includes('400')) problems.push(message.text());
  });
  return problems;
}

/** A machine that has much else to do takes its time. */
const patient = { timeout: 30_000 };

async function byKeyboard(page: Page, name: string): Promise<void> {
  await page.getByRole('link', { name, exact: true }).focus();
  await page.keyboard.press('Enter');
}

it('answers requests while it checks the files', async () => {
  const { url, dashboardUrl, secretKey } = server;
  const headers = { 'x-muse-token': new URL(dashboardUrl!).searchParams.get('t')! };
  const state = async (method = 'GET'): Promise<{ running: boolean; report?: { verdicts: { name: string }[] } }> =>
    (await fetch(`${url}/_muse/check`, { method, headers })).json() as never;
  // No proof of these files is kept.
  await addFiles(directory, { 'migrations/core/001_pets.sql': `-- ${randomUUID()}\n${tableSql('pets')}` });
  expect(await state('POST')).toMatchObject({ running: true });
  let answered = 0;
  let now = await state();
  for (; now.running; now = await state()) {
    const rows = await ask(`${url}/rest/v1/many?select=id&limit=1`, { apikey: secretKey });
    expect([rows.status, await rows.json()]).toEqual([200, [{ id: 1 }]]);
    answered += 1;
  }
  expect(answered).toBeGreaterThan(20);
  expect(now.report?.verdicts.map(({ name }) => name)).toEqual(expect.arrayContaining(['public.pets', 'public.posts']));
});
