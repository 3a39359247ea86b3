import type { Catalog, Need, Site } from '../../sql/catalog/model.ts';
import { at } from './check.ts';
import type { FileCheck, Report } from './check.ts';
import { isForeignType, isTsqlFile } from './dialects.ts';

/** The verdict on an object that was missing when it was used. */
export interface Verdict {
  rule: 'unknown-relation' | 'used-before-created' | 'core-depends-on-extension';
  need: Need;
  /** Where it is created later. */
  made?: Site;
}

/** The name of each kind of object at the beginning of a sentence. */
export const titles: Record<Need['kind'], string> = {
  table: 'Table',
  column: 'Column',
  function: 'Function',
  type: 'Type',
  schema: 'Schema',
  index: 'Index',
  sequence: 'Sequence',
  alias: 'Name',
};

/** One verdict per missing object and file, at the first place in that file. */
export function verdicts(catalog: Catalog): Verdict[] {
  const seen = new Set<string>();
  const result: Verdict[] = [];
  const missingSchemas = new Set(catalog.needs.filter(({ kind }) => kind === 'schema').map(({ name }) => name));
  for (const need of catalog.needs) {
    const { migration } = need.site.piece.source;
    const key = `${need.kind} ${need.name} ${migration.file}`;
    if (seen.has(key) || isConsequence(catalog, need, missingSchemas)) continue;
    // What a routine lacks in the end was dropped again, if it was ever made.
    const made = need.late
      ? undefined
      : (catalog.created.get(`${need.kind} ${need.name}`) ?? []).find(
          ({ piece }) => piece.order > need.site.piece.order,
        );
    // A DROP that runs under a condition is for a database on which the later statement ran already.
    const { guarded, type } = need.site.piece;
    if (guarded && (made === undefined || type === 'DropStmt')) continue;
    seen.add(key);
    if (made === undefined) result.push({ rule: 'unknown-relation', need });
    else if (migration.layer === 'core' && made.piece.source.migration.layer === 'extension')
      result.push({ rule: 'core-depends-on-extension', need, made });
    else result.push({ rule: 'used-before-created', need, made });
  }
  return result;
}

/** References that fail only because of another finding. */
function isConsequence(catalog: Catalog, need: Need, missingSchemas: ReadonlySet<string>): boolean {
  const schema = need.name.split('.')[0]!;
  if (need.kind !== 'schema' && missingSchemas.has(schema) && catalog.schemas.get(schema) === undefined) return true;
  if (schema === 'dbo' && isTsqlFile(need.site.piece.source)) return true;
  if (need.kind === 'type') return isForeignType(need.name.split('.')[1] ?? '') || isInlineIndex(need);
  // The column is in a second CREATE TABLE, which does nothing: `table-redefined` reports that.
  const sites = catalog.created.get(`${need.kind} ${need.name}`) ?? [];
  return (
    need.kind === 'column' &&
    sites.some(({ piece }) => piece.type === 'CreateStmt' && piece.order < need.site.piece.order) &&
    !catalog.dropped.has(`column ${need.name}`)
  );
}

function isInlineIndex({ site: { piece, offset } }: Need): boolean {
  return (
    piece.type === 'CreateStmt' &&
    /(?:index|key)\s+$/i.test(piece.source.migration.sql.slice(Math.max(0, offset - 20), offset))
  );
}

/** `file:line` of a place. */
export function place(site: Site): string {
  const { migration, parsed } = site.piece.source;
  return `${migration.file}:${parsed.position(site.offset).line}`;
}

/** The name without `public.`. */
export function short(name: string): string {
  return name.replace(/^public\./, '');
}

/** Where a missing object was dropped before its use, for a routine at any time; undefined if it never existed. */
export function droppedBefore(catalog: Catalog, { kind, name, site, late }: Need): Site | undefined {
  const drop = catalog.dropped.get(`${kind} ${name}`);
  return drop !== undefined && (late || drop.piece.order < site.piece.order) ? drop : undefined;
}

/**
 * A DROP between a use and the later place that creates the object: if the CREATE moved before the use, this would drop
 * the object again.
 */
export function dropBetween(catalog: Catalog, { need, made }: Verdict): Site | undefined {
  const [schema = '', table = ''] = need.name.split('.');
  const drops = [
    ...(catalog.drops.get(`schema ${schema}`) ?? []),
    ...(catalog.drops.get(`table ${schema}.${table}`) ?? []),
  ];
  return drops.find(
    ({ piece }) => piece.order > need.site.piece.order && made !== undefined && piece.order < made.piece.order,
  );
}

/** A check that reports the verdicts of one rule. */
export function endWith(
  rule: Verdict['rule'],
  write: (verdict: Verdict, catalog: Catalog) => { message: string; suggestion: string },
): NonNullable<FileCheck['end']> {
  return (catalog: Catalog, report: Report) => {
    for (const verdict of verdicts(catalog)) {
      if (verdict.rule === rule)
        report({ ...at(verdict.need.site), object: verdict.need.name, ...write(verdict, catalog) });
    }
  };
}
