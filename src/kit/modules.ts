import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readText, writeWhole } from '../shared/files.ts';
import { setJsonValue } from './json-edit.ts';

/** A part of the built-in kit that a product can do without. */
interface Module {
  /** Files of the kit that are its own, with `/`. */
  files: readonly string[];
  /** The tables that it creates. */
  tables: readonly string[];
  /** Its key in `features` of `config/muse.config.json`. */
  feature: string;
}

/** The modules by id. Their migrations are the last ones, so that the numbers have no gap without them. */
const modules: Readonly<Record<string, Module>> = {
  social: {
    files: ['migrations/core/020_social.sql', 'migrations/rollback/core/020_social.sql'],
    tables: ['public.social_accounts', 'public.social_posts'],
    feature: 'socialScheduler',
  },
};

/** Ids of the modules that can be left out of the built-in kit. */
export const moduleIds: readonly string[] = Object.keys(modules);

/** The tables that the built-in kit lacks without the modules, each with the id of its module. */
export function tablesWithout(ids: readonly string[]): ReadonlyMap<string, string> {
  return new Map(ids.flatMap((id) => (modules[id]?.tables ?? []).map((table): [string, string] => [table, id])));
}

/**
 * Leaves modules out of a copy of the built-in kit: their files, their lines in the list of core's files, and their feature.
 * @param ids of {@link moduleIds}
 */
export async function leaveOutModules(directory: string, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const { files = [], feature = '' } = modules[id] ?? {};
    for (const file of files) await rm(join(directory, file), { force: true });
    const names = files.map(
      (file) =>
        `\`${file
          .split('/')
          .at(-1)!
          .replace(/\.sql$/, '')}\``,
    );
    await edit(join(directory, 'migrations/README.md'), (text) =>
      text
        .split('\n')
        .filter((line) => !names.some((name) => line.startsWith(`| ${name} |`)))
        .join('\n'),
    );
    await edit(join(directory, 'config/muse.config.json'), (text) => setJsonValue(text, ['features', feature], false));
  }
}

async function edit(path: string, change: (text: string) => string): Promise<void> {
  const text = await readText(path);
  if (text !== undefined) await writeWhole(path, change(text));
}
