import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serve, type Serving } from '../../src/dev/dev.ts';
import { createDashboard } from '../../src/dev/dashboard/dashboard.ts';
import { createRequestLog } from '../../src/dev/request-log.ts';
import type { DevDatabase, DevRequest } from '../../src/dev/service.ts';
import { museIn } from '../muse/muse-on-disk.ts';

const executablePath = '/usr/bin/chromium';

const schema = `
  CREATE TABLE public.notes (id int PRIMARY KEY, owner uuid NOT NULL, "Te""xt" text);
  ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
  CREATE POLICY "own <b>notes</b>" ON public.notes FOR SELECT TO authenticated USING (owner = (SELECT auth.uid()));
  GRANT SELECT ON public.notes TO authenticated, service_role;
  CREATE TABLE public.many (id int); GRANT SELECT ON public.many TO service_role;
  INSERT INTO public.many SELECT generate_series(1, 60);`;

let directory: string;
let server: Serving;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
  const muse = await museIn(directory, {});
  server = await serve(muse, { environment: 'development', variables: {}, port: 0, databasePort: 0 });
  const database = new pg.Client({ connectionString: server.databaseUrl });
  await database.connect();
  await database.query(schema);
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
  for (const path of ['tables', 'rows?table=1', 'users', 'mails', 'requests', 'alive']) {
    expect((await ask(`${url}/_muse/${path}`)).status, path).toBe(401);
    expect((await ask(`${url}/_muse/${path}`, { 'x-muse-token': `${token}x` })).status, path).toBe(401);
    const answer = await ask(`${url}/_muse/${path}`, { 'x-muse-token': token });
    expect([answer.status, answer.headers.get('access-control-allow-origin')], path).toEqual([200, null]);
  }
  expect((await ask(`${url}/_muse/constructor`, { 'x-muse-token': token })).status).toBe(404);
  expect((await ask(`${url}/_muse/..%2f..%2fpackage.json`, { 'x-muse-token': token })).status).toBe(404);
  const page = await ask(dashboardUrl!);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(await page.text()).not.toContain(token);
});

it('has no page where none is wanted', async () => {
  const options = { mails: [], log: createRequestLog(), token: 't', name: 'x', url: 'x', page: false };
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

describe.skipIf(!existsSync(executablePath))('the page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
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
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
      await page.goto(server.dashboardUrl!);
      await page.getByRole('link', { name: 'notes' }).click();
      const cells = page.locator('td');
      await expect.poll(() => cells.allTextContents()).toEqual(expect.arrayContaining(['1', '2', 'NULL', ann]));
      expect(await page.locator('main').textContent()).toContain('own <b>notes</b>');
      expect(await page.title()).toBe('guarded · muse dev');

      await page.getByLabel('See as').selectOption({ label: 'ann@example.com' });
      await expect.poll(() => cells.count()).toBe(3);
      await page.getByLabel('See as').selectOption('anon');
      await expect.poll(() => page.locator('.bad').textContent()).toBe('permission denied for table notes (42501)');

      await byKeyboard(page, 'Mails');
      await expect.poll(() => cells.allTextContents()).toEqual(expect.arrayContaining(['ann@example.com', 'recovery']));
      await byKeyboard(page, 'Users');
      await expect.poll(() => cells.allTextContents()).toEqual(expect.arrayContaining(['ann@example.com', ann]));
      await byKeyboard(page, 'Requests');
      await expect.poll(() => cells.allTextContents()).toEqual(expect.arrayContaining(['POST', '/auth/v1/signup']));

      const wide = await page.evaluate('document.documentElement.scrollWidth');
      expect(wide, 'no page wider than the screen').toBeLessThanOrEqual(width);
      expect(errors.filter((text) => !text.includes('400'))).toEqual([]);
      await page.close();
    }
  });

  it('turns pages', async () => {
    const page = await browser.newPage();
    await page.goto(server.dashboardUrl!);
    await page.getByRole('link', { name: 'many' }).click();
    await expect.poll(() => page.locator('td').count()).toBe(50);
    await page.getByRole('link', { name: 'Next' }).click();
    await expect.poll(() => page.locator('td').count()).toBe(10);
    expect(await page.getByRole('link', { name: 'Next' }).count()).toBe(0);
    await page.close();
  });
});

async function byKeyboard(page: Page, name: string): Promise<void> {
  await page.getByRole('link', { name, exact: true }).focus();
  await page.keyboard.press('Enter');
}
