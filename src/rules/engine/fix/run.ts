/** What a repair works on, and its state. */
import type { JournalFile } from '../../../migrations/drizzle-journal.ts';
import type { Finding } from '../../../shared/finding.ts';
import type { MigrationFolders } from '../../../shared/muse-file.ts';
import type { Migration } from '../../../sql/migration.ts';
import type { Examined } from '../check.ts';
import type { LintInput } from '../lint.ts';
import type { Rule } from '../rule.ts';
import type { AccessChange, GoesOn, Measured } from './access.ts';
import type { Left } from './fix.ts';
import type { Repair, RollbackText } from './record.ts';

export interface RepairInput {
  migrations: readonly Migration[];
  /** By the `file` of the migration. */
  rollbacks: ReadonlyMap<string, RollbackText>;
  folders: Pick<MigrationFolders, 'core' | 'extensions' | 'rollback' | 'order'>;
  /** Name of the kit, for `000_<kit>_base.sql`. */
  kit: string;
  /** The migrations of the built-in core, in order. */
  builtin: readonly { file: string; sql: string }[];
  /** Files that a known database already has. They are never edited. */
  applied?: ReadonlySet<string>;
  /** Drizzle's journals by folder. */
  journals?: ReadonlyMap<string, JournalFile>;
  severities?: LintInput['severities'];
  /**
   * Runs the files once on a shadow database and returns who can do what afterwards. Without it, repairs are not
   * compared.
   * @returns undefined where the files crash the database, or `goesOn` ended the run
   */
  measure?(migrations: readonly Migration[], goesOn?: GoesOn): Promise<Measured | undefined>;
  /** Asks whether a repair may widen access, given the changes of one rule to one table. Absent: never. */
  mayWiden?(changes: readonly AccessChange[]): boolean | Promise<boolean>;
  /**
   * Runs the files on a shadow database.
   * @param isGood asked once every file has run, with who can do what then; false ends the rehearsal
   * @param goesOn asked before that
   * @returns what is wrong with them; undefined where the rehearsal was ended
   */
  rehearse?(
    migrations: readonly Migration[],
    rollbacks: ReadonlyMap<string, RollbackText>,
    isGood?: (measured: Measured) => Promise<boolean>,
    goesOn?: GoesOn,
  ): Promise<Rehearsed | undefined>;
  /** Told that the files are no longer what was run last: another run follows, unless the change is rolled back. */
  prepare?(): void;
  /** Told what is being done. */
  onProgress?(text: string): void;
}

/** The result of a rehearsal. */
export interface Rehearsed {
  findings: readonly Finding[];
  /** Who can do what once every file has run; undefined where not every one did. */
  measured: Measured | undefined;
}

/** One run of the repair: its input and its state. */
export interface Run {
  rules: readonly Rule[];
  input: RepairInput;
  result: Repair;
  /** Findings of the last rehearsal. Their places are valid until the first edit. */
  rehearsed: readonly Finding[];
  /** The rehearsal of the files as they are now, if there was one. */
  latest: Rehearsed | undefined;
  /** Paths of the files that existed at the beginning. */
  before: ReadonlySet<string>;
  /** The measurement of the current files on a shadow database, if they can be measured. */
  measured: Measured | undefined;
  /** By rule, the tables that are left alone because their repair would widen access without consent. */
  held: Map<string, Set<string>>;
  /** The access that those repairs would have given. */
  withheld: AccessChange[];
  /** Rules whose repair was rolled back, with the reason. */
  dropped: Map<string, Left>;
  /** Errors that a class of repair added to the files as it was made, by what they are about, with its rule. */
  added: Map<string, string>;
  /** By rule and table, what is left alone because its repair would add an error, with the reason. */
  spared: Map<string, Left>;
  /** By rule, the files that are left alone because they would no longer run with its repair, with the reason. */
  leftOut: Map<string, Map<string, Left>>;
  /** What is added to a table waits until a run has shown that the table is there. */
  isCautious: boolean;
  /** By rule, what waits for that. */
  waiting: Map<string, readonly Left[]>;
  /** Answers given so far, by rule and table. */
  answers: Map<string, boolean>;
  /** The files, parsed and checked as they are now. */
  examined: Examined | undefined;
}
