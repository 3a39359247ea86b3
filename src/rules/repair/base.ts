import { buildCatalog } from '../../sql/catalog/build.ts';
import type { Catalog, Need } from '../../sql/catalog/model.ts';
import { droppedBefore, verdicts } from '../lint/references.ts';
import type { Migration } from '../../sql/migration.ts';
import { bodyPieces } from '../../sql/bodies.ts';
import { qualifiedName, tableOf } from '../../sql/names.ts';
import { fieldsOf, stringsOf, walk } from '../../sql/nodes.ts';
import { pieceOf, treeOf } from '../../sql/piece.ts';
import type { Piece, Source } from '../../sql/piece.ts';
import { parseSql } from '../../sql/split.ts';
import { tableUse } from './usage.ts';
import { ident } from '../lint/sql.ts';
import { inRepairFile } from './place.ts';
import type { Edit, Mended, Situation } from './plan.ts';

/** A statement of the built-in core, with what it is about, what it makes and what it uses. */
interface Part {
  text: string;
  /** The table or function that it belongs to: `table x`, `function y`, `schema z`. */
  subject: string | undefined;
  makes: string | undefined;
  uses: Set<string>;
  trigger: boolean;
  /** A trigger on a table of the platform. */
  hook: boolean;
}

function usesOf(pieces: readonly Piece[]): Set<string> {
  const uses = new Set<string>();
  const schema = (name: string): void => {
    const [first = ''] = name.split('.');
    if (first !== 'public') uses.add(`schema ${first}`);
  };
  for (const piece of pieces) {
    const { type, node } = piece;
    walk(treeOf(piece), (kind, fields) => {
      if (kind === 'RangeVar' && fields.schemaname !== undefined) {
        uses.add(`table ${fields.schemaname}.${fields.relname}`);
        schema(`${fields.schemaname}.`);
      }
      if (kind === 'FuncCall' && stringsOf(fields.funcname).length > 1) {
        uses.add(`function ${qualifiedName(fields.funcname)}`);
        schema(qualifiedName(fields.funcname));
      }
    });
    if (type === 'CreateTrigStmt') uses.add(`function ${qualifiedName(node.funcname)}`);
    if (type === 'CreateFunctionStmt') schema(qualifiedName(node.funcname));
  }
  return uses;
}

function subjectOf(piece: Piece): string | undefined {
  const table = tableOf(treeOf(piece));
  if (table !== undefined) return `table ${table}`;
  const { type, node } = piece;
  if (type === 'CreateFunctionStmt') return `function ${qualifiedName(node.funcname)}`;
  if (type === 'CreateSchemaStmt') return `schema ${node.schemaname ?? ''}`;
  if (type === 'GrantStmt') {
    const [object] = node.objects ?? [];
    if (node.objtype === 'OBJECT_SCHEMA') return `schema ${stringsOf([object])[0]}`;
    return `function ${qualifiedName(fieldsOf(object, 'ObjectWithArgs')?.objname)}`;
  }
  if (type === 'CommentStmt') {
    const { objtype, object } = node;
    if (objtype === 'OBJECT_SCHEMA') return `schema ${stringsOf([object])[0]}`;
    if (objtype === 'OBJECT_COLUMN') return `table ${stringsOf(object).slice(0, -1).join('.')}`;
    const routine = fieldsOf(object, 'ObjectWithArgs');
    return routine === undefined ? undefined : `function ${qualifiedName(routine.objname)}`;
  }
  return undefined;
}

/** The built-in core, statement by statement. */
function partsOf(builtin: Situation['builtin']): Part[] {
  return builtin.flatMap(({ file, sql }) => {
    const source: Source = { migration: { layer: 'core', file, number: '', checksum: '', sql }, parsed: parseSql(sql) };
    return source.parsed.statements.flatMap((statement): Part[] => {
      if (statement.tree === undefined) return [];
      const piece = pieceOf(source, statement, 0, statement.tree);
      const { type } = piece;
      const subject = subjectOf(piece);
      const above = statement.comments.filter(({ start }) => start < statement.start && statement !== source.parsed.statements[0]);
      const text = `${above.map((comment) => `${comment.text}\n`).join('')}${statement.sql};`;
      return [{ text, subject, makes: /^Create(?:Stmt|FunctionStmt|SchemaStmt)$/.test(type) ? subject : undefined, uses: usesOf([piece, ...bodyPieces(piece).pieces]), trigger: type === 'CreateTrigStmt', hook: type === 'CreateTrigStmt' && subject?.startsWith('table auth.') === true }];
    });
  });
}

/** Tables of the built-in core that each part uses, through the functions that it calls too. */
function tablesBehind(parts: readonly Part[], made: ReadonlySet<string>): (part: Part) => Set<string> {
  const functions = new Map<string, Set<string>>();
  for (const { makes, uses } of parts) {
    if (makes?.startsWith('function ') === true) functions.set(makes, new Set([...(functions.get(makes) ?? []), ...uses]));
  }
  return (part) => {
    const tables = new Set<string>();
    const seen = new Set<string>();
    const follow = (uses: Iterable<string>): void => {
      for (const use of uses) {
        if (seen.has(use)) continue;
        seen.add(use);
        if (use.startsWith('table ') && made.has(use)) tables.add(use);
        follow(functions.get(use) ?? []);
      }
    };
    follow(part.uses);
    return tables;
  };
}

/**
 * The statements of the built-in core that these tables need: themselves, what they refer to, their helpers, and the
 * functions and triggers that look after them and nothing else.
 */
