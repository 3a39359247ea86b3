/** Offers: rows by which who holds something hands it to another, who accepts by changing the row. */
import { columnOf, fields } from '../../rules/engine/live/expression.ts';
import { qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { writtenInto } from '../catalog/trigger-values.ts';
import { policiesFor, scopeOf } from '../catalog/scope.ts';
import type { Path } from './paths.ts';
import { Round } from './round.ts';
import { grantedColumns, type Subject } from './subject.ts';
import { verbs } from './verbs.ts';

/** Knows what the first write of a path accepts. */
export class Offers extends Round {
  /** By the actor and the probe of the first write. */
  private readonly known = new Map<string, ReadonlySet<string>>();

  /**
   * Names of the tables whose row of A's is the actor's from then on: A has offered it in a row that only who holds it can make, and of
   * which the actor changes neither what is offered nor what is written there.
   */
  accepted({ actor, probes }: Path): ReadonlySet<string> {
    const key = `${actor} ${probes[0]}`;
    const found = this.known.get(key) ?? this.find(actor, probes[0]!);
    this.known.set(key, found);
    return found;
  }

  /** Says whether what is reached by the path comes with what it accepts: the offer, the thing, and what belongs to that. */
  comesWith(path: Path, name: string): boolean {
    const given = this.accepted(path);
    if (given.size === 0) return false;
    const offered = this.subjects.get(this.first.probes[path.probes[0]!]!.subject)?.name;
    for (let table = this.first.model.tables.get(name), steps = 0; table !== undefined && steps < 9; steps += 1) {
      if (given.has(qualifiedName(table)) || qualifiedName(table) === offered) return true;
      table = this.first.model.tables.get(scopeOf(table, this.first.model).parent ?? '');
    }
    return false;
  }

  private find(actor: number, probe: number): ReadonlySet<string> {
    const { subject: name, verb } = this.first.probes[probe]!;
    const subject = this.subjects.get(name);
    const user = this.first.actors[actor]!;
    const isAccepting =
      subject?.kind === 'table' &&
      verbs[verb].letter === 'U' &&
      user.relation === 'none' &&
      subject.rows.m?.holder === user.user;
    if (!isAccepting) return new Set();
    const { model } = this.first;
    const free = new Set(grantedColumns(subject, user.role, 'U', model).map((column) => column.name));
    const parents = subject.table.constraints.filter(
      ({ type, columns, target }) =>
        type === 'f' &&
        target !== null &&
        !model.tenancy.userTables.has(target) &&
        columns.every((column) => !free.has(column)),
    );
    return new Set(
      parents.flatMap(({ target, columns }) => {
        const parent = model.tables.get(target!);
        const isOffered =
          parent !== undefined &&
          this.isMadeByHoldersAlone(subject, columns, actor) &&
          this.writesNothingOf(subject.table, parent, free);
        return isOffered ? [target!] : [];
      }),
    );
  }

  /** The stranger was refused each row under what is A's, and someone who holds such a thing was let add one. */
  private isMadeByHoldersAlone(subject: Subject, columns: readonly string[], actor: number): boolean {
    const { probes, cells, actors, model } = this.first;
    const key = columns.map((column) => subject.rows.a.values.get(column) ?? 'NULL');
    const made = cells.filter(({ probe }) => {
      const { subject: name, verb } = probes[probe]!;
      return name === subject.name && verbs[verb].letter === 'I';
    });
    const tries = made.filter(
      (cell) => cell.actor === actor && key.every((value) => probes[cell.probe]!.sql.includes(value)),
    );
    return (
      !key.includes('NULL') &&
      policiesFor(subject.table, 'I', model).length > 0 &&
      made.some((cell) => actors[cell.actor]!.relation === 'self' && !('code' in cell) && cell.touched > 0) &&
      tries.length > 0 &&
      tries.every((cell) => 'code' in cell && cell.code === '42501')
    );
  }

  /** What the triggers write into the other table is nothing that the actor chooses. */
  private writesNothingOf(table: RelationRow, parent: RelationRow, free: ReadonlySet<string>): boolean {
    const written = writtenInto({ table, kind: 'table', grants: table }, parent, this.first.model);
    return (
      written !== undefined &&
      written.length > 0 &&
      written.every(([, value]) => {
        const column = columnOf(value);
        if (fields(value, 'A_Const') !== undefined) return true;
        return column !== undefined && column.qualifier === 'new' && !free.has(column.name);
      })
    );
  }
}
