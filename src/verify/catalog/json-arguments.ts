/** JSON for the arguments of functions: with the keys that a function reads, and with IDs of A in it. */
import { quoteLiteral } from '../../shared/quote.ts';
import { knownSecret } from '../fixtures/candidates.ts';
import { type ArgumentContext, type Candidate, fits, keys, nothing } from './argument-keys.ts';
import { isPlain, type JsonShape } from './json-keys.ts';

/** How many values of those that a place is compared with are tried, each with the others of its rank. */
const mostTexts = 4;

/** How many objects hold a key of B's beside one of A's. */
const mostMixed = 4;

/** How a value is built. */
interface Choice {
  /** Of several keys and of several constants, which ones. */
  rank: number;
  text: number;
  /** The key at a place: A's, one that no row has, or B's. */
  key: (key: Candidate, place: string) => string;
  /** The elements of a list. */
  list: (element: (choice: Choice) => string, choice: Choice) => string[];
}

const one: Choice['list'] = (element, choice) => [element(choice)];
const ofA: Choice = { rank: 0, text: 0, key: ({ sql }) => sql, list: one };
const ofNobody: Choice = { ...ofA, key: ({ unknown = 'NULL' }) => unknown };
const ofB: Choice = { ...ofA, key: ({ sql, own }) => own ?? sql };

/** Values with the keys that the function reads and IDs of A in them; lists of those and of IDs. */
export function objects(name: string, context: ArgumentContext): Candidate[] {
  const shape = context.shape(name);
  const ids = keys('text', name.replace(/s$/, ''), context);
  const list = (part: 'sql' | 'unknown'): string =>
    `jsonb_build_array(${ids.map((id) => `${id[part]}::text`).join(', ')})`;
  const isRead = !isPlain(shape);
  const made = (change: Partial<Choice>): Candidate => ({
    sql: build(shape, name, { ...ofA, ...change }, context),
    unknown: build(shape, name, { ...ofNobody, ...change }, context),
  });
  const inList = ({ sql, unknown = 'NULL' }: Candidate): Candidate => ({
    sql: `jsonb_build_array(${sql})`,
    unknown: `jsonb_build_array(${unknown})`,
  });
  const texts = Array.from({ length: Math.min(mostTexts, Math.max(1, textsIn(shape))) }, (_, text) => made({ text }));
  return [
    ...(isRead
      ? [
          { ...texts[0]!, mixed: mixedObjects(shape, name, context) },
          ...texts.slice(1),
          made({ rank: 1 }),
          made({ rank: 2 }),
          ...(shape.elements === undefined ? [inList(texts[0]!)] : []),
        ]
      : []),
    ...(ids.length > 0
      ? [
          { sql: list('sql'), unknown: list('unknown') },
          { sql: `to_jsonb(${ids[0]!.sql}::text)`, unknown: `to_jsonb(${ids[0]!.unknown}::text)` },
        ]
      : []),
    { sql: "'{}'" },
    { sql: "'[]'" },
    nothing,
  ];
}

/** The same with B's key in one place, and with B's element before and after A's. */
function mixedObjects(shape: JsonShape, name: string, context: ArgumentContext): Candidate[] {
  const places = new Map<string, Candidate>();
  let isList = false;
  const noted: Choice = {
    ...ofA,
    key: (key, place) => {
      places.set(place, key);
      return key.sql;
    },
    list: (element, choice) => {
      isList = true;
      return [element(choice)];
    },
  };
  build(shape, name, noted, context);
  const others = [...places].filter(([, { own }]) => own !== undefined);
  const alone = (base: Choice, own: string): Choice => ({
    ...base,
    key: (key, place) => (place === own ? ofB : base).key(key, place),
  });
  const pairs = (base: Choice): Choice[] => [
    { ...base, list: (element) => [element({ ...ofB, list: one }), element({ ...base, list: one })] },
    { ...base, list: (element) => [element({ ...base, list: one }), element({ ...ofB, list: one })] },
  ];
  const choices = [ofA, ofNobody].map((base) => [
    ...(isList && others.length > 0 ? pairs(base) : []),
    ...(others.length > 1 ? others.map(([place]) => alone(base, place)) : []),
  ]);
  return choices[0]!.slice(0, mostMixed).map((choice, index) => ({
    sql: build(shape, name, choice, context),
    unknown: build(shape, name, choices[1]![index]!, context),
  }));
}

