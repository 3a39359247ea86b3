import { createHash } from 'node:crypto';
import { openMuse } from '../../muse/open.ts';
import { unreadableSeeds } from '../../muse/seed-files.ts';
import { readMigrations } from '../../migrations/read.ts';
import { MuseError } from '../../shared/error.ts';
import { once } from '../../shared/lazy.ts';
import type { Muse } from '../../shared/muse-file.ts';
import type { CheckReport } from './verdicts.ts';

/** What the page knows about a check of the muse's files. */
export interface CheckState {
  running: boolean;
  /** How far it is, for people: `300 of 980 checks`. */
  progress?: string | undefined;
  /** Why it could not be run to its end. */
  problem?: { message: string; suggestion: string } | undefined;
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

/**
 * Checks the files of a muse where it is asked to. The proof has a database of its own, in a thread of its own, so that
 * requests to the served one are still answered, and no row of it is touched.
 */
export function createChecks({ directory }: Muse): Checks {
  const stop = new AbortController();
  let running: Promise<void> | undefined;
  let progress: string | undefined;
  let problem: CheckState['problem'];
  let report: (CheckReport & { of: string }) | undefined;

  async function check(): Promise<void> {
    problem = undefined;
    try {
      const muse = await openMuse(directory);
      const of = await fingerprint(muse);
      // Most of the program, which nothing else here needs.
      const [{ checkFiles }, { reportOf }] = await Promise.all([
        import('../../muse/check-files.ts'),
        import('./verdicts.ts'),
      ]);
      const checked = await checkFiles(muse, { signal: stop.signal, onProgress: (text) => (progress = text) });
      report = { of, ...reportOf(checked) };
    } catch (error) {
      problem =
        error instanceof MuseError
          ? { message: error.message, suggestion: error.suggestion }
          : { message: error instanceof Error ? error.message : String(error), suggestion: 'Try again.' };
    }
  }

  return {
    async state() {
      if (running !== undefined) return { running: true, progress, isCurrent: false };
      if (report === undefined) return { running: false, problem, isCurrent: false };
      const now = await openMuse(directory).then(fingerprint, () => undefined);
      const { of: _, ...shown } = report;
      return { running: false, problem, report: shown, isCurrent: report.of === now };
    },
    start() {
      if (running !== undefined) return;
      progress = undefined;
      running = check().finally(() => (running = undefined));
    },
    async close() {
      stop.abort();
      await running;
    },
  };
}

/** A text that differs where a file of the muse does. */
async function fingerprint({ directory, museFile }: Muse): Promise<string> {
  const { migrations, rollbacks, findings } = await readMigrations(directory, museFile.migrations);
  const all = [museFile, migrations, [...rollbacks], findings, await unreadableSeeds(directory)];
  return createHash('sha256').update(JSON.stringify(all)).digest('hex');
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
