import { describe, expect, it } from 'vitest';
import { renderPage } from '../../src/portfolio/page.ts';
import { OwnPortfolio } from '../../src/portfolio/portfolio.ts';
import { rowsOf, useRegistries } from './registries.ts';
import { at, museNamed, runOf } from './sample-portfolio.ts';

const nasty = '<img src=x onerror=alert(1)>"\'&\u202e\n</script>';

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
    // The canary's wave is too short for a name of its own.
    expect(html.match(/(?<=%">|right: 0">)waves? [^<]*/g)).toEqual(['waves 1–2', 'wave 3']);
  });
});

describe('1,000 muses', () => {
  const open = useRegistries('PGlite');

  it('are read from the registry with a few statements, however many they are', async () => {
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
    let statements = 0;
    const counted: typeof registry = {
      ...registry,
      transaction: (work) =>
        registry.transaction((session) =>
          work({
            ...session,
            query: (sql, parameters) => {
              statements += 1;
              return session.query(sql, parameters);
            },
          }),
        ),
    };
    const portfolio = new OwnPortfolio(counted, { directory, environment: {}, signal });
    const muses = await portfolio.status();
    // How long that takes is measured by `npm run bench fleet`.
    expect(statements).toBeGreaterThan(0);
    expect(statements).toBeLessThan(5);
    expect(muses).toHaveLength(1000);
    expect(muses.every(({ known }) => known)).toBe(true);
    expect(await portfolio.page()).toContain('1000 muses, 1000 as they should be');
  });
});
