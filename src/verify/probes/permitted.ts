/** The writes that are followed. */
import { type FunctionRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { allOf, fieldsOf, type Node } from '../../sql/nodes.ts';
import { parseTree } from '../../sql/parser.ts';
import type { Callable } from '../catalog/functions.ts';
import type { ColumnChange } from '../catalog/mentioned-columns.ts';
import { madeColumns } from '../catalog/made-columns.ts';
import { mayChange } from '../catalog/reached-tables.ts';
import { appMetadata, tokenSources } from '../catalog/token-sources.ts';
import { authUsers, userMetadata } from '../catalog/user-metadata.ts';
import type { FirstRound, Path } from './paths.ts';
import type { NamedProbe } from './probes.ts';
import { toldPaths } from './repeats.ts';
import { Round } from './round.ts';
import type { Cell } from './run-script.ts';
import { isMetadata, verbs } from './verbs.ts';

/** Determines which writes are followed, and what each of them changes. */
export class Permitted extends Round {
  /** Numbers of the probes by the name of their subject. */
  protected readonly numbers = new Map<string, number[]>();

  /** Numbers of the probes that give a new token. */
  protected readonly renewals: readonly number[];

  constructor(first: FirstRound) {
    super(first);
    this.renewals = first.probes.flatMap(({ verb }, number) => (verb === 'renew-token' ? [number] : []));
    first.probes.forEach(({ subject }, number) =>
      this.numbers.set(subject, [...(this.numbers.get(subject) ?? []), number]),
    );
  }

  /**
   * Every write that an actor was allowed. Of the owner's writes, which matter only for what others see, one per letter
   * and table, and those of what triggers ask for.
   */
  permitted(): Path[] {
    const owners = new Set<string>();
    return this.first.cells
      .filter((cell) => {
        const actor = this.first.actors[cell.actor]!;
        if (actor.isMultiOrg || !this.isWrite(cell)) return false;
        const { subject, verb } = this.first.probes[cell.probe]!;
        if (actor.relation !== 'self') return true;
        const key = verb === 'fire' ? `${cell.probe}` : `${verbs[verb].letter} ${subject}`;
        return !owners.has(key) && owners.add(key) !== undefined;
      })
      .flatMap(({ actor, probe }) => [
        { actor, probes: [probe] },
        ...this.undone(actor, probe),
        ...this.calledAfter(actor, probe).filter(({ isRead }) => !isRead),
        ...this.renewed(actor, probe),
        ...toldPaths({ actor, probe }, this.first, (cell) => this.isWrite(cell)),
      ]);
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

  /** Who ends with which write: of paths that are alike in this, some are followed before others. */
  groupOf({ actor, probes }: Path): string {
    return `${actor} ${this.first.probes[probes.at(-1)!]!.subject}`;
  }

  /** A row that names one of A's, and is deleted again: a trigger may act on what it held. */
  private undone(actor: number, probe: number): Path[] {
    const { subject, verb } = this.first.probes[probe]!;
    if (verb !== 'insert-aimed') return [];
    const { table } = this.subjects.get(subject) ?? {};
    const views = this.first.subjects.filter(
      (one) => one.kind === 'view' && one.table === table && one.name !== subject,
    );
    return [subject, ...views.map(({ name }) => name)].flatMap((name) => {
      const deletes = (this.numbers.get(name) ?? []).filter((number) => {
        const cell = this.cells.get(`${actor} ${number}`);
        return this.first.probes[number]!.verb === 'delete-all' && cell !== undefined && !('code' in cell);
      });
      return deletes.slice(0, 1).map((number) => ({ actor, probes: [probe, number] }));
    });
  }

  /** A stranger's new row, and the call of a function that names it. */
  protected calledAfter(actor: number, probe: number): { actor: number; probes: [number, number]; isRead: boolean }[] {
    const { subject, verb, sql } = this.first.probes[probe]!;
    if (this.first.actors[actor]!.relation !== 'none' || verbs[verb].letter !== 'I') return [];
    return this.first.callables.flatMap(({ ofNewRows }) =>
      ofNewRows
        .filter(
          ({ table, naming, isRead }) =>
            table === subject &&
            naming.every((value) => sql.includes(value)) &&
            (!isRead || verbs[verb].linksToA === true || verb === 'insert-cross'),
        )
        .map((call) => ({
          actor,
          isRead: call.isRead,
          probes: [probe, this.first.probes.indexOf(call.probe)] satisfies [number, number],
        })),
    );
  }

  protected isWrite(cell: Cell): boolean {
    if ('code' in cell) return false;
    const probe = this.first.probes[cell.probe]!;
    const callable = this.callables.get(probe.subject);
    if (verbs[probe.verb].followed === undefined) return false;
    return callable === undefined ? cell.touched > 0 : this.writes(callable);
  }

  /** A function that is not VOLATILE writes nothing itself; what it calls by SQL that cannot be read, its caller can call as well. */
  protected writes({ routine, runsAsOwner }: Callable): boolean {
    const { model } = this.first;
    return model.dependencies.writtenBy(routine).size > 0 && (runsAsOwner || mayChange(routine, model));
  }

  /** What the write changes, if it is an UPDATE of a table; undefined for any other, and where rules rewrite it. */
  protected changeOf(probe: NamedProbe): (ColumnChange & { set: ReadonlySet<string> }) | undefined {
    const subject = this.subjects.get(probe.subject);
    if (subject?.kind !== 'table' || subject.table.rules.length > 0) return undefined;
    const targets = allOf(fieldsOf(onlyStatement(probe.sql), 'UpdateStmt')?.targetList, 'ResTarget');
    if (targets.length === 0) return undefined;
    const set = new Set(targets.map(({ name }) => name ?? ''));
    return { ...this.columnsOf(subject.table, [...set], 'U'), set };
  }

  /** The columns that a write sets, and those that the database or a trigger sets with them. */
  protected columnsOf(table: RelationRow, set: readonly string[], events: 'I' | 'U'): ColumnChange {
    const write = { events, ...(events === 'U' && { columns: new Set(set) }) };
    const made = [
      ...madeColumns(table, this.first.model, write).keys(),
      ...table.columns.flatMap(({ name, generated }) => (generated ? [name] : [])),
    ];
    return { table: qualifiedName(table), columns: new Set([...set, ...made]) };
  }

  /** Tables that a probe changes: the one it names, and those that triggers and foreign keys change. */
  protected changedBy(probe: NamedProbe): { named: string[]; byTheWay: string[] } {
    const { dependencies, tables } = this.first.model;
    const callable = this.callables.get(probe.subject);
    const table = isMetadata(probe.verb) ? authUsers : this.tableOf(probe);
    const written =
      callable !== undefined ? [...dependencies.writtenBy(callable.routine)] : table === undefined ? [] : [table];
    const { letter, needs } = verbs[probe.verb];
    const columns = probe.verb === 'set-metadata' ? new Set([userMetadata]) : this.changeOf(probe)?.set;
    const by = callable === undefined ? { events: `${letter}${needs ?? ''}`, columns } : undefined;
    // Of a view, what its own triggers do.
    const through = this.subjects.get(probe.subject)?.kind === 'view' ? [probe.subject] : [];
    const byTheWay = [...written, ...through].flatMap((name) =>
      dependencies.sideEffects(name, by).map((effect) => effect.table),
    );
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
}

function onlyStatement(sql: string): Node | undefined {
  const parsed = parseTree(sql);
  return Array.isArray(parsed) && parsed.length === 1 ? parsed[0]?.stmt : undefined;
}
