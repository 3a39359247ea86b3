/**
 * What the claims of users' next tokens come from: functions that Supabase Auth runs when it makes a token, with the tables that those
 * read, and the metadata that it keeps of each user.
 */
import { literalOf, walk } from '../../sql/nodes.ts';
import { type FunctionRow, isPlatformSchema, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { rowsKey, tokenSetting } from './claim-paths.ts';
import type { Model } from './model.ts';

/** The column of `auth.users` that only the server writes, and that each token carries. */
export const appMetadata = 'raw_app_meta_data';

export interface TokenSources {
  /** The functions that make claims: of an event of Auth, another with its `claims`. */
  hooks: readonly FunctionRow[];
  /** The tables of the muse that they read, or whose triggers write what tokens carry, by `schema.name`. */
  tables: ReadonlySet<string>;
  /** The names of the columns that those functions mention. */
  columns: ReadonlySet<string>;
  /** The tables whose policies read signed claims, by `schema.name`. */
  readers: ReadonlySet<string>;
  /** The texts that policies compare such claims with. */
  texts: readonly string[];
}

const known = new WeakMap<Model, TokenSources>();

/** Finds them. Cached per model. */
export function tokenSources(model: Model): TokenSources {
  const sources = known.get(model) ?? findSources(model);
  known.set(model, sources);
  return sources;
}

function findSources(model: Model): TokenSources {
  const claims = model.claims.all.filter(({ isSigned, setting }) => isSigned && setting === tokenSetting);
  const hooks = model.catalog.functions.filter((routine) => makesClaims(routine, model));
  const texts = claims.flatMap(({ constants }) =>
    constants.flatMap(({ value }) => (typeof value === 'string' || typeof value === 'number' ? [String(value)] : [])),
  );
  const mentioned = (routine: FunctionRow): string[] =>
    model.sources.reached(routine).flatMap((one) => [...model.sources.effects(one).columns]);
  const copying = [...model.tables].flatMap(([name, { schema, triggers }]) =>
    isPlatformSchema(schema)
      ? []
      : triggers.flatMap((trigger) => {
          const routine = trigger.enabled ? model.sources.byOid(trigger.function) : undefined;
          return routine === undefined || !mentioned(routine).includes(appMetadata) ? [] : [{ name, routine }];
        }),
  );
  return {
    hooks,
    tables: new Set([
      ...hooks
        .flatMap((hook) => [...model.dependencies.namedBy(hook)])
        .filter((name) => !isPlatformSchema(model.tables.get(name)?.schema ?? 'auth')),
      ...copying.map(({ name }) => name),
    ]),
    columns: new Set([...hooks, ...copying.map(({ routine }) => routine)].flatMap(mentioned)),
    readers: new Set(claims.flatMap(({ readers }) => [...readers])),
    texts: [...new Set(texts)],
  };
}

/** It takes a document and returns one, and names the claims in it. */
function makesClaims(routine: FunctionRow, model: Model): boolean {
  const { kind, returnsSet, returns, inputs, schema } = routine;
  if (kind !== 'f' || returnsSet || returns !== 'jsonb' || isPlatformSchema(schema)) return false;
  if (inputs.length !== 1 || inputs[0]!.base !== 'jsonb') return false;
  let isNamed = false;
  walk(model.sources.body(routine).trees, (type, fields) => {
    const text = type === 'A_Const' ? literalOf({ A_Const: fields }) : undefined;
    const [first] = (text ?? '').replaceAll(/^\{|\}$/g, '').split(',');
    isNamed ||= first === 'claims';
    return !isNamed;
  });
  return isNamed;
}

/** The columns of a table of which claims are made, with the texts that policies compare their claims with. */
export function claimTexts(table: RelationRow, name: string, model: Model): ReadonlyMap<string, readonly string[]> {
  const { columns, tables, readers, texts } = tokenSources(model);
  if (readers.size === 0 || !tables.has(name)) return new Map();
  return new Map(
    table.columns
      .filter((column) => columns.has(column.name))
      .map((column): [string, readonly string[]] => [column.name, texts]),
  );
}

/** Documents that would give a user, in `app_metadata`, what policies compare its claims with. */
export function appMetadataDocuments(model: Model): { key: string; text: string; document: string }[] {
  return model.claims.all
    .filter(
      ({ isSigned, setting, path }) =>
        isSigned && setting === tokenSetting && path[0] === 'app_metadata' && !path.includes(rowsKey),
    )
    .flatMap(({ path, constants }) => {
      const keys = path.slice(1);
      const key = keys.findLast((one) => one !== '0');
      return key === undefined
        ? []
        : constants.map(({ value }) => ({
            key,
            text: String(value),
            document: JSON.stringify(
              keys.reduceRight<unknown>((inner, one) => (one === '0' ? [inner] : { [one]: inner }), value),
            ),
          }));
    });
}
