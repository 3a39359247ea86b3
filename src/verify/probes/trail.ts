/** What is tried after a write that is followed. */
import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import { tokenSetting } from '../catalog/claim-paths.ts';
import type { Callable, FunctionCall } from '../catalog/functions.ts';
import { isChosen } from '../catalog/matched-columns.ts';
import type { ColumnChange } from '../catalog/mentioned-columns.ts';
import { tokenSources } from '../catalog/token-sources.ts';
import type { Chain } from '../fixtures/script.ts';
import { laterTime } from './deciding-sql.ts';
import { rowsOfA } from './labels.ts';
import type { Path } from './paths.ts';
import { Permitted } from './permitted.ts';
import type { NamedProbe } from './probes.ts';
import { wasLetThrough } from './chain-reader.ts';
import type { Subject } from './subject.ts';
import { uncoveredReads } from './uncovered.ts';
import { verbs } from './verbs.ts';

/** How many calls of one function for ordinary rows are repeated after a write. */
const mostCalls = 4;

/** After how many UPDATEs that set the same columns of a table, or calls of one function, all those calls are made: then the likeliest alone. */
const mostAlike = 4;

/** Determines what to try after a path of writes. */
export class Trail extends Permitted {
  /** The number of paths that {@link countAlike} has counted. */
  private readonly alike = new Map<string, number>();

  /** The probes and reads after a path. */
  chainOf(path: Path): Chain {
    const by = this.callAt(path);
    const chain = this.stepsAfter(path);
    return by === undefined ? chain : { ...chain, by };
  }

  /** Where in a path the call of a function is whose effect is what is followed, if that can be told: the last write, before a new token. */
  private callAt({ probes, told }: Path): number | undefined {
    const at = probes.findLastIndex((probe) => !this.renewals.includes(probe));
    const isCall = at >= 0 && this.callables.has(this.first.probes[probes[at]!]!.subject);
    return told === undefined && isCall ? at : undefined;
  }

