import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createMuse, openMuse, startDev } from '../../src/index.ts';
import { browserPath, openBrowser } from '../support/browser.ts';

const docs = join(import.meta.dirname, '..', '..', 'docs');

/** A file with a hole, for the page of findings. */
const hole = `-- Reviews of listings.
create table if not exists public.reviews (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id) on delete cascade,
  listing_id uuid not null references public.mls_listings (id) on delete cascade,
  stars smallint not null
);
alter table public.reviews enable row level security;
drop policy if exists reviews_write on public.reviews;
create policy reviews_write on public.reviews for all to authenticated using (true) with check (true);
grant select, insert, update, delete on public.reviews to authenticated, service_role;
`;

it.runIf(process.env['CREATE_MUSE_PICTURES'] && browserPath)(
  'the pictures in docs/dev.md',
  { timeout: 300_000 },
  async () => {
    const place = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
    onTestFinished(() => rm(place, { recursive: true, force: true }));
    const directory = join(place, 'realtymuse');
    await createMuse({ name: 'realtymuse', directory, presets: ['realty'], git: false });
    await (await openMuse(directory)).seed();
    const server = await startDev({ directory, port: 0, databasePort: 0, dashboard: true });
    onTestFinished(() => server.close());
    const browser = await openBrowser();
    onTestFinished(() => browser.close());
    const open = async (name: string, colorScheme: 'light' | 'dark') => {
      const page = await browser.newPage({ viewport: { width: 1200, height: 760 }, colorScheme });
      await page.goto(server.dashboardUrl!);
      await page.getByRole('link', { name, exact: true }).click();
      await page.getByRole('heading', { name, exact: true, level: 2 }).waitFor();
      return page;
    };
    const waits = { timeout: 120_000 };
    const picture = (name: string): { path: string } => ({ path: join(docs, `dev-${name}.png`) });

    const findings = await open('Findings', 'light');
    await findings.getByText('no file has changed since').waitFor(waits);
    const table = await open('organization_members', 'light');
    await table.getByText('the owner of the row').waitFor(waits);
    await table.screenshot(picture('table'));

    const diagram = await open('Diagram', 'dark');
    await expect.poll(() => diagram.locator('[data-table]').count()).toBeGreaterThan(10);
    await diagram.screenshot(picture('diagram'));

    await writeFile(join(directory, 'migrations/extensions/002_reviews.sql'), hole);
    await findings.getByRole('button', { name: 'Check now' }).click();
    await findings.locator('.finding').first().waitFor(waits);
    await findings.screenshot(picture('findings'));
  },
);
