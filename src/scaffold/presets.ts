import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { MuseError } from '../shared/error.ts';
import { nearest } from '../shared/nearest.ts';
import { tableProblems } from './check-table.ts';
import type { Bucket, ColumnSpecification, CoreFacts, TableSpecification } from './table.ts';

/** A ready-made extension: data, and the names of templates where data is not enough. */
export interface Preset {
  id: string;
  /** One line, for a list to choose from. */
  title: string;
  /** The tables of core that it needs, e.g. `public.social_posts`. */
  needs: string[];
  tables: TableSpecification[];
  /** Columns that it adds to tables of core. */
  coreColumns: { table: string; columns: ColumnSpecification[] }[];
  buckets: Bucket[];
  /** Templates in templates/presets: `<name>.sql.hbs` and `<name>.rollback.sql.hbs`. */
  templates: string[];
}

const folder = new URL('../../templates/presets/', import.meta.url);

/** All presets, sorted by id, `blank` first. */
export async function listPresets(): Promise<Pick<Preset, 'id' | 'title'>[]> {
  const ids = await presetIds();
  return Promise.all(ids.map(async (id) => ({ id, title: (await readPreset(id)).title })));
}

/**
 * A preset by its id.
 * @throws MuseError `bad-preset` if there is none, with the nearest id
 */
export async function loadPreset(id: string): Promise<Preset> {
  const ids = await presetIds();
  if (ids.includes(id)) return readPreset(id);
  const meant = nearest(id, ids);
  throw new MuseError({
    code: 'bad-preset',
    message: `There is no preset ${JSON.stringify(id.slice(0, 80))}.`,
    suggestion:
      meant === undefined
        ? `Use one of ${ids.join(', ')}.`
        : `Write --preset ${meant}. The presets are ${ids.join(', ')}.`,
  });
}

/**
 * Checks that core has the tables that a preset needs.
 * @throws MuseError `bad-preset` naming those that are missing
 */
export function requireCore(preset: Preset, core: CoreFacts): void {
  const missing = preset.needs.filter((name) => core.tables[name] === undefined);
  if (missing.length === 0) return;
  throw new MuseError({
    code: 'bad-preset',
    message: `The preset ${preset.id} needs ${missing.join(', ')}, which this kit's core does not create.`,
    suggestion: 'Use the built-in kit, omit the preset, or add --fix, which creates the missing tables.',
  });
}

async function presetIds(): Promise<string[]> {
  const ids = (await readdir(fileURLToPath(folder)))
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -5));
  return ids.sort((a, b) => Number(b === 'blank') - Number(a === 'blank') || (a < b ? -1 : 1));
}

/** A file in templates/presets is part of this package: a mistake in it is a bug. */
async function readPreset(id: string): Promise<Preset> {
  const [text, { pathText, problemsOf }, { presetSchema }] = await Promise.all([
    readFile(fileURLToPath(new URL(`${id}.json`, folder)), 'utf8'),
    import('../shared/schema.ts'),
    import('./specification-schema.ts'),
  ]);
  const value: unknown = JSON.parse(text);
  const shape = problemsOf(presetSchema, value);
  const preset = value as Omit<Preset, 'id'>;
  const problems =
    shape.length > 0
      ? shape
      : preset.tables.flatMap((table, index) =>
          tableProblems(table).map((found) => ({ ...found, path: ['tables', index, ...found.path] })),
        );
  if (problems[0] !== undefined)
    throw new Error(`templates/presets/${id}.json, at ${pathText(problems[0].path)}: ${problems[0].message}`);
  return { ...preset, id };
}
