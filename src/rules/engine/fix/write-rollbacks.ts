import { rollbackPath } from '../../../migrations/new-files.ts';
import type { RuleName } from '../../names.ts';
import type { FixResult, Situation } from './fix.ts';
import { rollbackOf } from './rollback-text.ts';

/** Writes the rollback of each file in which a rule found that it is missing or does nothing. */
export function writeRollbacks(situation: Situation, name: RuleName): FixResult {
  const newFiles = situation.examined.problems
    .filter(({ rule }) => rule === name)
    .map(({ source }) => {
      const { file } = source.migration;
      const path = situation.rollbacks.get(file)?.file ?? rollbackPath(situation.folders, source.migration);
      return { path, sql: rollbackOf(source, situation.catalog), rollback: { of: file } };
    });
  return { edits: [], newFiles };
}
