/** What a chain of writes opened. */
import { isGivenIn } from '../fixtures/known-rows.ts';
import { isStateOfAll } from '../catalog/call-states.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import { storedSetting } from '../catalog/row-keys.ts';
import { marks, onlyCounts, overwrites } from '../catalog/trigger-values.ts';
import { readFound } from '../report/leaks.ts';
import { expectNothing } from './expected.ts';
import { rowsOfA, without } from './labels.ts';
import { isRefusal, stoppedAt } from './outcome.ts';
import { Offers } from './offers.ts';
import type { FirstRound, Opening, Path } from './paths.ts';
import type { NamedProbe } from './probes.ts';
import { Round } from './round.ts';
import type { Cell, Opened } from './run-script.ts';
import { changedRows, countChanged, heldBy, type Subject } from './subject.ts';
import { isMetadata, verbs } from './verbs.ts';

/** Reads what came of the chains that follow a path of writes. */
export class ChainReader extends Round {
  private readonly offers: Offers;
  /** What came of a new token alone, by the numbers of the actor and the probe. */
  private readonly renewed = new Map<string, Cell>();
  /** For each column: how statements name the setting that may hold what A's row has in it. */
  private readonly settings: readonly { setting: string; table: string; column: string }[];

  constructor(first: FirstRound) {
    super(first);
    this.offers = new Offers(first);
    this.settings = [...this.subjects.values()].flatMap(({ name, table }) =>
      table.columns.map((column) => ({
        setting: quoteLiteral(storedSetting(name, column.name)),
        table: name,
        column: column.name,
      })),
    );
  }

  /** Notes what came of a new token without any write before it. */
  noteBaseline(one: Opened): void {
    if ('state' in one) return;
    const { actor, probe, before } = one;
    const cell: Cell =
      'code' in one
        ? { actor, probe, before, code: one.code, message: one.message }
        : { actor, probe, before, touched: one.touched, answer: one.answer, state: one.after };
    this.renewed.set(`${actor} ${probe}`, cell);
  }

  /** What came of a probe without the path: in the first round, or with a new token if the path gives one. */
  private without({ probes }: Path, { actor, probe }: { actor: number; probe: number }): Cell | undefined {
    const key = `${actor} ${probe}`;
    const isRenewed = probes.some((number) => this.first.probes[number]!.verb === 'renew-token');
    return (isRenewed ? this.renewed.get(key) : undefined) ?? this.cells.get(key);
  }

  /** The access that a result of a chain opened; undefined for none, and for what was offered to the actor. */
  read(path: Path, one: Opened): Opening | undefined {
    const found = this.find(path, one);
    return found === undefined || found.how === 'loses' || !this.offers.comesWith(path, found.object)
      ? found
      : undefined;
  }

  private find(path: Path, one: Opened): Opening | undefined {
    if ('state' in one) return this.readState(path, one);
    const probe = this.first.probes[one.probe]!;
    const subject = this.subjects.get(probe.subject);
    const before = this.without(path, one);
    if ('code' in one) return this.readStopped(path, one, before);
    const earlier = before === undefined || 'code' in before ? '' : before.answer;
    const opened = (how: Opening['how']): Opening => ({
      path,
      by: one.actor,
      how,
      object: probe.subject,
      ...(how === 'writes' ? { probe: one.probe } : {}),
    });
    if (path.told !== undefined) return this.isCopy(one.answer, path.told.probe, earlier) ? opened('reads') : undefined;
    if (one.actor !== path.actor) return this.isCopy(one.answer, path.probes[0]!, '') ? opened('copies') : undefined;
    if (this.first.copyLooks.get(probe.subject) === one.probe && before === undefined && this.readsOfA(path, subject))
      return undefined;
    if (this.first.copyLooks.get(probe.subject) === one.probe)
      return this.givesMore(path, probe.subject, one.answer, earlier) ? opened('reads') : undefined;
    const own = subject === undefined ? '' : heldBy(this.first.actors[path.actor]!.user, subject);
    if (probe.mode === 'read')
      return rowsOfA(without(one.answer, `${earlier}${own}`)) === '' ? undefined : opened('reads');
    if (subject === undefined || (subject.isWrittenOnly === true && probe.mode === 'rows')) {
      if (this.givesMore(path, probe.subject, one.answer, earlier)) return opened('reads');
      return this.isHarmByCall(path, one, before) ? opened('writes') : undefined;
    }
    if (verbs[probe.verb].tried === 'opens') return undefined;
    if (verbs[probe.verb].result === 'added') {
      const wasLet = before !== undefined && !('code' in before) && before.touched > 0;
      return wasLet || !countChanged(one.before[subject.state] ?? '', one.after) ? undefined : opened('writes');
    }
    const changed = this.ofThose([one.probe, ...path.probes], changedRows(one.before[subject.state] ?? '', one.after));
    return without(changed, `${own}${this.changedBefore(path, subject, before)}`) === '' ? undefined : opened('writes');
  }

