/**
 * Ctrl-C and SIGTERM in a real pseudo-terminal: every command ends within a second, says how far it got, and leaves nothing
 * that keeps the next one from running.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takeLock } from '../../src/shared/directory-lock.ts';
import { smallKit } from '../kit/repository.ts';
import { type Finished, muse, temporaryDirectory } from '../support/cli.ts';
import { createMuse, muse as museHere } from '../support/cli-in-process.ts';
import { type Native, startNative } from '../support/native.ts';
import { isWhole } from '../support/sample.ts';
import { hasTerminal, openTerminal, type Terminal } from '../support/terminal.ts';
import { bareNodeMs, bin, signals, start, stop, stopUnlessDone } from './interrupted.ts';

let native: Native;
let bareMs: number;

beforeAll(async () => {
  native = await startNative();
  bareMs = await bareNodeMs();
});
afterAll(() => native.stop());

/** A muse of the built-in kit in a directory of this test. */
async function makeMuse(...flags: string[]): Promise<string> {
  return makeMuseIn(await temporaryDirectory(), ...flags);
}

async function makeMuseIn(cwd: string, ...flags: string[]): Promise<string> {
  const made = await createMuse(['stopped', '--yes', '--no-verify', '--no-git', ...flags], { cwd });
  expect(made.code, made.stderr).toBe(0);
  return join(cwd, 'stopped');
}

/** For what is not about the built-in kit, and has to come to the product's second file. */
const small = (): string[] => ['--kit', smallKit(), '--table', 'notes: title text!, owner user'];

function writeMigration(directory: string, name: string, sql: string): void {
  writeFileSync(join(directory, 'migrations', 'extensions', `${name}.sql`), `-- ${name}\n${sql}\n`);
  writeFileSync(join(directory, 'migrations', 'rollback', 'extensions', `${name}.sql`), `-- ${name}\nselect 1;\n`);
}

/** Takes time where it is applied, and none in the rehearsal, whose connection has no name. */
const slow = `do $$ begin if current_setting('application_name') = 'create-muse' then perform pg_sleep(60); end if; end $$;`;

describe.runIf(hasTerminal)('a statement that runs on a server', () => {
  it('is cancelled there, its file is rolled back, the next file does not run, and the next run applies all', async () => {
    const url = await native.createDatabase('stopped');
    const directory = await makeMuse(...small(), '--target', 'postgres', '--supabase-baseline', '--database-url', url);
    writeMigration(directory, '002_quick', 'comment on schema public is $$quick$$;');
    writeMigration(directory, '003_slow', `comment on schema public is $$slow$$; ${slow}`);
    writeMigration(directory, '004_later', 'comment on schema public is $$later$$;');
    const env = { DATABASE_URL: url };
    const terminal = start('muse', ['migrate', '--no-verify'], directory, env);
    await terminal.shows((text) => text.includes('2/3 migrations/extensions/003_slow.sql'));
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const running = `select 1 from pg_stat_activity where datname = current_database() and query like '%pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()`;
    await expect.poll(async () => (await client.query(running)).rowCount, { timeout: 10_000 }).toBe(1);
    const { error, migrations } = await stop(terminal, bareMs);
    expect(migrations?.applied.map(({ file }) => file)).toEqual(['migrations/extensions/002_quick.sql']);
    expect(error.detail).toContain(
      'Not done: migrations/extensions/003_slow.sql, migrations/extensions/004_later.sql.',
    );
    await expect.poll(async () => (await client.query(running)).rowCount, { timeout: 2000 }).toBe(0);
    const { rows } = await client.query(`select obj_description('public'::regnamespace) as said`);
    expect(rows).toEqual([{ said: 'quick' }]);
    await client.end();
    writeMigration(directory, '003_slow', 'select 1;');
    const next = await museHere(['migrate', '--no-verify', '--json'], { cwd: directory, env });
    expect(next.code, next.stdout).toBe(0);
    expect(JSON.parse(next.stdout)).toMatchObject({
      migrations: { applied: [{ file: expect.stringContaining('003') }, { file: expect.stringContaining('004') }] },
    });
  });
});

