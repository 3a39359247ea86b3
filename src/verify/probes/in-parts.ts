/** Plans that take more than one script. */
import type { Chain, Plan } from '../fixtures/script.ts';
import { type Answer, type Opened, type ProofSession, runPlan } from './run-script.ts';

/** Maximum number of probes in one script. More are split over several scripts, each with its own fixtures. */
const probesPerScript = 1200;

/** Maximum number of chains in one script. */
const chainsPerScript = 400;

/** Called now and then with how far a proof is, for people: `1,200 of 3,107 checks`. */
export type OnProof = (text: string) => void;

const outOf = (done: number, total: number): string =>
  `${done.toLocaleString('en-US')} of ${total.toLocaleString('en-US')}`;

/** Tries all probes of a plan, in as many scripts as they take. */
export async function runInParts(session: ProofSession, plan: Plan, onProgress?: OnProof): Promise<Answer> {
  const triesOf = (some: Plan['probes']): number => some.reduce((sum, { actors }) => sum + actors.length, 0);
  const total = triesOf(plan.probes);
  const whole: Answer = { failed: [], forced: [], states: {}, unmet: [], cells: [], opened: [] };
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

/** Runs only chains, with the probes that they consist of, on freshly generated fixtures. */
export async function runChains(
  session: ProofSession,
  plan: Plan,
  chains: readonly Chain[],
  onProgress?: OnProof,
): Promise<Opened[]> {
  const opened: Opened[] = [];
  for (let start = 0; start < chains.length; start += chainsPerScript) {
    const part = chains.slice(start, start + chainsPerScript);
    const used = [...new Set(part.flatMap(({ lead, afterwards }) => [...lead, ...afterwards].map(([probe]) => probe)))];
    const numbers = new Map(used.map((probe, number) => [probe, number]));
    const states = new Set([
      plan.known,
      ...part.flatMap((chain) => chain.states),
      ...used.map((probe) => plan.probes[probe]!.state),
    ]);
    const renumber = (steps: Chain['lead']): Chain['lead'] =>
      steps.map(([probe, actor]) => [numbers.get(probe)!, actor]);
    const partPlan = {
      ...plan,
      states: Object.fromEntries(Object.entries(plan.states).filter(([name]) => states.has(name))),
      probes: used.map((probe) => ({ ...plan.probes[probe]!, actors: [] })),
      chains: part.map(({ lead, afterwards, states }) => ({
        lead: renumber(lead),
        afterwards: renumber(afterwards),
        states,
      })),
    };
    const answer = await runPlan(session, partPlan, (done) =>
      onProgress?.(`following what was allowed, ${outOf(start + done, chains.length)}`),
    );
    opened.push(
      ...answer.opened.map((one) => ({
        ...one,
        chain: one.chain + start,
        ...('probe' in one ? { probe: used[one.probe]! } : {}),
      })),
    );
  }
  return opened;
}
