/** A class of repair is kept where its own findings become fewer and no error is added; otherwise it is rolled back, and that is said. */
import { afterAll, describe, expect, it } from 'vitest';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { openTrials } from '../../src/muse/repair/trials.ts';
import type { Fix } from '../../src/rules/engine/fix/fix.ts';
import { repairWith } from '../../src/rules/engine/fix/repair.ts';
import type { RepairInput } from '../../src/rules/engine/fix/run.ts';
import type { Rule } from '../../src/rules/engine/rule.ts';
import { repair } from '../../src/rules/registry.ts';
import { lazy } from '../../src/shared/lazy.ts';
import { folders, migrationsOf } from '../migrations/files.ts';

const file = 'migrations/core/001_one.sql';
const input = (sql: string): RepairInput => ({
  migrations: migrationsOf({ [file]: sql }),
  rollbacks: new Map(),
  folders,
  kit: 'kit',
  builtin: [],
});

/** A rule that finds each `bad` in a file, with what it does about those. */
function ruleOf(name: string, severity: Rule['severity'], fix?: Fix['apply'], word = 'bad'): Rule {
  return {
    name,
    severity,
    found: ['static'],
    means: '',
    doc: { why: '', bad: '', good: '' },
    check: {
      source(source, report) {
        for (const { index } of source.migration.sql.matchAll(new RegExp(`\\b${word}\\b`, 'g')))
          report({ source, offset: index, message: `${word} at ${index}`, suggestion: '' });
      },
    },
    ...(fix === undefined ? {} : { fix: { does: '', stage: 'details', apply: fix } }),
  };
}

/** Replaces the first `bad`. */
const first =
  (text: string): Fix['apply'] =>
  ({ migrations: [migration] }) => {
    const start = migration!.sql.indexOf('bad');
    return { edits: start < 0 ? [] : [{ file, start, end: start + 3, text }] };
  };

describe('a class', () => {
  it.each<[name: string, fix: Fix['apply'], sql: string, why: string | undefined]>([
    ['that ends what it found', first('good'), '-- good\nselect 1;', undefined],
    ['that writes something else, and is found again', first('bad -- really'), '-- bad\nselect 1;', 'as many findings'],
    ['that makes two of one', first('bad, bad'), '-- bad\nselect 1;', 'as many findings'],
    ['that adds an error', first('worse'), '-- bad\nselect 1;', 'add an error (worse)'],
  ])('%s', async (_, fix, sql, why) => {
    const rules = [ruleOf('bad', 'warning', fix), ruleOf('worse', 'error', undefined, 'worse')];
    const { migrations, left, classes } = await repairWith(rules, input('-- bad\nselect 1;'));
    expect(migrations[0]!.sql).toBe(sql);
    expect(classes.map(({ rule }) => rule)).toEqual(why === undefined ? ['bad'] : []);
    expect(left.map(({ rule }) => rule)).toEqual(why === undefined ? [] : ['bad']);
    if (why !== undefined) expect(left[0]!.why).toContain(why);
  });
});

describe('whom a policy is for', () => {
  const shadow = lazy(() => openEmbedded({}));
  afterAll(() => shadow.close());
  const sql = [
    '-- Posts.',
    'create table if not exists posts (id int primary key, published boolean);',
    'alter table posts enable row level security;',
    'grant select on posts to authenticated, service_role;',
    'drop policy if exists "Published posts" on posts;',
    'create policy "Published posts" on posts for select using (published);',
    '',
  ].join('\n');

  it.each([
    ['is not said where visitors have no grant, which --fix may not give', false],
    ['is said with the grant, where that may be given', true],
  ])('%s', async (_, mayWiden) => {
    const { migrations, left, remaining } = await repair({
      ...input(sql),
      mayWiden: () => mayWiden,
      ...openTrials({ shadow, signal: new AbortController().signal }),
    });
    expect(migrations[0]!.sql.includes('TO anon, authenticated')).toBe(mayWiden);
    expect(left.map(({ rule, why }) => `${rule}: ${why}`)).toEqual(
      mayWiden ? [] : [expect.stringMatching(/^policy-without-role: .*public\.posts.* add an error \(grant-missing\)/)],
    );
    expect(remaining.filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});
