import type { Chain } from '../fixtures/script.ts';
import { ChainReader } from './chain-reader.ts';
import type { FirstRound, Obstacle, Opening, Path } from './paths.ts';
import type { Opened } from './run-script.ts';
import type { ChainLimits } from './run-chains.ts';
import { withoutSameEnds } from './same-ends.ts';
import { Trail } from './trail.ts';

/**
 * By the name of a table that its owner wrote, and of one into which its triggers may copy rows: whether rows there
 * changed with any of the writes.
 */
export type Copied = ReadonlyMap<string, ReadonlyMap<string, boolean>>;

/** The maximum length of a path of writes. What leads on from there is told as not followed. */
export const mostSteps = 5;

/** What came of the writes that were followed. */
export interface Followed {
  openings: Opening[];
  obstacles: Obstacle[];
  /** The results of the chains that ran along. */
  inWorlds: Opened[];
  copied: Copied;
  /** Permitted writes that were more than the proof follows. */
  notFollowed: Path[];
  /** Permitted writes after as many as are followed in a row. */
  tooLong: Path[];
}

/**
 * Follows every permitted write: reads again, as the same actor, everything whose policies or bodies depend on what was
 * written, and tries there what it could not do before, up to five writes in a row. Also checks what others have lost,
 * and what strangers see of an owner's writes.
 * @param worlds chains that run along with the first steps
 * @param mostAttempts how many attempts are made after writes; {@link Trail.groupOf} says which of more are made
 * @param run runs chains with fixtures like those of the first round
 */
export async function followWrites(
  first: FirstRound,
  worlds: readonly Chain[],
  mostAttempts: number,
  run: (chains: readonly Chain[], limits: ChainLimits) => Promise<{ opened: Opened[]; left: readonly number[] }>,
): Promise<Followed> {
  const [trail, reader] = [new Trail(first), new ChainReader(first)];
  const found: Opening[] = [];
  const obstacles: Obstacle[] = [];
  let paths = trail.permitted();
  const baselines = new Set(trail.baselines(paths));
  paths.push(...baselines);
  const inWorlds: Opened[] = [];
  const copied = new Map<string, Map<string, boolean>>();
  const notFollowed: Path[] = [];
  const budget = { left: mostAttempts };
  for (let step = 1, beside = worlds; step <= mostSteps && paths.length + beside.length > 0; step += 1, beside = []) {
    const planned = paths
      .map((path) => ({ path, chain: trail.chainOf(path) }))
      .filter(({ chain }) => chain.afterwards.length + chain.states.length > 0);
    // A new token alone is what others are compared with.
    const groupOf = (chain: number): string | undefined => {
      const { path } = planned[chain] ?? {};
      return path === undefined || baselines.has(path) ? undefined : trail.groupOf(path);
    };
    const { opened, left } = await run([...planned.map(({ chain }) => chain), ...beside], { budget, groupOf });
    notFollowed.push(...left.flatMap((chain) => planned[chain]?.path ?? []));
    const further: Path[] = [];
    planned.forEach(({ path }, number) => {
      const { subject } = first.probes[path.probes.at(-1)!]!;
      for (const { name, state } of trail.copiedInto(path)) {
        const isChanged = opened.some((one) => one.chain === number && 'state' in one && one.state === state);
        const known = copied.get(subject) ?? new Map<string, boolean>();
        copied.set(subject, known.set(name, isChanged || known.get(name) === true));
      }
    });
    inWorlds.push(
      ...opened
        .filter(({ chain }) => chain >= planned.length)
        .map((one) => ({ ...one, chain: one.chain - planned.length })),
    );
    const ofPaths = opened.filter(({ chain }) => chain < planned.length);
    const isBaseline = ({ chain }: Opened): boolean => baselines.has(planned[chain]!.path);
    for (const one of ofPaths.filter(isBaseline)) reader.noteBaseline(one);
    for (const one of ofPaths.filter((other) => !isBaseline(other))) {
      const { path } = planned[one.chain]!;
      if ('state' in one && trail.copiedInto(path).length > 0) continue;
      const what = reader.read(path, one);
      if (what !== undefined) found.push(what);
      // A call that belongs to the path may be refused.
      else if ('code' in one && !path.probes.slice(1).includes(one.probe) && reader.isObstacle(path, one))
        obstacles.push({ path, probe: one.probe, code: one.code, message: one.message });
      // Where the same was tried after another path, what leads on from there is followed once.
      if (one.isRepeated !== true && reader.leadsOn(path, one))
        further.push({ actor: path.actor, probes: [...path.probes, one.probe] });
    }
    // A path that is known to open something need not be followed any further.
    const known = new Set(found.map(({ path }) => `${path.actor} ${path.probes[0]}`));
    paths = withoutSameEnds(
      further.filter((path) => !known.has(`${path.actor} ${path.probes[0]}`)),
      first.probes,
    );
  }
  return {
    openings: found.filter((one) => !isToldAnyway(one, found)),
    obstacles,
    inWorlds,
    copied,
    notFollowed,
    tooLong: paths,
  };
}

/** What the owner writes is copied to that stranger without any write of the stranger's. */
function isToldAnyway({ path, by, object }: Opening, found: readonly Opening[]): boolean {
  return path.told !== undefined && found.some((one) => one.how === 'copies' && one.by === by && one.object === object);
}

/** The results of each list of chains, which are numbered one after the other, with the chains numbered within it. */
export function divide(opened: readonly Opened[], lists: readonly (readonly Chain[])[]): Opened[][] {
  let start = 0;
  return lists.map(({ length }) => {
    const [from, end] = [start, (start += length)];
    return opened
      .filter(({ chain }) => chain >= from && chain < end)
      .map((one) => ({ ...one, chain: one.chain - from }));
  });
}
