import { posix } from 'node:path';
import { inFolder } from '../migrations/order.ts';
import { buildCatalog } from '../sql/catalog/build.ts';
import type { Catalog, Need, Site } from '../sql/catalog/model.ts';
import { knownExtensions } from '../sql/catalog/platform.ts';
import type { Migration } from '../sql/migration.ts';
import { oddCharacterIn } from '../sql/odd-characters.ts';
import { parseSql } from '../sql/split.ts';
import { fitName, quoteIdentifier, quoteQualified } from '../shared/quote.ts';
import { at } from './engine/check.ts';
import { closure, partsOf } from './engine/fix/builtin-parts.ts';
import type { Edit, FixResult, Situation } from './engine/fix/fix.ts';
import { inRepairFile } from './engine/fix/place.ts';
import { likelyType, tableUse } from './engine/fix/table-use.ts';
import { asWritten, columnParts, inOtherSchema, isTypo, nearName } from './engine/near-names.ts';
import { askFirst, askForOwnTables, toolsOf } from './engine/own-tables.ts';
import { droppedBefore, place, short, titles, verdicts } from './engine/references.ts';
import { supabase } from './engine/provided.ts';
import type { Rule } from './engine/rule.ts';

/** Says whether the statement would remove what is missing, which nothing then has to create. */
const isDropped = ({ site }: Need): boolean => site.piece.type === 'DropStmt';

/** The temporary table of an earlier file that is meant, which ended with that file. */
function endedBefore({ kind, name }: Need, { ended }: Catalog): Site | undefined {
  return kind === 'table' ? ended.get(name.slice(name.indexOf('.') + 1)) : undefined;
}

/** What is wrong, in a sentence. */
function messageFor(need: Need, drop: Site | undefined, catalog: Catalog): string {
  const { kind, name } = need;
  if (kind === 'alias') return `The query has no table and no alias called ${name} where this stands.`;
  const what = `${titles[kind]} ${short(name)}`;
  if (drop !== undefined) return `${what} was dropped in ${place(drop)}.`;
  const ended = endedBefore(need, catalog);
  return ended === undefined
    ? `${what} is used, and no migration creates it.`
    : `${what} is temporary: ${place(ended)} makes it, and it ends with that file.`;
}

function suggestionFor(need: Need, drop: Site | undefined, catalog: Catalog): string {
  const { kind, name } = need;
  const odd = oddCharacterIn(name);
  if (odd !== undefined)
    return `There is ${odd.what} in it (${odd.code}), which PostgreSQL reads as a letter: write ${odd.instead} in its place.`;
  if (kind === 'alias') return `Write the name that FROM gives the table, or add ${asWritten(name, kind)} to FROM.`;
  if (isDropped(need) && inOtherSchema(need, catalog) === undefined) {
    const near = nearName(need, catalog);
    const meant = near === undefined ? '' : `Did you mean ${asWritten(near, kind)}? Or else: `;
    return `${meant}DROP … IF EXISTS drops it where it is there; or remove the statement.`;
  }
  if (drop !== undefined) return `Remove the DROP at ${place(drop)}, or create ${kind} ${name} again after it.`;
  if (toolsOf(need) !== undefined) return askFirst(need);
  if (endedBefore(need, catalog) !== undefined)
    return 'Use it in the file that makes it, make it here too, or make a table of it that a later file drops.';
  if (name === webhooks || name.startsWith(`${webhooks}.`))
    return (
      'Database Webhooks make it: they have to be enabled in the project first (dashboard: Integrations). ' +
      'Or call net.http_post of pg_net in a trigger function of your own.'
    );
  const owner = need.kind === 'schema' ? ownSchemas.get(need.name) : undefined;
  if (owner !== undefined) return owner;
  const near = nearName(need, catalog);
  const extension = extensionOf(need, catalog);
  if (extension !== undefined) return `It comes with an extension: ${extension}`;
  if (near === undefined) return creationOf(need);
  // A mistyped letter is no reason to create a second thing of nearly the same name.
  const meant = `Did you mean ${asWritten(near, kind)}?`;
  if (near === inOtherSchema(need, catalog))
    return `${meant} Write its schema, or begin the file with SET search_path = ${quoteIdentifier(near.split('.')[0]!)}, public;`;
  return isTypo(need, catalog) ? meant : `${meant} Or else: ${creationOf(need)}`;
}

/** The schema that Supabase makes when webhooks are enabled. */
const webhooks = 'supabase_functions';

const madeBy = (tool: string, how: string): string =>
  `${tool} makes it, and no migration: let it do so on the database first (${how}), or leave out what uses it.`;

