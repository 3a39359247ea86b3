import { overwrites } from '../catalog/trigger-values.ts';
import { type FunctionRow, qualifiedName } from '../../rules/engine/live/catalog.ts';
import type { Callable } from '../catalog/functions.ts';
import type { Chain } from '../fixtures/script.ts';
import { rowsOfA, without } from './labels.ts';
import { isRefusal, stoppedAt } from './outcome.ts';
import type { FirstRound, Obstacle, Opening, Path } from './paths.ts';
import type { NamedProbe } from './probes.ts';
import type { Cell, Opened } from './run-script.ts';
import { changedRows, countChanged, heldBy, type Subject } from './subject.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import { readFound } from '../report/leaks.ts';
import { type Verb, verbs } from './verbs.ts';

/** The maximum length of a path of writes. */
const mostSteps = 3;

/** How many statements of one verb are tried at a further step, the simplest first. */
const mostStatements = 4;

/**
 * Follows every permitted write: reads again, as the same actor, everything whose policies or bodies depend on what was
 * written, and tries there what it could not do before, up to three writes in a row. Also checks what others have lost,
 * and what strangers see of an owner's writes.
 * @param worlds chains that run along with the first steps
 * @param run runs chains with fixtures like those of the first round
 */
export async function followWrites(
  first: FirstRound,
  worlds: readonly Chain[],
  run: (chains: readonly Chain[]) => Promise<Opened[]>,
): Promise<{ openings: Opening[]; obstacles: Obstacle[]; inWorlds: Opened[] }> {
  const trail = new Trail(first);
  const found: Opening[] = [];
  const obstacles: Obstacle[] = [];
  let paths = trail.permitted();
  const inWorlds: Opened[] = [];
  for (let step = 1, beside = worlds; step <= mostSteps && paths.length + beside.length > 0; step += 1, beside = []) {
    const planned = paths
      .map((path) => ({ path, chain: trail.chainOf(path, step < mostSteps) }))
      .filter(({ chain }) => chain.afterwards.length + chain.states.length > 0);
    const opened = await run([...planned.map(({ chain }) => chain), ...beside]);
    const further: Path[] = [];
    inWorlds.push(
      ...opened
        .filter(({ chain }) => chain >= planned.length)
        .map((one) => ({ ...one, chain: one.chain - planned.length })),
    );
    for (const one of opened.filter(({ chain }) => chain < planned.length)) {
      const { path } = planned[one.chain]!;
      const what = trail.read(path, one);
      if (what !== undefined) found.push(what);
      else if ('code' in one && trail.isObstacle(one))
        obstacles.push({ path, probe: one.probe, code: one.code, message: one.message });
      if (trail.leadsOn(path, one)) further.push({ actor: path.actor, probes: [...path.probes, one.probe] });
    }
    // A path that is known to open something need not be followed any further.
    const known = new Set(found.map(({ path }) => `${path.actor} ${path.probes[0]}`));
    paths = further.filter((path) => !known.has(`${path.actor} ${path.probes[0]}`));
  }
  return { openings: found, obstacles, inWorlds };
}

/** Determines what a path may have changed, and so what to try after it. */
class Trail {
  private readonly first: FirstRound;
  private readonly subjects: ReadonlyMap<string, Subject>;
  private readonly callables: ReadonlyMap<string, Callable>;
  private readonly cells: ReadonlyMap<string, Cell>;
  /** Numbers of the probes by the name of their subject. */
  private readonly numbers = new Map<string, number[]>();

