/** Tables in which migration tools keep their history: a tool makes its own before the first file, and no file creates it. */
import type { Catalog, Need } from '../../sql/catalog/model.ts';
import { walk } from '../../sql/nodes.ts';
import { quoteQualified } from '../../shared/quote.ts';
import type { Edit, Situation } from './fix/fix.ts';
import { verdicts } from './references.ts';

const tools: ReadonlyMap<string, string> = new Map([
  ['public.schema_migrations', 'dbmate, golang-migrate and Rails'],
  ['supabase_migrations.schema_migrations', 'the Supabase CLI'],
  ['public.goose_db_version', 'goose'],
  ['public.flyway_schema_history', 'Flyway'],
  ['public._prisma_migrations', 'Prisma'],
  ['public.pgmigrations', 'node-pg-migrate'],
  ['public.gorp_migrations', 'sql-migrate'],
  ['public._sqlx_migrations', 'sqlx'],
  ['public.__diesel_schema_migrations', 'Diesel'],
  ['public.databasechangelog', 'Liquibase'],
  ['public.knex_migrations', 'Knex'],
]);

/** The tools whose own table it is that is missing, for people; undefined for another table. */
export function toolsOf({ kind, name }: Pick<Need, 'kind' | 'name'>): string | undefined {
  return kind === 'table' ? tools.get(name) : undefined;
}

/** What to do about a statement on such a table. */
export const askFirst = (need: Pick<Need, 'kind' | 'name'>): string =>
  `It is the history of ${toolsOf(need)}, and only there where that tool has run. Leave the statement out, or ask first: ` +
  `DO $$ BEGIN IF to_regclass('${quoteQualified(need.name)}') IS NOT NULL THEN …; END IF; END $$;`;

/** Runs the statements that are about such a table alone only where it is. */
export function askForOwnTables({ catalog, applied }: Situation): Edit[] {
  const seen = new Set<unknown>();
  return verdicts(catalog).flatMap(({ rule, need }): Edit[] => {
    const { source, statement, inside, type } = need.site.piece;
    const { file } = source.migration;
    if (rule !== 'unknown-relation' || toolsOf(need) === undefined || seen.has(statement)) return [];
    if (inside !== undefined || applied.has(file) || !wrappable.has(type) || !isAbout(need, catalog)) return [];
    seen.add(statement);
    const name = quoteQualified(need.name);
    return [
      {
        file,
        start: statement.start,
        end: statement.end,
        text: `DO $do$ BEGIN\n  IF to_regclass('${name}') IS NOT NULL THEN\n    ${statement.sql};\n  END IF;\nEND $do$`,
      },
    ];
  });
}

const wrappable: ReadonlySet<string> = new Set([
  'AlterTableStmt',
  'CommentStmt',
  'CreatePolicyStmt',
  'CreateTrigStmt',
  'GrantStmt',
  'IndexStmt',
  'RuleStmt',
]);

/** Whether a statement names no other table. */
function isAbout({ name, site }: Need, catalog: Catalog): boolean {
  let others = 0;
  walk(site.piece.statement.tree, (type, fields) => {
    if (type !== 'RangeVar') return;
    const { schemaname = 'public', relname } = fields;
    if (`${schemaname}.${relname}` !== name || catalog.tables.has(name)) others += 1;
  });
  return others === 0;
}
