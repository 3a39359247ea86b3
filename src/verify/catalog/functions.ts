import { quoteLiteral } from '../../shared/quote.ts';
import type { Actor } from '../probes/actors.ts';
import { knownSecret } from '../fixtures/candidates.ts';
import { type FunctionRow, qualifiedName } from '../../rules/engine/live/catalog.ts';
import { outsideEffect } from './effects.ts';
import type { Model } from './model.ts';
import type { NamedProbe } from '../probes/probes.ts';
import { relation } from '../../rules/engine/live/catalog.ts';
import type { Subject } from '../probes/subject.ts';
import type { Verb } from '../probes/verbs.ts';

/** A function that users can call through the Data API, and how it is tried. */
export interface Callable {
  name: string;
  routine: FunctionRow;
  probes: NamedProbe[];
  /** Why it is not called. */
  skipped: string | undefined;
}


/** The functions of the exposed schemas that some actor may call. */
export function callablesOf(model: Model, actors: readonly Actor[], subjects: readonly Subject[], exposed: readonly string[]): Callable[] {
  const roles = new Set(actors.map((actor) => actor.role));
  return model.catalog.functions
    .filter((routine) => routine.kind === 'f' && exposed.includes(routine.schema) && routine.execute.some((role) => roles.has(role)))
    .map((routine): Callable => {
      const name = `${qualifiedName(routine)}(${routine.arguments.join(', ')})`;
      const effect = outsideEffect(routine, model.sources);
      if (effect !== undefined) return { name, routine, probes: [], skipped: `not called: it ${effect}` };
      const calls = callsOf(routine, subjects, model.sources.words(routine));
      if (calls === undefined) return { name, routine, probes: [], skipped: 'not called: no value could be made up for its arguments' };
      const state = mayChange(routine, model) ? `* ${name}` : '';
      return { name, routine, skipped: undefined, probes: calls.map(({ sql, verb }) => ({ subject: name, verb, sql, mode: 'marks', state, actors: actors.flatMap((actor, number) => (actor.isMultiOrg ? [] : [number])) })) };
    });
}

/** The states of the tables that a function speaks of, itself or by what it calls, as one query that gives JSON. */
export function stateOfTables(routine: FunctionRow, subjects: readonly Subject[], states: Readonly<Record<string, string>>, model: Model): string {
  const words = model.sources.words(routine);
  const parts = subjects.filter((subject) => subject.kind === 'table' && words.has(subject.table.name))
    .map((subject) => `select ${quoteLiteral(subject.state)} as name, (${states[subject.state]}) as state`);
  return parts.length === 0 ? "select '{}'" : `select json_object_agg(name, state)::text from (${parts.join(' union all ')}) as all_states`;
}

/** Reading functions are often left at the default, VOLATILE; one whose source never writes need not be watched. */
function mayChange(routine: FunctionRow, model: Model): boolean {
  return routine.volatility === 'v' && /\b(insert|update|delete|merge|truncate|execute|call|alter|drop|create)\b/i.test(model.sources.reachable(routine));
}

/** Calls with what was made up for A and X in the arguments: with the least arguments, with all, with a privileged role. */
function callsOf(routine: FunctionRow, subjects: readonly Subject[], words: ReadonlySet<string>): { sql: string; verb: Verb }[] | undefined {
  const values = routine.arguments.map((type, index) => argument(type, routine.argumentNames[index] ?? '', subjects, words));
  const least = values.slice(0, values.length - routine.defaults);
  if (least.some((value) => value === undefined)) return undefined;
  const lists = values.every((value) => value !== undefined) && routine.defaults > 0 ? [least, values] : [least];
  const role = routine.argumentNames.findIndex((name, index) => /(^|_)role$/.test(name) && routine.arguments[index] === 'text');
  const privileged = role < 0 || values.includes(undefined) ? [] : ["'admin'", "'owner'"].map((value) => values.with(role, value));
  const call = (list: readonly (string | undefined)[]): string => `select string_agg(called::text, ' ') from ${relation(routine)}(${list.join(', ')}) as called`;
  return [...lists.map((list) => ({ sql: call(list), verb: 'call' as const })), ...privileged.map((list) => ({ sql: call(list), verb: 'call-privileged' as const }))];
}

const plainValues: readonly { is: RegExp; value: string }[] = [
  { is: /\[\]$/, value: "'{}'" },
  { is: /^(text|character varying|character|citext|name|unknown)/, value: `'${knownSecret}'` },
  { is: /^(smallint|integer|bigint|numeric|real|double precision)$/, value: '1' },
  { is: /^boolean$/, value: 'true' },
  { is: /^jsonb?$/, value: "'{}'" },
  { is: /^(timestamp|date)/, value: 'now()' },
  { is: /^interval$/, value: "'1 day'" },
];

function argument(type: string, name: string, subjects: readonly Subject[], words: ReadonlySet<string>): string | undefined {
  if (type === 'uuid') return `${idFor(name, subjects, words) ?? subjects[0]?.users.a ?? 'NULL'}::uuid`;
  const value = plainValues.find(({ is }) => is.test(type))?.value;
  if (value === undefined) return undefined;
  const known = type === 'text' && !isSecret.test(name) ? valueNamed(bareName(name), subjects) : undefined;
  return `${known ?? value}::${type}`;
}

/** A secret is not looked up: its hash is what the rows keep, and that of the plain value is A's. */
const isSecret = /token|secret|key|password/;

function bareName(name: string): string {
  return name.toLowerCase().replace(/^_+|^p_|^in_|^target_|_+$/g, '');
}

/** What A's rows hold in a column of the argument's own name, where it is unique. */
function valueNamed(name: string, subjects: readonly Subject[]): string | undefined {
  const holder = subjects.find((subject) => subject.table.indexes.some((index) => index.unique && index.columns.length === 1 && index.columns[0] === name));
  const value = holder?.rows.a.values.get(name);
  return value === undefined || value === 'NULL' ? undefined : value;
}

/**
 * The id that an argument of this name most likely wants: of A, of X, of A's row in the table that it is named for, prefixed
 * or not.
 * @param words of the function's source: a prefixed table is meant only where it is spoken of
 */
function idFor(name: string, subjects: readonly Subject[], words: ReadonlySet<string>): string | undefined {
  const word = bareName(name).replace(/_?(id|uuid)$/, '');
  if (/(^|_)(user|profile|owner|member|account_owner|person)$/.test(word)) return subjects[0]?.users.a;
  const names = [word, `${word}s`, `${word}es`, word.replace(/y$/, 'ies')];
  const named = subjects.find((subject) => names.includes(subject.table.name))
    ?? subjects.find((subject) => word !== '' && words.has(subject.table.name) && names.some((one) => subject.table.name.endsWith(`_${one}`)))
    ?? subjects.find((subject) => /^(org|organi[sz]ation|team|tenant|workspace|company|account)$/.test(word) && subject.isTenants);
  return named?.rows.a.key.length === 1 ? named.rows.a.key[0]![1] : undefined;
}
