/** What is not proven of writes and calls that were let through only by rows with other values, or without a trigger. */
import { judge } from '../probes/judge.ts';
import type { Proof } from '../probes/prove.ts';
import { functionReport } from './function-reports.ts';
import type { LeakFinder } from './leaks.ts';
import type { Gap } from './report.ts';
import { subjectReport } from './reports.ts';

/** The gaps: of each, what others do then with rows that are not theirs. Nothing of what is proven to be wrong anyway. */
export function supposedGaps(proof: Proof, leaks: LeakFinder): Gap[] {
  return proof.supposed.flatMap(({ object, by, cells, how, tables }): Gap[] => {
    const taken = new Set(cells.map(({ probe }) => probe));
    const kept = proof.answer.cells.filter(({ probe }) => !taken.has(probe));
    const before = wrongOf(object, proof, leaks);
    const after = wrongOf(object, { ...proof, answer: { ...proof.answer, cells: [...kept, ...cells] } }, leaks);
    const wrong = [...after].flatMap(([rule, text]) => (before.has(rule) ? [] : [text])).join('; ');
    if (wrong === '') return [];
    return [
      {
        object,
        reason: `with the rows that were made up, ${by}; ${how}, ${wrong}`,
        suggestion:
          tables.length === 0
            ? 'Let the policies ask whose the row is, whatever the trigger refuses beside that.'
            : `If ${tables.join(', ')} ${tables.length === 1 ? 'does' : 'do'} not say who may do that with all rows, ` +
              'ask whose the row is as well.',
      },
    ];
  });
}

/** By rule: who did what against it with a table or a function. */
function wrongOf(object: string, proof: Proof, leaks: LeakFinder): ReadonlyMap<string, string> {
  const subject = proof.subjects.find(({ name }) => name === object);
  const callable = proof.callables.find(({ name }) => name === object);
  const report =
    subject === undefined ? callable && functionReport(callable, proof, leaks) : subjectReport(subject, proof);
  if (report === undefined) return new Map();
  const about = subject === undefined ? { routine: callable?.routine } : { subject };
  const start = `${report.table} (${report.scope}): `;
  return new Map(
    judge(report, proof.actors, proof.model, about)
      .filter(({ rule, severity }) => severity === 'error' && rule !== 'policy-error')
      .map(({ rule, message }) => [rule, message.replace(start, '').replace(/\.$/, '')]),
  );
}
