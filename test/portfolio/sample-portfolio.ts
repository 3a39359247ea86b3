/** A portfolio as data, for tests of its page. */
import type { PortfolioEnvironment, PortfolioMuse, Rollout, RolloutMuse } from '../../src/portfolio/api-types.ts';

/** When all of it was seen. */
export const at = '2026-11-28T12:00:00.000Z';
const later = (seconds: number): string => new Date(Date.parse(at) + 1000 * seconds).toISOString();

/** A muse that is as it should be, but for what is named. */
export const museNamed = (name: string, more: Partial<PortfolioMuse> = {}): PortfolioMuse => ({
  name,
  state: 'migrated',
  source: `/srv/${name}`,
  host: 'build',
  isRemote: false,
  tags: [],
  kit: { commit: 'create-muse@0.1.0', behind: 0 },
  environments: [
    { name: 'production', target: 'supabase', applied: 14, pending: 0, drift: 0, known: 'yes', seenAt: at },
  ],
  addedAt: at,
  seenAt: at,
  known: true,
  ...more,
});

/** A run that stopped in the last of three waves, when two thirds were begun: eight at a time, and every hundredth failed. */
export function runOf(names: readonly string[]): Rollout {
  const tenth = Math.ceil(names.length / 10);
  const begun = Math.ceil((names.length * 2) / 3);
  const item = (name: string, index: number): RolloutMuse => {
    const wave = index === 0 ? 1 : index <= tenth ? 2 : 3;
    if (index >= begun) return { name, wave, state: 'blocked' };
    const turn = 4 * (wave - 1 + Math.ceil(index / 8));
    const [startedAt, endedAt] = [later(turn), later(turn + 2 + ((index * 7) % 5) / 2)];
    return { name, wave, state: index % 100 === 99 ? 'failed' : 'done', startedAt, endedAt };
  };
  return {
    run: {
      name: 'migrate-7',
      kind: 'migrate',
      environment: 'production',
      state: 'stopped',
      wave: 3,
      waves: 3,
      tool: '0.1.0',
      startedBy: 'ada',
      host: 'build',
      createdAt: at,
      pausedUntil: null,
      endedAt: later(4 * (2 + Math.ceil(begun / 8)) + 4),
    },
    muses: names.map(item),
    attached: false,
    skipped: [],
    added: [],
  };
}

const production = (more: Partial<PortfolioEnvironment>): PortfolioEnvironment[] => [
  { name: 'production', target: 'supabase', applied: 14, pending: 0, drift: 0, known: 'yes', seenAt: at, ...more },
];

const unanswered = {
  code: 'database-unreachable',
  message: 'Cannot reach the PostgreSQL server at db.acme.example:5432: connection timed out after 10 s.',
  suggestion: 'Check that the server is running.',
};

/** What can be wrong with a muse, and what each looks like. */
const troubles: Partial<PortfolioMuse>[] = [
  { known: false, environments: production({ known: 'unreachable', error: unanswered }) },
  { environments: production({ applied: 12, pending: 2 }) },
  { environments: production({ drift: 3 }), kit: { commit: '93fef6d21b04', behind: 4 } },
  { state: 'verified', environments: production({ isolation: { proven: 12, notProven: 0, errors: 2, at } }) },
  { known: false, state: 'created', environments: [{ name: 'staging', target: 'postgres', known: 'never' }] },
];

/** So many muses, of which every twentieth has something wrong with it; the others are seeded, migrated or verified. */
export function manyMuses(count: number): PortfolioMuse[] {
  const words = ['realty', 'kid', 'notes', 'socio', 'garden', 'health', 'craft', 'travel'];
  return Array.from({ length: count }, (_, index) => {
    const name = `${words[index % words.length]}muse-${String(index + 1).padStart(4, '0')}`;
    const tags = index % 4 === 0 ? ['paying'] : [];
    if (index % 20 === 0) return museNamed(name, { tags, ...troubles[(index / 20) % troubles.length]! });
    const state = (['verified', 'migrated', 'verified', 'seeded'] as const)[index % 4]!;
    const isolation = { proven: 12, notProven: 0, errors: 0, at };
    return museNamed(name, { tags, state, environments: production(state === 'verified' ? { isolation } : {}) });
  });
}
