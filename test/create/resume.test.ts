import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { smallKit } from '../kit/repository.ts';
import { isWhole } from '../support/sample.ts';
import { createMuse as createMuseProgram, node, snapshot, temporaryDirectory } from '../support/cli.ts';
import { createMuse, muse } from '../support/cli-in-process.ts';

const run = promisify(execFile);
const killer = join(import.meta.dirname, '..', 'support', 'kill-at.js');
const steps = [
  'preflight',
  'kit',
  'own',
  'archive',
  'take',
  'scaffold',
  'rehearse',
  'place',
  'read',
  'migrate',
  'check',
  'finish',
];

// The same dates and so the same commits, whose hashes are in muse.json.
const dates = ['GIT_AUTHOR_DATE', 'GIT_COMMITTER_DATE'] as const;
beforeAll(() => {
  for (const name of dates) process.env[name] = '2026-01-01T12:00:00Z';
  return () => {
    for (const name of dates) delete process.env[name];
  };
});

/** The parts of a report with the findings, which no interruption may change. */
interface Told {
  proven: string[];
  notes: string[];
  findings: unknown[];
  next: string[];
  tables: unknown[];
  migrations: { applied: { ms: number }[]; skipped: unknown[] };
}

const kit = smallKit();
const table = 'notes: title text!, owner user';
const flags = ['--yes', '--kit', kit, '--table', table];

let whole: Record<string, string>;
let report: Told;

/** The report of `--json`, without times. */
function told(stdout: string): Told {
  const { proven, notes, findings, next, tables, migrations } = JSON.parse(stdout) as Told;
  return {
    proven,
    notes,
    findings,
    next,
    tables,
    migrations: { applied: migrations.applied.map((one) => ({ ...one, ms: 0 })), skipped: migrations.skipped },
  };
}

/** The observable state of a finished muse. */
async function state(directory: string): Promise<Record<string, unknown>> {
  const status = JSON.parse((await muse(['status', '--json'], { cwd: directory })).stdout) as {
    environments: unknown[];
  };
  const { stdout } = await run('git', ['log', '--format=%s'], { cwd: directory });
  return { environments: status.environments, commits: stdout.trim().split('\n').length };
}

beforeAll(async () => {
  const { mkdtemp, rm } = await import('node:fs/promises');
  const { tmpdir } = await import('node:os');
  const cwd = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
  const { stdout } = await createMuse(['realtymuse', ...flags, '--kit-extensions', 'archive', '--json'], { cwd });
  report = told(stdout);
  whole = await snapshot(join(cwd, 'realtymuse'));
  return () => rm(cwd, { recursive: true, force: true });
});

describe('kill -9, then --resume, has the result of an uninterrupted run', () => {
  const entries = steps.flatMap((step) => [[step, 'started'] as const, [step, 'done'] as const]);
  // Where the product is in place and its target not migrated yet; at all of them where everything is tested.
  const sample = ['place done'];
  it.each(entries.filter((entry) => isWhole || sample.includes(entry.join(' '))))('at %s %s', async (step, status) => {
    const cwd = await temporaryDirectory();
    const directory = join(cwd, 'realtymuse');
    const answers = JSON.stringify({ kit, tables: [table], presets: [] });
    const killed = await node(killer, [directory, step, status, answers], { cwd });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    // The remaining work is named, with the command that continues.
    const again = await createMuse(['realtymuse', ...flags], { cwd });
    expect(again.stderr).toContain('--resume');
    expect(again.code).toBe(1);
    const resumed = await createMuse(['realtymuse', '--resume', '--json'], { cwd });
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(report.proven).toHaveLength(4);
    expect(told(resumed.stdout)).toEqual(report);
    expect(await snapshot(directory)).toEqual(whole);
    expect(await state(directory)).toMatchObject({
      commits: 2,
      environments: [{ pending: [], edited: [], missing: [] }],
    });
  });

  it('is an error if there is nothing to resume', async () => {
    const cwd = await temporaryDirectory();
    const { code, stderr } = await createMuse(['--resume'], { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain('no unfinished run');
    await mkdir(join(cwd, 'taken'));
    await writeFile(join(cwd, 'taken', 'mine.txt'), 'mine');
    const taken = await createMuse(['taken', '--resume'], { cwd });
    expect(taken.code).toBe(2);
    expect(taken.stderr).toContain('is not empty');
  });
});

it('--resume in a loop: the first run starts, the next ones find it done', async () => {
  const cwd = await temporaryDirectory();
  const loop = ['realtymuse', '--resume', '--no-verify', ...flags];
  const first = await createMuse(loop, { cwd });
  expect([first.code, first.stderr]).toEqual([0, '']);
  expect(first.stdout).toContain('starting from the beginning');
  const second = await createMuse(loop, { cwd });
  expect([second.code, second.stderr]).toEqual([0, '']);
  expect(second.stdout).not.toContain('starting from the beginning');
  expect(await state(join(cwd, 'realtymuse'))).toMatchObject({ commits: 2, environments: [{ pending: [] }] });
});

describe('two runs in the same directory', () => {
  // They meet the lock, as the one that comes later does.
  it.runIf(isWhole)('one creates the muse, the other gets an error', async () => {
    const cwd = await temporaryDirectory();
    const both = await Promise.all([
      createMuseProgram(['realtymuse', '--yes', '--no-verify', '--kit', kit], { cwd }),
      createMuseProgram(['realtymuse', '--yes', '--no-verify', '--kit', kit], { cwd }),
    ]);
    expect(both.map(({ code }) => code).sort()).toEqual([0, expect.any(Number)]);
    expect(both.filter(({ code }) => code === 0)).toHaveLength(1);
    expect(await state(join(cwd, 'realtymuse'))).toMatchObject({ commits: 2, environments: [{ pending: [] }] });
  });

  it('one that comes later is told that the other is still at work', async () => {
    const cwd = await temporaryDirectory();
    let later: ReturnType<typeof createMuseProgram> | undefined;
    const first = await createMuseProgram(['realtymuse', '--yes', '--no-verify', '--no-git', '--kit', kit], {
      cwd,
      onOutput: (text) => {
        if (text.includes('Scaffold')) later ??= createMuseProgram(['realtymuse', '--yes'], { cwd });
      },
    });
    expect(first.code, first.stderr).toBe(0);
    expect(await later).toMatchObject({
      code: expect.any(Number),
      stderr: expect.stringMatching(/realtymuse is being made by create-muse \(pid \d+, running for \d+ s\)\.\n→ Wait/),
    });
  });
});