  constructor(first: FirstRound) {
    this.first = first;
    this.subjects = new Map(first.subjects.map((subject) => [subject.name, subject]));
    this.callables = new Map(first.callables.map((callable) => [callable.name, callable]));
    this.cells = new Map(first.cells.map((cell) => [`${cell.actor} ${cell.probe}`, cell]));
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
    return this.first.cells
      .filter((cell) => {
        const actor = this.first.actors[cell.actor]!;
        if (actor.isMultiOrg || !this.isWrite(cell)) return false;
        if (actor.relation !== 'self') return true;
        const { subject, verb } = this.first.probes[cell.probe]!;
        const key = `${verbs[verb].letter} ${subject}`;
        return !owners.has(key) && owners.add(key) !== undefined;
      })
      .flatMap(({ actor, probe }) => [{ actor, probes: [probe] }, ...this.undone(actor, probe)]);
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

  private isWrite(cell: Cell): boolean {
    if ('code' in cell) return false;
    const probe = this.first.probes[cell.probe]!;
    const callable = this.callables.get(probe.subject);
    if (verbs[probe.verb].followed === undefined) return false;
    return callable === undefined ? cell.touched > 0 : this.writes(callable.routine);
  }

  private writes(routine: FunctionRow): boolean {
    return this.first.model.dependencies.writtenBy(routine).size > 0;
  }

  private tableOf(probe: NamedProbe): string | undefined {
    const subject = this.subjects.get(probe.subject);
    return subject === undefined ? undefined : qualifiedName(subject.table);
  }

  /** Tables that a probe changes: the one it names, and those that triggers and foreign keys change. */
  private changedBy(probe: NamedProbe): { named: string[]; byTheWay: string[] } {
    const { dependencies, tables } = this.first.model;
    const callable = this.callables.get(probe.subject);
    const table = this.tableOf(probe);
    const written =
      callable !== undefined ? [...dependencies.writtenBy(callable.routine)] : table === undefined ? [] : [table];
    const byTheWay = written.flatMap((name) => dependencies.sideEffects(name).map((effect) => effect.table));
    if (verbs[probe.verb].followed === 'triggers') return { named: [], byTheWay };
    const named = written;
    const children =
      verbs[probe.verb].letter !== 'D'
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
    const states = subjects.filter(
      (subject) =>
        subject.kind === 'table' &&
        last.byTheWay.includes(subject.name) &&
        verbs.update.expects(subject, actor, model) === 'no',
    );
    const { letter, tried, linksToA } = verbs[this.first.probes[path.probes.at(-1)!]!.verb];
    if (actor.relation === 'self') return { lead, states: [], afterwards: this.copyLooks(last.byTheWay) };
    // A member may write its organization's rows, and a guest what it is let into: only what it gives itself is followed.
    if ((actor.relation === 'co-member' || actor.relation === 'guest') && tried !== 'opens' && letter !== 'X')
      return { lead, states: states.map(({ state }) => state), afterwards: [] };
    const lastCall = this.callables.get(this.first.probes[path.probes.at(-1)!]!.subject);
    const isOpener = lastCall !== undefined && model.dependencies.changesAccess(lastCall.routine);
    const asking = new Set([...model.dependencies.dependents(changed), ...(isOpener ? model.tables.keys() : [])]);
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
      ...this.first.callables
        .filter(
          ({ routine }) =>
            model.dependencies.asks(routine, changed) &&
            (!this.writes(routine) || (tried === 'opens' && actor.relation === 'none')),
        )
        .flatMap(({ name }) => this.probesOf(name, path, ({ verb }) => verb === 'call')),
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
      return isTried && verbs[verb].expects(subject, who, this.first.model) === 'no';
    });
  }

  /** A guest sees A's row already: more rights are not what accepting an invitation gives. */
  private isLetIn(subject: Subject, actor: number): boolean {
    return this.first.probes.some((probe, number) => {
      const cell =
        probe.subject === subject.name && probe.verb === 'select' ? this.cells.get(`${actor} ${number}`) : undefined;
      return cell !== undefined && !('code' in cell) && cell.answer.includes('a');
    });
  }

  /** The access that a result of a chain opened; undefined for none. */
  read(path: Path, one: Opened): Opening | undefined {
    if ('state' in one) return this.readState(path, one);
    const probe = this.first.probes[one.probe]!;
    const subject = this.subjects.get(probe.subject);
    const before = this.cells.get(`${one.actor} ${one.probe}`);
    if ('code' in one) return this.readStopped(path, one, before);
    const earlier = before === undefined || 'code' in before ? '' : before.answer;
    const opened = (how: Opening['how']): Opening => ({
      path,
      by: one.actor,
      how,
      object: probe.subject,
      ...(how === 'writes' ? { probe: one.probe } : {}),
    });
    if (one.actor !== path.actor) return this.isCopy(one.answer, path) ? opened('copies') : undefined;
    if (this.first.copyLooks.get(probe.subject) === one.probe)
      return this.givesMore(path, probe.subject, one.answer, earlier) ? opened('reads') : undefined;
    const own = subject === undefined ? '' : heldBy(this.first.actors[path.actor]!.user, subject);
    if (probe.mode === 'read')
      return rowsOfA(without(one.answer, `${earlier}${own}`)) === '' ? undefined : opened('reads');
    if (subject === undefined) {
      if (this.givesMore(path, probe.subject, one.answer, earlier)) return opened('reads');
      return this.isHarmByCall(path, one, before) ? opened('writes') : undefined;
    }
    if (verbs[probe.verb].tried === 'opens') return undefined;
    if (verbs[probe.verb].result === 'added') {
      const wasLet = before !== undefined && !('code' in before) && before.touched > 0;
      return wasLet || !countChanged(one.before[subject.state] ?? '', one.after) ? undefined : opened('writes');
    }
    const changed = rowsOfA(changedRows(one.before[subject.state] ?? '', one.after));
    return without(changed, `${own}${this.changedBefore(path, subject, before)}`) === '' ? undefined : opened('writes');
  }

  /** A constraint stopped what the policies now let through: the row of another was reached. */
  private readStopped(path: Path, one: ErrorAfter, before: Cell | undefined): Opening | undefined {
    const { verb, subject: name } = this.first.probes[one.probe]!;
    const subject = this.subjects.get(name);
    if (subject === undefined || verbs[verb].tried !== 'harms' || !one.code.startsWith('23')) return undefined;
    const isReached =
      verbs[verb].result === 'added' ||
      stoppedAt(one, subject) !== undefined ||
      this.isStrangerAtUnnamedRow(one, before);
    return wasLetThrough(before) || !isReached
      ? undefined
      : { path, by: one.actor, how: 'writes', object: name, probe: one.probe };
  }

  /**
   * A foreign key stopped a delete, and PostgreSQL named no key, as it does to those who may not read the referring table. To one
   * who has no row in the world, it was another's.
   */
  private isStrangerAtUnnamedRow({ actor, probe, code }: ErrorAfter, before: Cell | undefined): boolean {
    return (
      isUnnamedDelete(this.first.probes[probe]!, code) &&
      before !== undefined &&
      !('code' in before) &&
      this.first.actors[actor]!.isNobody
    );
  }

  /** Says whether an error hides what would have come: it is no refusal, and did not come without the path. */
  isObstacle(one: ErrorAfter): boolean {
    const { actor, probe, code } = one;
    const before = this.cells.get(`${actor} ${probe}`);
    const isSame = before !== undefined && 'code' in before && before.code === code;
    const subject = this.subjects.get(this.first.probes[probe]!.subject);
    // A key that is named says whose row it was; one that is not could be the actor's own.
    const isUnnamed =
      isUnnamedDelete(this.first.probes[probe]!, code) &&
      !wasLetThrough(before) &&
      subject !== undefined &&
      stoppedAt(one, subject) === undefined &&
      !this.isStrangerAtUnnamedRow(one, before);
    return !isSame && !isRefusal(code) && (isUnnamed || !code.startsWith('23'));
  }

  /** Says whether a call changed rows of A's that it did not change alone, and that are not the actor's to change. */
  private isHarmByCall(path: Path, one: Opened & { probe: number; after: string }, alone: Cell | undefined): boolean {
    const { state } = this.first.probes[one.probe]!;
    const parse = (text: string | undefined): Record<string, string> =>
      JSON.parse(text === undefined || text === '' ? '{}' : text) as Record<string, string>;
    const [then, now] = [parse(one.before[state]), parse(one.after)];
    const lone =
      alone === undefined || 'code' in alone ? undefined : ([parse(alone.before[state]), parse(alone.state)] as const);
    return this.first.subjects.some((subject) => {
      const changed = rowsOfA(changedRows(then[subject.state] ?? '', now[subject.state] ?? ''));
      const before = lone === undefined ? '' : changedRows(lone[0][subject.state] ?? '', lone[1][subject.state] ?? '');
      const isNew = without(without(changed, before), this.changedBefore(path, subject, undefined)) !== '';
      return isNew && verbs.update.expects(subject, this.first.actors[path.actor]!, this.first.model) === 'no';
    });
  }

  /** Rows of the subject that the path itself changed, and those that the actor could change anyway. */
  private changedBefore(path: Path, subject: Subject, alone: Cell | undefined): string {
    const cells = [...path.probes.map((probe) => this.cells.get(`${path.actor} ${probe}`)), alone];
    // The state is not read where nothing was changed.
    return cells
      .map((cell) =>
        cell === undefined ||
        'code' in cell ||
        cell.state === '' ||
        this.first.probes[cell.probe]!.state !== subject.state
          ? ''
          : changedRows(cell.before[subject.state] ?? '', cell.state),
      )
      .join('');
  }

  /** Rows of A that were deleted, or changed by an unrelated write. */
  private readState(
    path: Path,
    one: { before: Record<string, string>; state: string; after: string },
  ): Opening | undefined {
    const subject = this.first.subjects.find(({ state, kind }) => state === one.state && kind === 'table');
    const before = one.before[one.state] ?? '';
    if (subject === undefined) return undefined;
    const own = heldBy(this.first.actors[path.actor]!.user, subject);
    const lost = without(rowsOfA(changedRows(before, one.after)), own);
    if (lost === '') return undefined;
    // A new row that references another's row, e.g. a like, may update a counter there: only rows that are deleted or
    // overwritten are a loss.
    const isLinked = path.probes.some((probe) => verbs[this.first.probes[probe]!.verb].linksToA === true);
    const remain = [...lost].every((letter) =>
      one.after
        .split('#')[0]!
        .split(';')
        .some((part) => part.startsWith(letter)),
    );
    const first = this.subjects.get(this.first.probes[path.probes[0]!]!.subject);
    const isTold = first !== undefined && overwrites(first.table, subject.table, this.first.model);
    return isLinked && remain && !isTold ? undefined : { path, by: path.actor, how: 'loses', object: subject.name };
  }

  /**
   * Returns whether the result contains values of A's rows that the earlier one did not, that the actor may not read,
   * and that it did not just write itself.
   */
  private givesMore(path: Path, name: string, answer: string, earlier: string): boolean {
    const tables = this.callables.get(name)?.tables ?? this.first.behind.get(name) ?? new Set(this.subjects.keys());
    const known = new Set(readFound(earlier).values);
    const written = path.probes.map((number) => this.first.probes[number]!.sql);
    const more = readFound(answer).values.filter(
      (value) => !known.has(value) && !written.some((sql) => sql.includes(quoteLiteral(value))),
    );
    return this.first.leaks
      .given(more, tables)
      .some(({ holders }) =>
        holders.every((table) => this.first.leaks.isHidden(table, this.first.actors[path.actor]!, tables)),
      );
  }

  /**
   * Changing a row that was just added, e.g. accepting one's own request, counts even if users may change their own
   * rows.
   */
  private isOnNewRow(path: Path, probe: NamedProbe): boolean {
    const last = this.first.probes[path.probes.at(-1)!]!;
    return probe.subject === last.subject && verbs[last.verb].letter === 'I' && verbs[probe.verb].letter === 'U';
  }

  /** Returns whether the result contains a text of the row that the path wrote. */
  private isCopy(answer: string, path: Path): boolean {
    const written = this.tableOf(this.first.probes[path.probes[0]!]!);
    const texts = this.first.copies.get(written ?? '');
    return texts !== undefined && readFound(answer).values.some((value) => texts.has(value));
  }

  /**
   * Returns whether a result of a chain can be extended by another write: one that was not possible before, or one to
   * the same rows.
   */
  leadsOn(path: Path, one: Opened): one is Opened & { probe: number } {
    if ('state' in one || 'code' in one || one.touched === 0 || one.actor !== path.actor) return false;
    const probe = this.first.probes[one.probe]!;
    if (verbs[probe.verb].tried !== 'opens') return false;
    const before = this.cells.get(`${one.actor} ${one.probe}`);
    if (!wasLetThrough(before)) return true;
    // It changes the row that was just added only if it changes more rows than without it.
    return (
      this.isOnNewRow(path, probe) && one.touched > (before === undefined || 'code' in before ? 0 : before.touched)
    );
  }
}

/** An error of a probe after a path. */
type ErrorAfter = Opened & { probe: number; actor: number; code: string; message: string };

/** A delete that a foreign key of another table stopped. */
function isUnnamedDelete({ verb }: NamedProbe, code: string): boolean {
  return verbs[verb].letter === 'D' && code === '23503';
}

/** Policies let the write through: it changed rows, or only a constraint stopped it. */
function wasLetThrough(cell: Cell | undefined): boolean {
  return cell !== undefined && ('code' in cell ? cell.code.startsWith('23') : cell.touched > 0);
}
