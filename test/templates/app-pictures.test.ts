import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startDev } from '../../src/index.ts';
import { browserPath, openBrowser } from '../support/browser.ts';
import { temporaryDirectory } from '../support/cli.ts';
import { buildApp, found, museWithApp, open, openApp, serveApp, signUp, still } from './app-support.ts';

const docs = join(import.meta.dirname, '..', '..', 'docs');

const leads = [
  ['Maria Chen', 'Harbor Foods', 'referral', 'qualified', '82'],
  ['Tom Becker', 'Becker & Sons', 'website', 'new', '35'],
  ['Aisha Khan', 'Northwind Clinics', 'event', 'contacted', '60'],
  ['Luis Ortega', 'Ortega Movers', 'phone', 'converted', '95'],
  ['Grace Lee', 'Lee Studio', 'website', 'contacted', '48'],
];

it.runIf(process.env['CREATE_MUSE_PICTURES'] && browserPath)(
  'the pictures in docs/app.md',
  { timeout: 300_000 },
  async () => {
    const directory = join(await temporaryDirectory(), 'shop');
    await museWithApp(directory, { presets: ['crm'] });
    const server = await startDev({ directory, port: 0, databasePort: 0 });
    onTestFinished(() => server.close());
    await buildApp(directory);
    const app = await serveApp(directory);
    onTestFinished(app.close);
    const browser = await openBrowser();
    onTestFinished(() => browser.close());

    const person = await openApp(browser, app.url, 'sam', { viewport: { width: 1080, height: 760 } });
    const { page } = person;
    await signUp(person);
    await found(person, 'Harbor Sales');
    for (const [name = '', company = '', source = '', status = '', score = ''] of leads) {
      await open(person, 'Leads');
      await page.getByRole('main').getByRole('link', { name: 'New lead' }).click();
      await page.getByLabel('Name').fill(name);
      await page.getByLabel('Company').fill(company);
      await page.getByLabel('Source').selectOption(source);
      await page.getByLabel('Status').selectOption(status);
      await page.getByLabel('Score').fill(score);
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByRole('table').getByText(name).waitFor();
    }
    const picture = async (name: string): Promise<void> => {
      await still(page);
      await page.screenshot({ path: join(docs, `app-${name}.png`) });
    };
    await expect.poll(() => page.getByRole('row').count()).toBe(leads.length + 1);
    await picture('list-light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.getByRole('link', { name: 'Aisha Khan' }).click();
    await page.getByRole('heading', { level: 1, name: 'Aisha Khan' }).waitFor();
    await picture('form-dark');
    await page.setViewportSize({ width: 360, height: 740 });
    await page.getByRole('button', { name: 'Menu' }).click();
    await picture('menu-phone');
  },
);
