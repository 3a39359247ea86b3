/** A program in a pseudo-terminal that a signal stops. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { openTerminal, type Terminal } from '../support/terminal.ts';

export const bin = join(import.meta.dirname, '..', '..', 'bin');

/** Starts one of the two programs with `--json`: the object goes into a file, progress to the terminal. */
export function start(program: 'muse' | 'create-muse', words: readonly string[], cwd: string, env = {}): Terminal {
  const argv = [process.execPath, join(bin, `${program}.js`), ...words, '--json'];
  return openTerminal(argv, { cwd, env, stdoutToFile: true });
}

export const signals: Record<string, (terminal: Terminal) => void> = {
  'Ctrl-C': (terminal) => terminal.type('\x03'),
  SIGTERM: (terminal) => terminal.kill('SIGTERM'),
};

/** What a bare Node takes in a terminal now, in ms: on a busy machine everything takes longer. */
export async function bareNodeMs(): Promise<number> {
  const began = performance.now();
  await openTerminal([process.execPath, '-e', '0'], { cwd: bin }).ended;
  return performance.now() - began;
}

export interface Stopped {
  ok: boolean;
  error: { code: string; detail?: string };
  migrations?: { applied: { file: string }[] };
  steps?: { id: string; status: string }[];
}

/** Sends the signal and reads what the program ends with, within one second of its own. */
export async function stop(terminal: Terminal, bareMs: number, signal = 'Ctrl-C'): Promise<Stopped> {
  const stopped = await stopUnlessDone(terminal, bareMs, signal);
  expect(stopped, terminal.text() + terminal.stdout()).toBeDefined();
  return stopped!;
}

/** As {@link stop}; undefined where the program was done when the signal came. */
export async function stopUnlessDone(terminal: Terminal, bareMs: number, signal: string): Promise<Stopped | undefined> {
  const sent = performance.now();
  signals[signal]!(terminal);
  const code = await terminal.ended;
  if (code === 0) return undefined;
  expect(code, terminal.text() + terminal.stdout()).toBe(130);
  expect(terminal.endedAt()! - sent, terminal.text()).toBeLessThan(1000 + 5 * bareMs);
  const printed = JSON.parse(terminal.stdout()) as Stopped;
  expect(printed).toMatchObject({ ok: false, error: { code: 'cancelled' } });
  return printed;
}
