/**
 * Writes that triggers refuse to everyone, the row's owner too, and calls that a function refuses to everyone: such as one more row than
 * a plan allows, while policies may let anyone write any row. They are tried again where they may be let through: on an emptied table, with
 * other values in what is asked, and at last without the triggers.
 */
import { type FunctionRow, qualifiedName, type RelationRow, type TriggerRow } from '../../rules/engine/live/catalog.ts';
import { walk } from '../../rules/engine/live/expression.ts';
import { type Fields, type Node, walk as walkTree } from '../../sql/nodes.ts';
import { referencesIn } from '../catalog/compared-columns.ts';
import type { Model } from '../catalog/model.ts';
import { mayChange } from '../catalog/reached-tables.ts';
import { policiesFor } from '../catalog/scope.ts';
import { isNever } from '../catalog/verb-policies.ts';
import {
  changedBlock,
  type Changes,
  emptied,
  mostValues,
  otherValues,
  ownValues,
  untriggeredBlock,
} from '../fixtures/let-through.ts';
import { isMoment } from '../fixtures/state-values.ts';
import type { Gap } from '../report/report.ts';
import { isHolder } from './holders.ts';
import type { NamedProbe } from './probes.ts';
import type { Answer, Cell, ProofSession } from './run-script.ts';
import { runSome, type Tried } from './run-some.ts';
import type { Subject } from './subject.ts';
import { verbs } from './verbs.ts';

/** The letter of a privilege to write. */
type Letter = 'I' | 'U' | 'D';

const letters: readonly Letter[] = ['I', 'U', 'D'];

/** What was refused to everyone. */
interface Refused {
  /** Its name, and in words what came of it. */
  object: string;
  by: string;
  /** The privilege; undefined for a call. */
  letter: Letter | undefined;
  /** The numbers of its probes. */
  probes: readonly number[];
  /** The tables whose rows are removed before the next try. */
  emptied: readonly RelationRow[];
  /** The functions that refuse: those of the triggers, or the one that is called. */
  routines: readonly FunctionRow[];
  /** The table that is written. */
  table: RelationRow | undefined;
  triggers: readonly TriggerRow[];
  /** It was not tried at all: not proven, if nothing lets it through. */
  isCertain?: boolean;
  /** Someone who may do it, did. */
  isThrough: (cell: Cell) => boolean;
}

/** What came of another try. */
export interface Retried {
  /** Cells to take in place of those of the same probes. */
  cells: Cell[];
  /** What was let through with other values in the rows of other tables. */
  supposed: Supposed[];
  /** What is still refused to all, and not proven. */
  gaps: Gap[];
}

/**
 * What was refused to everyone until rows that are asked who may do it, or may do how much, had other values: whether those are a limit,
 * or make someone who may do everything, the files do not say. Or until the triggers were off.
 */
export interface Supposed {
  /** The name of what was tried, and in words what came of it: `its trigger quota refuses everyone`. */
  object: string;
  by: string;
  cells: readonly Cell[];
  /** What was different then, in words: `with other values in public.plans`, `without it`. */
  how: string;
  /** The tables whose rows were changed or removed; none where it was tried without the triggers. */
  tables: readonly string[];
}

/**
 * Tries again what was refused to everyone.
 * @throws MuseError, DatabaseError as {@link runInParts}
 */
export async function retryRefused(session: ProofSession, tried: Tried, answer: Answer): Promise<Retried> {
  const retried: Retried = { cells: [], supposed: [], gaps: [] };
  const { model } = tried;
  const byProbe = groupByProbe(answer.cells);
  let open = [...refusedWrites(tried, byProbe), ...refusedCalls(tried, byProbe)];
  /** Tries each by itself: what is changed for one may let another one through. */
  const retry = async (
    blockOf: (one: Refused) => string | undefined,
    taken: (one: Refused, cells: readonly Cell[]) => void,
  ): Promise<void> => {
    const left: Refused[] = [];
    for (const one of open) {
      const block = blockOf(one);
      const cells = block === undefined ? [] : await runSome(session, tried, block, new Set(one.probes));
      if (cells.some(one.isThrough)) taken(one, cells);
      else left.push(one);
    }
    open = left;
  };
  const takeInstead = (_: Refused, cells: readonly Cell[]): void => void retried.cells.push(...cells);
  await retry(
    (one) => changedBlock(emptied(one.emptied)),
    (one, cells) => {
      // Without rows that say who may do what, others may do more.
      if (!one.emptied.some((table) => decides(table, model))) takeInstead(one, cells);
      else {
        const tables = one.emptied.map(qualifiedName);
        retried.supposed.push({ ...one, cells, how: `without the rows of ${tables.join(', ')}`, tables });
      }
    },
  );
  const ofRow = ({ letter, table, routines }: Refused, number: number): Changes[] =>
    table === undefined || letter === 'I' ? [] : [ownValues(table, routines, number, model)];
  for (let number = 0; number < mostValues; number += 1)
    await retry((one) => changedBlock(...ofRow(one, number)), takeInstead);
  for (let number = 0; number < mostValues; number += 1)
    await retry(
      (one) => changedBlock(emptied(one.emptied), ...ofRow(one, number), otherValues(one.routines, number, model)),
      (one, cells) => {
        const tables = otherValues(one.routines, number, model).tables.map(qualifiedName);
        retried.supposed.push({ ...one, cells, how: `with other values in ${tables.join(', ')}`, tables });
      },
    );
  for (const one of open) {
    const { table, triggers, object, by, isCertain } = one;
    if (table !== undefined && triggers.length > 0) {
      const cells = await runSome(session, tried, untriggeredBlock(table, triggers), new Set(one.probes));
      retried.supposed.push({ object, by, cells, how: 'without it', tables: [] });
    } else if (isCertain === true) retried.gaps.push(gapOf(object, by));
  }
  return retried;
}

