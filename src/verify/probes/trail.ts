/** The writes that are followed, and what is tried after them. */
import { type FunctionRow, qualifiedName } from '../../rules/engine/live/catalog.ts';
import { allOf, fieldsOf, type Node } from '../../sql/nodes.ts';
import { parseTree } from '../../sql/parser.ts';
import { tokenSetting } from '../catalog/claim-paths.ts';
import type { Callable, FunctionCall } from '../catalog/functions.ts';
import { isFreeText, isTextList } from '../catalog/joined-by-call.ts';
import type { ColumnChange } from '../catalog/mentioned-columns.ts';
import { madeColumns } from '../catalog/made-columns.ts';
import { mayChange } from '../catalog/reached-tables.ts';
import { appMetadata, tokenSources } from '../catalog/token-sources.ts';
import { authUsers, userMetadata } from '../catalog/user-metadata.ts';
import type { Chain } from '../fixtures/script.ts';
import type { FirstRound, Path } from './paths.ts';
import type { NamedProbe } from './probes.ts';
import { toldPaths } from './repeats.ts';
import { Round } from './round.ts';
import type { Cell } from './run-script.ts';
import { changedRows, heldBy, type Subject } from './subject.ts';
import { rowsOfA, without } from './labels.ts';
import { uncoveredReads } from './uncovered.ts';
import { isMetadata, type Verb, verbs } from './verbs.ts';

/** How many statements of one verb are tried at a further step, the simplest first. */
const mostStatements = 4;

/** How many calls of one function are repeated after a write: for ordinary rows, and for rows in the states that it asks for. */
const mostCalls = 4;
const mostCallsOfStates = 2;

/** After how many UPDATEs that set the same columns of a table, or calls of one function, all those calls are made: then the likeliest alone. */
const mostAlike = 4;

/**
 * How many of an actor's calls of one function are followed that changed rows of others, which is an error by itself; and of those for rows
 * in other states, or for none, that changed no row which is looked at.
 */
const mostOfEffect = 2;

/** Determines what a path of writes may have changed, and so what to try after it. */
export class Trail extends Round {
  /** Numbers of the probes by the name of their subject. */
  private readonly numbers = new Map<string, number[]>();
  /** The number of paths that {@link countAlike} has counted. */
  private readonly alike = new Map<string, number>();

  /** Numbers of the probes that give a new token. */
  private readonly renewals: readonly number[];

  constructor(first: FirstRound) {
    super(first);
    this.renewals = first.probes.flatMap(({ verb }, number) => (verb === 'renew-token' ? [number] : []));
    first.probes.forEach(({ subject }, number) =>
      this.numbers.set(subject, [...(this.numbers.get(subject) ?? []), number]),
    );
  }

  /**
   * Every write that an actor was allowed. Of the owner's writes, which matter only for what others see, one per letter
   * and table.
   */
  permitted(): Path[] {
    const owners = new Set<string>();
    const calls = this.first.callables.flatMap((callable) => callable.calls);
    const ordinary = new Set(calls.flatMap(({ isOfState, probe }) => (isOfState ? [] : [probe])));
    const alike = new Map<string, number>();
    return this.first.cells
      .filter((cell) => {
        const actor = this.first.actors[cell.actor]!;
        if (actor.isMultiOrg || !this.isWrite(cell)) return false;
        const probe = this.first.probes[cell.probe]!;
        const { subject, verb } = probe;
        const effect = this.effectOf(cell);
        if (effect === 'harm' || (effect === 'none' && !ordinary.has(probe))) {
          const key = [cell.actor, effect, subject].join(' ');
          alike.set(key, (alike.get(key) ?? 0) + 1);
          if (alike.get(key)! > mostOfEffect) return false;
        }
        if (actor.relation !== 'self') return true;
        const key = `${verbs[verb].letter} ${subject}`;
        return !owners.has(key) && owners.add(key) !== undefined;
      })
      .flatMap(({ actor, probe }) => [
        { actor, probes: [probe] },
        ...this.undone(actor, probe),
        ...this.calledAfter(actor, probe),
        ...this.renewed(actor, probe),
        ...toldPaths({ actor, probe }, this.first, (cell) => this.isWrite(cell)),
      ]);
  }

