import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type DevServer, startDev } from '../../src/index.ts';
import { label } from '../../src/scaffold/app/words.ts';
import { loadPreset } from '../../src/scaffold/presets.ts';
import { WebSocket } from 'ws';
import { browserNote, browserPath, openBrowser, sidewaysScroll } from '../support/browser.ts';
import { temporaryDirectory } from '../support/cli.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import {
  accessibilityProblems,
  addRow,
  buildApp,
  found,
  invite,
  museWithApp,
  open,
  openApp,
  type Person,
  serveApp,
  signUp,
  still,
} from './app-support.ts';

const root = join(import.meta.dirname, '..', '..');

/** A table of one's own with a column of every kind. */
const everyKind =
  'tickets: title text!, details text, state text(open|waiting|closed) = open, priority int = 3, price numeric(10,2), ' +
  'due date, starts timestamptz, at time, urgent boolean, labels text[], data jsonb, contact_email text, ' +
  'who -> user, parent -> tickets, plan -> products, org -> organizations, organization';

interface Case {
  title: string;
  presets?: string[];
  tables?: string[];
  /** The table that a row is added to, as the menu names it. */
  table: string;
  /** Whether other members of the organization see the row. */
  shared: boolean;
}

const own: Case = { title: 'a table of one’s own', tables: [everyKind], table: 'Tickets', shared: true };

/** A preset by the first of its tables that people write and whose rows refer to no other row. */
async function presetCase(id: string): Promise<Case> {
  const { tables } = await loadPreset(id);
  const table = tables.find(
    ({ scope, scopedBy, columns }) =>
      scope !== 'service-only' &&
      (scope !== 'public-read' || scopedBy !== undefined) &&
      columns.every(({ required, references }) => required !== true || references === undefined),
  );
  const { name = '', scope, scopedBy } = table ?? {};
  return {
    title: id,
    presets: [id],
    table: label(name),
    shared: scope === 'organization' || scopedBy === 'organization',
  };
}

const isWhole = process.env['CREATE_MUSE_ALL'] === '1';
const cases = isWhole
  ? [own, ...(await Promise.all(['crm', 'realty', 'social', 'deliverables'].map(presetCase)))]
  : [own];