  /** Letters of the rows of A's among those, which were there: before some statements, all but the ordinary one are removed. */
  private ofThose(probes: readonly number[], letters: string): string {
    const isAlone = probes.some((number) => this.first.probes[number]!.isAlone === true);
    return [...rowsOfA(letters)].filter((letter) => !isAlone || letter === 'a').join('');
  }

  /** A constraint stopped what the policies now let through: the row of another was reached. */
  private readStopped(path: Path, one: ErrorAfter, before: Cell | undefined): Opening | undefined {
    const { verb, subject: name } = this.first.probes[one.probe]!;
    const subject = this.subjects.get(name);
    // A view's CHECK OPTION is asked last: the key that stopped a new or changed row came before it.
    if (subject === undefined || (subject.kind === 'view' && verbs[verb].letter !== 'D')) return undefined;
    if (verbs[verb].tried !== 'harms' || !one.code.startsWith('23')) return undefined;
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
  isObstacle(path: Path, one: ErrorAfter): boolean {
    const { probe, code } = one;
    const before = this.without(path, one);
    // A call that names a row which has just been added, nobody makes without it: it may be refused in any way.
    if (before === undefined && this.first.probes[probe]!.verb === 'call') return false;
    // What a user writes about itself may be no value of the type that is expected there.
    const isOwnFault = code.startsWith('22') && isMetadata(this.first.probes[path.probes[0]!]!.verb);
    const isSame = before !== undefined && 'code' in before && before.code === code;
    const subject = this.subjects.get(this.first.probes[probe]!.subject);
    // A key that is named says whose row it was; one that is not could be the actor's own.
    const isUnnamed =
      isUnnamedDelete(this.first.probes[probe]!, code) &&
      !wasLetThrough(before) &&
      subject !== undefined &&
      stoppedAt(one, subject) === undefined &&
      !this.isStrangerAtUnnamedRow(one, before);
    return !isSame && !isOwnFault && !isRefusal(code) && (isUnnamed || !code.startsWith('23'));
  }

  /** Says whether a stranger's call now changes a table that it left alone before: it may have let the stranger in. */
  private changesMore(path: Path, one: Opened & { probe: number; after: string }, alone: Cell | undefined): boolean {
    const { state, subject } = this.first.probes[one.probe]!;
    // A row more is a row of its own, unless it may hold what was in another's.
    const isMixed = this.callables
      .get(subject)
      ?.calls.some((call) => call.isMixed && call.probe === this.first.probes[one.probe]);
    const changed = (before: string | undefined, after: string): string[] => {
      const [then, now] = [statesIn(before), statesIn(after)];
      return Object.keys(now).filter((name) => then[name] !== now[name] && (isMixed === true || !isStateOfAll(name)));
    };
    if (state === '' || this.first.actors[path.actor]!.relation !== 'none') return false;
    const known = alone === undefined || 'code' in alone ? [] : changed(alone.before[state], alone.state);
    return changed(one.before[state], one.after).some((name) => !known.includes(name));
  }

  /** Says whether a call changed rows of A's that it did not change alone, and that are not the actor's to change. */
  private isHarmByCall(path: Path, one: Opened & { probe: number; after: string }, alone: Cell | undefined): boolean {
    const { state } = this.first.probes[one.probe]!;
    const [then, now] = [statesIn(one.before[state]), statesIn(one.after)];
    const lone =
      alone === undefined || 'code' in alone
        ? undefined
        : ([statesIn(alone.before[state]), statesIn(alone.state)] as const);
    // What is in a row of one's own names A's organization, and the call adds a row to it.
    const isAimed = path.probes.some((number) => this.first.probes[number]!.verb.endsWith('-aimed'));
    return this.first.subjects.some((subject) => {
      const added = numberIn(now[subject.state]) - numberIn(then[subject.state]);
      const addedAlone = lone === undefined ? 0 : numberIn(lone[1][subject.state]) - numberIn(lone[0][subject.state]);
      const actor = this.first.actors[path.actor]!;
      if (isAimed && added > addedAlone && actor.relation === 'none' && subject.scope.owner === 'organization')
        return verbs['insert-forged'].expects(subject, actor, this.first.model) === 'no';
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

  /**
   * The rows of the subject that the path itself changed by statements that are about them, which are judged by that: a row that is
   * partly A's may be the actor's to change. What the triggers of other statements do to rows of A is judged nowhere else.
   */
  private judgedBefore(path: Path, subject: Subject): string {
    const probes = path.probes.filter((probe) => {
      const { result, expects } = verbs[this.first.probes[probe]!.verb];
      return result === 'changed' && expects !== expectNothing;
    });
    return this.changedBefore({ ...path, probes }, subject, undefined);
  }

  /** Rows of A that were deleted, or changed by an unrelated write. */
  private readState(
    path: Path,
    one: { before: Record<string, string>; state: string; after: string },
  ): Opening | undefined {
    const subject = this.first.subjects.find(({ state, kind }) => state === one.state && kind === 'table');
    const before = one.before[one.state] ?? '';
    if (subject === undefined) return undefined;
    const own = heldBy(this.first.actors[path.actor]!.user, subject) + this.judgedBefore(path, subject);
    const lost = without(this.ofThose(path.probes, changedRows(before, one.after)), own);
    if (lost === '' || (lost === 'a' && this.offers.accepted(path).has(subject.name))) return undefined;
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
    const { model } = this.first;
    const isTold =
      first !== undefined &&
      (overwrites(first, subject.table, model) ||
        (marks(first, subject.table, model) && this.seesNone(path, subject, lost)));
    // A row of one's own that is changed or deleted is counted no more where it refers to.
    const isCounted = lost === 'a' && remain && first !== undefined && onlyCounts(first, subject.table, model);
    return (isLinked && remain && !isTold) || isCounted
      ? undefined
      : { path, by: path.actor, how: 'loses', object: subject.name };
  }

  /** The actor reads rows of A there as things are, so that what is in them is nothing new. */
  private readsOfA({ actor }: Path, subject: Subject | undefined): boolean {
    return this.first.probes.some((probe, number) => {
      const cell =
        probe.subject === subject?.name && probe.mode === 'read' ? this.cells.get(`${actor} ${number}`) : undefined;
      return cell !== undefined && !('code' in cell) && rowsOfA(cell.answer) !== '';
    });
  }

  /** The actor reads none of those rows: what it does to them is not what rows for all are there for. */
  private seesNone({ actor }: Path, { name }: Subject, rows: string): boolean {
    return this.first.probes.every((probe, number) => {
      const cell = probe.subject === name && probe.verb === 'select' ? this.cells.get(`${actor} ${number}`) : undefined;
      return cell === undefined || 'code' in cell || without(rows, cell.answer) === rows;
    });
  }

  /**
   * Returns whether the result contains values of A's rows that the earlier one did not, that the actor may not read,
   * and that it did not just write itself.
   */
  private givesMore(path: Path, name: string, answer: string, earlier: string): boolean {
    const tables = this.callables.get(name)?.tables ?? this.first.behind.get(name) ?? new Set(this.subjects.keys());
    const known = new Set(readFound(earlier).values);
    const written = path.probes.map((number) => this.first.probes[number]!.sql);
    const handed = this.handedOver(written);
    const found = readFound(answer);
    const more = found.values.filter(
      (value) =>
        !known.has(value) &&
        !handed.some((text) => text.includes(value)) &&
        !written.some((sql) => isGivenIn(sql, value, found.parts.has(value))),
    );
    return this.first.leaks
      .given(more, tables)
      .some(({ holders, value }) =>
        holders.every((table) => this.first.leaks.isHidden(table, this.first.actors[path.actor]!, tables, value)),
      );
  }

  /** What the statements take from A's rows by the settings that hold it: this proof has looked it up, and nothing told the actor. */
  private handedOver(written: readonly string[]): string[] {
    return this.settings.flatMap(({ setting, table, column }) =>
      written.some((sql) => sql.includes(setting)) ? (this.first.leaks.stored(table, column) ?? []) : [],
    );
  }

  /** Returns whether the result contains a text of the row that a probe wrote, and did not before. */
  private isCopy(answer: string, probe: number, earlier: string): boolean {
    const written = this.tableOf(this.first.probes[probe]!);
    const texts = this.first.copies.get(written ?? '');
    const known = new Set(readFound(earlier).values);
    return texts !== undefined && readFound(answer).values.some((value) => texts.has(value) && !known.has(value));
  }

  /**
   * Returns whether a result of a chain can be extended by another write: one that was not possible before, or one to
   * the same rows.
   */
  leadsOn(path: Path, one: Opened): one is Opened & { probe: number } {
    if ('state' in one || 'code' in one || one.actor !== path.actor || path.told !== undefined) return false;
    const probe = this.first.probes[one.probe]!;
    const before = this.without(path, one);
    // A call that names a new row is followed by itself.
    if (probe.verb === 'call') return before !== undefined && this.changesMore(path, one, before);
    const { tried, leads } = verbs[probe.verb];
    if ((tried !== 'opens' && leads !== true) || one.touched === 0) return false;
    if (!wasLetThrough(before)) return true;
    // It changes the row that was just added only if it changes more rows than without it.
    return (
      this.isOnNewRow(path, probe) && one.touched > (before === undefined || 'code' in before ? 0 : before.touched)
    );
  }
}

/** An error of a probe after a path. */
type ErrorAfter = Opened & { probe: number; actor: number; code: string; message: string };

/** The states of several tables, by their names. */
function statesIn(text: string | undefined): Record<string, string> {
  return JSON.parse(text === undefined || text === '' ? '{}' : text) as Record<string, string>;
}

/** A delete that a foreign key of another table stopped. */
function isUnnamedDelete({ verb }: NamedProbe, code: string): boolean {
  return verbs[verb].letter === 'D' && code === '23503';
}

/** Policies let the write through: it changed rows, or only a constraint stopped it. */
export function wasLetThrough(cell: Cell | undefined): boolean {
  return cell !== undefined && ('code' in cell ? cell.code.startsWith('23') : cell.touched > 0);
}

/** How many rows of A's there are in a state. */
function numberIn(state: string | undefined): number {
  return Number(state?.split('#')[1] ?? 0);
}