describe.runIf(hasTerminal)('on the embedded database', () => {
  const rehearsal: [string[], string, (text: string) => boolean] = [
    ['rehearse'],
    'Ctrl-C',
    (text) => text.includes('3/'),
  ];
  let directory: string;
  let cwd: string;
  beforeAll(async () => {
    cwd = mkdtempSync(join(tmpdir(), 'create-muse-stopped-'));
    directory = await makeMuseIn(cwd);
  });
  afterAll(() => rmSync(cwd, { recursive: true, force: true }));

  it.each<[string[], string, (text: string) => boolean]>([
    // That of create-muse is stopped below.
    ...(isWhole ? [rehearsal] : []),
    [['verify'], 'SIGTERM', (text) => text.includes('Acting as users')],
    [['reset', '--yes'], 'Ctrl-C', (text) => text.includes('Rehearsing')],
  ])('muse %j stops at %s, and status works afterwards', async (words, signal, begun) => {
    const terminal = start('muse', words, directory);
    await terminal.shows(begun);
    const { error } = await stop(terminal, bareMs, signal);
    expect(error.detail).toMatch(/It was at: .+\nDone before: nothing\./);
    const { code, stdout } = await museHere(['status', '--check'], { cwd: directory });
    expect(code, stdout).toBe(0);
  });

  it('create-muse leaves nothing behind, and the same command works again', async () => {
    const place = await temporaryDirectory();
    const terminal = start('create-muse', ['again', '--yes', '--no-git'], place);
    await terminal.shows((text) => text.includes('Rehearse on a shadow database:'));
    const { steps } = await stop(terminal, bareMs);
    expect(steps?.at(-1)).toMatchObject({ id: 'rehearse', status: 'failed' });
    const again = await createMuse(['again', '--yes', '--no-git', '--no-verify', '--quiet'], { cwd: place });
    expect(again).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it('a second command says for whom it waits, and continues when that one is done', async () => {
    const release = await takeLock(
      join(directory, '.muse', 'database', 'lock.json'),
      { code: 'database-in-use', subject: 'The database', next: 'wait' },
      { reads: true },
    );
    const { code, stderr } = await muse(['status', '--json'], {
      cwd: directory,
      onOutput: (text) => {
        if (text.includes('Waiting for')) void release();
      },
    });
    expect(code).toBe(0);
    expect(stderr).toMatch(/Waiting for .+ \(pid \d+, running for \d+ s\): The embedded database in .+ is in use\.\n/);
  });
});

const everywhere = [
  ['new', 'price_history', '--table', 'price_changes: listing_id uuid'],
  ['docs'],
  ['lint'],
  ['lint', '--fix', '--dry-run'],
  ['rehearse'],
  ['verify'],
  ['status', '--drift'],
  ['seed'],
  ['backup'],
  ['rollback', '--yes'],
  ['migrate'],
];

describe.runIf(isWhole && hasTerminal)('every command at every step', () => {
  it.each(['embedded', 'postgres'])('on %s', { timeout: 3_600_000 }, async (target) => {
    const url = await native.createDatabase('walked');
    const flags = target === 'postgres' ? ['--supabase-baseline', '--database-url', url] : [];
    const directory = await makeMuse('--preset', 'realty', '--target', target, ...flags);
    const cwd = await temporaryDirectory();
    const env = target === 'postgres' ? { DATABASE_URL: url } : {};
    const taken = await muse(['backup', '--json'], { cwd: directory, env });
    const { backup } = JSON.parse(taken.stdout) as { backup: string };
    for (const words of [
      ...everywhere,
      ['restore', backup, '--yes'],
      ...(target === 'embedded'
        ? [
            ['verify', '--offline'],
            ['reset', '--yes'],
          ]
        : []),
    ]) {
      await walk(async () => {
        const copy = join(cwd, 'copy');
        rmSync(copy, { recursive: true, force: true });
        cpSync(directory, copy, { recursive: true });
        return { terminal: start('muse', words, copy, env), next: () => muse(['status'], { cwd: copy, env }) };
      });
    }
    await walk(async () => {
      rmSync(join(cwd, 'walked'), { recursive: true, force: true });
      const made = ['walked', '--preset', 'realty', '--yes', '--target', target];
      const terminal = start('create-muse', target === 'postgres' ? [...made, '--supabase-baseline'] : made, cwd, env);
      return { terminal, next: () => muse(['version'], { cwd }) };
    });
  });
});

/** Runs a command again and again, each time with the signal after one more piece of output, until it ends before. */
async function walk(begin: () => Promise<{ terminal: Terminal; next(): Promise<Finished> }>): Promise<void> {
  for (let pieces = 0; ; pieces += 1) {
    const { terminal, next } = await begin();
    if (!(await reached(terminal, pieces))) return;
    if ((await stopUnlessDone(terminal, bareMs, pieces % 2 === 0 ? 'Ctrl-C' : 'SIGTERM')) === undefined) return;
    const { code, stdout, stderr } = await next();
    expect(code, stdout + stderr).toBe(0);
  }
}

/** Waits for so many steps to be shown; before the first one, for the program to listen to signals. False where it ended before. */
async function reached(terminal: Terminal, pieces: number): Promise<boolean> {
  if (pieces === 0) await new Promise((resolve) => setTimeout(resolve, 10 * bareMs));
  const shown = terminal
    .shows((text) => (text.match(/…|✓/g) ?? []).length >= pieces)
    .then(
      () => true,
      () => false,
    );
  return (await shown) && terminal.endedAt() === undefined;
}

describe.runIf(hasTerminal)('at a question', () => {
  it.each(Object.keys(signals))('%s takes it away and gives the terminal back', async (signal) => {
    const cwd = await temporaryDirectory();
    const terminal = openTerminal([process.execPath, join(bin, 'create-muse.js')], { cwd });
    await terminal.shows((text) => text.includes('Product name'));
    const sent = performance.now();
    signals[signal]!(terminal);
    expect(await terminal.ended).toBe(130);
    expect(terminal.endedAt()! - sent).toBeLessThan(1000 + 5 * bareMs);
    expect(terminal.text()).toContain('Cancelled.');
    // inquirer hides the cursor while a list is shown.
    expect(terminal.raw().lastIndexOf('\x1B[?25h')).toBeGreaterThanOrEqual(terminal.raw().lastIndexOf('\x1B[?25l'));
  });
});
