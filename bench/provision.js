// From a name to a migrated Supabase project on a fake Supabase API, compared with the real CLI doing its part of it
// there.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCompiledFakeApi } from '../test/support/fake-api/serve.js';
import { median, once } from './measure.js';

/** @param {{ root: string, peer: (name: string, file: string) => string | undefined, rounds: number }} options */
export async function provision({ root, peer, rounds }) {
  const place = mkdtempSync(join(tmpdir(), 'create-muse-bench-'));
  const alive = setInterval(() => undefined, 1000);
  const fakeApi = await openCompiledFakeApi();
  const env = { ...fakeApi.env, SUPABASE_PROFILE: await fakeApi.writeProfile(place), HOME: place };
  const cli = peer('supabase', 'dist/supabase.js');
  const ours = [];
  const theirs = [];
  try {
    for (let round = 0; round < Math.min(rounds, 3); round++) {
      ours.push(await runOurs(fakeApi, place, env, root, `ours${round}`));
      if (cli)
        theirs.push(
          await runTheirs(
            fakeApi,
            place,
            env,
            cli,
            `theirs${round}`,
            join(place, `ours${round}`, 'migrations', 'core'),
          ),
        );
    }
    report(ours, theirs);
  } finally {
    await fakeApi.close();
    clearInterval(alive);
    rmSync(place, { recursive: true, force: true });
  }
}

async function runOurs(fakeApi, place, env, root, name) {
  const from = fakeApi.state.requests.length;
  const report = join(place, `${name}.json`);
  const { ms } = await once({
    command: process.execPath,
    args: [
      join(root, 'bench', 'floor', 'to-file.js'),
      report,
      join(root, 'bin', 'create-muse.js'),
      name,
      '--target',
      'supabase',
      '--org',
      'acme',
      '--region',
      'eu-central-1',
      '--yes',
      '--json',
    ],
    cwd: place,
    env,
  });
  const { steps } = JSON.parse(readFileSync(report, 'utf8'));
  const waited = steps.find(({ id }) => id === 'wait').ms;
  const requests = fakeApi.state.requests.slice(from);
  // Waiting starts after the POST and ends with the last check of the services' health.
  const isHealth = ({ path }) => path.includes('/health');
  const waiting = requests.slice(
    requests.findIndex(({ method }) => method === 'POST') + 1,
    requests.findLastIndex(isHealth) + 1,
  );
  const looks = waiting.filter((request) => isHealth(request) || /\/v1\/projects\/[a-z]{20}$/.test(request.path));
  const gaps = looks.slice(1).map(({ at }, index) => at - looks[index].at);
  return {
    ms,
    waited,
    requests: requests.filter(({ path }) => path.startsWith('/v1/')).length,
    all: requests.length,
    smallestGap: Math.min(...gaps),
  };
}

/** `projects create`, then `db push` of the same core files as soon as the database accepts connections. */
async function runTheirs(fakeApi, place, env, cli, name, core) {
  const from = fakeApi.state.requests.length;
  const directory = join(place, name);
  mkdirSync(join(directory, 'supabase', 'migrations'), { recursive: true });
  for (const file of readdirSync(core).filter((file) => file.endsWith('.sql'))) {
    writeFileSync(
      join(directory, 'supabase', 'migrations', `${20260101000000 + Number.parseInt(file, 10)}_${file.slice(4)}`),
      readFileSync(join(core, file)),
    );
  }
  const run = (args, exit) =>
    once({
      command: process.execPath,
      args: [cli, ...args],
      cwd: directory,
      env: { ...env, HOME: directory, DO_NOT_TRACK: '1' },
      exit,
    });
  const start = performance.now();
  await run([
    'projects',
    'create',
    name,
    '--org-id',
    'acme',
    '--region',
    'eu-central-1',
    '--db-password',
    'bench-password-of-the-fake-api',
    '--yes',
  ]);
  const project = [...fakeApi.state.projects.values()].find((one) => one.name === name);
  let waited = 0;
  // The CLI does not wait until the project is up, so this has to.
  for (;;) {
    const answer = await fetch(`${fakeApi.url}/v1/projects/${project.ref}/config/database/pooler`, {
      headers: { authorization: `Bearer ${fakeApi.state.token}` },
    });
    const [row] = await answer.json();
    const up = await fetch(`${fakeApi.url}/v1/projects/${project.ref}`, {
      headers: { authorization: `Bearer ${fakeApi.state.token}` },
    });
    if (row && (await up.json()).status === 'ACTIVE_HEALTHY') {
      await run([
        'db',
        'push',
        `--remote=postgresql://${row.db_user}:bench-password-of-the-fake-api@${row.db_host}:${row.db_port}/postgres?sslmode=disable`,
        '--yes',
      ]);
      return { ms: performance.now() - start, waited, requests: fakeApi.state.requests.slice(from).length };
    }
    waited += 2000;
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

function report(ours, theirs) {
  const line = (name, results) => {
    const of = (key) => median(results.map((result) => result[key]));
    process.stdout.write(
      `  ${name.padEnd(34)} ${(of('ms') / 1000).toFixed(1).padStart(5)} s, of it waiting ${(of('waited') / 1000).toFixed(1).padStart(4)} s, own ${((of('ms') - of('waited')) / 1000).toFixed(1).padStart(4)} s, ${String(of('requests')).padStart(3)} requests to the Management API\n`,
    );
  };
  process.stdout.write('\nFrom a name to a migrated project, against the fake API\n');
  line('create-muse, all of it', ours);
  if (theirs.length > 0) line('supabase projects create + db push', theirs);
  const gap = Math.min(...ours.map(({ smallestGap }) => smallestGap));
  process.stdout.write(
    `  looks at the status: never less than ${(gap / 1000).toFixed(2)} s apart, aim 2: ${gap >= 1950 ? 'met' : 'NOT met'}\n`,
  );
}
