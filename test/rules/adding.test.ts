/** A rule is one file: a rule from a test, passed to the engine, works everywhere that rules do. */
import { describe, expect, it } from 'vitest';
import { formatSarif } from '../../src/publish/findings-sarif.ts';
import type { RelationRow } from '../../src/rules/engine/live/catalog.ts';
import { repairWith } from '../../src/rules/engine/fix/repair.ts';
import { lintWith } from '../../src/rules/engine/lint.ts';
import { liveFindings } from '../../src/rules/engine/live/run.ts';
import { rulePages } from '../../src/rules/engine/pages.ts';
import { allRules, ruleNamed } from '../../src/rules/registry.ts';
import { folders, migrationsOf } from '../migrations/files.ts';
import { rule } from './fixtures/money-as-float.ts';

const file = 'migrations/core/001_shop.sql';
const migrations = migrationsOf({
  [file]:
    '-- Shop\ncreate table if not exists items (id int, price float8);\nalter table items enable row level security;\n',
});

describe('an added rule', () => {
  it('is used by lint, with the others', async () => {
    const { findings } = await lintWith([...allRules, rule], { migrations, rollbacks: new Set() });
    expect(findings).toMatchObject([{ rule: 'money-as-float', severity: 'warning', line: 2, column: 43 }]);
  });

  it('gets its level from muse.json', async () => {
    expect(
      (await lintWith([rule], { migrations, rollbacks: new Set(), severities: { 'money-as-float': 'off' } })).findings,
    ).toEqual([]);
  });

  it('has its fix applied', async () => {
    const repaired = await repairWith([...allRules, rule], {
      migrations,
      rollbacks: new Map(),
      folders,
      kit: 'shop',
      builtin: [],
    });
    expect(repaired.classes.map((each) => each.rule)).toEqual(['money-as-float']);
    expect(repaired.edits.get(file)).toContain('price numeric');
    expect(repaired.remaining).toEqual([]);
  });

  it('is used by the checks of a database', () => {
    const table = {
      schema: 'public',
      name: 'items',
      kind: 'r',
      policies: [],
      columns: [{ name: 'price', base: 'double precision' }],
    } as unknown as RelationRow;
    const catalog = { user: 'postgres', roles: {}, schemaUsage: {}, relations: [table], functions: [] };
    expect(liveFindings([rule], { catalog, expectations: { declarations: [] }, parse: () => undefined })).toMatchObject(
      [{ rule: 'money-as-float', object: 'public.items' }],
    );
  });

  it('is described in SARIF', async () => {
    const { findings } = await lintWith([rule], { migrations, rollbacks: new Set() });
    expect(JSON.parse(formatSarif(findings, '1.0.0', [rule]))).toMatchObject({
      runs: [{ tool: { driver: { rules: [{ id: 'money-as-float', shortDescription: { text: rule.means } }] } } }],
    });
  });

  it('has a page, and a line in the list', () => {
    const pages = rulePages([...allRules, rule]);
    expect(pages.get('money-as-float.md')).toContain('## How to fix it\n\n`muse lint --fix`: makes it numeric.');
    expect(pages.get('README.md')).toContain(
      '| [`money-as-float`](money-as-float.md) | warning | a price in a type that rounds |',
    );
  });
});

describe('the list of rules', () => {
  it('names each rule like its file', () => {
    for (const { name } of allRules) expect(ruleNamed(name).name).toBe(name);
  });

  it('has no other name', () => {
    expect(() => ruleNamed('toString')).toThrow('There is no rule');
  });
});
