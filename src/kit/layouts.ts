/** The ways that kits keep their migrations, one entry each, the more specific first. Data only. */
import type { SectionTool } from '../migrations/sections.ts';
import type { Isolation, MigrationOrder } from '../shared/muse-file.ts';

/** How a layout is recognized and what its folders are. Paths are relative to the kit, with `/`. */
export interface LayoutRule {
  /** Kebab-case, as `muse.json` names it. */
  id: string;
  /** For people. */
  title: string;
  /**
   * Where core may be; `*` is one folder, `**` any number. Folders that match are layouts of their own. A pattern that
   * ends in `.sql` is that file alone.
   */
  core: readonly string[];
  /** The names of most of a folder's files have its number in them: they are made to be in one folder together. */
  carried?: boolean;
  /** All folders that one pattern matches are core together. */
  joined?: true;
  /** What a folder of core is called. */
  folder?: RegExp;
  /** A path below the folder that makes it one of migrations, as the order's form has them. */
  file: RegExp;
  /** What else must be there: a path below the folder, or `../name` for a file beside it, `../../name` for one above that. */
  requires?: RegExp;
  /**
   * What Drizzle's own configuration says of the folder. `asked`: a folder that it does not name comes last where it names
   * another. `needed`: only folders that it names.
   */
  config?: 'asked' | 'needed';
  /** Folders that a configuration of Sqitch names, wherever they are. */
  named?: 'sqitch';
  /** The tool whose sections one of the files has. */
  sections?: SectionTool;
  /** Further folders of core, if they have matching files, in the order they run. */
  alsoCore?: readonly string[];
  /** A folder that must also exist for the rule to match. */
  beside?: string;
  /** Kits of this layout are for PostgreSQL, so their files are not read to find that out. */
  isPostgres?: true;
  /** Only where no other layout fits. */
  last?: true;
  order: MigrationOrder;
  /** Where the others are, or will be; `<core>` is the first folder of core. */
  extensions: string;
  rollback: string;
  archive: string;
}

const numbered = /^\d{1,6}[_-].*\.(sql|pgsql)$/i;
/** As the Supabase CLI accepts them: 14 digits, in practice any number. */
const timestamped = /^\d+[_-].*\.sql$/i;
const counted = /^\d+[_-].*\.sql$/i;
const nextTo = {
  extensions: '<core>/../extensions',
  rollback: '<core>/../rollback',
  archive: '<core>/../archive',
} as const;
const atTop = {
  extensions: 'migrations/extensions',
  rollback: 'migrations/rollback',
  archive: 'migrations/archive',
} as const;
const within = { extensions: '<core>/extensions', rollback: '<core>/rollback', archive: '<core>/archive' } as const;
/** The product's own files are among the kit's, so that the kit's tool runs them too. */
const among = { ...atTop, extensions: '<core>' } as const;
/** A folder, also in the packages and apps of a workspace. */
const inWorkspace = (folder: string): string[] => [folder, `apps/*/${folder}`, `packages/*/${folder}`];

