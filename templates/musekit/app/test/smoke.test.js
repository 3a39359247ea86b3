/** Opens the built app in a browser, if there is one, and looks whether it says anything wrong. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { preview } from 'vite';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const places = (process.env.PATH ?? '').split(delimiter);
const executablePath =
  process.env.CHROME_PATH ?? places.flatMap((place) => names.map((name) => join(place, name))).find(existsSync);

test(
  'the sign-in page opens',
  { skip: executablePath === undefined && 'There is no Chromium on the PATH.' },
  async () => {
    const server = await preview({ root: join(import.meta.dirname, '..'), preview: { port: 0 } });
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      const problems = [];
      page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
      page.on('pageerror', (error) => problems.push(error.message));
      await page.goto(server.resolvedUrls.local[0]);
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      assert.deepEqual(problems, []);
    } finally {
      await browser.close();
      await server.close();
    }
  },
);
