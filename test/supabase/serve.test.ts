import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';

it('the fake API runs as a process, without TypeScript', async () => {
  const script = join(import.meta.dirname, '..', 'support', 'fake-api', 'serve.js');
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const lines = createInterface(child.stdout);
  const [line] = (await once(lines, 'line')) as [string];
  const { url, env } = JSON.parse(line) as { url: string; env: Record<string, string> };
  const answer = await fetch(`${url}/v1/organizations`, {
    headers: { authorization: `Bearer ${env['SUPABASE_ACCESS_TOKEN']}` },
  });
  expect(await answer.json()).toEqual([{ id: 'acme', slug: 'acme', name: 'Acme Inc.' }]);
  const last = once(lines, 'line');
  child.stdin.end();
  expect(await last).toEqual(['stopped']);
  expect((await ended)[0]).toBe(0);
});
