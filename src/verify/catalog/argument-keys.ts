/** The values of A's rows that the arguments of a function may ask for. */
import { quoteLiteral } from '../../shared/quote.ts';
import { isSpatial } from '../fixtures/spatial-values.ts';
import type { Subject } from '../probes/subject.ts';
import type { AskedValue } from './asked-values.ts';
import type { Reach } from './counting.ts';
import type { JsonShape } from './json-keys.ts';
import type { RowKey } from './row-keys.ts';
import type { SettingTexts } from './setting-texts.ts';
import type { TextForms } from './text-forms.ts';

/** A value for a function's argument. */
export interface Candidate {
  sql: string;
  /**
   * The value to use instead in the baseline call, which names no existing row; undefined if this value names no row.
   */
  unknown?: string;
  /** If the value is a part of a text of A's row: the table of that row. */
  searches?: string;
  /** It is the name of a privileged role. */
  isPrivileged?: boolean;
  /** If the value is a key of A's: the one that B's row has in its place. */
  own?: string;
  /** It is the key that an argument of this name asks for. */
  isNamed?: boolean;
  /** Lists that hold a key of B's beside one of A's. */
  mixed?: readonly Candidate[];
}

/** The sources of one function's argument values. */
export interface ArgumentContext {
  /** All tables with generated rows, and those that the function names. */
  subjects: readonly Subject[];
  named: readonly Subject[];
  /** The values that name A's rows in those that it names. */
  rowKeys: readonly RowKey[];
  /** By the name of each argument: columns that it is compared with. */
  compared: ReadonlyMap<string, ReadonlySet<string>>;
  /** The values that an argument is compared with: what the function computes from A's row, as SQL. */
  asked: (name: string) => readonly AskedValue[];
  /** Names and values of the settings that it writes. */
  settings: SettingTexts;
  /** What it reads from the JSON in an argument. */
  shape: (name: string) => JsonShape;
  /** How it takes apart the text in an argument. */
  textForms: (name: string) => TextForms;
  /** Names of the columns that it mentions, for a function that only answers. */
  columns: ReadonlySet<string>;
  /** Arguments that become part of SQL. */
  injectable: ReadonlySet<string>;
  /** It runs dynamic SQL. */
  isDynamic: boolean;
  /** How far from today the dates and numbers may be that it is called with. */
  reach: Reach;
  /** Names of arguments that say how many rows it gives. */
  limits: ReadonlySet<string>;
  /** SQL of the ID of the user whom A's rows are about, if that is not A. */
  holder: string | undefined;
}

/** Names of arguments for keys. */
const namesKey = /(^|_)(id|uuid|key|no|nr|number)$/;

/** What an argument gets that is left open. */
export const nothing: Candidate = { sql: 'NULL' };

/** An ID, number and text that no row has. */
export const nobody: Readonly<Record<'uuid' | 'number' | 'text', string>> = {
  uuid: '00000000-0000-4000-8000-00000000dead',
  number: '1999999999',
  text: 'zqxnobody',
};

export function bareName(name: string): string {
  return name.toLowerCase().replace(/^_+|^p_|^in_|^target_|_+$/g, '');
}

/** Values of A's rows in a column of the argument's name, if it is unique. */
export function valueNamed(name: string, { subjects }: ArgumentContext): Candidate[] {
  const holder = subjects.find((subject) =>
    subject.table.indexes.some((index) => index.unique && index.columns.length === 1 && index.columns[0] === name),
  );
  const value = holder?.rows.a.values.get(name);
  return value === undefined || value === 'NULL' ? [] : [{ sql: value, unknown: quoteLiteral(nobody.text) }];
}

/** Where A's rows are, and B's: a place in another coordinate system cannot be compared with a column. */
export function places({ named }: ArgumentContext): Candidate[] {
  return named.flatMap(({ table, rows }) =>
    table.columns
      .filter(({ base }) => isSpatial(base))
      .flatMap(({ name }) => {
        const [sql, own] = [rows.a.values.get(name), rows.b.values.get(name)];
        return sql === undefined || sql === 'NULL'
          ? []
          : [{ sql, ...(own === undefined || own === sql ? {} : { own }) }];
      }),
  );
}

/**
 * Every key of A's rows that the function may look up: by the argument's name first, then by the tables that it names.
 */
export function keys(kind: 'uuid' | 'number' | 'text', name: string, context: ArgumentContext): Candidate[] {
  const guess = idFor(name, context);
  const compared = context.compared.get(name);
  const rank = ({ column, isKey }: RowKey): number =>
    compared?.has(column.name) === true || column.name === bareName(name) ? 0 : isKey ? 1 : 2;
  const isGuessed = guess !== undefined && (kind === 'text' || (kind === 'uuid') === isUuid(guess.sql));
  // A key may be in the billions: it is none to count to.
  if (kind === 'number' && context.reach !== 'far' && !isGuessed && !namesKey.test(name) && compared === undefined)
    return [];
  const found = context.rowKeys.filter(({ column }) => fits(kind, column.base)).toSorted((x, y) => rank(x) - rank(y));
  const all = new Map<string, string | undefined>();
  for (const { sql, own } of [...(isGuessed ? [guess] : []), ...found]) all.set(sql, all.get(sql) ?? own);
  return [...all].map(([sql, own]) => ({
    sql,
    unknown: unknownOf(sql, kind),
    ...(own === undefined || own === sql || own === 'NULL' ? {} : { own }),
    ...(isGuessed && sql === guess.sql ? { isNamed: true } : {}),
  }));
}

/** A value of the same kind that no row has. */
export function unknownOf(sql: string, kind: keyof typeof nobody): string {
  return quoteLiteral(isUuid(sql) ? nobody.uuid : nobody[kind]);
}

export function fits(kind: 'uuid' | 'number' | 'text', base: string): boolean {
  const isNumber = /^(smallint|integer|bigint|numeric)/.test(base);
  return kind === 'uuid'
    ? base === 'uuid'
    : kind === 'number'
      ? isNumber
      : base === 'uuid' || isNumber || base === 'text' || base.startsWith('character varying');
}

function isUuid(sql: string): boolean {
  return /^'[\da-f]{8}-[\da-f]{4}-/.test(sql);
}

/**
 * The ID that an argument of this name most likely expects: of A, of X, or of A's row in the table that it is named
 * after, with or without a prefix. A prefixed table counts only if the function names it.
 */
function idFor(
  name: string,
  { subjects, named, holder }: ArgumentContext,
): { sql: string; own: string | undefined } | undefined {
  const word = bareName(name).replace(/_?(id|uuid)$/, '');
  const users = subjects[0]?.users;
  if (users !== undefined && /(^|_)(user|profile|owner|member|account_owner|person)$/.test(word))
    return { sql: holder ?? users.a, own: users.b };
  const names = [word, `${word}s`, `${word}es`, word.replace(/y$/, 'ies')];
  const found =
    subjects.find((subject) => names.includes(subject.table.name)) ??
    named.find((subject) => word !== '' && names.some((one) => subject.table.name.endsWith(`_${one}`))) ??
    subjects.find(
      (subject) => /^(org|organi[sz]ation|team|tenant|workspace|company|account)$/.test(word) && subject.isTenants,
    );
  const [key, ...more] = found?.rows.a.key ?? [];
  return key === undefined || more.length > 0 ? undefined : { sql: key[1], own: found?.rows.b.values.get(key[0]) };
}
