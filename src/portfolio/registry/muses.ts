/** The muses of the registry and their environments, as rows. */
import type { Session } from '../../database/database.ts';
import { MuseError } from '../../shared/error.ts';
import type { Environment, EnvironmentName, MuseFile } from '../../shared/muse-file.ts';
import { nearest } from '../../shared/nearest.ts';
import { appendAudit } from './audit.ts';
import { keyOf, matchesGlob } from './names.ts';

/** How far a muse has come; each is derived from a step that is done. */
export const museStates = ['planned', 'created', 'healthy', 'migrated', 'seeded', 'verified'] as const;
export type MuseState = (typeof museStates)[number];

/** What went wrong, as it is kept: no secret, no stack. */
export interface KeptError {
  code: string;
  message: string;
  suggestion: string;
}

/** Where a muse is kept. */
export interface MuseSource {
  /** An absolute path on `host`, or the URL of a repository without credentials. */
  source: string;
  isRemote: boolean;
  host: string;
}

/** A muse as the registry has it. */
export interface MuseRow extends MuseSource {
  id: string;
  name: string;
  tags: string[];
  kit: { source?: string; commit?: string; layout?: string; behind?: number };
  state: MuseState;
  error: KeptError | null;
  /** ISO time by the registry's clock, as all times here. */
  addedAt: string;
  seenAt: string | null;
  archivedAt: string | null;
}

/** The numbers of migration files, by what they are in an environment. */
export interface FileCounts {
  applied: number;
  pending: number;
  edited: number;
  missing: number;
  unreadable: number;
}

/** What was proven last about an environment. */
export interface KeptIsolation {
  proven: number;
  notProven: number;
  errors: number;
  at: string;
}

/** An environment as the registry has it. */
export interface EnvironmentRow {
  muse: string;
  name: EnvironmentName;
  target: string;
  ref: string | null;
  region: string | null;
  /** Empty until it was seen. */
  files: Partial<FileCounts>;
  drift: number | null;
  isolation: KeptIsolation | null;
  error: KeptError | null;
  checkedAt: string | null;
  seenAt: string | null;
  /** How long ago it was seen, in seconds, by the registry's clock. */
  seenAgo: number | null;
}

/** A time as ISO 8601, from the registry's clock. */
export const isoTime = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const museColumns =
  `m.id, m.name, m.source, m.is_remote as "isRemote", m.host, m.tags, m.kit, m.state, m.error, ` +
  `${isoTime('m.added_at')} as "addedAt", ${isoTime('m.seen_at')} as "seenAt", ` +
  `${isoTime('m.archived_at')} as "archivedAt"`;

/** Every muse, in the order of their names. */
export async function listMuses(session: Session, { archived = false } = {}): Promise<MuseRow[]> {
  const { rows } = await session.query<MuseRow>(
    `select ${museColumns} from portfolio.muses m where $1 or m.archived_at is null order by m.name, m.id`,
    [archived],
  );
  return rows;
}