  /** What a stranger's call of a function that writes did to the rows which are looked at; undefined for any other. */
  private effectOf(cell: Cell): 'harm' | 'none' | 'other' | undefined {
    const { subject, state } = this.first.probes[cell.probe]!;
    const actor = this.first.actors[cell.actor]!;
    if (!('state' in cell) || actor.relation !== 'none' || !this.callables.has(subject) || state === '')
      return undefined;
    const before = cell.before[state] ?? '';
    if (cell.state === before) return 'none';
    const [then, now] = [before, cell.state].map((text) => JSON.parse(text || '{}') as Record<string, string>);
    const isHarm = this.first.subjects.some((one) => {
      const changed = changedRows(then![one.state] ?? '', now![one.state] ?? '');
      return rowsOfA(without(changed, heldBy(actor.user, one))) !== '';
    });
    return isHarm ? 'harm' : 'other';
  }

  /** The same with a new token afterwards, if the write may have changed what its claims are made of. */
  private renewed(actor: number, probe: number): Path[] {
    const { relation, isAnonymous, only } = this.first.actors[actor]!;
    if (relation !== 'none' || isAnonymous || only !== undefined || this.renewals.length === 0) return [];
    const { model, probes } = this.first;
    const { hooks, tables } = tokenSources(model);
    const { named, byTheWay } = this.changedBy(probes[probe]!);
    const changed = [...named, ...byTheWay];
    const isOfAuth =
      changed.includes(authUsers) &&
      (isMetadata(probes[probe]!.verb) ? hooks.length > 0 : this.writesAppMetadata(model.catalog.functions));
    return isOfAuth || changed.some((name) => tables.has(name))
      ? this.renewals.map((renewal) => ({ actor, probes: [probe, renewal] }))
      : [];
  }

  private writesAppMetadata(routines: readonly FunctionRow[]): boolean {
    return routines.some((routine) => this.first.model.sources.effects(routine).columns.has(appMetadata));
  }

  /** New tokens alone, for each who gets one after a write: what those open is not due to the write. */
  baselines(paths: readonly Path[]): Path[] {
    const renewed = paths.filter(({ probes }) => this.renewals.includes(probes.at(-1)!));
    return [
      ...new Map(
        renewed.map(({ actor, probes }) => [`${actor} ${probes.at(-1)!}`, { actor, probes: [probes.at(-1)!] }]),
      ).values(),
    ];
  }

  /** A row that names one of A's, and is deleted again: a trigger may act on what it held. */
  private undone(actor: number, probe: number): Path[] {
    const { subject, verb } = this.first.probes[probe]!;
    if (verb !== 'insert-aimed') return [];
    const deletes = (this.numbers.get(subject) ?? []).filter((number) => {
      const cell = this.cells.get(`${actor} ${number}`);
      return this.first.probes[number]!.verb === 'delete-all' && cell !== undefined && !('code' in cell);
    });
    return deletes.slice(0, 1).map((number) => ({ actor, probes: [probe, number] }));
  }

  /** A stranger's new row, and the call of a function that names it. */
  private calledAfter(actor: number, probe: number): { actor: number; probes: [number, number] }[] {
    const { subject, verb, sql } = this.first.probes[probe]!;
    if (this.first.actors[actor]!.relation !== 'none' || verbs[verb].letter !== 'I') return [];
    return this.first.callables.flatMap(({ ofNewRows }) =>
      ofNewRows
        .filter(({ table, naming }) => table === subject && naming.every((value) => sql.includes(value)))
        .map((call) => ({
          actor,
          probes: [probe, this.first.probes.indexOf(call.probe)] satisfies [number, number],
        })),
    );
  }

  private isWrite(cell: Cell): boolean {
    if ('code' in cell) return false;
    const probe = this.first.probes[cell.probe]!;
    const callable = this.callables.get(probe.subject);
    if (verbs[probe.verb].followed === undefined) return false;
    return callable === undefined ? cell.touched > 0 : this.writes(callable);
  }

  /** A function that is not VOLATILE writes nothing itself; what it calls by SQL that cannot be read, its caller can call as well. */
  private writes({ routine, runsAsOwner }: Callable): boolean {
    const { model } = this.first;
    return model.dependencies.writtenBy(routine).size > 0 && (runsAsOwner || mayChange(routine, model));
  }

