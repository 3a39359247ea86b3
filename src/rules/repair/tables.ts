import type { Column, Table } from '../../sql/catalog/model.ts';
import { isSerial } from '../../sql/catalog/types.ts';
import { apiPolicies, missingGrants } from '../lint/access.ts';
import { ident, qualified } from '../lint/sql.ts';
import { conditionFor, mayWrite, ownerOf, policiesFor } from '../lint/suggest.ts';
import type { Run } from '../lint/check.ts';
import { declared } from '../lint/tables.ts';
import { allOf } from '../../sql/nodes.ts';
import type { Source } from '../../sql/piece.ts';
import { wordsOf } from '../../sql/recover.ts';
import { mayEdit, noteText, placed } from './place.ts';
import type { Texts } from './place.ts';
import { problemsOf } from './plan.ts';
import type { Decision, Edit, Mended, Situation } from './plan.ts';

/** The last file, in the order of a run, among those that the table and these columns come from. */
function lastSource(table: Table, columns: readonly string[]): Source {
  const sites = [table.site!, ...columns.map((name) => table.columns.get(name)?.site).filter((site) => site !== undefined)];
  return sites.sort((a, b) => a.piece.order - b.piece.order).at(-1)!.piece.source;
}

/** Turns row-level security on, with the policies that the columns tell; a table of the server's is declared as such. */
export function mendRls(situation: Situation): Mended {
  const { catalog, examined } = situation;
  const texts: Texts = new Map();
  const decisions: Decision[] = [];
  for (const rule of ['rls-missing', 'policy-missing'] as const) {
    for (const { object } of problemsOf(situation, rule)) {
      const table = catalog.tables.get(object ?? '');
      if (table === undefined) continue;
      const owner = ownerOf(table, catalog);
      const source = lastSource(table, owner.kind === 'service' ? [] : [owner.column]);
      const service = owner.kind === 'service' || declared({ meanings: examined.meanings } as Run, table.name, 'service-only');
      const lines = [
        ...(service && table.policies.size === 0 ? ['-- muse: service-only'] : []),
        `ALTER TABLE ${qualified(table.name)} ENABLE ROW LEVEL SECURITY;`,
        ...(service && table.policies.size === 0 ? [`GRANT SELECT, INSERT, UPDATE, DELETE ON ${qualified(table.name)} TO service_role;`] : []),
        ...(service || table.policies.size > 0 ? [] : policiesFor(table, catalog, { meanings: examined.meanings })),
      ];
      noteText(texts, source, `${lines.join('\n')}\n`);
      decisions.push({
        file: source.migration.file,
        object: table.name,
        before: rule === 'rls-missing' ? 'every row for everyone who has a grant' : 'nobody but the server',
        after: table.policies.size > 0 ? 'what its policies say' : service ? 'nobody but the server' : `${mayWrite(table, owner) ? 'rows' : 'reading of rows'} with ${conditionFor(owner as Parameters<typeof conditionFor>[0])}`,
        reason: table.policies.size > 0 ? 'it has policies, and row-level security was off' : service ? 'no column tells whose a row is' : `column ${owner.column}`,
      });
    }
  }
  return { ...placed(situation, texts), decisions };
}

/** Columns whose default takes its values from a sequence that users need a grant for. */
function serials(table: Table): string[] {
  const names: string[] = [];
  const piece = table.site?.piece;
  for (const { colname, typeName } of allOf(piece?.type === 'CreateStmt' ? piece.node.tableElts : undefined, 'ColumnDef')) {
    if (typeName !== undefined && isSerial(typeName)) names.push(colname);
  }
  return names;
}