export const layoutRules: readonly LayoutRule[] = [
  {
    id: 'musekit',
    isPostgres: true,
    title: 'MuseKit: migrations/core and migrations/extensions',
    core: ['migrations/core'],
    file: numbered,
    order: 'number',
    ...nextTo,
  },
  {
    id: 'musekit-src',
    isPostgres: true,
    title: 'MuseKit database package: src/migrations/core and src/migrations/extensions',
    core: ['src/migrations/core'],
    file: numbered,
    order: 'number',
    ...nextTo,
  },
  {
    id: 'musekit-workspace',
    isPostgres: true,
    title: 'MuseKit workspace: packages/database/src/migrations/core and …/extensions',
    core: ['packages/database/src/migrations/core', 'packages/*/src/migrations/core'],
    joined: true,
    file: numbered,
    order: 'number',
    ...nextTo,
  },
  {
    id: 'ghostcrm',
    title: 'GhostCRM: migrations, migrations/main-database and migrations/client-provisioning',
    core: ['migrations/main-database'],
    alsoCore: ['migrations'],
    file: numbered,
    beside: 'migrations/client-provisioning',
    order: 'number',
    ...nextTo,
    extensions: '<core>/../client-provisioning',
  },
  {
    id: 'drizzle-journal',
    title: 'Drizzle: SQL files listed in meta/_journal.json',
    core: ['**'],
    file: counted,
    requires: /^meta\/_journal\.json$/,
    config: 'asked',
    order: 'journal',
    ...atTop,
  },
  {
    id: 'drizzle-folders',
    title: 'Drizzle: <timestamp>_name/migration.sql in the folder that drizzle.config names',
    core: ['**'],
    file: /^\d+_[^/]+\/migration\.sql$/,
    config: 'needed',
    order: 'folder',
    ...among,
  },
  {
    id: 'drizzle-flat',
    title: 'Drizzle without its journal: NNNN_name.sql in the folder that drizzle.config names',
    core: ['**'],
    file: counted,
    config: 'needed',
    order: 'number',
    ...atTop,
  },
  {
    id: 'sqitch-folders',
    title: 'Sqitch: the deploy scripts in the folder that sqitch.conf names',
    core: [],
    named: 'sqitch',
    file: /\.sql$/,
    order: 'sqitch',
    ...atTop,
  },
  {
    id: 'sqitch',
    title: 'Sqitch: deploy/, revert/ and verify/ with sqitch.plan',
    core: ['**/deploy'],
    file: /\.sql$/,
    requires: /^(?:\.\.\/)+sqitch\.plan$/,
    order: 'sqitch',
    ...atTop,
    rollback: '<core>/../revert',
  },
  {
    id: 'graphile-migrate',
    title: 'Graphile Migrate: committed/NNNNNN.sql',
    core: ['**/committed'],
    file: /^\d{6}(?:-.*)?\.sql$/,
    order: 'committed',
    ...atTop,
  },
  {
    id: 'goose',
    title: 'goose: NNNNN_name.sql with -- +goose Up and -- +goose Down',
    core: ['**'],
    file: counted,
    sections: 'goose',
    order: 'goose',
    ...among,
  },
  {
    id: 'dbmate',
    title: 'dbmate: <timestamp>_name.sql with -- migrate:up and -- migrate:down',
    core: ['**'],
    file: counted,
    sections: 'dbmate',
    order: 'dbmate',
    ...among,
  },
  {
    id: 'sql-migrate',
    title: 'sql-migrate: N-name.sql with -- +migrate Up and -- +migrate Down',
    core: ['**'],
    file: counted,
    sections: 'sql-migrate',
    order: 'sql-migrate',
    ...among,
  },
  {
    id: 'node-pg-migrate',
    title: 'node-pg-migrate: <13 digits>_name.sql, with -- Up Migration and -- Down Migration',
    core: ['**'],
    file: counted,
    sections: 'node-pg-migrate',
    order: 'node-pg-migrate',
    ...among,
  },
  {
    id: 'up-down',
    title: 'golang-migrate, sqlx, pop: NNNNNN_name.up.sql and NNNNNN_name.down.sql',
    core: ['**'],
    file: /^\d+[_-].*\.up\.sql$/,
    order: 'pair',
    ...among,
  },
  {
    id: 'postgrator',
    title: 'postgrator: NNN.do.name.sql and NNN.undo.name.sql',
    core: ['**'],
    file: /^\d+\.do(?:\.[^/]*)?\.sql$/,
    order: 'postgrator',
    ...among,
  },
  {
    id: 'dotted',
    title: 'yoyo, marv: NNN.name.sql',
    core: ['**'],
    file: /^\d{3,}\.[^/]+\.sql$/,
    order: 'dotted',
    ...among,
  },
  {
    id: 'db-migrate',
    title: 'db-migrate: sqls/<timestamp>-name-up.sql and <timestamp>-name-down.sql',
    core: ['**'],
    file: /^\d+-.*-up\.sql$/,
    requires: /^\d+-.*-down\.sql$/,
    order: 'db-migrate',
    ...atTop,
  },
  {
    id: 'flyway',
    title: 'Flyway: V1__name.sql, R__name.sql and U1__name.sql',
    core: ['**'],
    file: /^V\d+(?:[._]\d+)*__.*\.sql$/,
    order: 'flyway',
    ...among,
  },
  {
    id: 'atlas',
    title: 'Atlas: <timestamp>_name.sql with atlas.sum',
    core: ['**'],
    file: /^\d+(?:_[^/]*)?\.sql$/,
    requires: /^atlas\.sum$/,
    order: 'atlas',
    ...atTop,
  },
  {
    id: 'prisma',
    title: 'Prisma: prisma/migrations/<timestamp>_name/migration.sql',
    core: ['**'],
    file: /^[^/]+\/migration\.sql$/,
    order: 'folder',
    ...among,
  },
  {
    id: 'up-down-folders',
    title: 'Hasura, Diesel: <timestamp>_name/up.sql and <timestamp>_name/down.sql',
    core: ['**'],
    file: /^\d[\d-]*[_-][^/]+\/up\.sql$/,
    order: 'up-folder',
    ...among,
  },
  {
    id: 'up-and-down',
    title: 'One folder for each way: up/NNN_name.sql and down/NNN_name.sql',
    core: ['**/up'],
    folder: /^up$/,
    file: counted,
    order: 'number',
    ...atTop,
    rollback: '<core>/../down',
  },
  {
    id: 'flat-rollback',
    title: 'One folder: migrations/NNN_name.sql with rollback_NNN_name.sql beside',
    core: ['migrations', 'database/migrations', 'db/migrations'].flatMap(inWorkspace),
    file: numbered,
    requires: /^rollback_\d+.*\.sql$/i,
    order: 'number',
    ...within,
  },
  {
    id: 'supabase',
    isPostgres: true,
    title: 'Supabase: supabase/migrations/<timestamp>_name.sql',
    core: inWorkspace('supabase/migrations'),
    file: timestamped,
    order: 'timestamp',
    ...atTop,
  },
  {
    id: 'flat-millis',
    title: 'node-pg-migrate: <13 digits>_name.sql in one section',
    core: ['**'],
    file: /^\d{13}[_-].*\.sql$/,
    order: 'node-pg-migrate',
    ...among,
  },
  {
    id: 'flat-timestamp',
    title: 'One folder: <timestamp>_name.sql',
    core: ['**'],
    file: /^\d{12,}_.*\.sql$/,
    order: 'timestamp',
    ...among,
  },
  {
    id: 'flat',
    title: 'One folder: migrations/NNN_name.sql',
    core: ['migrations', 'database/migrations', 'db/migrations'].flatMap(inWorkspace),
    file: /^\d{1,11}[_-].*\.(sql|pgsql)$/i,
    order: 'number',
    ...within,
  },
  {
    id: 'supabase-schemas',
    isPostgres: true,
    title: 'Supabase, declarative: supabase/schemas/*.sql',
    core: inWorkspace('supabase/schemas'),
    file: /\.sql$/i,
    last: true,
    order: 'schema',
    ...atTop,
  },
  {
    id: 'schema-file',
    title: 'One file: supabase/schema.sql',
    core: [...inWorkspace('supabase/schema.sql'), 'schema.sql'],
    file: /^schema\.sql$/,
    last: true,
    order: 'schema',
    ...atTop,
  },
  {
    id: 'gathered-folders',
    title: 'One folder of numbered folders whose files have their numbers: migrations/NNN_name/NN_NNN_name.sql',
    core: ['supabase/migrations/*', 'migrations/*', 'db/migrations/*', 'database/migrations/*'],
    joined: true,
    folder: /^\d+[_-]/,
    carried: true,
    file: counted,
    last: true,
    order: 'gathered',
    ...atTop,
  },
  {
    id: 'numbered-folders',
    title: 'One folder of numbered folders: migrations/NNN_name/NNN_name.sql',
    core: ['supabase/migrations/*', 'migrations/*', 'db/migrations/*', 'database/migrations/*'],
    joined: true,
    folder: /^\d+[_-]/,
    file: counted,
    last: true,
    order: 'number',
    ...atTop,
  },
  {
    id: 'numbered',
    title: 'One folder anywhere: NNN_name.sql',
    core: ['**'],
    file: counted,
    last: true,
    order: 'number',
    ...within,
  },
];

/**
 * Text in the SQL that shows how tenants are isolated: the kind with the most matches counts, `auth-uid` without any.
 * `app.settings.…` is where Supabase keeps its own settings, and `request.…` where the Data API sets the caller:
 * neither counts.
 */
export const isolationMarks: readonly { isolation: Isolation; mark: RegExp }[] = [
  {
    isolation: 'session',
    mark: /current_setting\s*\(\s*'(?!(?:request|pgrst|plpgsql|app\.settings)\.)[a-z_]\w*\.\w/gi,
  },
  { isolation: 'auth-uid', mark: /\bauth\.(?:uid|jwt)\s*\(/gi },
];
