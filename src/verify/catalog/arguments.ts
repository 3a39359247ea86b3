import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import { candidatesFor, knownSecret } from '../fixtures/candidates.ts';
import { actingUser } from '../fixtures/belongings.ts';
import { isSpatial } from '../fixtures/spatial-values.ts';
import type { Subject } from '../probes/subject.ts';
import { uniqueSets } from '../fixtures/draft.ts';
import type { ArgumentType, ColumnRow } from '../../rules/engine/live/catalog.ts';
import {
  type ArgumentContext,
  bareName,
  type Candidate,
  fits,
  keys,
  nobody,
  nothing,
  places,
  unknownOf,
  valueNamed,
} from './argument-keys.ts';
import { heldInCompared } from './compared-arguments.ts';
import { objects } from './json-arguments.ts';
import { isPlain } from './json-keys.ts';
import { holdsNumber, intervalsWithin, limits, limitsOf, momentsWithin, numbersWithin } from './reach-values.ts';
import { isSecret } from './row-keys.ts';
import type { TextForms } from './text-forms.ts';
import { vectorsFor } from './vector-arguments.ts';

/** Values of types that columns rarely have. */
const shapes: Readonly<Record<string, string>> = {
  box: '(1,1),(0,0)',
  lseg: '[(0,0),(1,1)]',
  path: '[(0,0),(1,1)]',
  polygon: '((0,0),(1,1))',
  circle: '<(0,0),1>',
  line: '{1,1,1}',
  pg_lsn: '0/0',
};

const mostValues = 8;

/** The values to try for one argument, the most likely first. Never empty. */
export function candidatesOf(input: ArgumentType, name: string, context: ArgumentContext): Candidate[] {
  const values = [
    ...settingsFor(input, name, context),
    ...asked(input, name, context),
    ...heldInCompared(input, name, context),
    ...valuesOf(input, name, context),
  ];
  const distinct = new Map<string, Candidate>();
  for (const value of values) {
    const mixed = distinct.get(value.sql)?.mixed;
    distinct.set(value.sql, mixed === undefined ? value : { mixed, ...value });
  }
  return [...distinct.values()].slice(0, mostValues).map((value) => ({
    ...value,
    ...castAll(value, input),
    ...(value.mixed === undefined ? {} : { mixed: value.mixed.map((one) => ({ ...one, ...castAll(one, input) })) }),
  }));
}

function castAll({ sql, unknown, own }: Candidate, input: ArgumentType): Candidate {
  return {
    sql: cast(sql, input),
    ...(unknown === undefined ? {} : { unknown: cast(unknown, input) }),
    ...(own === undefined ? {} : { own: cast(own, input) }),
  };
}

function settingsFor({ category, base }: ArgumentType, name: string, { settings }: ArgumentContext): Candidate[] {
  if (category !== 'S' && !/^jsonb?$/.test(base)) return [];
  const texts = settings.naming.has(name) ? settings.names : settings.values;
  return texts
    .filter((text) => category === 'S' || text.startsWith('{'))
    .slice(0, mostValues)
    .map((text) => ({ sql: quoteLiteral(text) }));
}

/** Values that are no keys alone: those have their own, which lead to no row in the baseline. */
function asked({ base, category }: ArgumentType, name: string, context: ArgumentContext): Candidate[] {
  const isKey = isSecret.test(name) || base === 'uuid';
  const keyed = new Set(context.rowKeys.map(({ sql }) => sql));
  const unknown = category === 'A' ? `array[${quoteLiteral(nobody.text)}]` : quoteLiteral(nobody.text);
  return isKey
    ? []
    : context
        .asked(name)
        .filter(({ sql, isOfSeveral }) => isOfSeveral || ![...keyed].some((key) => sql.includes(key)))
        .slice(0, mostAsked)
        .map(({ sql, isOfSeveral }) => ({ sql: `(${sql})`, ...(isOfSeveral ? { unknown } : {}) }));
}

