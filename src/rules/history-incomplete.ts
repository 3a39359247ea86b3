import type { Catalog, Need } from '../sql/catalog/model.ts';
import { at } from './engine/check.ts';
import { isTypo } from './engine/near-names.ts';
import { droppedBefore, short, verdicts } from './engine/references.ts';
import type { Rule } from './engine/rule.ts';

/** So many tables are not forgotten one by one. */
const fewest = 3;

/** Statements that change a table which has to be there. */
const changes: ReadonlySet<string> = new Set([
  'AlterTableStmt',
  'CreatePolicyStmt',
  'CreateTrigStmt',
  'DeleteStmt',
  'IndexStmt',
  'RenameStmt',
  'UpdateStmt',
]);

/**
 * Whether the files begin with changes of missing tables, before they create their first: of several, or of one of several in a file
 * that creates none.
 * @param missing in the order of the run
 */
function beginsWithChanges(missing: readonly Need[], catalog: Catalog): boolean {
  const made = [...catalog.tables.values()].flatMap(({ site }) => (site === undefined ? [] : [site.piece]));
  const begin = Math.min(...made.map(({ order }) => order));
  const changed = missing.filter(({ site: { piece } }) => piece.order < begin && changes.has(piece.type));
  const [first] = changed;
  const isAlone = first !== undefined && !made.some(({ source }) => source === first.site.piece.source);
  return changed.length >= fewest || (isAlone && missing.length > 1);
}

export const rule: Rule = {
  name: 'history-incomplete',
  severity: 'error',
  found: ['static'],
  stops: 'all',
  means:
    'the migrations start in the middle: most of the tables that they use, or the first that they change, are never created',
  doc: {
    why:
      'The files change tables that were made somewhere else: in a dashboard, by an ORM, or in files that were left out. On a ' +
      'new database none of them runs. What is missing is one thing, the beginning, so it is reported once.',
    bad:
      '-- Notes.\n' +
      'ALTER TABLE notes ADD COLUMN IF NOT EXISTS title text;\n' +
      'ALTER TABLE folders ADD COLUMN IF NOT EXISTS title text;\n' +
      'ALTER TABLE shares ADD COLUMN IF NOT EXISTS title text;',
    good:
      '-- Notes.\n' +
      'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY);\n' +
      'CREATE TABLE IF NOT EXISTS folders (id uuid PRIMARY KEY);\n' +
      'CREATE TABLE IF NOT EXISTS shares (id uuid PRIMARY KEY);\n' +
      'ALTER TABLE notes ADD COLUMN IF NOT EXISTS title text;\n' +
      'ALTER TABLE folders ADD COLUMN IF NOT EXISTS title text;\n' +
      'ALTER TABLE shares ADD COLUMN IF NOT EXISTS title text;',
  },
  check: {
    end(catalog, report) {
      const missing = new Map<string, Need>();
      for (const { rule: verdict, need } of verdicts(catalog))
        if (
          verdict === 'unknown-relation' &&
          need.kind === 'table' &&
          droppedBefore(catalog, need) === undefined &&
          !isTypo(need, catalog) &&
          !missing.has(need.name)
        )
          missing.set(need.name, need);
      const made = [...catalog.tables.values()].filter(({ site }) => site !== undefined).length;
      const inOrder = [...missing.values()].toSorted((one, other) => one.site.piece.order - other.site.piece.order);
      const [first] = inOrder;
      const isMost = missing.size >= fewest && missing.size > made;
      if (first === undefined || (!isMost && !beginsWithChanges(inOrder, catalog))) return;
      const names = [...missing.keys()].map(short);
      const shown = names.slice(0, 5).join(', ');
      report({
        ...at(first.site),
        explains: [...missing.keys()],
        message:
          `These migrations start in the middle: ${missing.size} of the ${missing.size + made} tables that they use are never ` +
          `created (${shown}${names.length > 5 ? ' …' : ''}).`,
        suggestion:
          'Find what made them (an earlier folder, schema.sql, a dump, the schema of an ORM) and name its folder with --core, or ' +
          'dump the schema of the database as the first file: pg_dump --schema-only. --fix makes them as their use shows them.',
      });
    },
  },
};
