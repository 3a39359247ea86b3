import { describe, expect, it } from 'vitest';
import type { Migration } from '../../../src/sql/migration.ts';
import { checks } from '../../../src/rules/lint/checks.ts';
import { lint } from '../../../src/rules/lint/lint.ts';

async function rulesIn(sql: string, layer: Migration['layer']): Promise<string[]> {
  const file = `migrations/${layer}/001_a.sql`;
  const { findings } = await lint({ migrations: [{ layer, file, number: '001', checksum: '', sql }], rollbacks: new Set([file]) });
  return findings.map(({ rule }) => rule);
}

const examples = checks.filter(({ doc }) => doc.bad !== undefined);

describe('the examples of the documentation', () => {
  it.each(examples.map((check) => [check.rule, check.doc.bad ?? '']))('the bad one is found: %s', async (rule, sql) => {
    expect(await rulesIn(sql, 'core')).toContain(rule);
  });

  it.each(examples.map((check) => [check.rule, check.doc.good ?? '']))('the good one is not: %s', async (rule, sql) => {
    expect(await rulesIn(sql, 'core')).not.toContain(rule);
  });
});
