import { MuseError } from '../../error.ts';
import type { FileName } from '../../migrations/compare.ts';
import type { Loss } from '../../migrations/loss.ts';
import { readMigrations } from '../../migrations/read.ts';
import { rollback } from '../../migrations/rollback.ts';
import { type RollbackTarget, rollbackPlan } from '../../migrations/rollback-plan.ts';
import type { EnvironmentName } from '../../muse-file.ts';
import { openEnvironment } from '../target.ts';
import type { Muse } from './open.ts';

/** What a rollback did. */
export interface RollbackResult {
  rolledBack: (FileName & { ms: number })[];
  losses: Loss[];
}

/**
 * Takes migrations back, newest first.
 * @param agree asked with what would be lost, where there is something to lose; false ends it before anything ran
 * @throws MuseError `data-would-be-lost` where nobody agrees; what `rollbackPlan` and `rollback` throw
 */
export async function rollbackMuse(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  target: RollbackTarget,
  agree: (losses: readonly Loss[]) => Promise<boolean>,
): Promise<RollbackResult> {
  const { migrations, rollbacks } = await readMigrations(muse.directory, muse.museFile.migrations);
  const { database } = await openEnvironment(muse, name, environment);
  try {
    const { losses } = await rollbackPlan(database, migrations, rollbacks, target);
    if (losses.length > 0 && !(await agree(losses))) throw wouldBeLost(losses);
    return { ...(await rollback(database, migrations, rollbacks, target)), losses };
  } finally {
    await database.close();
  }
}

/** What would be lost, a line each. */
export function describeLosses(losses: readonly Loss[]): string {
  return losses.map((loss) => `${loss.table}${loss.column === undefined ? '' : `.${loss.column}`}: ${loss.rows} ${loss.rows === 1 ? 'row' : 'rows'}`).join('\n');
}

function wouldBeLost(losses: readonly Loss[]): MuseError {
  return new MuseError({
    code: 'data-would-be-lost',
    message: 'The rollback would drop tables or columns that hold data. Nothing was run.',
    detail: describeLosses(losses),
    suggestion: 'Save what is needed, then say so: muse rollback --yes',
  });
}
