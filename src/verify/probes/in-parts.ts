/** Plans that take more than one script. */
import type { Plan } from '../fixtures/script.ts';
import { type Answer, type ProofSession, runPlan } from './run-script.ts';

/** Maximum number of probes in one script. More are split over several scripts, each with its own fixtures. */
const probesPerScript = 1200;

/** Called now and then with how far a proof is, for people: `1,200 of 3,107 checks`. */
export type OnProof = (text: string) => void;

/** How far something is. */
export const outOf = (done: number, total: number): string =>
  `${done.toLocaleString('en-US')} of ${total.toLocaleString('en-US')}`;

/** Tries all probes of a plan, in as many scripts as they take. */
export async function runInParts(session: ProofSession, plan: Plan, onProgress?: OnProof): Promise<Answer> {
  const triesOf = (some: Plan['probes']): number => some.reduce((sum, { actors }) => sum + actors.length, 0);
  const total = triesOf(plan.probes);
  const whole: Answer = { failed: [], forced: [], states: {}, unmet: [], cells: [], opened: [], repeated: [], made: 0 };
  for (let start = 0; start === 0 || start < plan.probes.length; start += probesPerScript) {
    const end = start + probesPerScript;
    const isHere = (number: number): boolean => number >= start && number < end;
    const probes = plan.probes.slice(start, end).map((probe) => ({
      ...probe,
      unless: Object.fromEntries(
        Object.entries(probe.unless ?? {}).flatMap(([actor, other]) => (isHere(other) ? [[actor, other - start]] : [])),
      ),
    }));
    const before = triesOf(plan.probes.slice(0, start));
    const part = await runPlan(session, { ...plan, probes, asked: start === 0 ? (plan.asked ?? []) : [] }, (done) =>
      onProgress?.(`${outOf(before + done, total)} checks`),
    );
    whole.cells.push(...part.cells.map((cell) => ({ ...cell, probe: cell.probe + start })));
    whole.failed = part.failed;
    whole.forced = part.forced;
    whole.states = part.states;
    if (start === 0) whole.unmet = part.unmet;
  }
  return whole;
}