/** How many values are tried that an argument is compared with. */
const mostAsked = 2;

function cast(sql: string, { type, kind }: ArgumentType): string {
  return kind === 'p' ? sql : `${sql}::${type}`;
}

function valuesOf(input: ArgumentType, name: string, context: ArgumentContext): Candidate[] {
  const { base, category } = input;
  if (/^any(compatible)?array$/.test(base)) return arrays({ ...input, element: 'text' }, name, context);
  if (category === 'A') return arrays(input, name, context);
  if (input.labels !== null)
    return [
      ...input.labels.map((label) => ({
        sql: quoteLiteral(label),
        ...(isPrivilegedRole(label) ? { isPrivileged: true } : {}),
      })),
      nothing,
    ];
  if (input.attributes !== null) return composites(input, input.attributes, context);
  if (base === 'uuid') return [...keys('uuid', name, context), nothing, { sql: quoteLiteral(actingUser) }];
  if (context.limits.has(name)) return [...limits];
  if (/^(smallint|integer|bigint|numeric|real|double precision|oid|money)/.test(base))
    return [...keys('number', name, context), ...numbersWithin(context.reach)].filter(({ sql }) =>
      holdsNumber(sql, base),
    );
  if (base === 'boolean') return ['true', 'false', 'NULL'].map((sql) => ({ sql }));
  if (/^jsonb?$/.test(base)) return objects(name, context);
  if (/^(timestamp|date$)/.test(base)) return momentsWithin(context.reach, name);
  if (input.kind === 'r') return ["'(,)'", "'empty'"].map((sql) => ({ sql }));
  if (input.kind === 'm') return ["'{(,)}'", "'{}'"].map((sql) => ({ sql }));
  if (base in shapes) return [{ sql: quoteLiteral(shapes[base]!) }];
  if (/^reg(class|type)$/.test(base))
    return context.named
      .slice(0, mostValues)
      .map(({ into }) => ({ sql: quoteLiteral(into) }))
      .concat({ sql: "'pg_class'" });
  if (base === 'interval') return intervalsWithin(context.reach);
  if (base === 'bytea') return [knownSecret, ''].map((text) => ({ sql: `'\\x${Buffer.from(text).toString('hex')}'` }));
  if (category === 'S' || input.kind === 'p') return texts(input, name, context);
  const vectors = vectorsFor(base, context);
  if (vectors.length > 0) return [...vectors, nothing];
  const column = {
    name,
    type: base,
    base,
    category,
    notNull: false,
    default: null,
    identity: '',
    generated: false,
    labels: null,
    domainChecks: null,
  };
  const values = candidatesFor(column, { texts: [], numbers: [], patterns: [] }, 1).map((sql) => ({ sql }));
  return isSpatial(base) ? [...places(context), ...values] : values;
}

function texts(input: ArgumentType, name: string, context: ArgumentContext): Candidate[] {
  const plain = { sql: quoteLiteral(knownSecret) };
  const unique = isSecret.test(name) ? [] : valueNamed(bareName(name), context);
  const ids = keys('text', name, context);
  const roles = /(^|_)role$/.test(name)
    ? ['admin', 'owner'].map((role) => ({ sql: quoteLiteral(role), isPrivileged: true }))
    : [];
  const sql = context.injectable.has(name) ? injections(context) : context.isDynamic ? tableNames(context) : [];
  const searched = isSecret.test(name) ? [] : searches(name, context);
  const typed = input.kind === 'p' ? context.named.slice(0, 2).map(({ into }) => ({ sql: `null::${into}` })) : [];
  const compared = context.compared.get(name);
  const namesKey =
    /(^|_)(id|uuid|key)$/.test(name) ||
    context.rowKeys.some(({ column, isKey }) => !isKey && compared?.has(column.name) === true);
  const first =
    namesKey && !isSecret.test(name)
      ? [...ids.slice(0, 4), ...unique]
      : isSecret.test(name)
        ? [plain]
        : [...unique, plain];
  // What is decoded or taken apart holds what the function gave out before, as where the next page begins, or a key, whatever it is called.
  const taken = composed(ids, name, context);
  const rest = [
    ...sql,
    nothing,
    ...typed,
    ...roles,
    ...searched,
    ...ids.slice(0, 3),
    { sql: "'%'" },
    { sql: "''" },
    plain,
  ];
  return [...taken, ...first, ...rest].map((value) =>
    input.kind === 'p' && !value.sql.startsWith('null::') ? { ...value, sql: `${value.sql}::text` } : value,
  );
}