/** Grants what the policies imply; and all to the server, where nothing says what it is to have. */
export function mendGrants(situation: Situation): Mended {
  const texts: Texts = new Map();
  const decisions: Decision[] = [];
  for (const { object } of problemsOf(situation, 'grant-missing')) {
    const table = situation.catalog.tables.get(object ?? '');
    if (table?.site === undefined) continue;
    const missing = missingGrants(apiPolicies(table, situation.catalog), table.grants);
    const writers = [...missing].filter(([, privileges]) => privileges.has('insert')).map(([role]) => role);
    if ((table.grants.get('service_role')?.size ?? 0) === 0) missing.set('service_role', new Set(['select', 'insert', 'update', 'delete']));
    const last = [...table.policies.values()].map(({ site }) => site).sort((a, b) => a.piece.order - b.piece.order).at(-1) ?? table.site;
    const { source } = last.piece.order > table.site.piece.order && last.piece.source.migration.layer === table.site.piece.source.migration.layer ? last.piece : table.site.piece;
    const name = qualified(table.name);
    const lines: string[] = [];
    for (const [role, privileges] of missing) {
      const list = [...privileges].join(', ').toUpperCase();
      lines.push(`GRANT ${list} ON ${name} TO ${role};`);
      if (role !== 'service_role') decisions.push({ file: source.migration.file, object: table.name, before: `${role}: refused, whatever the policies say`, after: `${role}: ${list} of the rows that the policies give`, reason: 'its policies name the role' });
    }
    const [schema = 'public', bare = ''] = table.name.split('.');
    for (const column of serials(table)) lines.push(`GRANT USAGE ON SEQUENCE ${qualified(`${schema}.${bare}_${column}_seq`)} TO ${[...new Set([...writers, 'service_role'])].join(', ')};`);
    noteText(texts, source, lines.join('\n'));
  }
  return { ...placed(situation, texts), decisions };
}

/** Adds the indexes that the findings suggest. */
export function mendIndexes(situation: Situation): Mended {
  const texts: Texts = new Map();
  const seen = new Set<string>();
  for (const rule of ['fk-without-index', 'policy-column-without-index'] as const) {
    for (const { source, suggestion } of problemsOf(situation, rule)) {
      if (seen.has(suggestion)) continue;
      seen.add(suggestion);
      noteText(texts, source, suggestion);
    }
  }
  return placed(situation, texts);
}

/** Adds the columns that a CREATE TABLE describes in vain, right behind it; without IF NOT EXISTS it gets that too. */
export function mendRedefined(situation: Situation): Mended {
  const wanted = new Set(problemsOf(situation, 'table-redefined').map(({ source, offset }) => `${source.migration.file}:${offset}`));
  const texts: Texts = new Map();
  const edits = situation.catalog.redefinitions.flatMap(({ known, described, missing, site }): Edit[] => {
    const { piece, offset } = site;
    const { statement, source } = piece;
    const { file } = source.migration;
    const never = missing.filter(({ name }) => !known.columns.has(name));
    if (!wanted.has(`${file}:${offset}`) || piece.inside !== undefined || never.length === 0) return [];
    const elements = elementTexts(statement.sql);
    const adds = never.map((column) => `  ADD COLUMN IF NOT EXISTS ${columnText(column, elements.get((column.site?.offset ?? 0) - statement.start))}`);
    const text = `-- The table is there already, so what is new in this description is added to it.\nALTER TABLE ${qualified(described.name)}\n${adds.join(',\n')}`;
    if (mayEdit(situation, source)) return [{ file, start: statement.end, end: statement.end, text: `;\n\n${text}` }];
    noteText(texts, source, `${text};`);
    return [];
  });
  const late = placed(situation, texts);
  return { ...late, edits: [...edits, ...late.edits] };
}

/** A column's own text, made such that it can be added to a table that has rows. */
function columnText(column: Column, text = `${ident(column.name)} ${column.type}`): string {
  const words = wordsOf(text);
  const not = words.findIndex((word, index) => word.text === 'not' && words[index + 1]?.text === 'null');
  const optional = not !== -1 && column.default === undefined ? text.slice(0, words[not]!.start).trimEnd() + text.slice(words[not + 1]!.end) : text;
  return optional.replaceAll(/\s*\bprimary\s+key\b/gi, '');
}

/** The elements of a CREATE TABLE, by where they start in the statement. */
function elementTexts(sql: string): Map<number, string> {
  const texts = new Map<number, string>();
  let depth = 0;
  let start: number | undefined;
  let end = 0;
  for (const word of wordsOf(sql)) {
    const closes = word.text === ')' || word.text === ']';
    if (closes) depth -= 1;
    if (depth === 0 && closes) break;
    if (depth === 1 && word.text === ',') {
      if (start !== undefined) texts.set(start, sql.slice(start, end));
      start = undefined;
    } else if (depth > 0) {
      start ??= word.start;
      end = word.end;
    }
    if (word.text === '(' || word.text === '[') depth += 1;
  }
  if (start !== undefined) texts.set(start, sql.slice(start, end));
  return texts;
}
