/** The file of `muse portfolio provision`: products as data, with what all of them share. */
import { dirname, extname, resolve } from 'node:path';
import { exactOptional } from 'valibot';
import { MuseError } from '../shared/error.ts';
import { readUtf8 } from '../shared/files.ts';
import { list, name, number, object, oneOf, pathText, problemsOf, text, yesOrNo } from '../shared/schema.ts';
import { targetKinds, type TargetKind } from '../targets/kinds.ts';
import type { ProductInput } from './kinds/provision.ts';
import { keyOf } from './registry/names.ts';

/** What a product may say; `defaults` may say the same, but for the name. */
const entries = {
  preset: exactOptional(name('the ID of a preset')),
  presets: exactOptional(list(name('the ID of a preset'))),
  tables: exactOptional(list(text('a table, e.g. "notes: title text!"'))),
  spec: exactOptional(name('the path of a file with tables')),
  kit: exactOptional(name('where a kit is')),
  ref: exactOptional(name('a branch, tag or commit')),
  prefix: exactOptional(text()),
  tenancy: exactOptional(oneOf(['auth-uid', 'session'])),
  target: exactOptional(oneOf(targetKinds)),
  fix: exactOptional(yesOrNo()),
  org: exactOptional(name('the slug of an organization')),
  region: exactOptional(name('a region, e.g. eu-central-1')),
  size: exactOptional(name('an instance size, e.g. micro')),
  siteUrl: exactOptional(name('a URL')),
  adminEmail: exactOptional(name('an email address')),
  waitTimeout: exactOptional(number()),
  tags: exactOptional(list(name('a word'))),
};
const schema = object({
  defaults: exactOptional(object(entries)),
  muses: list(object({ name: name('the name of a product'), ...entries })),
});

interface Entry {
  preset?: string;
  presets?: string[];
  tables?: string[];
  spec?: string;
  kit?: string;
  ref?: string;
  prefix?: string;
  tenancy?: 'auth-uid' | 'session';
  target?: TargetKind;
  fix?: boolean;
  org?: string;
  region?: string;
  size?: string;
  siteUrl?: string;
  adminEmail?: string;
  waitTimeout?: number;
  tags?: string[];
}

/**
 * Reads the products of a file, YAML or JSON. Paths in it start from its folder.
 * @throws MuseError `bad-spec` naming what is wrong and where; two names that differ only in case or separators are wrong too
 */
export async function readProducts(path: string): Promise<ProductInput[]> {
  const source = await readUtf8(path);
  if (source === undefined) throw bad(path, 'it does not exist', 'Name a file with products.');
  const data = await parse(path, source);
  const [problem] = problemsOf(schema, data);
  if (problem !== undefined)
    throw bad(
      `${path}${problem.path.length === 0 ? '' : `, ${pathText(problem.path)}`}`,
      problem.message,
      problem.suggestion,
    );
  const { defaults = {}, muses } = data as { defaults?: Entry; muses: (Entry & { name: string })[] };
  const seen = new Map<string, string>();
  for (const { name: own } of muses) {
    const other = seen.get(keyOf(own));
    if (other !== undefined)
      throw bad(path, `"${own}" and "${other}" differ only in case or separators`, 'Give one of them another name.');
    seen.set(keyOf(own), own);
  }
  if (muses.length === 0) throw bad(path, 'it has no products', 'List them under "muses", each with its name.');
  return Promise.all(muses.map((muse) => productOf({ ...defaults, ...muse }, dirname(resolve(path)))));
}

async function productOf(entry: Entry & { name: string }, folder: string): Promise<ProductInput> {
  const {
    preset,
    presets = [],
    spec,
    kit,
    org,
    region,
    size,
    siteUrl,
    adminEmail,
    waitTimeout,
    tags = [],
    ...rest
  } = entry;
  const supabase = { organization: org, region, size, siteUrl, adminEmail, waitTimeout };
  const isPath = kit !== undefined && /^\.{0,2}[/\\]|^\.{1,2}$/.test(kit);
  return {
    tags,
    product: {
      ...rest,
      presets: [...(preset === undefined ? [] : [preset]), ...presets],
      supabase: Object.fromEntries(Object.entries(supabase).filter(([, value]) => value !== undefined)),
      ...(kit === undefined ? {} : { kit: isPath ? resolve(folder, kit) : kit }),
      ...(spec === undefined ? {} : { spec: await specOf(resolve(folder, spec)) }),
    },
  };
}

async function specOf(path: string): Promise<{ text: string; form: 'yaml' | 'json' }> {
  const source = await readUtf8(path);
  if (source === undefined)
    throw bad(path, 'it does not exist', 'Correct "spec": its path starts from the folder of the file.');
  return { text: source, form: extname(path) === '.json' ? 'json' : 'yaml' };
}

async function parse(path: string, source: string): Promise<unknown> {
  try {
    if (extname(path) === '.json') return JSON.parse(source) as unknown;
    const { parse: fromYaml } = await import('yaml');
    return fromYaml(source, { schema: 'core', maxAliasCount: 100 }) as unknown;
  } catch (error) {
    throw bad(
      path,
      (error as Error).message.split('\n', 1)[0] ?? 'it cannot be read',
      'Correct it; it is YAML or JSON.',
    );
  }
}

function bad(path: string, why: string, suggestion: string): MuseError {
  return new MuseError({ code: 'bad-spec', message: `${path}: ${why}.`, suggestion });
}