  /** What the write changes, if it is an UPDATE of a table; undefined for any other, and where rules rewrite it. */
  private changeOf(probe: NamedProbe): (ColumnChange & { set: ReadonlySet<string> }) | undefined {
    const subject = this.subjects.get(probe.subject);
    if (subject?.kind !== 'table' || subject.table.rules.length > 0) return undefined;
    const targets = allOf(fieldsOf(onlyStatement(probe.sql), 'UpdateStmt')?.targetList, 'ResTarget');
    if (targets.length === 0) return undefined;
    const set = new Set(targets.map(({ name }) => name ?? ''));
    const { table } = subject;
    const made = [
      ...madeColumns(table, this.first.model, { events: 'U', columns: set }).keys(),
      ...table.columns.flatMap(({ name, generated }) => (generated ? [name] : [])),
    ];
    return { table: qualifiedName(table), columns: new Set([...set, ...made]), set };
  }

  /** Tables that a probe changes: the one it names, and those that triggers and foreign keys change. */
  private changedBy(probe: NamedProbe): { named: string[]; byTheWay: string[] } {
    const { dependencies, tables } = this.first.model;
    const callable = this.callables.get(probe.subject);
    const table = isMetadata(probe.verb) ? authUsers : this.tableOf(probe);
    const written =
      callable !== undefined ? [...dependencies.writtenBy(callable.routine)] : table === undefined ? [] : [table];
    const { letter, needs } = verbs[probe.verb];
    const columns = probe.verb === 'set-metadata' ? new Set([userMetadata]) : this.changeOf(probe)?.set;
    const by = callable === undefined ? { events: `${letter}${needs ?? ''}`, columns } : undefined;
    const byTheWay = written.flatMap((name) => dependencies.sideEffects(name, by).map((effect) => effect.table));
    if (verbs[probe.verb].followed === 'triggers') return { named: [], byTheWay };
    const named = written;
    const children =
      letter !== 'D'
        ? []
        : [...tables.values()]
            .filter((row) =>
              row.constraints.some((key) => key.type === 'f' && key.target !== null && named.includes(key.target)),
            )
            .map(qualifiedName);
    return { named: [...named, ...children], byTheWay };
  }

