import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { commit, git, smallKit, temporary } from '../kit/repository.ts';
import { createMuse } from '../support/cli-in-process.ts';
import { isWhole } from '../support/sample.ts';

interface Step {
  name?: string;
  run?: string;
  uses?: string;
  with?: Record<string, string>;
}

/** A clean clone, as a runner has it. Beside the muse, so that the path of the checkout is the same from there. */
let clone: string;
let steps: Step[];
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  const place = temporary('workflow');
  const table = 'notes: title text!, owner user';
  const made = await createMuse(['mine', '--yes', '--no-verify', '--kit', smallKit(), '--table', table], {
    cwd: place,
  });
  if (made.code !== 0) throw new Error(made.stderr);
  git(place, 'clone', '--quiet', 'mine', 'clone');
  clone = join(place, 'clone');
  const home = join(place, 'home');
  mkdirSync(home);
  const { DATABASE_URL: _url, ...rest } = process.env;
  environment = { ...rest, CI: 'true', HOME: home, npm_config_offline: 'true', npm_config_update_notifier: 'false' };
  const workflow = parse(readFileSync(join(clone, '.github', 'workflows', 'muse.yml'), 'utf8')) as {
    jobs: { check: { steps: Step[] } };
  };
  ({ steps } = workflow.jobs.check);
}, 240_000);

/** Runs a step's command as a runner does: in a file, by `bash -e`. */
function run({ run: command = '' }: Step) {
  const file = join(clone, '..', 'step.sh');
  writeFileSync(file, command);
  return spawnSync('bash', ['-e', file], { cwd: clone, env: environment, encoding: 'utf8' });
}

const step = (name: string): Step => steps.find((one) => one.name === name)!;

describe.skipIf(process.platform === 'win32')('the workflow of a muse, in a clean clone', { timeout: 240_000 }, () => {
  it('has every check, and passes', () => {
    const commands = steps.filter((one) => one.run !== undefined);
    expect(commands.map(({ name }) => name)).toEqual(['Install', 'Lint', 'List the findings', 'Rehearse', 'Verify']);
    for (const one of commands) {
      const { status, stdout, stderr } = run(one);
      expect(status, `${one.run}\n${stdout}\n${stderr}`).toBe(0);
    }
    const upload = steps.find(({ uses }) => uses?.includes('upload-sarif') === true);
    const sarif = JSON.parse(readFileSync(join(clone, upload?.with?.['sarif_file'] ?? ''), 'utf8')) as object;
    expect(sarif).toMatchObject({ version: '2.1.0' });
  });

  // Both formats, with errors: test/rules/format.test.ts; the exit code: test/muse/fix.test.ts.
  it.runIf(isWhole)('names the line of an error, and fails', () => {
    const file = 'migrations/extensions/001_mine_tables.sql';
    const before = readFileSync(join(clone, file), 'utf8');
    appendFileSync(join(clone, file), 'create policy if not exists "open" on public.notes for select using (true);\n');
    const { status, stdout } = run(step('Lint'));
    expect(status).toBe(3);
    expect(stdout).toMatch(new RegExp(`^::error file=${file},line=${before.split('\n').length},`, 'm'));
    expect(run(step('List the findings')).status).toBe(3);
    expect(readFileSync(join(clone, 'muse.sarif'), 'utf8')).toContain('policy-if-not-exists');
    writeFileSync(join(clone, file), before);
  });

  it('the hook refuses a commit of SQL with errors, and looks at no other', () => {
    const [, line = ''] = /```\n(git config core\.hooksPath .*)\n```/.exec(
      readFileSync(join(clone, 'README.md'), 'utf8'),
    )!;
    expect(spawnSync('sh', ['-c', line], { cwd: clone }).status).toBe(0);
    const attempt = (path: string, text: string) => {
      writeFileSync(join(clone, path), text);
      git(clone, 'add', path);
      const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com'];
      return spawnSync('git', [...identity, 'commit', '--quiet', '--message=Try', '--', path], {
        cwd: clone,
        env: environment,
        encoding: 'utf8',
      });
    };
    const wrong = attempt('migrations/extensions/002_more.sql', '-- More.\nselect * from public.nowhere;\n');
    expect(wrong.status).toBe(1);
    expect(`${wrong.stdout}${wrong.stderr}`).toContain('nowhere');
    expect(git(clone, 'log', '--format=%s', '-1').trim()).toBe('Create mine');
    expect(attempt('notes.md', 'Notes.\n').status).toBe(0);
    rmSync(join(clone, 'migrations/extensions/002_more.sql'));
    expect(commit(clone, 'Clean up')).toMatch(/^[0-9a-f]{40}$/);
  });
});
