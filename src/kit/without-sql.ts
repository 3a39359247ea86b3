/** What a kit without SQL migrations has instead, and how its own tool writes SQL. Data, one entry a tool. */
import type { SqlTree } from './sql-tree.ts';

interface Tool {
  title: string;
  /** A file that shows it. */
  file: RegExp;
  /** The dependency of `package.json` that must be there too. */
  dependency?: string;
  /** What makes SQL of it, one sentence. */
  advice: string;
}

const dump =
  'Let it migrate an empty database, and write that as SQL: pg_dump --schema-only --no-owner "$DATABASE_URL" > migrations/001_schema.sql';
const scripts = /(?:^|\/)migrations?\/[^/]+\.(?:[cm]?[jt]s)$/;

const tools: readonly Tool[] = [
  {
    title: 'a Prisma schema without migrations',
    file: /(?:^|\/)[^/]+\.prisma$/,
    advice:
      'Make the folder prisma/migrations/0_init, then write its migration: npx prisma migrate diff --from-empty ' +
      '--to-schema-datamodel <schema.prisma> --script > prisma/migrations/0_init/migration.sql',
  },
  {
    title: 'a Drizzle schema without migrations',
    file: /(?:^|\/)drizzle\.config\.[cm]?[jt]s(?:on)?$/,
    advice: 'Write its migrations: npx drizzle-kit generate',
  },
  { title: 'TypeORM migrations in code', file: scripts, dependency: 'typeorm', advice: dump },
  { title: 'Knex migrations in code', file: scripts, dependency: 'knex', advice: dump },
  { title: 'Sequelize migrations in code', file: scripts, dependency: 'sequelize', advice: dump },
  { title: 'Kysely migrations in code', file: scripts, dependency: 'kysely', advice: dump },
  { title: 'MikroORM migrations in code', file: /(?:^|\/)migrations?\//, dependency: '@mikro-orm/core', advice: dump },
  { title: 'node-pg-migrate migrations in code', file: scripts, dependency: 'node-pg-migrate', advice: dump },
  { title: 'a TypeORM model', file: /(?:^|\/)package\.json$/, dependency: 'typeorm', advice: dump },
  { title: 'a Sequelize model', file: /(?:^|\/)package\.json$/, dependency: 'sequelize', advice: dump },
  { title: 'Rails migrations', file: /(?:^|\/)db\/migrate\/\d+_[^/]+\.rb$/, advice: dump },
  { title: 'Laravel migrations', file: /(?:^|\/)database\/migrations\/[^/]+\.php$/, advice: dump },
  { title: 'Alembic migrations', file: /(?:^|\/)alembic\.ini$/, advice: dump },
  { title: 'Django migrations', file: /(?:^|\/)migrations\/\d+_[^/]+\.py$/, advice: dump },
  {
    title: 'Liquibase changelogs',
    file: /(?:^|\/)(?:db\.)?changelog[^/]*\.(?:xml|ya?ml|json)$|\/changelogs?\/[^/]+\.(?:xml|ya?ml|json)$/i,
    advice:
      'Write their SQL: liquibase update-sql --url=offline:postgresql --changelog-file=<changelog> --output-file=migrations/001_schema.sql',
  },
  { title: 'Entity Framework migrations', file: /(?:^|\/)Migrations\/\d{14}_[^/]+\.cs$/, advice: dump },
  { title: 'Payload migrations in code', file: scripts, dependency: 'payload', advice: dump },
  {
    title: 'dbt models',
    file: /(?:^|\/)dbt_project\.ya?ml$/,
    advice: `dbt fills in their templates and runs them on a database that has tables already. ${dump}`,
  },
  {
    title: 'the settings of a Supabase project without its migrations',
    file: /(?:^|\/)supabase\/config\.toml$/,
    advice: 'Write them from the project: supabase link && supabase db pull',
  },
  { title: 'Ecto migrations', file: /(?:^|\/)repo\/migrations\/[^/]+\.exs$/, advice: dump },
];

/** What a kit has in the place of SQL. */
export interface WithoutSql {
  /** For people: `a Prisma schema without migrations: prisma/schema.prisma`. */
  what: string;
  advice: string;
}

/** The first tool whose files the kit has. */
export async function toolWithoutSql(tree: SqlTree): Promise<WithoutSql | undefined> {
  const manifests = tree.files.filter((path) => /(?:^|\/)package\.json$/.test(path));
  const texts = await Promise.all(manifests.map((path) => tree.text(path)));
  const depends = (name: string): boolean => texts.some((text) => text.includes(`"${name}"`));
  for (const { title, file, dependency, advice } of tools) {
    const found = tree.files.filter((path) => file.test(path));
    if (found.length === 0 || (dependency !== undefined && !depends(dependency))) continue;
    const more = found.length > 1 ? ` and ${found.length - 1} more` : '';
    return { what: `${title}: ${found[0]}${more}`, advice: advice.replace(/<schema\.prisma>|<changelog>/, found[0]!) };
  }
  return undefined;
}
