import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { isFine } from '../../src/portfolio/status.ts';
import { renderPage } from '../../src/portfolio/page.ts';
import { browserNote, browserPath, faintTexts, openBrowser, sidewaysScroll, watchPage } from '../support/browser.ts';
import { temporaryDirectory } from '../support/cli.ts';
import { at, manyMuses, runOf } from './sample-portfolio.ts';
import { isWhole } from '../support/sample.ts';

const muses = manyMuses(1000);
const run = runOf(muses.map(({ name }) => name));

describe.skipIf(browserPath === undefined)(`the page of 1,000 muses in a browser${browserNote}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser.close());

  /** Opens the page; whatever a test does with it must leave nothing in its console, and load nothing. */
  async function openPage(options: BrowserContextOptions = {}): Promise<Page> {
    const file = join(await temporaryDirectory(), 'portfolio.html');
    await writeFile(file, await renderPage({ muses, run, at }));
    const { page, problems } = await watchPage(browser, pathToFileURL(file).href, options);
    onTestFinished(async () => {
      await page.context().close();
      expect(problems).toEqual([]);
    });
    return page;
  }

  const visibleRows = (page: Page): Promise<number> => page.locator('tbody tr:not([hidden])').count();
  const shown = (page: Page): Promise<string> => page.locator('#shown').innerText();

  it('shows those that the filters name, alone and together', async () => {
    const page = await openPage();
    const [search, show, state] = [page.getByLabel('Search'), page.getByLabel('Show'), page.getByLabel('State')];
    const count = (those: (muse: (typeof muses)[number]) => boolean): number => muses.filter(those).length;
    const cases: [search: string, show: string, state: string, expected: number][] = [
      ['', 'all', '', 1000],
      ['', 'wrong', '', count((muse) => !isFine(muse))],
      ['', 'unknown', '', count(({ known }) => !known)],
      ['', 'all', 'verified', count((muse) => muse.state === 'verified')],
      ['realty', 'all', '', 125],
      ['REALTY paying', 'all', '', count(({ name, tags }) => name.startsWith('realty') && tags.includes('paying'))],
      ['muse-0021', 'all', '', 1],
      ['timed out', 'wrong', 'migrated', count(({ environments }) => environments[0]?.error !== undefined)],
      ['unreachable', 'unknown', 'verified', 0],
      ['nothing like this', 'all', '', 0],
    ];
    for (const [text, which, inState, expected] of cases) {
      await search.fill(text);
      await show.selectOption(which);
      await state.selectOption(inState);
      expect([text, which, inState, await visibleRows(page)]).toEqual([text, which, inState, expected]);
      expect(await shown(page)).toBe(`${expected} of 1000`);
      expect(await page.getByText('No muse matches.').isVisible()).toBe(expected === 0);
    }
  });

  it('answers each key before the next frame, with less work than opening it took', async () => {
    const page = await openPage();
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    const spent = async (): Promise<number> => {
      const { metrics } = await session.send('Performance.getMetrics');
      return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
    };
    const before = await spent();
    await page.reload();
    const opening = (await spent()) - before;
    // Notes what the page says in the frame after each key.
    await page.evaluate(`{
      window.frames_ = [];
      document.querySelector('#search').addEventListener('input', () =>
        requestAnimationFrame(() => window.frames_.push(document.querySelector('#shown').textContent)));
    }`);
    const typed = 'muse-0999';
    const idle = await spent();
    // One after the other: of two keys in one frame, the page would answer the second alone.
    for (const [index, key] of Array.from(typed).entries()) {
      await page.getByLabel('Search').press(key);
      await expect.poll(() => page.evaluate('window.frames_.length')).toBe(index + 1);
    }
    const filtering = (await spent()) - idle;
    const expected = Array.from(typed, (_, index) => {
      const text = typed.slice(0, index + 1);
      return `${muses.filter(({ name }) => name.includes(text)).length} of 1000`;
    });
    expect(await page.evaluate('window.frames_')).toEqual(expected);
    expect(filtering / typed.length).toBeLessThan(opening);
  });

  it.each([
    ['light', 360],
    ['light', 1600],
    ['dark', 360],
    ['dark', 1600],
  ] as const)('can be read in %s at %i pixels, and is never scrolled sideways', async (colorScheme, width) => {
    const page = await openPage({ colorScheme, viewport: { width, height: 800 } });
    expect(await sidewaysScroll(page)).toBe(0);
    expect(await faintTexts(page, 'header *, h2 *, .waves *, .legend *, .filters *, tbody:first-of-type *')).toEqual(
      [],
    );
    // The longest texts are in rows that something is wrong with; the last rows are laid out only when they are seen.
    for (const which of ['wrong', 'all']) {
      await page.getByLabel('Show').selectOption(which);
      await page.evaluate('window.scrollTo(0, document.body.scrollHeight)');
      expect(await sidewaysScroll(page)).toBe(0);
    }
  });

  it.runIf(isWhole)('has its other colors at the press of a button, and is used with the keyboard alone', async () => {
    const page = await openPage({ colorScheme: 'light' });
    const background = (): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const focused = (): Promise<string> =>
      page.evaluate('[document.activeElement.id, document.activeElement.matches(":focus-visible")].join(" ")');
    const light = await background();
    const stops: string[] = [];
    for (let press = 0; press < 4; press += 1) {
      await page.keyboard.press('Tab');
      stops.push(await focused());
    }
    expect(stops).toEqual(['theme true', 'search true', 'show true', 'state true']);
    for (let press = 0; press < 3; press += 1) await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    expect(await background()).not.toBe(light);
    await page.keyboard.press('Space');
    expect(await background()).toBe(light);
    await page.keyboard.press('Tab');
    await page.keyboard.type('kidmuse');
    expect(await shown(page)).toBe('125 of 1000');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowDown');
    expect(await shown(page)).toBe(
      `${muses.filter((muse) => muse.name.startsWith('kidmuse') && !isFine(muse)).length} of 1000`,
    );
  });

  it.runIf(process.env['CREATE_MUSE_PICTURES'])('is the picture in the docs', async () => {
    const page = await openPage({ viewport: { width: 1200, height: 720 } });
    await page.screenshot({ path: join(import.meta.dirname, '..', '..', 'docs', 'portfolio.png') });
  });
});
