/** Arguments with which a function may write what policies trust: a role, a flag, a document of JSON. */
import type { ArgumentType, FunctionRow, RelationRow } from '../../rules/engine/live/catalog.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import { bareName } from './argument-keys.ts';
import { documentIn, jsonOf } from './json-values.ts';
import type { Model } from './model.ts';
import { appMetadata, appMetadataDocuments, claimTexts } from './token-sources.ts';
import { authUsers } from './user-metadata.ts';

/** A value that decides something, and the column that would have it. */
interface Deciding {
  column: string;
  /** As text. */
  value: string;
  /** It is a document for a JSON column. */
  isDocument: boolean;
}

/** How many values of one column, and how many calls of one function are tried. */
const most = { values: 10, calls: 12 };

/**
 * Lists of arguments, as SQL: first one with all of such values at once, then each alone. An argument gets the values of the
 * column that it is called like; if there is none, those of all columns.
 * @param usual the ordinary value of each argument
 */
export function decidingCalls(routine: FunctionRow, usual: readonly string[], model: Model): string[][] {
  // What cannot be read may write any table: there, nothing is known of its arguments.
  const written = model.dependencies.isReadable(routine) ? [...model.dependencies.writtenBy(routine)] : [];
  const tables = written.flatMap((name) => model.tables.get(name) ?? []);
  const values = tables.flatMap((table) => valuesOf(table, model));
  if (values.length === 0) return [];
  const options = routine.inputs.map((input, index) => optionsFor(input, routine.argumentNames[index] ?? '', values));
  const at = (chosen: ReadonlyMap<number, string>): string[] =>
    usual.map((sql, index) => {
      const value = chosen.get(index);
      return value === undefined ? sql : `${value}::${routine.inputs[index]!.type}`;
    });
  const first = new Map(options.flatMap(([value], index) => (value === undefined ? [] : [[index, value] as const])));
  const alone = options.flatMap((list, index) => list.map((value) => new Map([[index, value]])));
  const calls = [...(first.size > 0 ? [first] : []), ...keysWithValues(routine, values), ...alone].map(at);
  return [...new Map(calls.map((call) => [call.join(), call])).values()].slice(0, most.calls);
}

function valuesOf(table: RelationRow, model: Model): Deciding[] {
  const name = `${table.schema}.${table.name}`;
  const { named } = model.dependencies.decidingColumns(name);
  const claims = claimTexts(table, name, model);
  // What the token carries: a value may be written under its key, or all of it.
  const documents =
    name === authUsers
      ? appMetadataDocuments(model).flatMap(({ key, text, document }): Deciding[] => [
          { column: key, value: text, isDocument: false },
          { column: appMetadata, value: document, isDocument: true },
        ])
      : [];
  return table.columns.flatMap((column): Deciding[] => {
    const made = claims.get(column.name);
    const texts =
      made === undefined ? named.get(column.name) : [...new Set([...(named.get(column.name) ?? []), ...made])];
    if (column.name === appMetadata) return documents;
    if (texts === undefined || model.meaningOf(table, column) !== undefined) return [];
    const isDocument = /^jsonb?$/.test(column.base);
    const known = column.base === 'boolean' ? ['true'] : texts.slice(0, most.values);
    return known.map((value) => ({ column: column.name, value, isDocument }));
  });
}

function optionsFor({ base, category, labels }: ArgumentType, name: string, values: readonly Deciding[]): string[] {
  const plain = values.filter(({ isDocument }) => !isDocument);
  const sameName = plain.filter(({ column }) => bareName(name) === column || name.endsWith(`_${column}`));
  const near = sameName.length > 0 ? sameName : plain;
  if (/^jsonb?$/.test(base)) {
    const columns = Object.fromEntries(plain.toReversed().map(({ column, value }) => [column, jsonOf(value)[0]]));
    const documents = values.filter(({ isDocument }) => isDocument).map(({ value }) => value);
    return [...(plain.length > 0 ? [JSON.stringify(columns)] : []), ...documents].map(quoteLiteral);
  }
  if (base === 'boolean') return sameName.length > 0 ? ['true'] : [];
  if (category === 'N')
    return near.flatMap(({ value }) =>
      value !== '' && Number.isFinite(Number(value)) ? [quoteLiteral(String(Number(value) + 1))] : [],
    );
  const texts = [...new Set(near.map(({ value }) => value))];
  if (/^(?:text|character varying)\[\]$/.test(base)) return texts.map((text) => `array[${quoteLiteral(text)}]`);
  if (labels !== null) return texts.filter((text) => labels.includes(text)).map(quoteLiteral);
  return category === 'S' ? texts.map(quoteLiteral) : [];
}

/** For a function that takes a key and its value as two texts. */
function keysWithValues({ inputs }: FunctionRow, values: readonly Deciding[]): Map<number, string>[] {
  const [key, value] = inputs.flatMap(({ category, base }, index) =>
    category === 'S' || /^jsonb?$/.test(base) ? [{ index, isJson: category !== 'S' }] : [],
  );
  if (key === undefined || value === undefined || key.isJson) return [];
  return values.flatMap((one) => {
    const [entry, ...more] = one.isDocument ? Object.entries(documentIn(one.value) ?? {}) : [];
    if (entry === undefined || more.length > 0 || typeof entry[1] === 'object') return [];
    const text = value.isJson ? JSON.stringify(entry[1]) : String(entry[1]);
    return [
      new Map([
        [key.index, quoteLiteral(entry[0])],
        [value.index, quoteLiteral(text)],
      ]),
    ];
  });
}