  private stepsAfter(path: Path): Chain {
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
    const { letter, tried, linksToA, leads } = verbs[this.first.probes[path.probes.at(-1)!]!.verb];
    if (actor.relation === 'self')
      return {
        lead: lead.map(([probe, by]) => [this.first.repeats.get(probe) ?? probe, by]),
        states: this.copiedInto(path).map(({ state }) => state),
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
    const differing = written ?? this.setInNewRow(path);
    const change = differing === undefined || last.byTheWay.includes(differing.table) ? undefined : differing;
    const asking = new Set([
      ...model.dependencies.dependents(changed, change),
      ...(isOpener ? model.tables.keys() : []),
      ...(isRenewed ? [...claimed, ...model.dependencies.dependents(claimed)] : []),
    ]);
    const afterwards = [
      ...subjects
        .filter((subject) => asking.has(subject.name) || asking.has(qualifiedName(subject.table)))
        .flatMap((subject) => this.probesAfter(subject, path)),
      // A trigger may have made the row that was named the actor's own, or copied it.
      ...(linksToA === true
        ? last.byTheWay.flatMap((name) => this.probesOf(name, path, ({ verb }) => verb === 'select'))
        : []),
      ...(actor.relation === 'none' && (linksToA === true || lastCall !== undefined)
        ? [...changed].flatMap((name) => this.first.copyLooks.get(name) ?? [])
        : []),
      ...(actor.relation === 'none'
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
            (this.writes(callable)
              ? (tried === 'opens' || leads === true) && actor.relation === 'none'
              : callable.runsAsOwner) &&
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

  /** Where triggers may copy what an owner writes; none for what others write. */
  copiedInto({ actor, probes, told }: Path): Subject[] {
    if (this.first.actors[actor]!.relation !== 'self' || told !== undefined) return [];
    const { byTheWay } = this.changedBy(this.first.probes[probes.at(-1)!]!);
    return byTheWay.flatMap((name) => (this.first.copyLooks.has(name) ? (this.subjects.get(name) ?? []) : []));
  }

  /**
   * What tells a new row from the simplest one of its kind, after which everything is tried that reads the table: only what mentions one of
   * these columns can come to anything else. Undefined where the simplest was not let in.
   */
  private setInNewRow({ actor, probes }: Path): ColumnChange | undefined {
    const [number, ...more] = probes;
    const probe = this.first.probes[number!]!;
    const { verb, variant } = probe;
    const subject = this.subjects.get(probe.subject);
    if (more.length > 0 || variant === undefined || variant.sets.length === 0 || verbs[verb].letter !== 'I')
      return undefined;
    if (subject?.kind !== 'table' || subject.table.rules.length > 0) return undefined;
    const simplest = this.numbers.get(probe.subject)!.find((one) => {
      const { verb: other, variant: simple } = this.first.probes[one]!;
      return other === verb && simple?.sets.length === 0 && simple.of === variant.of;
    });
    const cell = simplest === undefined ? undefined : this.cells.get(`${actor} ${simplest}`);
    return cell !== undefined && this.isWrite(cell)
      ? this.columnsOf(
          subject.table,
          variant.sets.map(([column]) => column),
          'I',
        )
      : undefined;
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
    const isOrdinary = ({ isOfState, isMixed, isArgued }: FunctionCall): boolean => !isOfState && !isMixed && !isArgued;
    const tried = new Set([
      ...distinct(calls.filter(isOrdinary)).slice(0, isOneOfMany ? 1 : mostCalls),
      // Each of them leads to another place of the function, or to other rows.
      ...distinct(calls.filter((call) => !isOrdinary(call))),
    ]);
    return this.probesOf(name, path, (probe) => probe.verb === 'call' && tried.has(probe));
  }

  /** Reads and changes that the scope forbids; for strangers, also writes that may open more. */
  private probesAfter(subject: Subject, path: Path): number[] {
    const who = this.first.actors[path.actor]!;
    return this.probesOf(subject.name, path, (probe) => {
      const { verb } = probe;
      const { tried, leads } = verbs[verb];
      const isOpening = tried === 'opens' || leads === true;
      if (isOpening && this.isLetAnyway(path, probe)) return false;
      if (isOpening) return who.relation === 'none';
      if (who.relation === 'guest' && tried === 'harms') return this.isLetIn(subject, path.actor);
      const isTried = verb === 'select' || (who.relation === 'none' && tried === 'harms');
      return (
        isTried &&
        (verbs[verb].expects(subject, who, this.first.model) === 'no' ||
          (verb === 'select' && (this.isChosenByText(subject, path) || this.isProlonged(subject, path))))
      );
    });
  }

  /**
   * The write was let through before, and is followed by itself: what it changes now tells nothing, unless it changes the row that the path
   * has just added.
   */
  private isLetAnyway(path: Path, probe: NamedProbe): boolean {
    const cell = this.cells.get(`${path.actor} ${this.first.probes.indexOf(probe)}`);
    return wasLetThrough(cell) && !this.isOnNewRow(path, probe);
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
      written.joined.some(([column, value]) => isChosen(written.table, column, this.first.model) && sql.includes(value))
    );
  }

  /** Rows without an owner, for as long as a row of the stranger's says, which has put a later time there: what it pays for. */
  private isProlonged({ name, scope, kind }: Subject, { actor, probes }: Path): boolean {
    const { verb, sql } = this.first.probes[probes[0]!]!;
    return (
      kind === 'table' &&
      scope.kind === 'unowned' &&
      this.first.actors[actor]!.relation === 'none' &&
      verb === 'adjust' &&
      sql.includes(` = ${laterTime}`) &&
      !this.first.probes.some((probe, number) => {
        const cell =
          probe.subject === name && probe.verb === 'select' ? this.cells.get(`${actor} ${number}`) : undefined;
        return cell !== undefined && !('code' in cell) && rowsOfA(cell.answer) !== '';
      })
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
