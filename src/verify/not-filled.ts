import type { Finding } from '../finding.ts';
import { qualifiedName, type RelationRow } from './catalog.ts';
import { makeFinding } from './make-finding.ts';
import type { Answer } from './run-script.ts';
import type { World } from './world.ts';

/** Tables that could not be filled, with a finding for each: nothing was proven of them. */
export function notFilled(answer: Answer, world: World, isProbed: (table: RelationRow) => boolean): { tables: Set<string>; findings: Finding[] } {
  const tables = new Set<string>();
  const findings: Finding[] = [];
  for (const failure of answer.failed) {
    for (const row of world.steps[failure.step]!.rows) {
      const name = qualifiedName(row.table);
      // A row that is partly one's and partly another's is an extra: where keys forbid it, there is none.
      if ((row.label !== 'a' && row.label !== 'b') || tables.has(name)) continue;
      tables.add(name);
      if (isProbed(row.table)) findings.push(finding(name, failure));
    }
  }
  return { tables, findings };
}

function finding(name: string, failure: Answer['failed'][number]): Finding {
  const why = failure.code === '' ? 'a row with the same key is there already' : `${failure.message} (${failure.code})`;
  return makeFinding(
    'table-not-filled', name,
    `No row could be made up for ${name}, so nothing is proven of it: ${why}.`,
    'Make the constraint or trigger accept a plain row, or check this table by hand.',
  );
}