/** Rows of the table say who may do what elsewhere: policies of other tables ask it, or it is that of members. */
function decides(table: RelationRow, { dependencies, tenancy }: Model): boolean {
  const askers = dependencies.askers(qualifiedName(table));
  return table === tenancy.membership?.table || askers.some((asker) => asker !== table);
}

function groupByProbe(cells: readonly Cell[]): ReadonlyMap<number, readonly Cell[]> {
  const byProbe = new Map<number, Cell[]>();
  for (const cell of cells) {
    const known = byProbe.get(cell.probe);
    if (known === undefined) byProbe.set(cell.probe, [cell]);
    else known.push(cell);
  }
  return byProbe;
}

/** The writes, by table and privilege, that were refused to those who may do them. */
function refusedWrites(tried: Tried, byProbe: ReadonlyMap<number, readonly Cell[]>): Refused[] {
  const { model, actors, subjects, probes } = tried;
  const numbers = new Map<string, number[]>();
  probes.forEach(({ subject, verb }, number) => {
    const key = `${verbs[verb].needs ?? ''} ${subject}`;
    const known = numbers.get(key);
    if (known === undefined) numbers.set(key, [number]);
    else known.push(number);
  });
  return subjects
    .filter(
      ({ kind, table, scope, grants }) =>
        (kind === 'table' && !table.partition && scope.kind !== 'service-only') ||
        (kind === 'view' && grants.triggers.length > 0),
    )
    .flatMap((subject) =>
      letters.flatMap((letter): Refused[] => {
        const { table, kind, grants } = subject;
        const own = numbers.get(`${letter} ${subject.name}`) ?? [];
        const made = own.flatMap((number) => byProbe.get(number) ?? []);
        const isByHolder = ({ actor }: Cell): boolean => isHolder(actors[actor]!, subject);
        const byHolders = made.filter(isByHolder);
        const isThrough = (cell: Cell): boolean => isByHolder(cell) && isDone(cell, letter, probes);
        if (byHolders.length === 0 || byHolders.some(isThrough)) return [];
        const refused = {
          object: subject.name,
          letter,
          probes: own,
          table,
          isThrough,
          emptied: letter === 'I' ? [table] : [],
        };
        if (letter === 'I' && byHolders.some(isByPolicy) && countsItself(subject, model))
          return [{ ...refused, by: 'its policy refuses everyone', routines: [], triggers: [] }];
        const triggers = (kind === 'view' ? grants : table).triggers.filter(
          (one) => one.enabled && one.events.includes(letter) && mayRefuse(one, model),
        );
        const routines = triggers.flatMap(({ function: oid }) => model.sources.byOid(oid) ?? []);
        const isStopped = (cell: Cell): boolean =>
          isRaised(cell) || (triggers.some((one) => drops(one, model)) && !('code' in cell));
        const isForOthers = made.some((cell) => isStopped(cell) && isWrong(cell, subject, tried));
        if (routines.length === 0 || !byHolders.some(isStopped) || !isForOthers) return [];
        const by = `its trigger ${triggers.map(({ name }) => name).join(', ')} refuses everyone`;
        // A trigger of a view cannot be off: it is what writes.
        return [{ ...refused, by, routines, ...(kind === 'view' ? { triggers: [], isCertain: true } : { triggers }) }];
      }),
    );
}