describe.skipIf(browserPath === undefined)(`the app in a browser${browserNote}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  it.each(cases)(
    'lets people work together, and nobody else in: $title',
    { timeout: 300_000 },
    async ({ presets = [], tables = [], ...about }) => {
      const directory = join(await temporaryDirectory(), 'shop');
      await museWithApp(directory, { presets, tables });
      const server = await startDev({ directory, port: 0, databasePort: 0 });
      onTestFinished(() => server.close());
      await buildApp(directory);
      const app = await serveApp(directory);
      onTestFinished(app.close);
      const ann = await workTogether(browser, { ...about, appUrl: app.url, server });
      expect(compressed(directory)).toBeLessThan(200);
      await everyPage(ann, about.table);
    },
  );

  // The services and the script are the same as above; what a project does to them takes another half minute.
  it.runIf(isWhole)('does the same on a Supabase project, by its .env.local alone', { timeout: 300_000 }, async () => {
    const fakeApi = await openFakeApi();
    onTestFinished(() => fakeApi.close());
    fakeApi.conditions.upAtOnce = true;
    const place = await temporaryDirectory();
    const directory = join(place, 'shop');
    const app = await serveApp(directory);
    onTestFinished(app.close);
    const { title: preset, ...about } = await presetCase('crm');
    await museWithApp(directory, {
      presets: [preset],
      target: 'supabase',
      supabase: { organization: 'acme', region: 'eu-central-1', siteUrl: app.url },
      environment: { ...process.env, ...fakeApi.env, SUPABASE_PROFILE: await fakeApi.writeProfile(place) },
    });
    const [project] = [...fakeApi.state.projects.values()];
    const { ref = '', keys: { secret: secretKey = '' } = {} } = project ?? {};
    const { mails } = await fakeApi.openServices(ref);
    await buildApp(directory);
    await workTogether(browser, {
      ...about,
      appUrl: app.url,
      server: { url: `${fakeApi.url}/project/${ref}`, secretKey },
      confirmationOf: (email) => mails.findLast(({ to, kind }) => to === email && kind === 'confirmation')?.link,
    });
  });
});

interface Work extends Pick<Case, 'table' | 'shared'> {
  appUrl: string;
  server: Pick<DevServer, 'url' | 'secretKey'>;
  /** Where addresses have to be confirmed: the link in the mail to an address. */
  confirmationOf?: (email: string) => string | undefined;
}

/**
 * Two people who work together, with changed roles, and a third who works alone; she resets her password.
 * @returns the first, who has founded an organization
 */
async function workTogether(browser: Browser, work: Work): Promise<Person> {
  const { table, shared, appUrl, server, confirmationOf } = work;
  const people: Person[] = [];
  const arrive = async (name: string, url = appUrl): Promise<Person> => {
    const person = await openApp(browser, url, name);
    onTestFinished(() => person.page.context().close());
    people.push(person);
    return person;
  };

  const ann = await arrive('ann');
  await signUp(ann, confirmationOf);
  await found(ann, 'Ann and friends');
  await open(ann, table);
  await addRow(ann, table, 'The first of all');

  const ben = await arrive('ben', await invite(ann, 'ben@example.com'));
  await signUp(ben, confirmationOf);
  await ben.page.getByRole('button', { name: 'Accept the invitation' }).click();
  await ben.page.getByRole('heading', { level: 1, name: 'Ann and friends' }).waitFor();
  await open(ben, table);
  const seen = ben.page.getByText('The first of all');
  if (shared) await seen.first().waitFor();
  else await ben.page.getByText(/^There is no .* yet\.$/).waitFor();

  if (shared) {
    // Nobody reloads: Realtime tells Ben's list.
    await open(ann, table);
    await addRow(ann, table, 'Another one');
    await ben.page.getByText('Another one').first().waitFor();
  }

  // What the backend tells him is there at once.
  const admin = adminOf(server);
  const { data: profile } = await admin.from('profiles').select('id').eq('email', ben.email).single();
  const { error } = await admin
    .from('notifications')
    .insert({ user_id: profile?.id, kind: 'welcome', title: 'Welcome to the team', link: '/members' });
  expect(error).toBeNull();
  const menu = ben.page.getByRole('navigation', { name: 'Main' });
  await menu.getByRole('link', { name: 'Notifications 1 unread' }).click();
  await ben.page.getByRole('link', { name: 'Welcome to the team' }).waitFor();
  await ben.page.getByRole('button', { name: 'Mark as read: Welcome to the team' }).click();
  await menu.getByRole('link', { name: 'Notifications', exact: true }).waitFor();
  await open(ben, table);

  // A viewer is offered nothing that row-level security refuses.
  await open(ann, 'Members');
  await ann.page.getByLabel('Role of ben').selectOption('viewer');
  await expect.poll(() => ann.page.getByLabel('Role of ben').inputValue()).toBe('viewer');
  await ben.page.reload();
  await ben.page.getByRole('heading', { level: 1, name: table }).waitFor();
  await expect.poll(() => ben.page.getByRole('main').getByRole('link', { name: /^New / }).count()).toBe(shared ? 0 : 1);

  const eve = await arrive('eve');
  await signUp(eve, confirmationOf);
  await found(eve, 'Eve alone');
  await open(eve, table);
  await eve.page.getByText(/^There is no .* yet\.$/).waitFor();
  expect(await eve.page.getByText('The first of all').count()).toBe(0);

  const own = await ownData(eve);
  expect(own).toMatchObject({ profiles: [{ full_name: 'eve' }], organizations: [{ name: 'Eve alone' }] });
  expect(JSON.stringify(own)).not.toContain('ann');

  const link = await linkFor(server, eve.email, appUrl);
  const again = await arrive('eve again', link);
  await again.page.getByLabel('New password').fill('another horse battery');
  await again.page.getByRole('button', { name: 'Save the password' }).click();
  await again.page.getByRole('heading', { level: 1, name: 'Eve alone' }).waitFor();

  await eve.page.context().close();
  await open(again, 'Profile');
  await again.page.getByRole('button', { name: 'Delete my account' }).click();
  await again.page.getByRole('dialog').getByRole('button', { name: 'Delete my account' }).click();
  await again.page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
  expect((await admin.from('profiles').select('id').eq('email', eve.email)).data).toEqual([]);

  for (const { email, problems } of people) expect({ email, problems }).toEqual({ email, problems: [] });
  return ann;
}

/** A client with all rights. */
function adminOf({ url, secretKey }: Work['server']): SupabaseClient {
  return createClient(url, secretKey, {
    auth: { persistSession: false },
    realtime: { transport: WebSocket as never },
  });
}

/** The link of an email that resets the password. */
async function linkFor(server: Work['server'], email: string, redirectTo: string): Promise<string> {
  const { auth } = adminOf(server);
  const { data, error } = await auth.admin.generateLink({ type: 'recovery', email, options: { redirectTo } });
  if (error) throw error;
  return data.properties.action_link;
}

/** What someone downloads on the page of their profile. */
async function ownData(person: Person): Promise<unknown> {
  await open(person, 'Profile');
  const downloading = person.page.waitForEvent('download');
  await person.page.getByRole('button', { name: 'Download my data' }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toBe('my-data.json');
  return JSON.parse(readFileSync(await download.path(), 'utf8')) as unknown;
}

/** Every page fits narrow and wide screens, light and dark, and axe finds nothing wrong with it. */
async function everyPage(person: Person, table: string): Promise<void> {
  const { page } = person;
  const titles = [
    'Home',
    table,
    'Members',
    'Plan and usage',
    'API keys',
    'Settings',
    'New organization',
    'Notifications',
    'Profile',
  ];
  for (const title of titles) {
    for (const [width, colorScheme] of [
      [1600, 'light'],
      [360, 'dark'],
    ] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      const menu = page.getByRole('button', { name: 'Menu' });
      if (width < 1024) await menu.click();
      await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: title, exact: true }).click();
      // The page before has a heading as well.
      await page.locator('nav a[aria-current="page"]', { hasText: title }).waitFor({ state: 'attached' });
      await page.getByRole('heading', { level: 1 }).waitFor();
      await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count()).toBe(0);
      await still(page);
      const at = { title, width, colorScheme };
      expect({ ...at, sideways: await sidewaysScroll(page) }).toEqual({ ...at, sideways: 0 });
      expect({ ...at, problems: await accessibilityProblems(page) }).toEqual({ ...at, problems: [] });
    }
  }
}

/** Kilobytes of all JavaScript of the built app, as servers send it. */
function compressed(directory: string): number {
  const assets = join(directory, 'app', 'dist', 'assets');
  const scripts = readdirSync(assets).filter((name) => name.endsWith('.js'));
  return scripts.reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name))).length, 0) / 1000;
}

describe('the packages of the app', () => {
  const read = <T extends object>(...path: string[]): T => JSON.parse(readFileSync(join(root, ...path), 'utf8')) as T;
  const own = read<Record<string, Record<string, string>>>('templates', 'musekit', 'app', 'package.json');
  const named = { ...own['dependencies'], ...own['devDependencies'] };

  it('are those that the tests use', () => {
    const here = read<Record<string, object>>('package.json');
    expect({ ...here['dependencies'], ...here['devDependencies'] }).toMatchObject(named);
  });

  it('are those of its lock file, which names where each is, so that npm asks nobody', () => {
    interface Entry {
      version: string;
      resolved?: string;
      inBundle?: boolean;
    }
    const lock = read<{ packages: Record<string, Entry> }>('templates', 'musekit', 'app', 'package-lock.json');
    const { '': app, ...packages } = lock.packages;
    expect(app).toMatchObject({ dependencies: own['dependencies'], devDependencies: own['devDependencies'] });
    for (const [name, version] of Object.entries(named))
      expect(packages[`node_modules/${name}`]).toMatchObject({ version });
    for (const [place, { version, resolved, inBundle }] of Object.entries(packages)) {
      if (inBundle === true) continue;
      const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
      expect(resolved).toBe(`https://registry.npmjs.org/${name}/-/${name.split('/').at(-1)}-${version}.tgz`);
    }
  });
});
