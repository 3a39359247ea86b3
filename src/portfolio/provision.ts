/** Plans the products of a run of `provision`: their names are taken, and what an earlier run wrote down is taken on. */
import { join } from 'node:path';
import type { Session } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import { asMuseError, kindOf } from '../shared/files.ts';
import { type Creator, placesOf, type ProductData, type ProductInput } from './kinds/provision.ts';
import { listMuses, type MuseRow, putMuse } from './registry/muses.ts';
import { keyOf } from './registry/names.ts';
import type { Chosen } from './rollout.ts';

/**
 * What can be known to be wrong with a product before any of them is begun.
 * @throws MuseError with its name in front
 */
export async function checkProduct(creator: Creator, product: ProductData, data: string): Promise<void> {
  const { directory, scratch } = placesOf(data, product.name);
  try {
    // Where an earlier run has begun, it is continued: then the directory need not be free.
    const isBegun = (await kindOf(directory)) !== undefined;
    await creator.check(product, isBegun ? join(scratch, 'muse') : directory, scratch);
  } catch (thrown) {
    const { code, message, detail, suggestion, findings } = asMuseError(thrown);
    throw new MuseError({
      code,
      message: `${product.name}: ${message}`,
      suggestion,
      cause: thrown,
      ...(detail === undefined ? {} : { detail }),
      ...(findings === undefined ? {} : { findings }),
    });
  }
}

/**
 * The products that are not created yet, each as a planned muse in the registry.
 * @param place the data directory of this machine and its name; with `dryRun` nothing is written
 * @throws MuseError `name-taken` where another muse has the name; `nothing-to-resume` where all of them are there
 */
export async function planProducts(
  session: Session,
  products: readonly ProductInput[],
  { data, host, dryRun }: { data: string; host: string; dryRun: boolean },
): Promise<Chosen> {
  const known = new Map((await listMuses(session, { archived: true })).map((muse) => [keyOf(muse.name), muse]));
  const chosen: Chosen = { items: [], skipped: [] };
  for (const input of products) {
    const { name } = input.product;
    const there = known.get(keyOf(name));
    const begun = there === undefined ? undefined : await lastItem(session, there.id);
    if (there?.name === name && begun?.state === 'done') {
      chosen.skipped.push(name);
      continue;
    }
    if (there !== undefined && (there.name !== name || begun === undefined)) throw taken(name, there);
    const muse = there ?? (await plan(session, input, { data, host, dryRun }));
    chosen.items.push({
      // Any machine can create it, wherever its directory will be.
      muse: { ...muse, isRemote: true },
      input,
      ...(begun?.journal == null ? {} : { journal: begun.journal }),
    });
  }
  if (chosen.items.length > 0) return chosen;
  throw new MuseError({
    code: 'nothing-to-resume',
    message: 'All products of the file are there already.',
    suggestion: 'Show them: muse portfolio status',
  });
}

async function plan(
  session: Session,
  { product: { name }, tags }: ProductInput,
  { data, host, dryRun }: { data: string; host: string; dryRun: boolean },
): Promise<MuseRow> {
  const source = { source: placesOf(data, name).directory, isRemote: false, host };
  const row: MuseRow = {
    ...source,
    id: '',
    name,
    tags,
    kit: {},
    state: 'planned',
    error: null,
    addedAt: '',
    seenAt: null,
    archivedAt: null,
  };
  if (dryRun) return row;
  const { id } = await putMuse(session, { ...source, name, tags, state: 'planned' });
  return { ...row, id };
}

/** What the last run of `provision` came to for a muse. */
async function lastItem(session: Session, muse: string): Promise<{ state: string; journal: unknown } | undefined> {
  const { rows } = await session.query<{ state: string; journal: unknown }>(
    `select i.state, i.journal from portfolio.items i join portfolio.runs r on r.number = i.run
      where i.muse = $1 and r.kind = 'provision' order by r.number desc limit 1`,
    [muse],
  );
  return rows[0];
}

function taken(name: string, { name: other, source, host }: MuseRow): MuseError {
  return new MuseError({
    code: 'name-taken',
    message:
      other === name
        ? `The portfolio has a muse named ${name} already, from ${source} on ${host}. Nothing was begun.`
        : `"${name}" differs from ${other}, which the portfolio has, only in case or separators. Nothing was begun.`,
    suggestion: 'Give the product another name in the file.',
  });
}
