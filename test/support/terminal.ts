/** A program in a real pseudo-terminal, by script(1) of util-linux. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { environment } from './cli.ts';

/** Whether this machine can open one; macOS has another script(1), Windows none. */
export const hasTerminal =
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false;

export interface TerminalOptions {
  cwd: string;
  env?: Record<string, string | undefined>;
  columns?: number;
  /** Sends stdout into a file instead, as `> file` does; stdin and stderr stay the terminal's. */
  stdoutToFile?: boolean;
}

export interface Terminal {
  /** Everything shown so far, with its control sequences. */
  raw(): string;
  /** Everything shown so far, as text. */
  text(): string;
  /** What went into the file with `stdoutToFile`. */
  stdout(): string;
  /** Types keys: `\x03` is Ctrl-C, which the terminal turns into a signal for all processes in its foreground. */
  type(keys: string): void;
  /** Sends a signal to the program alone, as kill(1) does. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves when the text shown so far passes. */
  shows(test: (text: string) => boolean): Promise<void>;
  /** The exit code, as a shell has it. */
  ended: Promise<number>;
  /** When the program was first heard to have ended; ms of `performance.now()`. */
  endedAt(): number | undefined;
}

const quote = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** Starts a program in a terminal of its own. */
export function openTerminal(argv: readonly string[], options: TerminalOptions): Terminal {
  const { cwd, env, columns = 80, stdoutToFile = false } = options;
  const directory = mkdtempSync(join(tmpdir(), 'create-muse-terminal-'));
  const [pidFile, outFile] = [join(directory, 'pid'), join(directory, 'stdout')];
  const program = argv.map(quote).join(' ');
  const command = `stty cols ${columns} rows 24; echo $$ > ${quote(pidFile)}; exec ${program}${stdoutToFile ? ` > ${quote(outFile)}` : ''}`;
  const child = spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
    cwd,
    env: environment({ TERM: 'xterm-256color', SHELL: '/bin/sh', ...env }),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let shown = '';
  let out = '';
  let endedAt: number | undefined;
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    for (const look of waiting) look();
  });
  child.stdin.on('error', () => undefined);
  const text = (): string => stripVTControlCharacters(shown).replaceAll('\r\n', '\n');
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      endedAt = performance.now();
      out = existsSync(outFile) ? readFileSync(outFile, 'utf8') : '';
      rmSync(directory, { recursive: true, force: true });
      for (const look of waiting) look();
      resolve(code ?? -1);
    });
  });
  return {
    raw: () => shown,
    text,
    stdout: () => out,
    type: (keys) => child.stdin.write(keys),
    kill(signal) {
      const pid = Number(readFileSync(pidFile, 'utf8'));
      process.kill(pid, signal);
    },
    shows: (test) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const passed = test(text());
          if (!passed && endedAt === undefined) return;
          waiting.delete(look);
          if (passed) resolve();
          else reject(new Error(`The program ended without showing it. It showed:\n${text()}`));
        };
        waiting.add(look);
        look();
      }),
    ended,
    endedAt: () => endedAt,
  };
}
