import { execFileSync, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { PortfolioMuse, Rollout } from '../../src/portfolio/api-types.ts';
import { renderPage } from '../../src/portfolio/page.ts';
import { OwnPortfolio } from '../../src/portfolio/portfolio.ts';
import { temporaryDirectory } from '../support/cli.ts';
import { rowsOf, useRegistries } from './registries.ts';

const at = '2026-11-28T12:00:00.000Z';
const nasty = '<img src=x onerror=alert(1)>"\'&\u202e\n</script>';

const museNamed = (name: string, more: Partial<PortfolioMuse> = {}): PortfolioMuse => ({
  name,
  state: 'migrated',
  source: `/srv/${name}`,
  host: 'build',
  isRemote: false,
  tags: [],
  kit: { commit: 'create-muse@0.1.0', behind: 0 },
  environments: [
    { name: 'production', target: 'supabase', applied: 14, pending: 0, drift: 0, known: 'yes', seenAt: at },
  ],
  addedAt: at,
  seenAt: at,
  known: true,
  ...more,
});

const runOf = (names: readonly string[]): Rollout => ({
  run: {
    name: 'migrate-7',
    kind: 'migrate',
    environment: 'production',
    state: 'stopped',
    wave: 2,
    waves: 3,
    tool: '0.1.0',
    startedBy: 'ada',
    host: 'build',
    createdAt: at,
    pausedUntil: null,
    endedAt: at,
  },
  muses: names.map((name, index) => ({
    name,
    wave: 1 + (index % 3),
    state: (['done', 'failed', 'blocked'] as const)[index % 3]!,
    ...(index % 3 === 2 ? {} : { startedAt: at, endedAt: new Date(Date.parse(at) + 1000 * (index + 1)).toISOString() }),
  })),
  attached: false,
  skipped: [],
  added: [],
});

describe('the page', () => {
  it('shows text of others as text, and needs nothing else', async () => {
    const muse = museNamed(nasty, {
      tags: [nasty],
      source: nasty,
      kit: { commit: nasty },
      error: { code: 'findings', message: nasty, suggestion: nasty },
      environments: [
        {
          name: 'staging',
          target: nasty,
          known: 'unreachable',
          error: { code: 'x', message: nasty, suggestion: nasty },
        },
      ],
    });
    const html = await renderPage({ muses: [muse], run: runOf([nasty]), at });
    expect(html).not.toContain('<img');
    expect(html).not.toContain('\u202e');
    expect(html.match(/<\/script>/g)).toHaveLength(1);
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(html).not.toMatch(/(?:src|href)=["']|@import|url\(/);
    expect(html).toContain("default-src 'none'");
  });

  it('has what is wrong first, the run on top, and a row for each of 1,000 muses', async () => {
    const names = Array.from({ length: 1000 }, (_, index) => `muse${index}`);
    const muses = names.map((name, index) =>
      museNamed(
        name,
        index === 700 ? { known: false, environments: [{ name: 'staging', target: 'postgres', known: 'never' }] } : {},
      ),
    );
    const began = performance.now();
    const html = await renderPage({ muses, run: runOf(names), at });
    expect(performance.now() - began).toBeLessThan(1000);
    expect(html.match(/<tr data-fine/g)).toHaveLength(1000);
    expect(html.indexOf('muse700<small>')).toBeLessThan(html.indexOf('muse0<small>'));
    expect(html.match(/<rect class="(?:done|failed)"/g)?.length).toBe(667);
    expect(html).toContain('1000 muses, 999 as they should be');
    expect(html.length).toBeLessThan(1_500_000);
  });

  const browser = ['chromium', 'chromium-browser', 'google-chrome', 'chrome-headless-shell'].find(
    (name) => spawnSync(name, ['--version']).status === 0,
  );

  it.skipIf(browser === undefined)('filters in a browser (needs Chromium on the PATH)', async () => {
    const file = join(await temporaryDirectory(), 'page.html');
    const names = Array.from({ length: 1000 }, (_, index) => `muse${index}`);
    await writeFile(file, await renderPage({ muses: names.map((name) => museNamed(name)), at }));
    const dom = execFileSync(
      browser!,
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--virtual-time-budget=2000',
        '--dump-dom',
        pathToFileURL(file).href,
      ],
      { encoding: 'utf8', maxBuffer: 1 << 26 },
    );
    expect(dom).toContain('1000 of 1000</output>');
  });
});

describe('1,000 muses', () => {
  const open = useRegistries('PGlite');

  it('are read from the registry within a second', async () => {
    const { registry, directory } = await open();
    await rowsOf(
      registry,
      `insert into portfolio.muses (name, key, source, host, state)
       select 'muse' || n, 'muse' || n, '/srv/muse' || n, 'build', 'migrated' from generate_series(1, 1000) n`,
    );
    await rowsOf(
      registry,
      `insert into portfolio.environments (muse, name, target, files, seen_at)
       select id, e, 'postgres', '{"applied": 14, "pending": 0}', now() from portfolio.muses, unnest(array['staging', 'production']) e`,
    );
    const { signal } = new AbortController();
    const portfolio = new OwnPortfolio(registry, { directory, environment: {}, signal });
    const began = performance.now();
    const muses = await portfolio.status();
    expect(performance.now() - began).toBeLessThan(1000);
    expect(muses).toHaveLength(1000);
    expect(muses.every(({ known }) => known)).toBe(true);
    expect(await portfolio.page()).toContain('1000 muses, 1000 as they should be');
  });
});