function closure(parts: readonly Part[], wanted: readonly string[]): Part[] {
  const made = new Set(parts.map(({ makes }) => makes).filter((make) => make !== undefined));
  const behind = tablesBehind(parts, made);
  const taken = new Set(wanted.map((name) => `table ${name}`));
  const within = (part: Part): boolean => [...behind(part)].every((table) => taken.has(table));
  const belongs = (part: Part): boolean => {
    const own = part.subject !== undefined && taken.has(part.subject);
    if (part.trigger) return within(part) && (own || (part.hook && behind(part).size > 0));
    if (part.makes?.startsWith('function ') === true) return own || (within(part) && behind(part).size > 0);
    return own;
  };
  for (let size = -1; size !== taken.size; ) {
    size = taken.size;
    for (const part of parts) {
      if (!belongs(part)) continue;
      if (part.subject !== undefined && made.has(part.subject)) taken.add(part.subject);
      for (const use of part.uses) if (made.has(use)) taken.add(use);
    }
  }
  return parts.filter(belongs);
}

/** Tables that are used, and that nothing creates; one that was dropped before would be dropped again. */
function missingTables(catalog: Catalog): Need[] {
  const needs = new Map<string, Need>();
  for (const { rule, need } of verdicts(catalog)) {
    if (rule === 'unknown-relation' && need.kind === 'table' && droppedBefore(catalog, need) === undefined && !needs.has(need.name)) needs.set(need.name, need);
  }
  return [...needs.values()];
}

function baseFile({ folders, kit, migrations }: Situation): string {
  const core = migrations.find(({ layer }) => layer === 'core');
  const folder = core?.file.slice(0, core.file.lastIndexOf('/')) ?? folders.core[0] ?? 'migrations/core';
  const number = '0'.repeat(core?.number.length === 0 ? 3 : core?.number.length ?? 3);
  const name = kit.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_').replaceAll(/^_+|_+$/g, '') || 'kit';
  return `${folder}/${number}_${name}_base.sql`;
}

/** Says whether every column that refers to a table has the type of its key. */
function typesFit(catalog: Catalog, name: string, keyType: string | undefined): boolean {
  for (const table of catalog.tables.values()) {
    for (const { columns, table: target } of table.foreignKeys) {
      const type = target === name && columns.length === 1 ? table.columns.get(columns[0]!)?.type : undefined;
      if (type !== undefined && keyType !== undefined && type !== keyType) return false;
    }
  }
  return true;
}

/** Schemas and extensions that are used and that nothing creates, made in front of the first statement that uses them. */
export function mendSchemas(situation: Situation): Mended {
  const seen = new Set<string>();
  const edits = verdicts(situation.catalog).flatMap(({ rule, need }): Edit[] => {
    const { source, statement } = need.site.piece;
    if (rule !== 'unknown-relation' || need.kind !== 'schema' || seen.has(need.name) || situation.applied.has(source.migration.file)) return [];
    seen.add(need.name);
    const extension = need.name === 'cron' || need.name === 'net';
    const name = ident(need.name);
    const text = extension ? `CREATE EXTENSION IF NOT EXISTS pg_${need.name};\n` : `CREATE SCHEMA IF NOT EXISTS ${name};\nGRANT USAGE ON SCHEMA ${name} TO PUBLIC;\n`;
    return [{ file: source.migration.file, start: statement.start, end: statement.start, text }];
  });
  return { edits };
}

/** Supplies tables that nothing creates, in a file in front of core: from the built-in core, else as their use tells. */
export function mendUnknown(situation: Situation): Mended {
  const { catalog, builtin, applied } = situation;
  // What an applied file uses is there, whoever made it.
  const missing = missingTables(catalog).filter(({ site }) => !applied.has(site.piece.source.migration.file));
  if (missing.length === 0) return { edits: [] };
  const parts = partsOf(builtin);
  const builtinCatalog = buildCatalog(builtin.map(({ file, sql }): Migration => ({ layer: 'core', file, number: '', checksum: '', sql })));
  const fits = ({ name }: Need): boolean => {
    const table = builtinCatalog.tables.get(name);
    return table?.site !== undefined && typesFit(catalog, name, table.columns.get(table.primaryKey[0] ?? '')?.type);
  };
  const supplied = missing.filter(fits).map(({ name }) => name);
  const chosen = closure(parts, supplied);
  // What the kit makes itself, later, cannot be made here too.
  const clashes = new Set(chosen.map(({ makes }) => makes).filter((make) => make?.startsWith('table ') === true && catalog.tables.get(make.slice(6))?.site !== undefined));
  const taken = clashes.size > 0 ? [] : supplied;
  const texts = clashes.size > 0 ? [] : chosen.map(({ text }) => text);
  const told = missing.filter(({ name }) => !taken.includes(name)).map((need) => ({ need, text: tableUse(situation, need) }));
  const derived = told.map(({ text }) => text).filter((text) => text !== undefined);
  if (texts.length + derived.length === 0) return { edits: [] };
  const title = `-- Tables that the migrations of this kit use and do not create: ${[...taken, ...told.filter(({ text }) => text !== undefined).map(({ need }) => need.name)].map((name) => name.replace('public.', '').replaceAll(/\s+/g, ' ')).join(', ')}.`;
  return inFront(situation, missing, [title, ...texts, ...derived].join('\n\n'));
}

/**
 * Puts tables in front of what uses them: in a file in front of core; where files are applied, behind those; under a
 * journal, which has no place in front of its first entry, into its first file.
 */
function inFront(situation: Situation, missing: readonly Need[], sql: string): Mended {
  const { migrations, applied, folders } = situation;
  const users = missing.map(({ site }) => site.piece).sort((a, b) => a.order - b.order);
  if (applied.size > 0 || folders.order === 'journal') {
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
