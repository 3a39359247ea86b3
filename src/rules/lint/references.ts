import type { Catalog, Need, Site } from '../../sql/catalog/model.ts';
import type { RuleName } from '../registry.ts';
import { at } from './check.ts';
import type { Check, Report } from './check.ts';
import { isForeignType, isTsqlFile } from './dialect.ts';

/** What became of something that was missing when it was used. */
export interface Verdict {
  rule: Extract<RuleName, 'unknown-relation' | 'used-before-created' | 'core-depends-on-extension'>;
  need: Need;
  /** Where it is made after all. */
  made?: Site;
}

const titles: Record<Need['kind'], string> = { table: 'Table', column: 'Column', function: 'Function', type: 'Type', schema: 'Schema', policy: 'Policy', index: 'Index', trigger: 'Trigger' };

/** One verdict for each thing that is missing, in each file that misses it: the first place there. */
export function verdicts(catalog: Catalog): Verdict[] {
  const seen = new Set<string>();
  const result: Verdict[] = [];
  const missingSchemas = new Set(catalog.needs.filter(({ kind }) => kind === 'schema').map(({ name }) => name));
  for (const need of catalog.needs) {
    const { migration } = need.site.piece.source;
    const key = `${need.kind} ${need.name} ${migration.file}`;
    if (seen.has(key) || isConsequence(catalog, need, missingSchemas)) continue;
    const made = (catalog.created.get(`${need.kind} ${need.name}`) ?? []).find(({ piece }) => piece.order > need.site.piece.order);
    if (made === undefined && need.site.piece.guarded) continue;
    seen.add(key);
    if (made === undefined) result.push({ rule: 'unknown-relation', need });
    else if (migration.layer === 'core' && made.piece.source.migration.layer === 'extension') result.push({ rule: 'core-depends-on-extension', need, made });
    else result.push({ rule: 'used-before-created', need, made });
  }
  return result;
}

/** What another finding is the reason of. */
function isConsequence(catalog: Catalog, need: Need, missingSchemas: ReadonlySet<string>): boolean {
  const schema = need.name.split('.')[0]!;
  if (need.kind !== 'schema' && missingSchemas.has(schema) && catalog.schemas.get(schema) === undefined) return true;
  if (schema === 'dbo' && isTsqlFile(need.site.piece.source)) return true;
  if (need.kind === 'type') return isForeignType(need.name.split('.')[1] ?? '') || isInlineIndex(need);
  // Described by a CREATE TABLE that came second and did nothing: `table-redefined` says so.
  const sites = catalog.created.get(`${need.kind} ${need.name}`) ?? [];
  return need.kind === 'column' && sites.some(({ piece }) => piece.type === 'CreateStmt' && piece.order < need.site.piece.order) && !catalog.dropped.has(`column ${need.name}`);
}

function isInlineIndex({ site: { piece, offset } }: Need): boolean {
  return piece.type === 'CreateStmt' && /(?:index|key)\s+$/i.test(piece.source.migration.sql.slice(Math.max(0, offset - 20), offset));
}

function place(site: Site): string {
  const { migration, parsed } = site.piece.source;
  return `${migration.file}:${parsed.position(site.offset).line}`;
}

function short(name: string): string {
  return name.replace(/^public\./, '');
}

/** Where a thing that is missing was dropped, in front of its use; undefined where it never was there. */
export function droppedBefore(catalog: Catalog, { kind, name, site }: Need): Site | undefined {
  const drop = catalog.dropped.get(`${kind} ${name}`);
  return drop !== undefined && drop.piece.order < site.piece.order ? drop : undefined;
}

/** A DROP between a use and where the thing is made later: what is moved in front of the use would be gone again behind it. */
export function dropBetween(catalog: Catalog, { need, made }: Verdict): Site | undefined {
  const [schema = '', table = ''] = need.name.split('.');
  const drops = [...(catalog.drops.get(`schema ${schema}`) ?? []), ...(catalog.drops.get(`table ${schema}.${table}`) ?? [])];
  return drops.find(({ piece }) => piece.order > need.site.piece.order && made !== undefined && piece.order < made.piece.order);
}

