/** Rolls the own files back and applies them again. */
import type { Finding } from '../shared/finding.ts';
import { diagnoseRollback } from './diagnose.ts';
import type { Migration } from '../sql/migration.ts';
import type { Rollback } from '../migrations/read.ts';
import { rehearseFile, type RehearsalRun } from './rehearse-file.ts';
import type { ParsedFiles } from './parsed-files.ts';
import { creatorOf } from './rehearse-repeat.ts';
import type { SchemaChange } from './snapshot.ts';

/** Returns how the schema now differs from the one before the own files, or from the one after them. */
export type CompareWith = (which: 'before' | 'after') => Promise<SchemaChange[]>;

/**
 * Rolls the own files back, newest first, and applies them again. Whatever is left over, is missing afterwards or fails
 * is `rollback-incomplete`.
 * @param own in the order in which they run
 */
export async function rehearseRollbacks(
  run: RehearsalRun,
  own: readonly Migration[],
  rollbacks: ReadonlyMap<string, Rollback>,
  compareWith: CompareWith,
  parsedFiles: () => Promise<ParsedFiles>,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  /** The rollback to blame for a change: that of the newest own file which is about the object. */
  const blamed = async ({ object, table }: SchemaChange): Promise<Migration> => {
    const files = new Set(own.map(({ file }) => file));
    const places = (await parsedFiles()).places().filter(({ migration }) => files.has(migration.file));
    const place = creatorOf(places, object, table);
    return own.find(({ file }) => file === place?.migration.file) ?? own.at(-1)!;
  };
  for (const migration of own.toReversed()) {
    const rollback = rollbacks.get(migration.file)!;
    const result = await rehearseFile(run, rollback);
    findings.push(...result.refused);
    findings.push(
      ...result.failed.map(({ statement, error }) =>
        diagnoseRollback(
          error,
          { migration: { ...rollback, layer: migration.layer }, file: 0, statement },
          migration.file,
        ),
      ),
    );
  }
  // If a rollback failed, what it left behind follows from that.
  if (findings.length > 0) return findings;
  for (const change of await compareWith('before')) {
    const migration = await blamed(change);
    findings.push(
      incomplete(
        rollbacks.get(migration.file)!.file,
        change.object,
        `After the rollback of ${migration.file} the schema differs from the one before it: ${change.what}.`,
        'Undo this in the rollback file too, unless core had it before.',
      ),
    );
  }
  for (const migration of own) {
    const { failed } = await rehearseFile(run, migration);
    findings.push(
      ...failed.map(({ statement, error }) =>
        incomplete(
          rollbacks.get(migration.file)!.file,
          undefined,
          `After the rollback, ${migration.file}:${statement.line} cannot run again: ${error.message}.`,
          'Drop in the rollback file what that statement creates.',
        ),
      ),
    );
  }
  if (findings.length > 0) return findings;
  for (const change of await compareWith('after')) {
    const migration = await blamed(change);
    findings.push(
      incomplete(
        rollbacks.get(migration.file)!.file,
        change.object,
        `Rolled back and applied again, ${migration.file} has a different schema: ${change.what}.`,
        'Drop in the rollback file what the migration creates, so that it is created again.',
      ),
    );
  }
  return findings;
}

function incomplete(file: string, object: string | undefined, message: string, suggestion: string): Finding {
  return {
    rule: 'rollback-incomplete',
    severity: 'error',
    file,
    line: 1,
    column: 1,
    ...(object === undefined ? {} : { object }),
    message,
    suggestion,
  };
}
