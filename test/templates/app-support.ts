/** The app of a muse, built and served for a browser, and what people do in it. */
import { readFileSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, extname, join } from 'node:path';
import { execa } from 'execa';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import { createMuse, type CreateOptions } from '../../src/index.ts';

const root = join(import.meta.dirname, '..', '..');
const password = 'correct horse battery';

/** A muse of the built-in kit, made but not proven: other tests do that. */
export async function museWithApp(
  directory: string,
  options: Omit<CreateOptions, 'name' | 'directory' | 'git' | 'verify'>,
): Promise<void> {
  await createMuse({ name: 'shop', directory, git: false, verify: false, ...options });
  // What `npm install --prefix app` puts there: the repository has the same versions for its tests.
  symlinkSync(join(root, 'node_modules'), join(directory, 'app', 'node_modules'));
}

/** Checks the types of the app, and builds it for the server that the muse's `.env.local` names. */
export async function buildApp(directory: string): Promise<void> {
  const app = join(directory, 'app');
  const run = async (program: string, script: string, ...words: string[]): Promise<void> => {
    const packaged = dirname(join(root, 'node_modules', program, 'package.json'));
    const { exitCode, all } = await execa(process.execPath, [join(packaged, script), ...words], {
      cwd: app,
      // As without a test around it: React is another one then.
      env: { NODE_ENV: 'production' },
      all: true,
      reject: false,
    });
    expect(exitCode, all).toBe(0);
  };
  await run('typescript', 'bin/tsc');
  await run('vite', 'bin/vite.js', 'build', '--logLevel', 'error');
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** Serves the built app as hosts do: any other path is the page. */
export async function serveApp(directory: string): Promise<{ url: string; close(): void }> {
  const dist = join(directory, 'app', 'dist');
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://host');
    const file = extname(pathname) === '' ? '/index.html' : pathname;
    response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream');
    response.end(readFileSync(join(dist, file)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => void server.close() };
}

/** Someone at a browser of their own. */
export interface Person {
  page: Page;
  email: string;
  /** What their console says that it should not. */
  problems: string[];
}

/** Opens the app at a path, for someone who is not known to it. */
export async function openApp(
  browser: Browser,
  url: string,
  name: string,
  options: BrowserContextOptions = {},
): Promise<Person> {
  const context = await browser.newContext({ locale: 'en-US', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const problems: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(url);
  return { page, email: `${name}@example.com`, problems };
}

/**
 * Creates an account.
 * @param confirmationOf finds the link that was mailed to an address, where addresses have to be confirmed
 */
export async function signUp(
  { page, email }: Person,
  confirmationOf?: (email: string) => string | undefined,
): Promise<void> {
  await page.getByRole('link', { name: 'Create an account' }).click();
  await page.getByLabel('Name').fill(email.split('@')[0] ?? email);
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Create account' }).click();
  if (confirmationOf === undefined) return;
  await page.getByRole('heading', { name: 'Check your email' }).waitFor();
  await page.goto(confirmationOf(email) ?? 'about:blank');
}

export async function found({ page }: Person, name: string): Promise<void> {
  await page.getByRole('heading', { name: 'Found an organization' }).waitFor();
  await page.getByLabel('Name').fill(name);
  await page.getByRole('button', { name: 'Found it' }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

/** Opens a page by the menu. */
export async function open({ page }: Person, title: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: title, exact: true }).click();
  await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
}

/** What a browser knows of an input. These programs have no types of a browser's page. */
interface DomInput {
  tagName: string;
  type: string;
  value: string;
  labels: { textContent: string }[];
}

/** Runs in the page. */
function describe(element: unknown): { tag: string; type: string; value: string; label: string } {
  const { tagName, type, value, labels } = element as DomInput;
  return { tag: tagName, type, value, label: labels[0]?.textContent ?? '' };
}

/** Fills in what a form requires, by the kind of each input, and the first text. */
async function fillForm(page: Page, text: string): Promise<void> {
  await page.locator('main form input[type=text]').first().fill(text);
  for (const input of await page.locator('main form :is(input, textarea, select)').all()) {
    const { tag, type, value, label } = await input.evaluate(describe);
    if (value !== '' || label.includes('(optional)') || type === 'checkbox') continue;
    if (tag === 'SELECT') await input.selectOption({ index: 1 });
    else if (type === 'number') await input.fill('7');
    else if (type === 'date') await input.fill('2026-05-04');
    else if (type === 'datetime-local') await input.fill('2026-05-04T10:30');
    else if (type === 'time') await input.fill('10:30');
    else if (type === 'url') await input.fill('https://example.com/');
    else if (type === 'email') await input.fill('someone@example.com');
    else await input.fill(((await input.getAttribute('maxlength')) ?? '') === '2' ? 'US' : text);
  }
}

/** Adds a row with the form, and says what the list shows then. */
export async function addRow({ page }: Person, title: string, text: string): Promise<void> {
  await page.getByRole('main').getByRole('link', { name: /^New / }).click();
  await page.getByRole('heading', { level: 1, name: /^New / }).waitFor();
  await fillForm(page, text);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
  await page.getByRole('table').getByText(text).first().waitFor();
}

/** Waits until nothing moves any more, apart from what moves for ever. What has just changed begins to move with the next frame. */
export async function still(page: Page): Promise<void> {
  await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))');
  await page.evaluate(`Promise.race([
    new Promise((resolve) => setTimeout(resolve, 1000)),
    Promise.allSettled(document.getAnimations().map(({ finished }) => finished)),
  ])`);
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds wrong with the page as it is, one line each: its rule, and the first element. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const found = await page.evaluate<{ id: string; nodes: { html: string }[] }[]>(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)",
  );
  return found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

/** Creates an invitation, and returns its link. */
export async function invite(person: Person, email: string): Promise<string> {
  await open(person, 'Members');
  await person.page.getByLabel('Email').fill(email);
  await person.page.getByRole('button', { name: 'Create the invitation' }).click();
  return person.page.getByLabel('Link of the invitation').inputValue();
}