/** Schemas that a program makes for itself, and what to do where a migration uses one. */
const ownSchemas: ReadonlyMap<string, string> = new Map([
  ['graphile_worker', madeBy('Graphile Worker', 'graphile-worker --schema-only')],
  ['graphile_migrate', madeBy('Graphile Migrate', 'graphile-migrate migrate')],
  ['hdb_catalog', madeBy('Hasura', 'it does when it starts')],
  ['pgboss', madeBy('pg-boss', 'it does when it starts')],
  ['river', madeBy('River', 'river migrate-up')],
]);

/** Types of further extensions, which name nothing else. */
const furtherTypes: Readonly<Record<string, readonly string[]>> = {
  cube: ['cube'],
  isn: ['ean13', 'isbn', 'isbn13', 'issn', 'upc'],
  ltree: ['lquery', 'ltree', 'ltxtquery'],
  seg: ['seg'],
};
/** Functions of extensions whose names say little: they may be meant for others. */
const everydayNames: ReadonlySet<string> = new Set(['defined', 'delete', 'difference', 'each', 'exist', 'http']);

/** The statement that creates the extension which has what is missing; undefined where none that is known has it. */
function extensionOf({ kind, name }: Need, catalog: Catalog): string | undefined {
  const [schema, base] = name.includes('.') ? name.split('.', 2) : ['public', name];
  if (base === undefined || schema !== 'public') return undefined;
  const has = ([, parts]: [string, { types?: readonly string[]; functions?: readonly string[] }]): boolean =>
    kind === 'type'
      ? parts.types?.includes(base) === true
      : kind === 'function' && !everydayNames.has(base) && parts.functions?.includes(base) === true;
  const further = Object.entries(furtherTypes).map(([extension, types]) => [extension, { types }] as const);
  const found = [...Object.entries(knownExtensions), ...further].filter((each) => has([each[0], each[1]]));
  const [extension] = found.length === 1 ? found[0]! : [];
  if (extension === undefined || catalog.extensions.has(extension)) return undefined;
  return `CREATE EXTENSION IF NOT EXISTS ${quoteIdentifier(extension)};`;
}

/** So many things of one schema that are named without it are not an oversight. */
const fewestOutside = 3;

/** By schema of the files: what is in it, and is named where the search path lacks it, in the order of the run. */
function outsidePath(catalog: Catalog): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const { rule: verdict, need } of verdicts(catalog)) {
    if (verdict !== 'unknown-relation' || droppedBefore(catalog, need) !== undefined) continue;
    const schema = inOtherSchema(need, catalog)?.split('.')[0];
    if (schema === undefined || schema === 'extensions') continue;
    const known = names.get(schema) ?? [];
    if (!known.includes(need.name)) names.set(schema, [...known, need.name]);
  }
  return names;
}

/** What creates a thing that is missing. */
function creationOf({ kind, name }: Need): string {
  if (kind === 'schema')
    return name === 'cron' || name === 'net'
      ? `CREATE EXTENSION IF NOT EXISTS pg_${name};`
      : `CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(name)};`;
  if (kind === 'column') {
    const [schema, table, column] = columnParts(name);
    return column !== undefined
      ? `ALTER TABLE ${asWritten(`${schema}.${table}`, 'table')} ` +
          `ADD COLUMN IF NOT EXISTS ${quoteIdentifier(fitName(column))} text; -- with the type that fits`
      : `Correct the name, or add the column "${name}" to the table that should have it.`;
  }
  if (kind === 'table')
    return (
      `Create ${name} in a migration that runs before this one, or correct the name; --fix takes it from the ` +
      'built-in core if that has it.'
    );
  return `Create ${kind} ${name} before this statement, or correct the name.`;
}

/** Tables that are used but that nothing creates. A dropped table is not supplied, since it would be dropped again. */
function missingTables(catalog: Catalog): Need[] {
  const needs = new Map<string, Need>();
  for (const { rule, need } of verdicts(catalog)) {
    if (
      rule === 'unknown-relation' &&
      need.kind === 'table' &&
      droppedBefore(catalog, need) === undefined &&
      !isDropped(need) &&
      !isTypo(need, catalog) &&
      toolsOf(need) === undefined &&
      endedBefore(need, catalog) === undefined &&
      !needs.has(need.name)
    )
      needs.set(need.name, need);
  }
  return [...needs.values()];
}

function baseFile({ folders, kit, migrations }: Situation): string {
  const core = migrations.find(({ layer }) => layer === 'core');
  const folder = core === undefined ? (folders.core[0] ?? 'migrations/core') : posix.dirname(core.file);
  const number = '0'.repeat(core?.number.length === 0 ? 3 : (core?.number.length ?? 3));
  const name =
    kit
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '_')
      .replaceAll(/^_+|_+$/g, '') || 'kit';
  return inFolder(folder, `${number}_${name}_base.sql`);
}

