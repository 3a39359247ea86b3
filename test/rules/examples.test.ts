import { describe, expect, it } from 'vitest';
import type { Migration } from '../../src/sql/migration.ts';
import { allRules, lint } from '../../src/rules/registry.ts';

async function rulesIn(sql: string, layer: Migration['layer']): Promise<string[]> {
  const file = `migrations/${layer}/001_a.sql`;
  const { findings } = await lint({
    migrations: [{ layer, file, number: '001', checksum: '', sql }],
    rollbacks: new Set([file]),
  });
  return findings.map(({ rule }) => rule);
}

const examples = allRules.filter(({ check, doc }) => check !== undefined && doc.bad !== undefined);

describe('the examples of the documentation', () => {
  it.each(examples.map(({ name, doc }) => [name, doc.bad ?? '']))('the bad one is found: %s', async (rule, sql) => {
    expect(await rulesIn(sql, 'core')).toContain(rule);
  });

  it.each(examples.map(({ name, doc }) => [name, doc.good ?? '']))('the good one is not: %s', async (rule, sql) => {
    expect(await rulesIn(sql, 'core')).not.toContain(rule);
  });
});
