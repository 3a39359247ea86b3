/** Runs what comes after the writes that are followed, in as many scripts as that takes, up to a number of attempts. */
import type { Chain, Plan } from '../fixtures/script.ts';
import { type OnProof, outOf } from './in-parts.ts';
import { type Answer, type Opened, type ProofSession, runPlan } from './run-script.ts';

/** Maximum number of chains in one script. */
const chainsPerScript = 400;

/**
 * From how many attempts after calls in one script it is found out first what each call changed: below, that would take longer than to make
 * them all. Nothing else depends on it.
 */
const leastWatched = 1000;

/** How many attempts may still be made after the writes that a proof follows; {@link runChains} takes from it. */
interface Budget {
  left: number;
}

/** What limits how many chains are run. */
export interface ChainLimits {
  budget: Budget;
  /** What a chain is about; undefined for one that is always run. */
  groupOf: (chain: number) => string | undefined;
}

/** How many attempts a proof makes after permitted writes: many times those of a schema of a hundred tables. */
export const defaultAttempts = 100_000;

/** Maximum number of attempts in one script of chains that are more than the budget: what they really take is known only afterwards. */
const attemptsPerScript = 20_000;

/**
 * Runs only chains, with the probes that they consist of, on freshly generated fixtures. If they are more than the budget allows, some of
 * each group come first, and those that are left over are not run: which ones depends on numbers alone, never on time.
 * @returns what came of them, and the numbers of the chains that were not run
 */
export async function runChains(
  session: ProofSession,
  plan: Plan,
  chains: readonly Chain[],
  limits: ChainLimits,
  onProgress?: OnProof,
): Promise<{ opened: Opened[]; left: number[] }> {
  const { budget, groupOf } = limits;
  const opened: Opened[] = [];
  const scripts = inScripts(chains, limits);
  let done = 0;
  while (scripts.length > 0 && (budget.left > 0 || scripts[0]!.some((chain) => groupOf(chain) === undefined))) {
    const numbers = scripts.shift()!;
    const part = chainPlan(
      plan,
      numbers.map((chain) => chains[chain]!),
    );
    const answer = await runPlan(session, part.plan, (now) =>
      onProgress?.(`following what was allowed, ${outOf(done + now, chains.length)}`),
    );
    budget.left -= answer.made;
    done += numbers.length;
    for (const one of withRepeated(answer, part.plan.chains))
      opened.push({
        ...one,
        chain: numbers[one.chain]!,
        ...('probe' in one ? { probe: part.used[one.probe]! } : {}),
      });
  }
  return { opened: opened.toSorted((x, y) => x.chain - y.chain), left: scripts.flat().toSorted((x, y) => x - y) };
}

/** The numbers of the chains of each script. */
function inScripts(chains: readonly Chain[], { budget, groupOf }: ChainLimits): number[][] {
  const planned = chains.reduce((sum, { afterwards }) => sum + afterwards.length, 0);
  const isMore = planned > budget.left;
  const counts = new Map<string, number>();
  const places = chains.map((_, chain) => {
    const group = groupOf(chain);
    if (!isMore || group === undefined) return 0;
    const place = (counts.get(group) ?? 0) + 1;
    counts.set(group, place);
    return place;
  });
  const order = chains.map((_, chain) => chain).toSorted((x, y) => places[x]! - places[y]!);
  const scripts: number[][] = [];
  let attempts = 0;
  for (const chain of order) {
    attempts += chains[chain]!.afterwards.length;
    const isFull = scripts.length === 0 || scripts.at(-1)!.length >= chainsPerScript;
    if (isFull || (isMore && attempts > attemptsPerScript)) {
      scripts.push([]);
      attempts = chains[chain]!.afterwards.length;
    }
    scripts.at(-1)!.push(chain);
  }
  return scripts;
}

/** The plan of a script that runs nothing but those chains, with the numbers that its probes have in the whole plan. */
function chainPlan(plan: Plan, part: readonly Chain[]): { plan: Plan; used: number[] } {
  const used = [...new Set(part.flatMap(({ lead, afterwards }) => [...lead, ...afterwards].map(([probe]) => probe)))];
  const numbers = new Map(used.map((probe, number) => [probe, number]));
  const states = new Set([
    plan.known,
    ...part.flatMap((chain) => chain.states),
    ...used.map((probe) => plan.probes[probe]!.state),
  ]);
  const renumber = (steps: Chain['lead']): Chain['lead'] => steps.map(([probe, actor]) => [numbers.get(probe)!, actor]);
  const afterCalls = part.reduce((sum, { by, afterwards }) => sum + (by === undefined ? 0 : afterwards.length), 0);
  return {
    used,
    plan: {
      ...plan,
      watched: afterCalls < leastWatched ? undefined : plan.watched,
      states: Object.fromEntries(Object.entries(plan.states).filter(([name]) => states.has(name))),
      probes: used.map((probe) => ({ ...plan.probes[probe]!, actors: [] })),
      chains: part.map(({ lead, afterwards, ...rest }) => ({
        ...rest,
        lead: renumber(lead),
        afterwards: renumber(afterwards),
      })),
    },
  };
}

/** What came of the chains, in order, those that led to what an earlier one had led to included: the same came of what was tried there. */
function withRepeated({ opened, repeated }: Answer, chains: readonly Chain[]): Opened[] {
  if (repeated.length === 0) return opened;
  const places = chains.map(({ afterwards }) => new Map(afterwards.map((step, place) => [step.join(' '), place])));
  const placeOf = (one: Opened): number =>
    'probe' in one ? (places[one.chain]!.get(`${one.probe} ${one.actor}`) ?? -1) : -1;
  const byChain = new Map<number, Opened[]>();
  for (const one of opened) byChain.set(one.chain, [...(byChain.get(one.chain) ?? []), one]);
  const copies = repeated.flatMap(([chain, earlier]) =>
    (byChain.get(earlier) ?? [])
      .map((one): Opened => ({ ...one, chain, isRepeated: true }))
      .filter((one) => placeOf(one) >= 0),
  );
  return [...opened, ...copies].toSorted((x, y) => x.chain - y.chain || placeOf(x) - placeOf(y));
}