/** Returns whether every column that references a table has the type of its key. */
function typesFit(catalog: Catalog, name: string, keyType: string | undefined): boolean {
  for (const table of catalog.tables.values()) {
    for (const { columns, table: target } of table.foreignKeys) {
      const type = target === name && columns.length === 1 ? table.columns.get(columns[0]!)?.type : undefined;
      if (type !== undefined && keyType !== undefined && type !== keyType) return false;
    }
  }
  return true;
}

/** Creates schemas and extensions that nothing creates, before the first statement that uses them. */
function supplySchemas(situation: Situation): FixResult {
  const seen = new Set<string>();
  const edits = verdicts(situation.catalog).flatMap(({ rule, need }): Edit[] => {
    const { source, statement } = need.site.piece;
    if (rule !== 'unknown-relation' || situation.applied.has(source.migration.file)) return [];
    const create = extensionOf(need, situation.catalog);
    if (create !== undefined) {
      if (seen.has(create)) return [];
      seen.add(create);
      return [{ file: source.migration.file, start: statement.start, end: statement.start, text: `${create}\n` }];
    }
    if (need.kind !== 'schema' || ownSchemas.has(need.name) || isTypo(need, situation.catalog) || seen.has(need.name))
      return [];
    seen.add(need.name);
    const extension = need.name === 'cron' || need.name === 'net';
    const name = quoteIdentifier(need.name);
    const text = extension
      ? `CREATE EXTENSION IF NOT EXISTS pg_${need.name};\n`
      : `CREATE SCHEMA IF NOT EXISTS ${name};\nGRANT USAGE ON SCHEMA ${name} TO PUBLIC;\n`;
    return [{ file: source.migration.file, start: statement.start, end: statement.start, text }];
  });
  return { edits };
}

/**
 * Supplies tables that nothing creates, in a file before core: from the built-in core, otherwise reconstructed from
 * their use.
 */
function supplyTables(situation: Situation): FixResult {
  const { catalog, builtin, applied, examined } = situation;
  // What an applied file uses exists, whatever created it.
  const missing = missingTables(catalog).filter(({ site }) => !applied.has(site.piece.source.migration.file));
  if (missing.length === 0) return { edits: [] };
  const parts = partsOf(builtin);
  const builtinCatalog = buildCatalog(
    builtin.map(({ file, sql }): Migration => ({ layer: 'core', file, number: '', checksum: '', sql })),
  );
  const fits = ({ name }: Need): boolean => {
    const table = builtinCatalog.tables.get(name);
    return table?.site !== undefined && typesFit(catalog, name, table.columns.get(table.primaryKey[0] ?? '')?.type);
  };
  // The built-in core calls auth.uid(), which a plain server does not have.
  const mayFit = examined.provided() === supabase;
  const supplied = missing.filter((need) => mayFit && fits(need)).map(({ name }) => name);
  const chosen = closure(parts, supplied);
  // What the kit itself creates later must not be created here too.
  const clashes = new Set(
    chosen
      .map(({ makes }) => makes)
      .filter((make) => make?.startsWith('table ') === true && catalog.tables.get(make.slice(6))?.site !== undefined),
  );
  const taken = clashes.size > 0 ? [] : supplied;
  const texts = clashes.size > 0 ? [] : chosen.map(({ text }) => text);
  const told = missing
    .filter(({ name }) => !taken.includes(name))
    .map((need) => ({ need, text: tableUse(situation, need) }));
  const derived = told.map(({ text }) => text).filter((text) => text !== undefined);
  if (texts.length + derived.length === 0) return { edits: [] };
  const names = [...taken, ...told.filter(({ text }) => text !== undefined).map(({ need }) => need.name)];
  const title =
    '-- Tables that the migrations of this kit use and do not create: ' +
    `${names.map((name) => name.replace('public.', '').replaceAll(/\s+/g, ' ')).join(', ')}.`;
  const named = columnsNamed(situation, missing, [...texts, ...derived].join('\n\n'));
  return beforeUse(situation, missing, [title, ...texts, ...derived, ...named].join('\n\n'));
}