/** How many texts of one form are tried, each with other keys, and how many in all. */
const mostOfForm = 2;
const mostComposed = 5;

/** Texts of the forms that the function takes apart, with keys of A in them. */
function composed(ids: readonly Candidate[], name: string, context: ArgumentContext): Candidate[] {
  const { forms, encodings } = context.textForms(name);
  const keyOf = (columns: ReadonlySet<string>, rank: number): Candidate | undefined =>
    ofColumns(columns, rank, context) ?? ids[rank] ?? ids[0];
  const build = (form: TextForms['forms'][number], rank: number, part: 'sql' | 'unknown'): string => {
    const key = (columns: ReadonlySet<string>): string => `(${keyOf(columns, rank)?.[part] ?? 'NULL'})`;
    return form
      .map((one) => {
        if (typeof one === 'string') return quoteLiteral(one);
        if ('columns' in one) return `${key(one.columns)}::text`;
        return one.changed.map((piece) => (typeof piece === 'string' ? piece : key(piece.columns))).join('');
      })
      .join(' || ');
  };
  const texts = forms.flatMap((form) =>
    Array.from({ length: mostOfForm }, (_, rank): Candidate => ({
      sql: `(${build(form, rank, 'sql')})`,
      unknown: `(${build(form, rank, 'unknown')})`,
    })),
  );
  const asJson = isPlain(context.shape(name))
    ? []
    : objects(name, context)
        .slice(0, mostOfForm)
        .map(({ sql, unknown }) => ({
          sql: `(${sql})::text`,
          ...(unknown === undefined ? {} : { unknown: `(${unknown})::text` }),
        }));
  const encoded = encodings.flatMap((encoding) => {
    const wrap = (sql: string): string => `encode(convert_to((${sql})::text, 'UTF8'), ${quoteLiteral(encoding)})`;
    return [...texts, ...asJson, ...ids.slice(0, mostOfForm)].map(({ sql, unknown }) => ({
      sql: wrap(sql),
      ...(unknown === undefined ? {} : { unknown: wrap(unknown) }),
    }));
  });
  return [...encoded, ...texts, ...asJson].slice(0, mostComposed);
}

/** The key of A's row in one of the columns. */
function ofColumns(
  columns: ReadonlySet<string>,
  rank: number,
  { rowKeys, named }: ArgumentContext,
): Candidate | undefined {
  const found = rowKeys.filter(({ column }) => columns.has(column.name));
  // A number that is another one in each organization is no key by itself, and one beside its name.
  const inKeys = (): { column: ColumnRow; sql: string }[] =>
    named.flatMap(({ table, rows }) =>
      table.columns.flatMap((column) => {
        const sql = rows.a.values.get(column.name);
        const isPart = uniqueSets(table).some((set) => set.length > 1 && set.includes(column.name));
        const isAsked = columns.has(column.name) && isPart && !isSecret.test(column.name);
        return isAsked && sql !== undefined && sql !== 'NULL' ? [{ column, sql }] : [];
      }),
    );
  const key = found[rank] ?? found[0] ?? inKeys()[0];
  return key === undefined
    ? undefined
    : { sql: key.sql, unknown: unknownOf(key.sql, fits('number', key.column.base) ? 'number' : 'text') };
}

/**
 * Parts of texts in A's rows: a caller who learns whether a part matches can read the text letter by letter. And whole
 * texts of a column that the argument is compared with: whether one is taken is what a function over unique names tells.
 */
