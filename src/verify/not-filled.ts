import type { Finding } from '../finding.ts';
import { qualifiedName } from './catalog.ts';
import { makeFinding } from './make-finding.ts';
import { isProbed, type Proof } from './prove.ts';
import type { Answer } from './run-script.ts';

/** Tables that could not be filled, with a finding for each: nothing was proven of them. */
export function notFilled(proof: Proof): { tables: Set<string>; findings: Finding[] } {
  const tables = new Set<string>(proof.quiet.untouchable.keys());
  const findings = [...proof.quiet.untouchable].map(([name, why]) => makeFinding(
    'table-not-filled', name, `${name} was left alone, so nothing is proven of it: ${why}.`,
    'Prove a copy of the schema instead: muse verify --offline. Or connect as the owner of the table.',
  ));
  for (const failure of proof.answer.failed) {
    for (const row of proof.steps[failure.step]!.rows) {
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
