import { expect, it } from 'vitest';
import { isCommitted, signed } from '../../src/migrations/graphile-hash.ts';

// As `graphile-migrate commit` writes them.
const first = '--! Previous: -\n--! Hash: sha1:e2c5ad52d3a47c04b3c8dba8c70d7bc0c8e1e1f3\n\ncreate table a (id int);\n';
const [one = ''] = signed([first]);

it('each file holds its own hash and that of the file before it', () => {
  const hash = /Hash: (\S+)/.exec(one)![1]!;
  const [, two = ''] = signed([one, 'drop table a;\n']);
  expect(two).toMatch(new RegExp(`^--! Previous: ${hash}\\n--! Hash: sha1:[0-9a-f]{40}\\n\\ndrop table a;\\n$`));
  expect(signed([one, two])).toEqual([one, two]);
  const changed = signed([one.replace('int', 'bigint'), two]);
  expect(changed[0]).not.toContain(hash);
  expect(changed[1]).toContain(`Previous: ${/Hash: (\S+)/.exec(changed[0]!)![1]!}`);
  expect(two).not.toBe(changed[1]);
});

it('a file that may have another hash keeps it, and its other headers stay', () => {
  const free = '--! AllowInvalidHash\n--! Previous: -\n--! Hash: sha1:0\n--! Message: x\n\nselect 1;\n';
  const [same, next] = signed([free, one]);
  expect(same).toBe(free);
  expect(next).toContain('Previous: sha1:0\n');
});

it.each([
  [one, true],
  ['select 1;\n--! Previous: -\n', false],
  ['-- Previous: -\n', false],
])('%j is committed: %s', (text, expected) => {
  expect(isCommitted(text)).toBe(expected);
});