  /** The probes and reads after a path. */
  chainOf(path: Path, isFurther: boolean): Chain {
    const { model, actors, subjects } = this.first;
    const actor = actors[path.actor]!;
    const lead = path.probes.map((probe): [number, number] => [probe, path.actor]);
    const last = this.changedBy(this.first.probes[path.probes.at(-1)!]!);
    const changed = new Set([...last.named, ...last.byTheWay]);
    const isNewUser = this.first.probes[path.probes[0]!]!.verb === 'sign-up';
    const states = subjects.filter(
      (subject) =>
        subject.kind === 'table' &&
        // Who signs up anew has lost its own rows first.
        !isNewUser &&
        last.byTheWay.includes(subject.name) &&
        verbs.update.expects(subject, actor, model) === 'no',
    );
    if (path.told !== undefined) {
      const { byTheWay } = this.changedBy(this.first.probes[path.told.probe]!);
      const looks = byTheWay.flatMap((name) => this.first.copyLooks.get(name) ?? []);
      return {
        lead: [...lead, [path.told.probe, path.told.actor]],
        states: [],
        afterwards: looks.map((look): [number, number] => [look, path.actor]),
      };
    }
    const { letter, tried, linksToA } = verbs[this.first.probes[path.probes.at(-1)!]!.verb];
    if (actor.relation === 'self')
      return {
        lead: lead.map(([probe, by]) => [this.first.repeats.get(probe) ?? probe, by]),
        states: [],
        afterwards: this.copyLooks(last.byTheWay),
      };
    // A member may write its organization's rows, and a guest what it is let into: only what it gives itself is followed.
    if ((actor.relation === 'co-member' || actor.relation === 'guest') && tried !== 'opens' && letter !== 'X')
      return {
        lead,
        states: states.map(({ state }) => state),
        afterwards:
          letter === 'D' && actor.relation === 'co-member'
            ? uncoveredReads(path.actor, last.named, this.first).map((probe): [number, number] => [probe, path.actor])
            : [],
      };
    const lastCall = this.callables.get(this.first.probes[path.probes.at(-1)!]!.subject);
    const isRenewed = this.renewals.includes(path.probes.at(-1)!);
    const claimed = tokenSources(model).readers;
    const isOpener = lastCall !== undefined && model.dependencies.changesAccess(lastCall.routine);
    const probe = this.first.probes[path.probes.at(-1)!]!;
    const written = this.changeOf(probe);
    const set = probe.variant?.sets.map(([column]) => column) ?? written?.set;
    const alike = set === undefined ? undefined : [probe.verb, probe.subject, probe.variant?.of, ...set].join(' ');
    const isOneOfMany = this.countAlike(path, this.callBefore(path)?.name ?? alike) > mostAlike;
    // What a trigger then changes of the same table is not known.
    const change = written === undefined || last.byTheWay.includes(written.table) ? undefined : written;
    const asking = new Set([
      ...model.dependencies.dependents(changed, change),
      ...(isOpener ? model.tables.keys() : []),
      ...(isRenewed ? [...claimed, ...model.dependencies.dependents(claimed)] : []),
    ]);
    const afterwards = [
      ...subjects
        .filter((subject) => asking.has(subject.name) || asking.has(qualifiedName(subject.table)))
        .flatMap((subject) => this.probesAfter(subject, path, isFurther)),
      // A trigger may have made the row that was named the actor's own, or copied it.
      ...(linksToA === true
        ? last.byTheWay.flatMap((name) => this.probesOf(name, path, ({ verb }) => verb === 'select'))
        : []),
      ...(actor.relation === 'none' && (linksToA === true || lastCall !== undefined)
        ? [...changed].flatMap((name) => this.first.copyLooks.get(name) ?? [])
        : []),
      ...(isFurther && actor.relation === 'none'
        ? subjects
            .filter((subject) => last.named.includes(subject.name))
            .flatMap((subject) =>
              this.probesOf(
                subject.name,
                path,
                (probe) => this.isOnNewRow(path, probe) && verbs[probe.verb].tried === 'opens',
              ),
            )
        : []),
      // What a function reads with its caller's rights, the caller can read by itself, which is tried as well.
      ...this.first.callables
        .filter(
          (callable) =>
            (this.writes(callable) ? tried === 'opens' && actor.relation === 'none' : callable.runsAsOwner) &&
            (model.dependencies.asks(callable.routine, changed, change) || (isRenewed && this.readsClaims(callable))),
        )
        .flatMap((callable) => this.callsAfter(callable, path, isOneOfMany)),
      // What the call does to rows of A, for which the new row may have been made.
      ...(path.probes.length === 1
        ? this.calledAfter(path.actor, path.probes[0]!).map(({ probes }) => probes[1]!)
        : []),
      ...[...asking]
        .filter((name) => !this.subjects.has(name))
        .flatMap((name) => this.probesOf(name, path, ({ mode }) => mode === 'rows')),
    ];
    return {
      lead,
      states: states.map(({ state }) => state),
      afterwards: [...new Set(afterwards)].map((probe): [number, number] => [probe, path.actor]),
    };
  }

  /** The function whose call is the last write, before a new token. */
  private callBefore({ probes }: Path): Callable | undefined {
    const last = probes.findLast((probe) => !this.renewals.includes(probe));
    return last === undefined ? undefined : this.callables.get(this.first.probes[last]!.subject);
  }

  private readsClaims({ routine }: Callable): boolean {
    const { sources, claims } = this.first.model;
    return sources
      .reached(routine)
      .some((one) => claims.pathsIn(sources.body(one).trees).some(({ setting }) => setting === tokenSetting));
  }

  /** Chains in which strangers read what triggers wrote after a write by the owner. */
  private copyLooks(tables: readonly string[]): [number, number][] {
    const strangers = this.first.actors.flatMap((actor, number) => (actor.relation === 'none' ? [number] : []));
    const looks = tables.flatMap((table) => this.first.copyLooks.get(table) ?? []);
    return looks.flatMap((look) => strangers.map((actor): [number, number] => [look, actor]));
  }

