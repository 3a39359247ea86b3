import type { MuseError } from '../shared/error.ts';
import type { Finding } from '../shared/finding.ts';
import type { FileName } from '../migrations/compare.ts';
import type { TargetKind } from '../targets/kinds.ts';
import type { Secret } from '../supabase/secret.ts';
import type { CreateContext } from './context.ts';
import type { JournalData } from './journal.ts';
import type { StepResult } from './step.ts';

/** What came of a creation; what `--json` prints. */
export interface CreateReport {
  ok: boolean;
  name: string;
  directory: string;
  kit: { source: string; commit?: string; layout?: string };
  target: { kind: TargetKind; ref?: string; region?: string };
  steps: StepResult[];
  migrations: { applied: (FileName & { ms: number })[]; skipped: FileName[] };
  findings: Finding[];
  /** The tables that the extension adds, and whose rows they hold. */
  tables: { name: string; scope: string }[];
  /** What `--fix` mended. */
  repairs?: JournalData['repairs'];
  /** What was shown to hold, one line each. */
  proven: string[];
  /** The commands to type next. */
  next: string[];
  /** Things that one should know, one sentence each. */
  notes: string[];
  /** To be shown once, in a terminal, and never written down. */
  adminPassword?: Secret;
  error?: MuseError;
}

/** The report of a context as it stands. */
export function reportOf(context: CreateContext, error?: MuseError): CreateReport {
  const { answers, journal, museFile } = context;
  const environment = museFile?.environments[answers.environment];
  const commit = museFile?.kit.commit ?? journal.data.commit;
  const ref = environment?.ref ?? journal.data.project?.ref;
  return {
    ok: error === undefined,
    name: answers.name,
    directory: context.directory,
    kit: {
      source: museFile?.kit.source ?? answers.kit,
      ...(commit === undefined ? {} : { commit }),
      ...(museFile === undefined ? {} : { layout: museFile.kit.layout }),
    },
    target: {
      kind: answers.target,
      ...(ref === undefined ? {} : { ref }),
      ...(environment?.region === undefined ? {} : { region: environment.region }),
    },
    steps: context.results,
    migrations: { applied: context.applied, skipped: context.skipped },
    findings: [...context.findings, ...(error?.findings ?? [])],
    tables: journal.data.tables ?? [],
    ...(journal.data.repairs === undefined ? {} : { repairs: journal.data.repairs }),
    proven: context.proven,
    next: context.next,
    notes: context.notes,
    ...(context.adminPassword === undefined ? {} : { adminPassword: context.adminPassword }),
    ...(error === undefined ? {} : { error }),
  };
}