function suggestionFor({ kind, name }: Need, drop: Site | undefined): string {
  if (drop !== undefined) return `Take the DROP at ${place(drop)} out, or create ${kind} ${name} again behind it.`;
  if (kind === 'schema') return name === 'cron' || name === 'net' ? `CREATE EXTENSION IF NOT EXISTS pg_${name};` : `CREATE SCHEMA IF NOT EXISTS ${name};`;
  if (kind === 'column') {
    const parts = name.split('.');
    return parts.length === 3 ? `ALTER TABLE ${parts[0]}.${parts[1]} ADD COLUMN IF NOT EXISTS ${parts[2]} text; -- with the type that fits` : `Correct the name, or add the column "${name}" to the table that should have it.`;
  }
  if (kind === 'table') return `Create ${name} in a migration that runs before this one, or correct the name; --fix takes it from the built-in core if that has it.`;
  return `Create ${kind} ${name} before this statement, or correct the name.`;
}

function endWith(rule: Verdict['rule'], write: (verdict: Verdict, catalog: Catalog) => { message: string; suggestion: string }): NonNullable<Check['end']> {
  return (catalog: Catalog, report: Report) => {
    for (const verdict of verdicts(catalog)) {
      if (verdict.rule === rule) report({ ...at(verdict.need.site), object: verdict.need.name, ...write(verdict, catalog) });
    }
  };
}

export const unknownRelation: Check = {
  rule: 'unknown-relation',
  doc: {
    why: 'The statement fails with "does not exist" on a fresh database. It works only where someone once made the thing by hand.',
    bad: '-- Notes.\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, folder_id uuid REFERENCES folders (id));',
    good: '-- Notes.\nCREATE TABLE IF NOT EXISTS folders (id uuid PRIMARY KEY);\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, folder_id uuid REFERENCES folders (id));',
  },
  end: endWith('unknown-relation', ({ need }, catalog) => {
    const drop = droppedBefore(catalog, need);
    return {
      message: `${titles[need.kind]} ${short(need.name)} ${drop === undefined ? 'is used, and no migration creates it' : `was dropped in ${place(drop)}`}.`,
      suggestion: suggestionFor(need, drop),
    };
  }),
};

export const usedBeforeCreated: Check = {
  rule: 'used-before-created',
  doc: {
    why: 'Migrations run in order. What is used before it is made fails on every fresh database, though it works on the one where the files were written.',
    bad: '-- Notes.\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, folder_id uuid REFERENCES folders (id));\nCREATE TABLE IF NOT EXISTS folders (id uuid PRIMARY KEY);',
    good: '-- Notes.\nCREATE TABLE IF NOT EXISTS folders (id uuid PRIMARY KEY);\nCREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, folder_id uuid REFERENCES folders (id));',
  },
  end: endWith('used-before-created', (verdict, catalog) => {
    const { need, made } = verdict;
    const drop = dropBetween(catalog, verdict);
    return {
      message: `${titles[need.kind]} ${short(need.name)} is used here and created only later, in ${place(made!)}.`,
      suggestion: drop === undefined ? `Move the statement at ${place(made!)} in front of this one.` : `Move this statement behind ${place(made!)}; or move that one in front of this and take the DROP at ${place(drop)} out, which would undo it.`,
    };
  }),
};

export const coreDependsOnExtension: Check = {
  rule: 'core-depends-on-extension',
  doc: {
    why: 'Core is shared by all products and runs first. When it needs what one product\'s extension makes, it runs in no other product, and not in this one either.',
  },
  end: endWith('core-depends-on-extension', ({ need, made }) => ({
    message: `Core needs ${need.kind} ${short(need.name)}, which only the extension file ${place(made!)} creates: core runs first, so this fails.`,
    suggestion: `Move the statement at ${place(made!)} into core, in front of this one; or move this statement into the extension.`,
  })),
};
