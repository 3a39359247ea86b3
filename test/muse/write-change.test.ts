/** A change is written as it was planned, however many files it has. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeChange } from '../../src/muse/repair/write.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'create-muse-write-'));
  mkdirSync(join(root, 'migrations'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const names = Array.from({ length: 50 }, (_, index) => `migrations/${String(index).padStart(3, '0')}_t.sql`);
const there = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(join(root, 'migrations')).map((name) => [name, readFileSync(join(root, 'migrations', name), 'utf8')]),
  );

/** Files with a byte order mark each; every second one is renamed, and the others are edited. */
function change() {
  const before = new Map(names.map((name, index) => [name, `select ${index};`]));
  for (const [name, text] of before) writeFileSync(join(root, name), `\uFEFF${text}`);
  const after = new Map(
    names.map((name, index): [string, string] =>
      index % 2 === 0 ? [name.replace('_t', '_renamed'), `select ${index};`] : [name, `select ${index}, 1;`],
    ),
  );
  return { rule: 'enum-type', before, after, decisions: [] };
}

it('edits, renames and removes', async () => {
  const made = change();
  await writeChange(root, made);
  expect(there()).toEqual(
    Object.fromEntries([...made.after].map(([path, text]) => [path.slice('migrations/'.length), `\uFEFF${text}`])),
  );
});

it('follows no link, and writes nothing after it has failed', async () => {
  const made = change();
  const outside = join(root, 'outside.sql');
  writeFileSync(outside, 'mine');
  const link = names[1]!;
  rmSync(join(root, link));
  symlinkSync(outside, join(root, link));
  await expect(writeChange(root, made)).rejects.toMatchObject({ code: 'path-outside' });
  expect(readFileSync(outside, 'utf8')).toBe('mine');
  const now = there();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(there()).toEqual(now);
  // The last ones have not been begun.
  expect(now[names.at(-1)!.slice('migrations/'.length)]).toBe('\uFEFFselect 49;');
});
