/**
 * Ctrl-C and SIGTERM in a real pseudo-terminal: every command ends within a second, says how far it got, and leaves nothing
 * that keeps the next one from running.
 */
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMuse, muse, temporaryDirectory } from '../support/cli.ts';
import { type Native, startNative } from '../support/native.ts';
import { hasTerminal, openTerminal, type Terminal } from '../support/terminal.ts';

const bin = join(import.meta.dirname, '..', '..', 'bin');
const whole = process.env['CREATE_MUSE_ALL'] === '1';

let native: Native;
/** What a bare Node takes in a terminal now, in ms: on a busy machine everything takes longer. */
let bareMs: number;

beforeAll(async () => {
  native = await startNative();
  const began = performance.now();
  await openTerminal([process.execPath, '-e', '0'], { cwd: bin }).ended;
  bareMs = performance.now() - began;
});
afterAll(() => native.stop());

/** Starts one of the two programs with `--json`: the object goes into a file, progress to the terminal. */
function start(program: 'muse' | 'create-muse', words: readonly string[], cwd: string, env = {}): Terminal {
  const argv = [process.execPath, join(bin, `${program}.js`), ...words, '--json'];
  return openTerminal(argv, { cwd, env, stdoutToFile: true });
}

const signals: Record<string, (terminal: Terminal) => void> = {
  'Ctrl-C': (terminal) => terminal.type('\x03'),
  SIGTERM: (terminal) => terminal.kill('SIGTERM'),
};

interface Stopped {
  ok: boolean;
  error: { code: string; detail?: string };
  migrations?: { applied: { file: string }[] };
  steps?: { id: string; status: string }[];
}

/** Sends the signal and reads what the program ends with. */
async function stop(terminal: Terminal, signal = 'Ctrl-C'): Promise<Stopped> {
  const sent = performance.now();
  signals[signal]!(terminal);
  const code = await terminal.ended;
  expect(code, terminal.text() + terminal.stdout()).toBe(130);
  expect(terminal.endedAt()! - sent, terminal.text()).toBeLessThan(1000 + 5 * bareMs);
  const printed = JSON.parse(terminal.stdout()) as Stopped;
  expect(printed).toMatchObject({ ok: false, error: { code: 'cancelled' } });
  return printed;
}

/** A muse of the built-in kit in a directory of this test. */
async function makeMuse(...flags: string[]): Promise<string> {
  const cwd = await temporaryDirectory();
  const made = await createMuse(['stopped', '--yes', '--no-verify', '--no-git', ...flags], { cwd });
  expect(made.code, made.stderr).toBe(0);
  return join(cwd, 'stopped');
}

function writeMigration(directory: string, name: string, sql: string): void {
  writeFileSync(join(directory, 'migrations', 'extensions', `${name}.sql`), `-- ${name}\n${sql}\n`);
  writeFileSync(join(directory, 'migrations', 'rollback', 'extensions', `${name}.sql`), `-- ${name}\nselect 1;\n`);
}

/** Takes time where it is applied, and none in the rehearsal, whose connection has no name. */
const slow = `do $$ begin if current_setting('application_name') = 'create-muse' then perform pg_sleep(60); end if; end $$;`;

describe.runIf(hasTerminal)('a statement that runs on a server', () => {
  it('is cancelled there, its file is rolled back, the next file does not run, and the next run applies all', async () => {
    const url = await native.createDatabase('stopped');
    const directory = await makeMuse('--target', 'postgres', '--supabase-baseline', '--database-url', url);
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
    const { error, migrations } = await stop(terminal);
    expect(migrations?.applied.map(({ file }) => file)).toEqual(['migrations/extensions/002_quick.sql']);
    expect(error.detail).toContain(
      'Not done: migrations/extensions/003_slow.sql, migrations/extensions/004_later.sql.',
    );
    await expect.poll(async () => (await client.query(running)).rowCount, { timeout: 2000 }).toBe(0);
    const { rows } = await client.query(`select obj_description('public'::regnamespace) as said`);
    expect(rows).toEqual([{ said: 'quick' }]);
    await client.end();
    writeMigration(directory, '003_slow', 'select 1;');
    const next = await muse(['migrate', '--no-verify', '--json'], { cwd: directory, env });
    expect(next.code, next.stdout).toBe(0);
    expect(JSON.parse(next.stdout)).toMatchObject({
      migrations: { applied: [{ file: expect.stringContaining('003') }, { file: expect.stringContaining('004') }] },
    });
  });
});

