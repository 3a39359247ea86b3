import type { Finding } from '../../shared/finding.ts';
import { uniqueSets } from '../fixtures/draft.ts';
import type { Actor } from '../probes/actors.ts';
import { personalColumns } from '../probes/expected.ts';
import type { Subject } from '../probes/subject.ts';
import { makeFinding } from './make-finding.ts';
import type { TableReport } from './report.ts';

/**
 * Unique keys over everyone's rows of something personal: whoever may add a row of its own learns by the duplicate key error
 * (23505) whether another has it. One that holds the columns which say whose a row is tells of the caller's own rows alone.
 */
export function oracles(subject: Subject, report: TableReport, actors: readonly Actor[]): Finding[] {
  const strangers = actors.filter(({ relation }) => relation === 'none').map(({ name }) => name);
  const told = report.checks.find(
    ({ actor, verb, outcome }) => verb === 'insert' && outcome === 'allowed' && strangers.includes(actor),
  );
  if (told === undefined || subject.kind !== 'table' || subject.scope.kind === 'public-read') return [];
  const personal = new Set(personalColumns(subject));
  const owners = new Set(subject.belongs.map(({ column }) => column));
  const sets = uniqueSets(subject.table).filter(
    (set) => set.some((name) => personal.has(name)) && !set.some((name) => owners.has(name)),
  );
  return sets.map((set) =>
    makeFinding(
      'isolation-read',
      report.table,
      `${report.table}: ${told.actor} learns whether a row of another has a certain ${set.join(' and ')}, since the key is unique over all rows and a second one is refused (23505).`,
      `Make the key unique for each owner: UNIQUE (${[...owners, ...set].join(', ')}); or let a function add the row and answer the same in both cases.`,
      'warning',
    ),
  );
}