/** The muses of these ids, by their ids. */
export async function musesOf(session: Session, ids: readonly string[]): Promise<Map<string, MuseRow>> {
  if (ids.length === 0) return new Map();
  const { rows } = await session.query<MuseRow>(
    `select ${museColumns} from portfolio.muses m where m.id = any ($1::uuid[])`,
    [[...ids]],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** The environments of all muses, or of one. */
export async function listEnvironments(session: Session, muse?: string): Promise<EnvironmentRow[]> {
  const { rows } = await session.query<EnvironmentRow>(
    `select e.muse, e.name, e.target, e.ref, e.region, e.files, e.drift, e.isolation, e.error,
            ${isoTime('e.checked_at')} as "checkedAt", ${isoTime('e.seen_at')} as "seenAt",
            extract(epoch from clock_timestamp() - e.seen_at)::float8 as "seenAgo"
       from portfolio.environments e where $1::uuid is null or e.muse = $1::uuid
      order by e.muse, array_position(array['development', 'staging', 'production'], e.name)`,
    [muse ?? null],
  );
  return rows;
}

/**
 * The muses that are meant: all, those whose name matches a pattern, or those with a tag.
 * @param only a name in which `*` stands for any text, or a tag
 * @throws MuseError `bad-muse` where it matches nothing
 */
export function selectMuses<Row extends Pick<MuseRow, 'name' | 'tags'>>(
  muses: readonly Row[],
  only: string | undefined,
): Row[] {
  if (only === undefined) return [...muses];
  const found = muses.filter(({ name, tags }) => matchesGlob(only, name) || tags.includes(only));
  if (found.length > 0) return found;
  throw unknownMuse(only, muses);
}

/**
 * The muse of a name, however its case and separators are written.
 * @throws MuseError `bad-muse`
 */
export function findMuse<Row extends Pick<MuseRow, 'name'>>(muses: readonly Row[], name: string): Row {
  const key = keyOf(name);
  const found = muses.find((muse) => keyOf(muse.name) === key);
  if (found !== undefined) return found;
  throw unknownMuse(name, muses);
}

function unknownMuse(name: string, muses: readonly Pick<MuseRow, 'name'>[]): MuseError {
  const near = nearest(
    name,
    muses.map((muse) => muse.name),
  );
  return new MuseError({
    code: 'bad-muse',
    message: `The portfolio has no muse "${name}".`,
    suggestion: `${near === undefined ? '' : `Did you mean ${near}? `}List all muses: muse portfolio list`,
  });
}

/** What is known of a muse before it is in the registry. */
export interface NewMuse extends MuseSource {
  name: string;
  tags: readonly string[];
  state: MuseState;
  museFile?: MuseFile;
}

/**
 * Adds a muse, or brings up to date what the registry has of the same one: the same name from the same place.
 * @returns whether it is new
 * @throws MuseError `name-taken` where another muse has the name, or one that differs only in case or separators;
 *   `ref-taken` where another muse has the same Supabase project
 */
export async function putMuse(session: Session, muse: NewMuse): Promise<{ id: string; added: boolean }> {
  const key = keyOf(muse.name);
  const { rows } = await session.query<MuseRow>(
    `select ${museColumns} from portfolio.muses m where m.key = $1 for update`,
    [key],
  );
  const known = rows[0];
  if (known !== undefined && !isSame(known, muse)) throw nameTaken(muse, known);
  const { kit } = muse.museFile ?? {};
  const kept = kit === undefined ? {} : { source: kit.source, commit: kit.commit, layout: kit.layout };
  const { rows: put } = await session.query<{ id: string }>(
    `insert into portfolio.muses (name, key, source, is_remote, host, tags, kit, state)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (key) do update set
       tags = (select array(select distinct unnest(portfolio.muses.tags || excluded.tags) order by 1)),
       kit = portfolio.muses.kit || excluded.kit, host = excluded.host, updated_at = now(),
       state = case when portfolio.muses.state = 'planned' then excluded.state else portfolio.muses.state end
     returning id`,
    [muse.name, key, muse.source, muse.isRemote, muse.host, [...muse.tags], kept, muse.state],
  );
  const { id } = put[0]!;
  if (muse.museFile !== undefined) await putEnvironments(session, { id, name: muse.name }, muse.museFile);
  if (known === undefined) {
    const { source, host, tags, state } = muse;
    await appendAudit(session, { action: 'add', muse: muse.name, after: { source, host, tags: [...tags], state } });
  }
  return { id, added: known === undefined };
}

const isSame = (known: MuseRow, muse: NewMuse): boolean =>
  known.name === muse.name && known.source === muse.source && (muse.isRemote || known.host === muse.host);

function nameTaken({ name, source }: NewMuse, known: MuseRow): MuseError {
  const same = known.name === name;
  return new MuseError({
    code: 'name-taken',
    message: same
      ? `The portfolio has another muse named ${name}, from ${known.source} on ${known.host}. ${source} was not added.`
      : `"${name}" differs from ${known.name}, which the portfolio has, only in case or separators. It was not added.`,
    suggestion:
      known.archivedAt === null
        ? `Give one of them another name in its muse.json. Show the other: muse portfolio list`
        : `${known.name} is archived. To use it again: muse portfolio unarchive ${known.name}`,
  });
}

/**
 * Writes where a muse is that was made just now.
 * @throws MuseError `ref-taken`
 */
export async function settleMuse(
  session: Session,
  muse: { id: string; name: string },
  { source, host, museFile }: { source: string; host: string; museFile: MuseFile },
): Promise<void> {
  const { source: from, commit, layout } = museFile.kit;
  await session.query(
    `update portfolio.muses set source = $2, host = $3, is_remote = false, kit = $4, updated_at = now() where id = $1`,
    [muse.id, source, host, { source: from, commit, layout }],
  );
  await putEnvironments(session, muse, museFile);
}

/**
 * Writes which environments a muse has; forgets those that its `muse.json` no longer names.
 * @throws MuseError `ref-taken`
 */
export async function putEnvironments(
  session: Session,
  muse: { id: string; name: string },
  museFile: MuseFile,
): Promise<void> {
  const entries = Object.entries(museFile.environments) as [EnvironmentName, Environment][];
  for (const [name, { target, ref, region }] of entries) {
    if (ref !== undefined) await refuseSharedProject(session, muse, name, ref);
    await session.query(
      `insert into portfolio.environments (muse, name, target, ref, region) values ($1, $2, $3, $4, $5)
       on conflict (muse, name) do update set target = excluded.target, ref = excluded.ref, region = excluded.region`,
      [muse.id, name, target, ref ?? null, region ?? null],
    );
  }
  await session.query('delete from portfolio.environments where muse = $1 and name <> all ($2)', [
    muse.id,
    entries.map(([name]) => name),
  ]);
}

async function refuseSharedProject(
  session: Session,
  muse: { id: string; name: string },
  environment: EnvironmentName,
  ref: string,
): Promise<void> {
  const { rows } = await session.query<{ other: string; environment: string; ref: string }>(
    `select m.name as other, e.name as environment, e.ref
       from portfolio.environments e join portfolio.muses m on m.id = e.muse
      where regexp_replace(lower(e.ref), '[^a-z0-9]', '', 'g') = regexp_replace(lower($1), '[^a-z0-9]', '', 'g')
        and (e.muse <> $2 or e.name <> $3)`,
    [ref, muse.id, environment],
  );
  const found = rows[0];
  if (found === undefined) return;
  throw new MuseError({
    code: 'ref-taken',
    message:
      `The Supabase project ${ref} of ${muse.name} (${environment}) is already that of ${found.other} ` +
      `(${found.environment}). ${muse.name} was not added.`,
    suggestion:
      'Give each environment a project of its own: muse provision --env <name>, or correct "ref" in muse.json.',
  });
}

/**
 * Archives muses, or takes them out of the archive.
 * @returns the names of those that were not so before
 * @throws MuseError `muse-in-run` for one that a run still works on
 */
export async function setArchived(session: Session, muses: readonly MuseRow[], archived: boolean): Promise<string[]> {
  const changed: string[] = [];
  for (const muse of muses) {
    if ((muse.archivedAt !== null) === archived) continue;
    if (archived) await refuseLive(session, muse);
    await session.query(
      `update portfolio.muses set archived_at = ${archived ? 'now()' : 'null'}, updated_at = now() where id = $1`,
      [muse.id],
    );
    await appendAudit(session, {
      action: archived ? 'archive' : 'unarchive',
      muse: muse.name,
      before: { archived: !archived },
      after: { archived },
    });
    changed.push(muse.name);
  }
  return changed;
}

async function refuseLive(session: Session, { id, name }: MuseRow): Promise<void> {
  const { rows } = await session.query<{ kind: string; number: string }>(
    `select r.kind, r.number from portfolio.items i join portfolio.runs r on r.number = i.run
      where i.muse = $1 and i.state in ('waiting', 'queued', 'running')`,
    [id],
  );
  const run = rows[0];
  if (run === undefined) return;
  throw new MuseError({
    code: 'muse-in-run',
    message: `${name} is in the run ${run.kind}-${run.number}, which has not ended. Nothing was archived.`,
    suggestion: `Wait until it ends, or cancel it: muse portfolio cancel ${run.kind}-${run.number}`,
  });
}
