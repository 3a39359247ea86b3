import { join } from 'node:path';
import { expect, it } from 'vitest';
import { node, temporaryDirectory } from './cli.ts';

const root = join(import.meta.dirname, '..', '..');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');

it('prints last why no test ran', async () => {
  const missing = join(await temporaryDirectory(), 'missing');
  const env = { TMPDIR: missing, TEMP: missing, TMP: missing };
  const { code, stdout, stderr } = await node(vitest, ['run', join(import.meta.dirname, 'native-binaries.test.ts')], {
    cwd: root,
    env,
  });
  expect(code).toBe(1);
  expect(stderr.trim()).toMatch(
    /^No test ran: the PostgreSQL server that the tests share did not start\.\nENOENT: .*missing/,
  );
  expect(stdout + stderr).not.toMatch(/No test files found/);
});
