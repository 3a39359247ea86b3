/** What a kit without SQL migrations has instead, and how its own tool writes SQL. Data, one entry a tool. */
import { elsewhere, type SqlTree } from './sql-tree.ts';

interface Tool {
  title: string;
  /** A file that shows it. */
  file: RegExp;
  /** The dependency of `package.json` that must be there too. */
  dependency?: string;
  /** What makes SQL of it, one sentence. */
  advice: string;
  /** The names of its migrations, where it is a tool of migrations: others than the ORM's model. */
  migration?: RegExp;
}

const dump =
  'Let it migrate an empty database, and write that as SQL: pg_dump --schema-only --no-owner "$DATABASE_URL" > migrations/001_schema.sql';
const scripts = /(?:^|\/)migrations?\/[^/]+\.(?:[cm]?[jt]s)$/;
/** Scripts with a number or a time in their names, as generators write them. */
const numberedScripts = /(?:^|\/)migrations?\/(?:\d+[_-][^/]*|[^/]*\d{8,}[^/]*)(?<!\.d)\.[cm]?[jt]s$/;
const rails = /(?:^|\/)db\/migrate\/\d+_[^/]+\.rb$/;
const laravel = /(?:^|\/)database\/migrations\/[^/]+\.php$/;
const django = /(?:^|\/)migrations\/\d+_[^/]+\.py$/;
const entityFramework = /(?:^|\/)Migrations\/\d{14}_[^/]+\.cs$/;
const ecto = /(?:^|\/)repo\/migrations\/[^/]+\.exs$/;

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
  {
    title: 'TypeORM migrations in code',
    file: scripts,
    dependency: 'typeorm',
    advice: dump,
    migration: numberedScripts,
  },
  { title: 'Knex migrations in code', file: scripts, dependency: 'knex', advice: dump, migration: numberedScripts },
  {
    title: 'Sequelize migrations in code',
    file: scripts,
    dependency: 'sequelize',
    advice: dump,
    migration: numberedScripts,
  },
  { title: 'Kysely migrations in code', file: scripts, dependency: 'kysely', advice: dump, migration: numberedScripts },
  {
    title: 'MikroORM migrations in code',
    file: scripts,
    dependency: '@mikro-orm/core',
    advice: dump,
    migration: numberedScripts,
  },
  {
    title: 'node-pg-migrate migrations in code',
    file: scripts,
    dependency: 'node-pg-migrate',
    advice: dump,
    migration: numberedScripts,
  },
  { title: 'a TypeORM model', file: /(?:^|\/)package\.json$/, dependency: 'typeorm', advice: dump },
  { title: 'a Sequelize model', file: /(?:^|\/)package\.json$/, dependency: 'sequelize', advice: dump },
  { title: 'a MikroORM model', file: /(?:^|\/)package\.json$/, dependency: '@mikro-orm/core', advice: dump },
  { title: 'Rails migrations', file: rails, advice: dump, migration: rails },
  { title: 'Laravel migrations', file: laravel, advice: dump, migration: laravel },
  {
    title: 'Alembic migrations',
    file: /(?:^|\/)alembic\.ini$/,
    advice: dump,
    migration: /(?:^|\/)versions\/[^/]+\.py$/,
  },
  { title: 'Django migrations', file: django, advice: dump, migration: django },
  {
    title: 'Liquibase changelogs',
    file: /(?:^|\/)(?:db\.)?changelog[^/]*\.(?:xml|ya?ml|json)$|\/changelogs?\/[^/]+\.(?:xml|ya?ml|json)$/i,
    advice:
      'Write their SQL: liquibase update-sql --url=offline:postgresql --changelog-file=<changelog> --output-file=migrations/001_schema.sql',
  },
  { title: 'Entity Framework migrations', file: entityFramework, advice: dump, migration: entityFramework },
  {
    title: 'Payload migrations in code',
    file: scripts,
    dependency: 'payload',
    advice: dump,
    migration: numberedScripts,
  },
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
  { title: 'Ecto migrations', file: ecto, advice: dump, migration: ecto },
  {
    title: 'an Atlas schema without migrations',
    file: /(?:^|\/)atlas\.hcl$/,
    advice: 'Write its migrations: atlas migrate diff',
  },
];

/** What a kit has in the place of SQL. */
export interface WithoutSql {
  /** For people: `a Prisma schema without migrations: prisma/schema.prisma`. */
  what: string;
  advice: string;
}

/** The first tool whose files the kit has. */
export async function toolWithoutSql(tree: SqlTree): Promise<WithoutSql | undefined> {
  const depends = await dependencies(tree);
  for (const { title, file, dependency, advice } of tools) {
    const found = tree.files.filter((path) => file.test(path));
    if (found.length === 0 || !depends(dependency)) continue;
    const more = found.length > 1 ? ` and ${found.length - 1} more` : '';
    return { what: `${title}: ${found[0]}${more}`, advice: advice.replace(/<schema\.prisma>|<changelog>/, found[0]!) };
  }
  return undefined;
}

/** Migrations in a programming language. */
export interface CodeMigrations {
  /** For people: `Alembic migrations`. */
  title: string;
  /** Paths in the kit. */
  files: readonly string[];
  advice: string;
}

/** The first tool of which the kit has migrations in code, not only a model; those for tests and examples do not count. */
export async function migrationsInCode(tree: SqlTree): Promise<CodeMigrations | undefined> {
  const depends = await dependencies(tree);
  for (const { title, file, dependency, advice, migration } of tools) {
    if (migration === undefined || !depends(dependency) || !tree.files.some((path) => file.test(path))) continue;
    const files = tree.files.filter((path) => migration.test(path) && !elsewhere.test(path));
    if (files.length > 0) return { title, files, advice };
  }
  return undefined;
}

/** Says whether one of the kit's `package.json` names a dependency; none is named always. */
async function dependencies(tree: SqlTree): Promise<(name: string | undefined) => boolean> {
  const manifests = tree.files.filter((path) => /(?:^|\/)package\.json$/.test(path));
  const texts = await Promise.all(manifests.map((path) => tree.text(path)));
  return (name) => name === undefined || texts.some((text) => text.includes(`"${name}"`));
}
