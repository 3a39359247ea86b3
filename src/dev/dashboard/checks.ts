import { Worker } from 'node:worker_threads';
import { openMuse } from '../../muse/open.ts';
import { once } from '../../shared/lazy.ts';
import type { Muse } from '../../shared/muse-file.ts';
import type { CheckMessage, CheckOutcome, CheckProblem } from './check.ts';
import { fingerprint } from './fingerprint.ts';
import type { CheckReport } from './verdicts.ts';

/** What the page knows about a check of the muse's files. */
export interface CheckState {
  running: boolean;
  /** How far it is, for people: `300 of 980 checks`. */
  progress?: string | undefined;
  /** Why it could not be run to its end. */
  problem?: CheckProblem | undefined;
  /** The last one that ended. */
  report?: CheckReport | undefined;
  /** Whether the files are still those that the report is about. */
  isCurrent: boolean;
}

/** Checks of the files of the muse, one at a time, kept until a file changes. */
export interface Checks {
  state(): Promise<CheckState>;
  /** Starts one, unless one runs. */
  start(): void;
  /** Stops the one that runs. */
  close(): Promise<void>;
}

/** Node cannot run the source: there, the thread runs what was compiled from it last. */
const workerUrl = new URL(
  import.meta.url.endsWith('.ts') ? '../../../build/dev/dashboard/check-worker.js' : './check-worker.js',
  import.meta.url,
);

/**
 * Checks the files of a muse where it is asked to, in a thread of its own and on a database of its own, so that requests to
 * the served one are still answered, and no row of it is touched.
 */
export function createChecks({ directory }: Muse): Checks {
  let running: Promise<void> | undefined;
  let stop: (() => Promise<unknown>) | undefined;
  let progress: string | undefined;
  let last: Partial<Extract<CheckOutcome, { report: unknown }> & Extract<CheckOutcome, { problem: unknown }>> = {};

  async function check(): Promise<void> {
    const worker = new Worker(workerUrl, { workerData: directory, stdout: true, stderr: true, execArgv: [] });
    worker.stdout.resume();
    worker.stderr.resume();
    stop = () => worker.terminate();
    const outcome = await new Promise<CheckOutcome>((resolve) => {
      const fail = (message: string): void => resolve({ problem: { message, suggestion: 'Try again.' } });
      worker.on('message', (message: CheckMessage) => {
        if ('progress' in message) progress = message.progress;
        else resolve(message.outcome);
      });
      worker.on('error', (error) => fail(error.message));
      worker.on('exit', () => fail('The check was stopped.'));
    });
    await worker.terminate();
    // What was found before stays, beside why it was not found again.
    last = 'report' in outcome ? outcome : { ...last, ...outcome };
  }

  return {
    async state() {
      if (running !== undefined) return { running: true, progress, isCurrent: false };
      const { problem, report } = last;
      if (report === undefined) return { running: false, problem, isCurrent: false };
      const now = await openMuse(directory).then(fingerprint, () => undefined);
      const { of, ...shown } = report;
      return { running: false, problem, report: shown, isCurrent: of === now };
    },
    start() {
      if (running !== undefined) return;
      progress = undefined;
      running = check().finally(() => (running = undefined));
    },
    async close() {
      await stop?.();
      await running;
    },
  };
}

/** The page of a rule in `docs/rules`, as Markdown; undefined where there is no such rule. */
export async function ruleText(name: string): Promise<string | undefined> {
  return (await rulePagesByFile()).get(`${name}.md`);
}

/** They are written from the rules, as `docs/rules` is, so that they are there without a network. */
const rulePagesByFile = once(async (): Promise<Map<string, string>> => {
  const [{ allRules }, { rulePages }] = await Promise.all([
    import('../../rules/registry.ts'),
    import('../../rules/engine/pages.ts'),
  ]);
  return rulePages(allRules);
});