/** Statements that add the columns of these tables that the files name and that their definition here lacks. */
function columnsNamed({ migrations }: Situation, tables: readonly Need[], sql: string): string[] {
  const first: Migration = { layer: 'core', file: '', number: '', checksum: '', sql };
  const catalog = buildCatalog([first, ...migrations.map((migration): Migration => ({ ...migration, layer: 'core' }))]);
  const names = new Set(tables.map(({ name }) => name));
  const lacking = new Map<string, Set<string>>();
  for (const { kind, name } of catalog.needs) {
    const table = columnParts(name).slice(0, 2).join('.');
    if (kind === 'column' && names.has(table) && catalog.created.get(`column ${name}`) === undefined)
      lacking.set(table, (lacking.get(table) ?? new Set()).add(name.slice(table.length + 1)));
  }
  return [...lacking].map(
    ([table, columns]) =>
      `ALTER TABLE ${quoteQualified(table)}\n` +
      `${[...columns].map((column) => `  ADD COLUMN IF NOT EXISTS ${quoteIdentifier(column)} ${likelyType(column)}`).join(',\n')};`,
  );
}

/**
 * Puts tables before their first use: in a file before core, or after the applied files if there are any. A journal has
 * no place before its first entry, so there they go into the first file.
 */
function beforeUse(situation: Situation, missing: readonly Need[], sql: string): FixResult {
  const { migrations, applied, folders } = situation;
  const users = missing.map(({ site }) => site.piece).sort((a, b) => a.order - b.order);
  if (applied.size > 0 || !['number', 'timestamp'].includes(folders.order)) {
    const user = users.find(({ source }) => source.migration.layer === 'core');
    if (applied.size > 0 && user === undefined) return inRepairFile(situation, 'core', [sql]);
    const first = applied.size > 0 ? user!.source.migration : migrations[0]!;
    const start = parseSql(first.sql).statements[0]?.start ?? first.sql.length;
    if (first.sql.includes(sql)) return { edits: [] };
    return { edits: [{ file: first.file, start, end: start, text: `${sql}\n\n` }] };
  }
  const path = baseFile(situation);
  const known = migrations.find(({ file }) => file === path);
  if (known?.sql.includes(sql) === true) return { edits: [] };
  const whole = `${known === undefined ? '' : `${known.sql}\n`}${sql}\n`;
  const number = /^\d+/.exec(path.slice(path.lastIndexOf('/') + 1))![0];
  const migration: Migration = { layer: 'core', file: path, number, checksum: '', sql: whole };
  return { edits: [], newFiles: [{ path, sql: whole, migration }] };
}

/** Supplies schemas first, since their contents can be resolved only then. */
function apply(situation: Situation): FixResult {
  const asked = askForOwnTables(situation);
  if (asked.length > 0) return { edits: asked };
  const schemas = supplySchemas(situation);
  return schemas.edits.length > 0 ? schemas : supplyTables(situation);
}

export const rule: Rule = {
  name: 'unknown-relation',
  severity: 'error',
  found: ['static'],
  stops: true,
  means: 'a table, column, function, type, schema, index or sequence is used and nothing creates it',
  doc: {
    why: 'The statement fails with "does not exist" on a fresh database. It works only where someone created the object by hand.',
    bad: '-- Notes.\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, folder_id uuid REFERENCES folders (id));',
    good:
      '-- Notes.\n' +
      'CREATE TABLE IF NOT EXISTS folders (id uuid PRIMARY KEY);\n' +
      'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, folder_id uuid REFERENCES folders (id));',
  },
  check: {
    end(catalog, report) {
      const outside = outsidePath(catalog);
      for (const { rule: verdict, need } of verdicts(catalog)) {
        if (verdict !== 'unknown-relation') continue;
        const drop = droppedBefore(catalog, need);
        const found = { ...at(need.site), object: need.name };
        const schema = drop === undefined ? inOtherSchema(need, catalog)?.split('.')[0] : undefined;
        const names = outside.get(schema ?? '') ?? [];
        // One cause, which is told once: the others follow from it.
        if (names.length >= fewestOutside && names[0] === need.name)
          report({
            ...found,
            explains: names.slice(1).flatMap((name) => [name, short(name)]),
            message:
              `${titles[need.kind]} ${short(need.name)} is in schema ${schema}, and the files name ${names.length} things of it ` +
              'without their schema: the tool that ' +
              'they are for sets the search path.',
            suggestion: `Begin each file that names them with SET search_path = ${quoteIdentifier(schema!)}, public; or write the schema.`,
          });
        else
          report({
            ...found,
            message: messageFor(need, drop, catalog),
            suggestion: suggestionFor(need, drop, catalog),
          });
      }
    },
  },
  fix: {
    does:
      'takes it from the built-in core where that has it and the types fit, or creates the extension that has it; else makes the ' +
      'table as its use shows it; asks first whether the history of a migration tool is there',
    stage: 'relations',
    apply,
  },
};