function searches(name: string, { named, columns, compared }: ArgumentContext): Candidate[] {
  const asked = compared.get(name);
  const isAsked = ({ table }: Subject, column: string): boolean =>
    asked?.has(column) === true &&
    !table.indexes.some(({ unique, columns: all }) => unique && (all.includes(column) || all.includes(null)));
  const found = named.flatMap((subject) =>
    [...subject.rows.a.values].flatMap(([column, value]) => {
      const text = textOf(value);
      return text !== undefined &&
        text.includes('muse') &&
        text.length >= 8 &&
        (columns.has(column) || asked?.has(column) === true)
        ? [{ subject, text: text.slice(0, -1), whole: isAsked(subject, column) ? [text] : [] }]
        : [];
    }),
  );
  return found.slice(0, 2).flatMap(({ subject, text, whole }) =>
    [...whole, `${text}%`, text].map((part): Candidate => ({
      sql: quoteLiteral(part),
      unknown: quoteLiteral(part.replace(text, nobody.text)),
      searches: subject.name,
    })),
  );
}

/** Table names that a function with dynamic SQL may accept. */
function tableNames({ named }: ArgumentContext): Candidate[] {
  return named
    .slice(0, 2)
    .flatMap(({ table, into }) => [table.name, into])
    .map((name) => ({ sql: quoteLiteral(name) }));
}

/** SQL that reads A's rows if it is used as a query, a table, a condition or a value. */
function injections({ named }: ArgumentContext): Candidate[] {
  return [
    ...named.slice(0, 2).map(({ into }) => `select * from ${into}`),
    ...named.slice(0, 2).map(({ into }) => into),
    'true',
    ...named.slice(0, 1).map(({ into }) => `(select string_agg(seen::text, ' ') from ${into} as seen)`),
    "' or true --",
  ].map((sql) => ({ sql: quoteLiteral(sql) }));
}

function arrays(input: ArgumentType, name: string, context: ArgumentContext): Candidate[] {
  const element = input.element ?? 'text';
  const singular = name.replace(/s$/, '').replace(/_id$|ids?$/, '_id');
  const kind = element === 'uuid' ? 'uuid' : /^(smallint|integer|bigint|numeric)/.test(element) ? 'number' : 'text';
  if (input.labels !== null) return [{ sql: `array[${input.labels.map(quoteLiteral).join(', ')}]` }, { sql: "'{}'" }];
  if (input.attributes !== null)
    return [
      ...composites({ ...input, base: element }, input.attributes, context).map((one) => wrapped(one, element)),
      { sql: "'{}'" },
    ];
  if (/^jsonb?$/.test(element)) return [...objects(name, context).map((one) => wrapped(one, element)), { sql: "'{}'" }];
  const found = keys(kind, singular, context);
  const parts = kind === 'text' ? searches(name, context) : [];
  const ids = [...(kind === 'text' ? composed(found, name, context) : []), ...found, ...parts];
  const all =
    ids.length === 0
      ? []
      : [
          {
            sql: `array[${ids.map(({ sql }) => sql).join(', ')}]::${element}[]`,
            unknown: `array[${quoteLiteral(nobody[kind])}]::${element}[]`,
            mixed: besideOwn(ids.find(({ own }) => own !== undefined)).map((one) => wrapped(one, element)),
          },
        ];
  // A part alone is no key that is given back.
  const alone = [...parts.slice(-1), ...ids.slice(0, 2)];
  return [...all, ...alone.map((one) => wrapped(one, element)), { sql: "'{}'" }, nothing];
}

/** A key of A's after one of B's, and before it, as elements of a list. */
function besideOwn(key: Candidate | undefined): Candidate[] {
  if (key?.own === undefined) return [];
  const { sql, own, unknown = 'NULL' } = key;
  return [
    { sql: `${own}, ${sql}`, unknown: `${own}, ${unknown}` },
    { sql: `${sql}, ${own}`, unknown: `${unknown}, ${own}` },
  ];
}

