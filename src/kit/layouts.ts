/** The ways that kits keep their migrations, one entry each, the more specific first. Data only. */
import type { Isolation, MigrationFolders } from '../shared/muse-file.ts';

/** How a layout is recognized and what its folders are. Paths are relative to the kit, with `/`; `*` is one folder. */
export interface LayoutRule {
  /** Kebab-case, as `muse.json` names it. */
  id: string;
  /** For people. */
  title: string;
  /** Where core may be: the first pattern with a matching folder counts, with all folders that match it. */
  core: readonly string[];
  /** A file name that makes a folder one of migrations. */
  file: RegExp;
  /** What else must be in the core folder. */
  requires?: RegExp;
  /** Further folders of core, if they have matching files, in the order they run. */
  alsoCore?: readonly string[];
  /** A folder that must also exist for the rule to match. */
  beside?: string;
  order: MigrationFolders['order'];
  /** Where the others are, or will be; `<core>` is the first folder of core. */
  extensions: string;
  rollback: string;
  archive: string;
}

const numbered = /^\d{1,6}[_-].*\.(sql|pgsql)$/i;
/** As the Supabase CLI accepts them: 14 digits, in practice any number. */
const timestamped = /^\d+_.*\.sql$/i;
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

export const layoutRules: readonly LayoutRule[] = [
  {
    id: 'musekit',
    title: 'MuseKit: migrations/core and migrations/extensions',
    core: ['migrations/core'],
    file: numbered,
    order: 'number',
    ...nextTo,
  },
  {
    id: 'musekit-src',
    title: 'MuseKit database package: src/migrations/core and src/migrations/extensions',
    core: ['src/migrations/core'],
    file: numbered,
    order: 'number',
    ...nextTo,
  },
  {
    id: 'musekit-workspace',
    title: 'MuseKit workspace: packages/database/src/migrations/core and …/extensions',
    core: ['packages/database/src/migrations/core', 'packages/*/src/migrations/core'],
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
    core: [
      'packages/*/src/migrations/sql',
      'packages/*/src/migrations',
      'src/migrations/sql',
      'src/migrations',
      'packages/*/drizzle',
      'packages/*/migrations',
      'drizzle',
      'drizzle/migrations',
      'src/db/migrations',
      'src/lib/db/migrations',
      'apps/*/src/lib/db/migrations',
      'apps/*/drizzle',
      'migrations',
    ],
    file: numbered,
    requires: /^meta\/_journal\.json$/,
    order: 'journal',
    ...atTop,
  },
  {
    id: 'flat-rollback',
    title: 'One folder: migrations/NNN_name.sql with rollback_NNN_name.sql beside',
    core: ['migrations', 'database/migrations', 'db/migrations'],
    file: numbered,
    requires: /^rollback_\d+.*\.sql$/i,
    order: 'number',
    ...within,
  },
  {
    id: 'supabase',
    title: 'Supabase: supabase/migrations/<timestamp>_name.sql',
    core: ['supabase/migrations', 'apps/*/supabase/migrations', 'packages/*/supabase/migrations'],
    file: timestamped,
    order: 'timestamp',
    ...atTop,
  },
  {
    id: 'flat',
    title: 'One folder: migrations/NNN_name.sql',
    core: ['migrations', 'database/migrations', 'db/migrations'],
    file: numbered,
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