/** The functions that run with their owner's rights, and whose calls all ended by a RAISE, or changed nothing although they may. */
function refusedCalls({ callables, model, probes }: Tried, byProbe: ReadonlyMap<number, readonly Cell[]>): Refused[] {
  const numbers = new Map(probes.map((probe, number) => [probe, number]));
  return callables.flatMap((callable): Refused[] => {
    const { name, routine, runsAsOwner, skipped, bySecret, calls } = callable;
    // Who knows a token is let through, and that is who may be.
    if (!runsAsOwner || skipped !== undefined || bySecret) return [];
    const own = [...new Set(calls.flatMap(({ probe }) => numbers.get(probe) ?? []))];
    const made = own.flatMap((number) => byProbe.get(number) ?? []);
    const refused = {
      object: name,
      letter: undefined,
      probes: own,
      routines: [routine],
      table: undefined,
      triggers: [],
    };
    const isAnswered = (cell: Cell): boolean => !('code' in cell);
    if (!made.some(isAnswered))
      return made.some(isRaised) && refuses(routine, model)
        ? [
            {
              ...refused,
              by: 'it refuses everyone',
              isCertain: true,
              emptied: [...tablesAddedTo(routine, model)],
              isThrough: isAnswered,
            },
          ]
        : [];
    const isChanged = (cell: Cell): boolean =>
      !('code' in cell) && cell.state !== '' && cell.state !== (cell.before[probes[cell.probe]!.state] ?? '');
    return mayChange(routine, model) && hasConditions(routine, model) && !made.some(isChanged)
      ? [{ ...refused, by: 'it changes nothing for anyone', emptied: [], isThrough: isChanged }]
      : [];
  });
}

/** It has IF, CASE or the like, and may end before it changes anything. */
function hasConditions(routine: FunctionRow, { sources }: Model): boolean {
  return sources.reached(routine).some((one) => sources.body(one).tests.size > 0);
}

/** A RAISE of the kit. */
function isRaised(cell: Cell): boolean {
  return 'code' in cell && cell.code.startsWith('P0');
}

/** A policy refused it, not the lack of a privilege. */
function isByPolicy(cell: Cell): boolean {
  return 'code' in cell && cell.code === '42501' && cell.message.includes('row-level security');
}

/** The one who did it must not be let. */
function isWrong({ probe, actor }: Cell, subject: Subject, { probes, actors, model }: Tried): boolean {
  return verbs[probes[probe]!.verb].expects(subject, actors[actor]!, model) === 'no';
}

/** Policies and triggers let it through; a constraint is asked after them. What changes a row that is there instead inserts none. */
function isDone(cell: Cell, letter: Letter, probes: readonly NamedProbe[]): boolean {
  if (letter === 'I' && verbs[probes[cell.probe]!.verb].result !== 'added') return false;
  return 'code' in cell ? cell.code.startsWith('23') : cell.touched > 0;
}

/**
 * A trigger refuses some writes, or drops them, by what is in rows or by the time: one that refuses all of them keeps everyone out,
 * whatever policies say.
 */
function mayRefuse(trigger: TriggerRow, model: Model): boolean {
  const routine = model.sources.byOid(trigger.function);
  if (routine === undefined || (!refuses(routine, model) && !drops(trigger, model))) return false;
  const reached = model.sources.reached(routine);
  const effects = reached.map((one) => model.sources.effects(one));
  const tests = reached.flatMap((one) => [...model.sources.body(one).tests]);
  return (
    effects.some(({ relations, isDynamic }) => relations.length > 0 || isDynamic) ||
    referencesIn(tests).some(({ isOfTrigger }) => isOfTrigger) ||
    isMoment(tests)
  );
}

function refuses(routine: FunctionRow, { sources }: Model): boolean {
  return sources.reached(routine).some((one) => sources.body(one).refuses);
}

/** It returns NULL before the write, with which nothing becomes of that; after it, what is returned does not matter. */
function drops({ isAfter, function: oid }: TriggerRow, { sources }: Model): boolean {
  const routine = isAfter ? undefined : sources.byOid(oid);
  let found = false;
  walk(routine === undefined ? [] : sources.body(routine).returned, (type, node) => {
    found ||= type === 'A_Const' && node['isnull'] === true;
  });
  return found;
}

/** The tables to which a function adds rows. */
function tablesAddedTo(routine: FunctionRow, model: Model): ReadonlySet<RelationRow> {
  const names = new Set<string>();
  const trees = model.sources.reached(routine).flatMap((one): Node[] => model.sources.body(one).trees);
  walkTree(trees, (type, fields) => {
    if (type === 'InsertStmt') names.add((fields as Fields<'InsertStmt'>).relation?.relname ?? '');
  });
  return new Set(
    [...model.dependencies.writtenBy(routine)].flatMap((name) => {
      const table = model.tables.get(name);
      return table !== undefined && names.has(table.name) ? [table] : [];
    }),
  );
}

/** Its policies let rows be added, by what is in the table already. */
function countsItself({ name, table }: Subject, model: Model): boolean {
  return (
    policiesFor(table, 'I', model).some((policy) => !isNever(policy, 'I')) &&
    model.dependencies.askers(name).includes(table)
  );
}

/** What a function, or the trigger of a view, does for those whom it lets through was not tried. */
function gapOf(object: string, by: string): Gap {
  return {
    object,
    reason: `${by} with the rows that were made up, so whose rows it reads or changes was not tried`,
    suggestion: 'Try it by hand, as a user whom it lets through, with keys of rows of someone else.',
  };
}