function wrapped({ sql, unknown, own, mixed, ...rest }: Candidate, element: string): Candidate {
  return {
    ...rest,
    ...(mixed === undefined ? {} : { mixed: mixed.map((one) => wrapped(one, element)) }),
    sql: `array[${sql}]::${element}[]`,
    ...(unknown === undefined ? {} : { unknown: `array[${unknown}]::${element}[]` }),
    ...(own === undefined ? {} : { own: `array[${own}]::${element}[]` }),
  };
}

/** Rows of a composite type: A's own row if it is a table's row type. */
function composites(
  input: ArgumentType,
  attributes: readonly { name: string; type: string }[],
  context: ArgumentContext,
): Candidate[] {
  const own = context.subjects.find(
    ({ table, into }) =>
      into === input.base || `${table.schema}.${table.name}` === input.base || table.name === input.base,
  );
  const row = (value: (attribute: { name: string; type: string }) => string | undefined): string =>
    `jsonb_populate_record(null::${input.base}, jsonb_build_object(${attributes
      .flatMap((one) => {
        const sql = value(one);
        return sql === undefined ? [] : [`${quoteLiteral(one.name)}, ${sql}::text`];
      })
      .join(', ')}))`;
  const keyOf = ({ name, type }: { name: string; type: string }, rank: number): Candidate | undefined => {
    const kind =
      type === 'uuid'
        ? 'uuid'
        : type === 'text'
          ? 'text'
          : /^(smallint|integer|bigint|numeric)/.test(type)
            ? 'number'
            : undefined;
    const found = kind === undefined ? [] : keys(kind, name, context);
    return found[rank] ?? found[0];
  };
  const keyed =
    (rank: number, part: 'sql' | 'unknown') =>
    (attribute: { name: string; type: string }): string | undefined =>
      keyOf(attribute, rank)?.[part];
  // One key is the caller's own: what checks that may act on the row of another.
  const owned = attributes.filter((one) => keyOf(one, 0)?.own !== undefined);
  const mixed = (owned.length < 2 ? [] : owned).flatMap((mine) =>
    [0, 1].map((rank): Candidate => ({
      sql: row((one) => (one === mine ? keyOf(one, 0)?.own : keyOf(one, rank)?.sql)),
    })),
  );
  const ends = limitsOf(attributes.map(({ type }) => type));
  const between =
    new Set(ends.filter((end) => end !== undefined)).size < 2
      ? []
      : [{ sql: row((one) => ends[attributes.indexOf(one)]) }];
  const whole =
    own === undefined
      ? []
      : [{ sql: row(({ name }) => own.rows.a.values.get(name)), unknown: row(keyed(0, 'unknown')) }];
  return [
    ...whole,
    ...[0, 1, 2].map((rank) => ({
      sql: row(keyed(rank, 'sql')),
      unknown: row(keyed(rank, 'unknown')),
      ...(rank === 0 ? { mixed } : {}),
    })),
    ...between,
    nothing,
  ];
}

/** The text of a literal; undefined for any other expression. */
function textOf(sql: string): string | undefined {
  return /^'[^'\\]*'$/.test(sql) ? sql.slice(1, -1) : undefined;
}

function isPrivilegedRole(label: string): boolean {
  return /^(owner|admin|administrator|super_?admin)$/.test(label);
}

/** SQL of an argument list: by name, as the Data API calls functions, or by position if an argument has no name. */
export function argumentList(values: readonly string[], names: readonly string[], isVariadic: boolean): string {
  const byName = values.every((_, index) => (names[index] ?? '') !== '');
  return values
    .map(
      (sql, index) =>
        `${isVariadic && index === values.length - 1 ? 'variadic ' : ''}${byName ? `${quoteIdentifier(names[index]!)} => ` : ''}${sql}`,
    )
    .join(', ');
}