describe.runIf(hasTerminal)('on the embedded database', () => {
  let directory: string;
  let cwd: string;
  beforeAll(async () => {
    cwd = join(bin, '..', 'node_modules', '.cache', `create-muse-stopped-${process.pid}`);
    rmSync(cwd, { recursive: true, force: true });
    const made = await temporaryMuse(cwd);
    directory = made;
  });
  afterAll(() => rmSync(cwd, { recursive: true, force: true }));

  it.each<[string[], string, (text: string) => boolean]>([
    [['rehearse'], 'Ctrl-C', (text) => text.includes('3/')],
    [['verify'], 'SIGTERM', (text) => text.includes('Acting as users')],
    [['reset', '--yes'], 'Ctrl-C', (text) => text.includes('Rehearsing')],
  ])('muse %j stops at %s, and status works afterwards', async (words, signal, begun) => {
    const terminal = start('muse', words, directory);
    await terminal.shows(begun);
    const { error } = await stop(terminal, signal);
    expect(error.detail).toMatch(/It was at: .+\nDone before: nothing\./);
    const { code, stdout } = await muse(['status', '--check'], { cwd: directory });
    expect(code, stdout).toBe(0);
  });

  it('create-muse leaves nothing behind, and the same command works again', async () => {
    const place = await temporaryDirectory();
    const terminal = start('create-muse', ['again', '--yes', '--no-git'], place);
    await terminal.shows((text) => text.includes('Rehearse on a shadow database:'));
    const { steps } = await stop(terminal);
    expect(steps?.at(-1)).toMatchObject({ id: 'rehearse', status: 'failed' });
    const again = await createMuse(['again', '--yes', '--no-git', '--no-verify', '--quiet'], { cwd: place });
    expect(again).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it.runIf(whole)('stops every command at every step', { timeout: 3_600_000 }, async () => {
    const copy = join(cwd, 'copy');
    const commands: ['muse' | 'create-muse', string[]][] = [
      ['muse', ['lint']],
      ['muse', ['lint', '--fix', '--dry-run']],
      ['muse', ['rehearse']],
      ['muse', ['verify']],
      ['muse', ['verify', '--offline']],
      ['muse', ['status', '--drift']],
      ['muse', ['seed']],
      ['muse', ['backup']],
      ['muse', ['rollback', '--yes']],
      ['muse', ['reset', '--yes']],
      ['create-muse', ['walked', '--preset', 'realty', '--yes']],
    ];
    for (const [program, words] of commands) {
      // Each time one more piece of output is waited for, until the program ends before the signal.
      for (let pieces = 0; ; pieces += 1) {
        rmSync(copy, { recursive: true, force: true });
        cpSync(directory, copy, { recursive: true });
        const terminal = start(program, words, program === 'muse' ? copy : cwd);
        const began = await reached(terminal, pieces);
        if (!began) break;
        await stop(terminal, pieces % 2 === 0 ? 'Ctrl-C' : 'SIGTERM');
        const { code, stdout } = await muse(['status'], { cwd: copy });
        expect(code, `${words.join(' ')} ${pieces}: ${stdout}`).toBe(0);
        rmSync(join(cwd, 'walked'), { recursive: true, force: true });
      }
      rmSync(join(cwd, 'walked'), { recursive: true, force: true });
    }
  });
});

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

async function temporaryMuse(cwd: string): Promise<string> {
  const { mkdirSync } = await import('node:fs');
  mkdirSync(cwd, { recursive: true });
  const made = await createMuse(['stopped', '--yes', '--no-verify', '--no-git'], { cwd });
  expect(made.code, made.stderr).toBe(0);
  return join(cwd, 'stopped');
}

describe.runIf(hasTerminal)('at a question', () => {
  it.each(Object.keys(signals))('%s takes it away and gives the terminal back', async (signal) => {
    const cwd = await temporaryDirectory();
    const terminal = openTerminal([process.execPath, join(bin, 'create-muse.js')], { cwd });
    await terminal.shows((text) => text.includes('Product name:'));
    const sent = performance.now();
    signals[signal]!(terminal);
    expect(await terminal.ended).toBe(130);
    expect(terminal.endedAt()! - sent).toBeLessThan(1000 + 5 * bareMs);
    expect(terminal.text()).toContain('Cancelled.');
    // inquirer hides the cursor while a list is shown.
    expect(terminal.raw().lastIndexOf('\x1B[?25h')).toBeGreaterThanOrEqual(terminal.raw().lastIndexOf('\x1B[?25l'));
  });
});
