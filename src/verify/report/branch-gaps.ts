/** Branches of policies that no row and no user met: what they let through was not seen. */
import { columnsIn } from '../catalog/scope.ts';
import { findStaff } from '../catalog/staff.ts';
import type { Proof } from '../probes/prove.ts';
import type { Subject } from '../probes/subject.ts';
import { refusedColumns } from './not-proven.ts';
import type { Gap } from './report.ts';

/** The longest condition that is written out. */
const longest = 120;

/** The gap that they leave in the proof of a table; undefined where each branch was met. */
export function branchGap({ name, kind, table }: Subject, proof: Proof): Gap | undefined {
  // The rows of a table of bans are not the actors'.
  if (findStaff(proof.model).bans.has(name)) return undefined;
  const refused = refusedColumns(table, proof);
  const branches = (kind === 'table' ? (proof.unmet.get(name) ?? []) : []).filter(({ sql }) =>
    [...columnsIn(sql, table, proof.model)].every((column) => !refused.has(column)),
  );
  if (branches.length === 0) return undefined;
  const told = branches.map(({ policies, sql }) => {
    const whole = sql.replaceAll(/\s+/g, ' ');
    const shown = whole.length > longest ? `${whole.slice(0, longest)}…` : whole;
    return `\`${shown}\` (${policies.length === 1 ? 'policy' : 'policies'} ${policies.join(', ')})`;
  });
  return {
    object: name,
    reason: `no row and no user that were made up meet ${told.join('; or ')}`,
    suggestion: `Try by hand who reads, changes and deletes a row of ${name} that meets ${branches.length === 1 ? 'it' : 'them'}.`,
  };
}
