import * as v from 'valibot';
import { nearest } from './nearest.ts';

/**
 * Schemas for input from outside (files that users write, answers of services), whose problems can be shown directly:
 * where, what is wrong, what to write instead. Importing this file loads the schema library: commands that read
 * nothing, e.g. `--help`, must not.
 */

/** One thing that is wrong with a value. */
export interface SchemaProblem {
  /** Where it is, e.g. `['environments', 'staging', 'traget']`; the object itself where one of its keys is missing. */
  path: (string | number)[];
  /** What is wrong there, e.g. `a number was expected, not "five"`. */
  message: string;
  /** What to do, one sentence. */
  suggestion: string;
}

type Schema = v.GenericSchema<unknown, unknown>;
type Entries = Readonly<Record<string, Schema>>;
type Message = (issue: v.BaseIssue<unknown>) => string;

/** What {@link problemsOf} finds. */
interface ValueProblem extends SchemaProblem {
  /** The message without the value: for values that may hold a secret. */
  expected: string;
}

/** The library only passes one message on: its lines are what is wrong, what to do, and the value. */
const said = (message: string, suggestion: string, value = ''): string => `${message}\n${suggestion}\n${value}`;

/** The message for an unexpected value, e.g. `text was expected, not 5`. */
const expected =
  (what: string): Message =>
  ({ input }) =>
    said(`${what} was expected`, `Write ${what}.`, shown(input));

/** An object with these keys and no others. */
export function object<const T extends Entries>(entries: T): v.StrictObjectSchema<T, Message> {
  return v.strictObject(entries, keyMessage(Object.keys(entries), requiredOf(entries)));
}

/** An object with at least these keys: for services, and later versions of this tool, that may add others. */
export function openObject<const T extends Entries>(entries: T): v.ObjectSchema<T, Message> {
  return v.object(entries, keyMessage(Object.keys(entries), requiredOf(entries)));
}

/** Text; `what` names it in messages, e.g. `a folder`. */
export function text(what = 'text'): v.StringSchema<Message> {
  return v.string(expected(what));
}

/** Text that is not empty. */
export function name(
  what = 'text',
): v.SchemaWithPipe<readonly [v.StringSchema<Message>, v.MinLengthAction<string, 1, Message>]> {
  return v.pipe(text(what), v.minLength(1, expected(what)));
}

/** Text that matches; `what` describes it in messages. */
export function matching(
  pattern: RegExp,
  what: string,
): v.SchemaWithPipe<readonly [v.StringSchema<Message>, v.RegexAction<string, Message>]> {
  return v.pipe(text(what), v.regex(pattern, expected(what)));
}

export function yesOrNo(): v.BooleanSchema<Message> {
  return v.boolean(expected('true or false'));
}

/** A number that is neither infinite nor NaN. */
export function number(): v.SchemaWithPipe<readonly [v.NumberSchema<Message>, v.FiniteAction<number, Message>]> {
  return v.pipe(v.number(expected('a number')), v.finite(expected('a number')));
}

export function list<const T extends Schema>(item: T, what = 'a list'): v.ArraySchema<T, Message> {
  return v.array(item, expected(what));
}

/** One of these words; the message suggests the nearest. */
export function oneOf<const T extends readonly string[]>(words: T): v.PicklistSchema<T, Message> {
  return v.picklist(words, ({ input }) => {
    const meant = typeof input === 'string' ? nearest(input.slice(0, 40), words) : undefined;
    const what = words.length === 1 ? JSON.stringify(words[0]) : `one of ${words.join(', ')}`;
    return said(
      `${what} was expected`,
      meant === undefined ? `Write ${what}.` : `Did you mean ${JSON.stringify(meant)}?`,
      shown(input),
    );
  });
}

/** This value and no other; `suggestion` says what to do about another. */
export function exactly<const T extends string | number | boolean>(
  value: T,
  suggestion: string,
): v.LiteralSchema<T, Message> {
  return v.literal(value, ({ input }) => said(`${JSON.stringify(value)} was expected`, suggestion, shown(input)));
}

/** One of several shapes; `what` describes them in messages. */
export function either<const T extends readonly Schema[]>(shapes: T, what: string): v.UnionSchema<T, Message> {
  return v.union([...shapes], expected(what)) as unknown as v.UnionSchema<T, Message>;
}

