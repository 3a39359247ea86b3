/** Whether a class of repair was worth making: its own findings became fewer, and it added no error that stays. */
import { type Examined, type Located, tableOfObject } from '../check.ts';
import { findingsOf } from '../lint.ts';
import type { Rule } from '../rule.ts';
import type { Left } from './fix.ts';
import { uselessLeft } from './guard.ts';
import type { Repair } from './record.ts';
import type { Run } from './run.ts';
import type { Finding } from '../../../shared/finding.ts';

/** How many problems a rule finds in the files. */
export function countOf(rule: string, { problems }: Examined): number {
  return problems.filter((problem) => problem.rule === rule).length;
}

type Named = Pick<Located, 'rule' | 'object' | 'message'>;
const keyOf = ({ rule, object, message }: Named): string => `${rule}\0${object ?? message}`;

/** The errors that the files have, by what they are about. */
function errorsIn({ rules, input }: Run, examined: Examined): Map<string, Finding> {
  const found = findingsOf(rules, examined, input.severities ?? {}).filter(({ severity }) => severity === 'error');
  return new Map(found.map((finding) => [keyOf(finding), finding]));
}

/** Notes which errors a class of repair adds to the files; a later one may fix them. */
export function noteAdded(run: Run, rule: string, before: Examined, after: Examined): void {
  const old = errorsIn(run, before);
  const added = [...errorsIn(run, after)].filter(([key, found]) => found.rule !== rule && !old.has(key));
  for (const [key] of added) run.added.set(key, rule);
}

/**
 * Leaves what adds an error out of the classes of a round: the tables that it is about, or the class where it is about none.
 * @param before the files before the round
 * @param after the files after it
 * @returns whether there is any: then the round is to be made again
 */
export function leaveAdding(run: Run, before: Examined, after: Examined): boolean {
  const old = errorsIn(run, before);
  let isAny = false;
  for (const [key, finding] of errorsIn(run, after)) {
    const rule = old.has(key) ? undefined : run.added.get(key);
    if (rule === undefined || run.dropped.has(rule)) continue;
    const table = tableOfObject(finding.object ?? '');
    const held = run.held.get(rule) ?? new Set<string>();
    const left: Left = {
      rule,
      file: finding.file ?? '',
      why: `its repair of ${table || 'the file'} was rolled back, because it would add an error (${finding.rule}).`,
    };
    if (table === '' || held.has(table)) run.dropped.set(rule, left);
    else run.spared.set(`${rule}\0${table}`, left);
    run.held.set(rule, new Set([...held, table]));
    isAny = true;
  }
  return isAny;
}

/**
 * Drops the classes of a round that work on what a rehearsal finds, where the next one finds all of it again.
 * @param made the classes of the round
 * @returns whether there is any: then the round is to be made again
 */
export function dropUseless(
  { rules, dropped }: Run,
  made: Repair['classes'],
  before: readonly Finding[],
  after: readonly Finding[],
): boolean {
  const now = new Set(after.map(keyOf));
  const useless = made.filter(({ rule }) => {
    const own = fromRehearsal(rules, rule);
    const found = before.filter((finding) => own.includes(finding.rule));
    return found.length > 0 && found.every((finding) => now.has(keyOf(finding)));
  });
  for (const { rule, files } of useless) dropped.set(rule, uselessLeft(rule, files));
  return useless.length > 0;
}

function fromRehearsal(rules: readonly Rule[], rule: string): readonly string[] {
  return rules.find(({ name }) => name === rule)?.fix?.fromRehearsal ?? [];
}