  private probesOf(name: string, { actor, probes }: Path, wanted: (probe: NamedProbe) => boolean): number[] {
    // A function may have granted what was refused before.
    const isByCall = probes.some((number) => this.callables.has(this.first.probes[number]!.subject));
    return (this.numbers.get(name) ?? []).filter((number) => {
      const probe = this.first.probes[number]!;
      const { actors, alike, refused } = probe;
      const isTried = actors.includes(actor) || alike?.others.includes(actor) === true;
      return wanted(probe) && (isTried || (isByCall && refused?.includes(actor) === true));
    });
  }

  /** How many paths there were, with this one, that end with such a write of the same actor's; 0 where `what` is undefined. */
  private countAlike({ actor, probes }: Path, what: string | undefined): number {
    if (what === undefined) return 0;
    const at = probes.findLastIndex((probe) => !this.renewals.includes(probe));
    const before = probes.slice(0, at).map((probe) => {
      const { subject, verb } = this.first.probes[probe]!;
      return `${verbs[verb].letter} ${subject}`;
    });
    const key = [actor, probes.length - at, ...before, what].join(' ');
    const count = (this.alike.get(key) ?? 0) + 1;
    this.alike.set(key, count);
    return count;
  }

  /**
   * Calls that name rows of A: the likeliest, and some for rows in other states. One that names no row is there to be compared with, and
   * gives and changes less.
   */
  private callsAfter({ name, calls }: Callable, path: Path, isOneOfMany: boolean): number[] {
    const ofState = ({ isOfState }: FunctionCall): boolean => isOfState;
    const tried = new Set([
      ...distinct(calls.filter((call) => !ofState(call))).slice(0, isOneOfMany ? 1 : mostCalls),
      ...distinct(calls.filter(ofState)).slice(0, isOneOfMany ? 0 : mostCallsOfStates),
    ]);
    return this.probesOf(name, path, (probe) => probe.verb === 'call' && tried.has(probe));
  }

  /** Reads and changes that the scope forbids; for strangers, also writes that may open more. */
  private probesAfter(subject: Subject, path: Path, isFurther: boolean): number[] {
    const who = this.first.actors[path.actor]!;
    const tries = new Map<Verb, number>();
    return this.probesOf(subject.name, path, ({ verb }) => {
      tries.set(verb, (tries.get(verb) ?? 0) + 1);
      if (tries.get(verb)! > mostStatements) return false;
      const { tried } = verbs[verb];
      if (tried === 'opens') return isFurther && who.relation === 'none';
      if (who.relation === 'guest' && tried === 'harms') return this.isLetIn(subject, path.actor);
      const isTried = verb === 'select' || (who.relation === 'none' && tried === 'harms');
      return (
        isTried &&
        (verbs[verb].expects(subject, who, this.first.model) === 'no' ||
          (verb === 'select' && this.isChosenByText(subject, path)))
      );
    });
  }

  /** Rows without an owner, which a stranger may read by a text that it writes in a row of its own: a device's number, a host name. */
  private isChosenByText({ scope, kind }: Subject, { actor, probes }: Path): boolean {
    const { subject, verb, sql } = this.first.probes[probes[0]!]!;
    const written = this.subjects.get(subject);
    return (
      kind === 'table' &&
      scope.kind === 'unowned' &&
      this.first.actors[actor]!.relation === 'none' &&
      verbs[verb].tried === 'opens' &&
      written !== undefined &&
      written.joined.some(
        ([column, value]) =>
          (isFreeText(written.table, column) || isTextList(written.table, column)) && sql.includes(value),
      )
    );
  }

  /** A guest sees A's row already: more rights are not what accepting an invitation gives. */
  private isLetIn(subject: Subject, actor: number): boolean {
    return this.first.probes.some((probe, number) => {
      const cell =
        probe.subject === subject.name && probe.verb === 'select' ? this.cells.get(`${actor} ${number}`) : undefined;
      return cell !== undefined && !('code' in cell) && cell.answer.includes('a');
    });
  }
}

function distinct(calls: readonly FunctionCall[]): NamedProbe[] {
  return [...new Set(calls.flatMap(({ probe }) => (probe.verb === 'call' ? [probe] : [])))];
}

function onlyStatement(sql: string): Node | undefined {
  const parsed = parseTree(sql);
  return Array.isArray(parsed) && parsed.length === 1 ? parsed[0]?.stmt : undefined;
}
