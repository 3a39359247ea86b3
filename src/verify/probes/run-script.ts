import { type Database, DatabaseError, type Session } from '../../database/database.ts';
import { MuseError } from '../../shared/error.ts';
import { answerFrame, type Plan, progressOf, type ScriptActor, scriptOf } from '../fixtures/script.ts';

/** The result of one probe by one actor. `before` are the states of the fixtures before it. */
export type Cell = { actor: number; probe: number; before: Record<string, string> } & (
  { touched: number; answer: string; state: string } | { code: string; message: string }
);

/** What came of a chain: a state that is not what it was, or a probe that met or showed something afterwards, or an error; `before` as in a cell. */
export type Opened = {
  chain: number;
  before: Record<string, string>;
  /** An earlier chain had led to the same, and it was tried there. */
  isRepeated?: true;
} & (
  | { state: string; after: string }
  | { probe: number; actor: number; touched: number; answer: string; after: string }
  | { probe: number; actor: number; code: string; message: string }
);

/** A step of the fill, and the first error that it met: empty if a row with the same key was there. */
interface Refusal {
  step: number;
  code: string;
  message: string;
  constraint: string;
}

export interface Answer {
  /** Steps of the fill that inserted no row, and why. */
  failed: Refusal[];
  /** Steps of the fill that inserted a row only while the table's own triggers did nothing, and why. */
  forced: Refusal[];
  /** The states before any probe. */
  states: Record<string, string>;
  /** The conditions that no row met for any actor, by the number of what was asked. */
  unmet: Record<string, string>[];
  cells: Cell[];
  opened: Opened[];
  /** Chains that led to what an earlier one had led to, with that one: what was tried there was not tried again. */
  repeated: (readonly [chain: number, earlier: number])[];
  /** How many attempts were made after the writes of chains. */
  made: number;
}

type RawRefusal = [step: number, code: string, message: string, constraint: string];

interface RawAnswer {
  failed: RawRefusal[];
  forced: RawRefusal[];
  states: Record<string, string>;
  unmet: Record<string, string>[];
  cells: ([number, number, number, string, string] | [number, number, string, string])[];
  opened: (
    | [number, string, string]
    | [number, number, number, string, string]
    | [number, number, number, number, string, string]
  )[];
  repeated: [number, number][];
  made: number;
}

/**
 * Runs each query as each actor, on the database without any fixtures, in one transaction that is rolled back.
 * @param queries each returns one text
 * @returns a cell per query and actor, with the number of each
 * @throws MuseError, DatabaseError as {@link runPlan}
 */
export async function runQueries(
  session: ProofSession,
  actors: ScriptActor[],
  queries: readonly string[],
): Promise<Cell[]> {
  const everybody = actors.map((_, number) => number);
  const probes = queries.map((sql) => ({ sql, mode: 'read' as const, state: '', actors: everybody }));
  const nothing = { sequences: [], silenced: [], fill: [], states: {}, known: '', chains: [] };
  return (await runPlan(session, { ...nothing, actors, probes })).cells;
}

/** A connection for a proof, which may deliver how far its scripts are. */
export type ProofSession = Session & Pick<Database, 'onRaise'>;

/**
 * Runs a plan in one transaction that is always rolled back.
 * @param onProgress called with how many of its probes were tried, or of its chains followed
 * @throws MuseError `cannot-act-as` if the connection may not act as one of the roles
 * @throws DatabaseError for an error of the script itself
 */
export async function runPlan(session: ProofSession, plan: Plan, onProgress?: (done: number) => void): Promise<Answer> {
  const stop =
    onProgress &&
    session.onRaise?.((text) => {
      const done = progressOf(text);
      if (done !== undefined) onProgress(done);
    });
  const message = await session
    .script(scriptOf(plan))
    .then(
      () => '',
      (error: unknown) => messageOf(error),
    )
    .finally(() => stop?.());
  const start = message.indexOf(answerFrame[0]);
  const end = message.lastIndexOf(answerFrame[1]);
  if (start < 0 || end < start) {
    throw new MuseError({
      code: 'verification-unanswered',
      message: 'The proof ran, but its result is incomplete.',
      detail: message.slice(0, 500),
      suggestion: 'Connect to the database directly instead of over HTTPS, and run muse verify again.',
    });
  }
  const raw = JSON.parse(message.slice(start + answerFrame[0].length, end)) as RawAnswer;
  return {
    failed: raw.failed.map(refusalOf),
    forced: raw.forced.map(refusalOf),
    states: raw.states,
    unmet: raw.unmet,
    cells: raw.cells.map((cell): Cell => {
      const [actor, probe, third, fourth] = cell;
      return typeof third === 'number'
        ? { actor, probe, before: raw.states, touched: third, answer: fourth, state: cell[4] ?? '' }
        : { actor, probe, before: raw.states, code: third, message: fourth };
    }),
    opened: raw.opened.map((one): Opened => {
      if (one.length === 3) return { chain: one[0], before: raw.states, state: one[1], after: one[2] };
      if (one.length === 5) {
        const [chain, probe, actor, code, message] = one;
        return { chain, before: raw.states, probe, actor, code, message };
      }
      const [chain, probe, actor, touched, answer, after] = one;
      return { chain, before: raw.states, probe, actor, touched, answer, after };
    }),
    repeated: raw.repeated,
    made: raw.made,
  };
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error) || error.message.includes(answerFrame[0]))
    return error instanceof Error ? error.message : String(error);
  if (
    error instanceof DatabaseError &&
    (error.code === '42501' || error.code === '22023') &&
    /\brole\b/.test(error.message)
  ) {
    throw new MuseError({
      code: 'cannot-act-as',
      message: `This connection may not act as the roles that users have: ${error.message}.`,
      suggestion: 'Connect as the owner of the tables (on Supabase: postgres), or GRANT it the role.',
      cause: error,
    });
  }
  throw error;
}

function refusalOf([step, code, message, constraint]: RawRefusal): Refusal {
  return { step, code, message, constraint };
}
