/** Creates a muse from data, with a journal that its caller keeps: for many products at once, by workers on any machine. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Isolation } from '../shared/muse-file.ts';
import { writeWhole } from '../shared/files.ts';
import type { TargetKind } from '../targets/kinds.ts';
import type { SupabaseAnswers } from './answers.ts';
import { checkGiven, type GivenAnswers, withDefaults } from './defaults.ts';
import { createAnywhere } from './create.ts';

/** A product as data. Only the name has no default. */
export interface Product {
  name: string;
  kit?: string;
  ref?: string;
  presets?: string[];
  tables?: string[];
  /** The text of a file with tables, and the end of its name. */
  spec?: { text: string; form: 'yaml' | 'json' };
  prefix?: string;
  tenancy?: Isolation;
  target?: TargetKind;
  fix?: boolean;
  supabase: SupabaseAnswers;
}

/** What creating a product needs. */
export interface ProductRequest {
  product: Product;
  /** Absolute path of the muse. */
  directory: string;
  /** A folder for files that are needed while it is created. */
  scratch: string;
  /** The database password of its Supabase project. */
  password?: string | undefined;
  databaseUrl?: string | undefined;
  environment: NodeJS.ProcessEnv;
  /** The journal that was kept last. */
  journal: unknown;
  /** Keeps the journal before it resolves. */
  save(journal: object): Promise<void>;
  signal: AbortSignal;
  onNote(text: string): void;
}

/** What can be known to be wrong with a product before anything is made. @throws MuseError as `create-muse` does */
export function checkProduct(product: Product, directory: string, scratch: string): Promise<void> {
  return withSpec(product, scratch, (given) => checkGiven({ ...given, directory }, directory));
}

/**
 * Creates the product, or continues with its journal.
 * @returns how many migrations its database has
 * @throws MuseError why it stopped; the journal says how far it got
 */
export function createProduct({
  product,
  directory,
  scratch,
  ...options
}: ProductRequest): Promise<{ applied: number }> {
  const { password, databaseUrl, environment, journal, save, signal, onNote } = options;
  return withSpec(product, scratch, async (given) => {
    // A directory that an earlier attempt made is taken as it is.
    const answers = { ...(await withDefaults(given, scratch)), directory };
    const secrets = {
      ...(password === undefined ? {} : { databasePassword: password }),
      ...(databaseUrl === undefined ? {} : { databaseUrl }),
    };
    const report = await createAnywhere(answers, secrets, {
      environment,
      signal,
      storage: { read: () => Promise.resolve(journal ?? undefined), write: save },
      onStep: ({ title, status }) => (status === 'started' ? onNote(title) : undefined),
      onProgress: onNote,
    });
    if (report.error !== undefined) throw report.error;
    const { applied, skipped } = report.migrations;
    return { applied: applied.length + skipped.length };
  });
}

/** The answers of a product; its tables are in a file for as long as it is worked on. */
async function withSpec<T>(
  { spec, ...product }: Product,
  scratch: string,
  work: (given: GivenAnswers) => Promise<T>,
): Promise<T> {
  if (spec === undefined) return work(product);
  const path = join(scratch, `tables.${spec.form}`);
  try {
    await writeWhole(path, spec.text);
    return await work({ ...product, spec: path });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
