import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { openMuse } from '../../muse/open.ts';
import type { Isolation } from '../../shared/muse-file.ts';
import type { TargetKind } from '../../targets/kinds.ts';
import type { MuseState } from '../registry/muses.ts';
import type { Kind } from './kind.ts';

/** A product that is to be created, as data; its parts are those of `create-muse`. */
export interface ProductData {
  name: string;
  kit?: string;
  ref?: string;
  presets?: string[];
  tables?: string[];
  spec?: { text: string; form: 'yaml' | 'json' };
  prefix?: string;
  tenancy?: Isolation;
  target?: TargetKind;
  fix?: boolean;
  supabase: { organization?: string; region?: string };
}

/** What an item of a run of `provision` is about. Holds no secret. */
export interface ProductInput {
  product: ProductData;
  tags: string[];
}

/** The pipeline that creates a product, which is another module's. */
export interface Creator {
  /** @throws MuseError what can be known to be wrong before anything is made */
  check(product: ProductData, directory: string, scratch: string): Promise<void>;
  /**
   * Creates the product, or continues with its journal, which is kept with `save` before anything that it speaks of is done.
   * @returns how many migrations its database has
   */
  create(request: {
    product: ProductData;
    directory: string;
    scratch: string;
    password?: string | undefined;
    databaseUrl?: string | undefined;
    environment: NodeJS.ProcessEnv;
    journal: unknown;
    save(journal: object): Promise<void>;
    signal: AbortSignal;
    onNote(text: string): void;
  }): Promise<{ applied: number }>;
}

/** Where a product is made, and where what it needs meanwhile is. */
export const placesOf = (data: string, name: string): { directory: string; scratch: string } => ({
  directory: join(data, 'muses', name),
  scratch: join(data, 'scratch', name),
});

/** Creates products, each with its project; a worker that dies leaves its journal to the next, on any machine. */
export function provisionKind(creator: Creator): Kind {
  return {
    title: 'provision',
    waves: '1,100%',
    changes: true,
    needsEnvironment: false,
    async run({ muse, variables, input, journal, saveJournal, directory: data, signal, onNote }) {
      const { product } = input as ProductInput;
      const { directory, scratch } = placesOf(data, product.name);
      let state: MuseState = 'planned';
      const { applied } = await creator.create({
        product,
        directory,
        scratch,
        password: passwordFor(muse.id, variables),
        databaseUrl: variables['DATABASE_URL'],
        environment: variables,
        journal,
        async save(kept) {
          state = stateAfter(kept);
          await saveJournal(kept, state);
        },
        signal,
        onNote,
      });
      const { museFile } = await openMuse(directory);
      const { ref } = museFile.environments.development ?? {};
      return {
        state: 'done',
        result: { directory, ...(ref === undefined ? {} : { ref }), applied },
        seen: {
          museState: state,
          files: { applied, pending: 0, edited: 0, missing: 0, unreadable: 0 },
          placed: { source: directory, museFile },
        },
      };
    },
  };
}

/** What is reached when a step of the pipeline is done. */
const reached: Readonly<Record<string, MuseState>> = {
  place: 'created',
  wait: 'healthy',
  migrate: 'migrated',
  configure: 'seeded',
  prove: 'verified',
};

function stateAfter(journal: object): MuseState {
  const { steps = [] } = journal as { steps?: { id: string; status: string }[] };
  const states = steps.flatMap(({ id, status }) =>
    status === 'done' && reached[id] !== undefined ? [reached[id]] : [],
  );
  return states.at(-1) ?? 'planned';
}

/**
 * The database password of a product's project: as given, else one that every worker with the same access token comes to. A
 * worker on another machine must know it, and it must not be in the registry.
 */
function passwordFor(muse: string, variables: NodeJS.ProcessEnv): string | undefined {
  const given = variables['SUPABASE_DB_PASSWORD'];
  if (given) return given;
  const token = variables['SUPABASE_ACCESS_TOKEN'];
  if (!token) return undefined;
  const digest = createHmac('sha256', token).update(`database password of ${muse}`).digest('base64url');
  // Letters and digits, a letter first: safe in a URL, a shell and a secrets file.
  return `m${digest.replaceAll(/[-_]/g, 'x')}`;
}
