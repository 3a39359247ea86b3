// The fake API as a process, or in a script outside the tests. `node test/support/fake-api/serve.js` prints one line of
// JSON with the environment for a client, and runs until its input ends or it is stopped.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = import.meta.dirname;
const root = join(here, '..', '..', '..');

/**
 * Opens a fake API without a TypeScript runtime: it is compiled first, into node_modules, so that packages resolve.
 * @returns {Promise<import('./fake-api.ts').FakeApi>}
 */
export async function openCompiledFakeApi() {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  const cache = join(root, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const out = mkdtempSync(join(cache, 'create-muse-fake-api-'));
  const options = [
    '--target',
    'es2023',
    '--module',
    'nodenext',
    '--ignoreConfig',
    '--noCheck',
    '--rewriteRelativeImportExtensions',
    '--types',
    'node',
    '--rootDir',
    root,
    '--outDir',
    out,
  ];
  execFileSync(process.execPath, [tsc, ...options, join(here, 'open.ts')], { cwd: root });
  for (const name of ['document.json', 'certificate.pem', 'key.pem'])
    copyFileSync(join(here, name), join(out, 'test', 'support', 'fake-api', name));
  cpSync(join(here, '..', 'certificates'), join(out, 'test', 'support', 'certificates'), { recursive: true });
  const { openFakeApi } = await import(pathToFileURL(join(out, 'test', 'support', 'fake-api', 'open.js')).href);
  const fakeApi = await openFakeApi();
  return {
    ...fakeApi,
    close: async () => {
      await fakeApi.close();
      rmSync(out, { recursive: true, force: true });
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const fakeApi = await openCompiledFakeApi();
  let closing = false;
  const stop = async () => {
    if (closing) return;
    closing = true;
    // PostgreSQL's process does not keep this one alive, so wait for it.
    const alive = setInterval(() => undefined, 1000);
    await fakeApi.close();
    clearInterval(alive);
    process.stdout.write('stopped\n', () => process.exit(0));
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);
  process.stdin.on('end', stop).resume();
  process.stdout.write(`${JSON.stringify({ url: fakeApi.url, env: fakeApi.env })}\n`);
}