/** The value of that shape as SQL; `name` is the key that it has. */
function build(shape: JsonShape, name: string, choice: Choice, context: ArgumentContext, place = ''): string {
  const { elements, entries } = shape;
  if (elements !== undefined) {
    const singular = name.replace(/s$/, '').replace(/_ids?$|ids?$/, '_id');
    const element = (chosen: Choice): string => build(elements, singular, chosen, context, `${place}[]`);
    return `jsonb_build_array(${choice.list(element, choice).join(', ')})`;
  }
  const pairs = [...shape.keys].map(
    ([key, inner]) => `${quoteLiteral(key)}, ${build(inner, key, choice, context, `${place}.${key}`)}`,
  );
  if (entries !== undefined) {
    const [key] = [...keys('uuid', 'id', context), ...keys('text', 'id', context)];
    const text = key === undefined ? quoteLiteral(knownSecret) : choice.key(key, `${place}{}`);
    pairs.push(`${text}::text, ${build(entries, name, choice, context, `${place}.*`)}`);
  }
  return pairs.length > 0
    ? `jsonb_build_object(${pairs.join(', ')})`
    : `to_jsonb(${leafOf(shape, name, choice, context, place)}::text)`;
}

function leafOf(shape: JsonShape, name: string, choice: Choice, context: ArgumentContext, place: string): string {
  const { texts, columns, type = 'text' } = shape;
  if (texts.size > 0) {
    const text = [...texts][choice.text % texts.size]!;
    // A quoted value is one that the caller knows: a number would hide that a row has the same.
    return /^\d{1,9}$/.test(text) ? text : quoteLiteral(text);
  }
  const kind = type === 'uuid' ? 'uuid' : /^(?:int|numeric|smallint|bigint|oid)/.test(type) ? 'number' : 'text';
  const compared = new Map(context.compared).set(name, columns);
  const found = keys(kind, name, { ...context, compared });
  const key = found[choice.rank] ?? found[0];
  const isOfKey = context.rowKeys.some(({ column }) => columns.has(column.name) && fits(kind, column.base));
  const isNamed = isOfKey || found[0]?.isNamed === true || kind === 'uuid';
  const held = isNamed ? undefined : heldIn(columns, context);
  if (held !== undefined) return held;
  if (key !== undefined && (isNamed || type === 'text' || /(?:^|_)id$/i.test(name))) return choice.key(key, place);
  return others.find(({ is }) => is.test(type))?.sql ?? quoteLiteral(knownSecret);
}

/** Values of the types that are no keys. */
const others: readonly { is: RegExp; sql: string }[] = [
  { is: /^(?:int|numeric|smallint|bigint|oid|float|real|double|money)/, sql: '1' },
  { is: /^bool/, sql: 'true' },
  { is: /^(?:date|timestamp)/, sql: 'now()' },
  { is: /^time/, sql: "'12:00'" },
  { is: /^interval/, sql: "'1 day'" },
];

/** What A's row has in one of the columns. */
function heldIn(columns: ReadonlySet<string>, { named }: ArgumentContext): string | undefined {
  for (const { rows } of named)
    for (const column of columns) {
      const value = rows.a.values.get(column);
      if (value !== undefined && value !== 'NULL') return value;
    }
  return undefined;
}

/** The largest number of constants that one place is compared with. */
function textsIn({ keys: below, elements, entries, texts }: JsonShape): number {
  const inner = [...below.values(), elements, entries].flatMap((shape) =>
    shape === undefined ? [] : [textsIn(shape)],
  );
  return Math.max(texts.size, ...inner);
}