/** The schema with a description, which editors show. */
export function described<const T extends Schema>(
  schema: T,
  about: string,
): v.SchemaWithPipe<readonly [T, v.DescriptionAction<v.InferOutput<T>, string>]> {
  return v.pipe(schema, v.description<v.InferOutput<T>, string>(about));
}

/** The schema with further checks of values that have its shape; the paths of their problems start at the value. */
export function checked<const T extends Schema>(
  schema: T,
  find: (value: v.InferOutput<T>) => readonly SchemaProblem[],
): v.SchemaWithPipe<readonly [T, v.RawCheckAction<v.InferOutput<T>>]> {
  const check = v.rawCheck<v.InferOutput<T>>(({ dataset, addIssue }) => {
    if (!dataset.typed || dataset.issues !== undefined) return;
    for (const { path, message, suggestion } of find(dataset.value)) {
      const items = path.map((key) => ({
        type: 'unknown' as const,
        origin: 'value' as const,
        input: dataset.value,
        key,
        value: undefined,
      }));
      addIssue({
        message: said(message, suggestion),
        ...(items.length === 0 ? {} : { path: items as [v.IssuePathItem, ...v.IssuePathItem[]] }),
      });
    }
  });
  return v.pipe(schema, check);
}

/** Everything that is wrong with a value, in the order in which to fix it; empty where nothing is. */
export function problemsOf(schema: Schema, value: unknown): ValueProblem[] {
  const { issues = [] } = v.safeParse(schema, value);
  const problems = issues.map((issue) => {
    const [wrong = '', suggestion = '', found = ''] = issue.message.split('\n');
    const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
    // For a missing key, and for a list in place of an object, the path is that of the object.
    const owner = issue.path?.at(-1);
    const outer = owner?.origin === 'key' && (Array.isArray(owner.input) || issue.expected !== 'never');
    const missing = outer ? String(path.pop()) : undefined;
    return { path, expected: wrong, message: found === '' ? wrong : `${wrong}, not ${found}`, suggestion, missing };
  });
  // A mistyped key is unknown and the intended one is missing: only the first is reported.
  const meant = (one: { path: (string | number)[]; missing: string | undefined }): boolean =>
    problems.some(
      (other) => other.suggestion === didYouMean(one.missing ?? '') && samePath(other.path.slice(0, -1), one.path),
    );
  return problems
    .filter((problem) => problem.missing === undefined || !meant(problem))
    .map(({ missing: _missing, ...problem }) => problem);
}

/** A path as text: `tables[0].columns[2].type`. */
export function pathText(path: readonly (string | number)[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${printable(part)}`))
    .join('');
}

const didYouMean = (key: string): string => `Did you mean "${key}"?`;
const samePath = (one: readonly (string | number)[], other: readonly (string | number)[]): boolean =>
  one.length === other.length && one.every((part, index) => part === other[index]);

/** The message for a value that is not an object, or has a missing or unknown key. */
function keyMessage(known: readonly string[], required: readonly string[]): Message {
  const give = required.length === 0 ? 'Write an object.' : `Write an object with ${required.join(' and ')}.`;
  return (issue) => {
    const owner = issue.path?.at(-1);
    if (owner?.origin !== 'key' || Array.isArray(owner.input))
      return said('an object was expected', give, shown(owner?.origin === 'key' ? owner.input : issue.input));
    const key = String(owner.key);
    if (issue.expected !== 'never') return said(`${key} is missing`, `Add ${key}.`);
    const near = nearest(key.slice(0, 40), known);
    return said('unknown key', near === undefined ? `Known here: ${known.join(', ')}.` : didYouMean(near));
  };
}

function requiredOf(entries: Entries): string[] {
  return Object.keys(entries).filter((key) => !['exact_optional', 'optional', 'nullish'].includes(entries[key]!.type));
}

/** A value in a sentence: short, and without control characters. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return printable(typeof value === 'string' ? JSON.stringify(value) : String(value));
}

function printable(text: string): string {
  const line = text.replaceAll(/\p{Cc}/gu, ' ');
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
}
