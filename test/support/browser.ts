/** A headless Chromium for tests of pages, where the machine has one; it loads nothing from anywhere but the page under test. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'chrome-headless-shell'];

/** The browser of this machine; undefined where none is on the PATH. */
export const browserPath: string | undefined = (process.env['PATH'] ?? '')
  .split(delimiter)
  .flatMap((directory) => names.map((name) => join(directory, name)))
  .find(isExecutable);

/** For titles of tests: what is missing where they are skipped. */
export const browserNote = browserPath === undefined ? ' (skipped: no Chromium on the PATH)' : '';

/** Starts the browser. The caller closes it. */
export async function openBrowser(): Promise<Browser> {
  if (browserPath === undefined) throw new Error(`None of these is on the PATH: ${names.join(', ')}`);
  // Chromium refuses to run in its sandbox as root, and containers have little shared memory.
  const args = ['--no-sandbox', '--disable-dev-shm-usage'];
  return chromium.launch({ executablePath: browserPath, args });
}

/** A page, and what it did that a good page does not do. */
export interface WatchedPage {
  page: Page;
  /** Errors and warnings in its console, exceptions, and what it tried to load beside itself. */
  problems: string[];
}

/**
 * Opens a page in a profile of its own.
 * @param url of the page; what else it asks for is refused, and reported
 */
export async function watchPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
  await page.route('**/*', async (route) => {
    if (route.request().url() === url) return route.continue();
    problems.push(`loads ${route.request().url()}`);
    return route.abort();
  });
  await page.goto(url);
  return { page, problems };
}

/** How many pixels a page can be scrolled sideways. */
export const sidewaysScroll = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');

/**
 * The texts that stand out too little from their background: less than 4.5 to 1, or 3 to 1 where they are large (WCAG 2.2,
 * 1.4.3).
 * @param selector of the elements whose own text is looked at
 */
export const faintTexts = (page: Page, selector: string): Promise<string[]> =>
  page.evaluate(`(${findFaintTexts})(${JSON.stringify(selector)})`);

/** Runs in the page. */
const findFaintTexts = String.raw`(selector) => {
  const channels = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) =>
    [r, g, b]
      .map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
      .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const [r, g, b, opacity = 1] = channels(getComputedStyle(at).backgroundColor);
      if (opacity > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll(selector)].flatMap((element) => {
    const own = [...element.childNodes].filter(({ nodeType }) => nodeType === 3).map(({ data }) => data).join('').trim();
    if (own === '' || !element.checkVisibility()) return [];
    const style = getComputedStyle(element);
    const [one, other] = [light(channels(style.color)), light(behind(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    return ratio < (large ? 3 : 4.5) ? [own + ': ' + ratio.toFixed(2)] : [];
  });
}`;

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
