/** How each tool names its migrations and where it has their rollbacks, one entry a form. Data only. */
import type { MigrationOrder } from '../shared/muse-file.ts';
import type { SectionTool } from './sections.ts';

/** Paths are those of a file below the folder of migrations, with `/`. */
export interface Form {
  /** For people: the form and an example. */
  wanted: string;
  /** The path of a migration; the first group is its number. */
  name: RegExp;
  /** Other SQL files are migrations too: they run after the numbered ones. */
  unnumbered?: RegExp;
  /** Migrations that a tool which is common for the form skips by their names, and which. */
  skipped?: { name: RegExp; by: string };
  /** Files that are not migrations although they are SQL, by their last part. */
  never?: RegExp;
  /** Where the files are: in the folder (absent), one folder down, or at any depth. */
  below?: 'one' | 'any';
  /** `value`: by the numbers. `text`: by the alphabet. The others: as something lists them, then by the numbers. */
  sort: 'value' | 'text' | 'journal' | 'plan' | 'dependencies';
  /** With `text`: what of a path is compared, where that is not all of it. */
  sortedBy?: (path: string) => string;
  /** The files of all folders of core run in one order, as if they were in one folder. */
  across?: true;
  /** Numbers have no gaps and no two files share one. */
  counted?: true;
  /** Where the rollback of a migration is, other than in the rollback folder; the first that exists counts. */
  rollback?: (path: string, all: ReadonlySet<string>) => string | undefined;
  /** The path of a new migration, and of its rollback where that is in the same folder. */
  create: (number: string, title: string) => string;
  createRollback?: (number: string, title: string) => string;
  /** A migration and its rollback are sections of one file, as this tool writes them. */
  sections?: SectionTool;
  /** The tool sends a file as it is: the BEGIN and COMMIT that files have around them are left to the history's transaction. */
  ownTransaction?: true;
  /** The tool runs the files on any server, which may lack the roles and schemas of Supabase. */
  anyServer?: true;
  /** New files are numbered in each layer for itself, or after all files. */
  next: 'layer' | 'all';
  /** The digits of a new number where no file has one: a time (`14` digits), or that many with zeros in front. */
  digits: number;
  /** What the first number is, where it is not a time. */
  first?: string;
}

const digitsFirst = /^(\d+)_.+\.(?:sql|pgsql)$/;
/** The number ends at the first character that is none: `001-notes.sql` has it as well. */
const anyBreak = /^(\d+)[_-].+\.(?:sql|pgsql)$/;
const plain = (number: string, title: string): string => `${number}_${title}.sql`;

/** Flyway's version of a file: `V1_2__x.sql` is 1.2; `B3__x.sql` stands for all up to 3 where they are gone. */
const flywayName = /^(?:.*\/)?[VB](\d+(?:[._]\d+)*)__[^/]*\.sql$/;

/** The rollback beside a file, under the same number: `U1__undo.sql` for `V1__x.sql`. */
function undoOf(path: string, all: ReadonlySet<string>): string | undefined {
  const version = flywayName.exec(path)?.[1];
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  return version === undefined ? undefined : [...all].find((name) => name.startsWith(`${folder}U${version}__`));
}

/** One file in two sections, named by a number. */
const inOne = (sections: SectionTool, more: Partial<Form> = {}): Form => ({
  wanted: '<number>_name.sql, e.g. 00004_invoices.sql',
  name: digitsFirst,
  sort: 'value',
  counted: true,
  create: plain,
  sections,
  anyServer: true,
  next: 'all',
  digits: 14,
  ...more,
});

export const forms: Readonly<Record<MigrationOrder, Form>> = {
  number: {
    wanted: 'NNN_name.sql, e.g. 004_invoices.sql',
    name: anyBreak,
    sort: 'value',
    counted: true,
    create: plain,
    next: 'layer',
    digits: 3,
    first: '1',
  },
  timestamp: {
    wanted: '<14 digits>_name.sql, e.g. 20260131120000_invoices.sql',
    name: anyBreak,
    skipped: { name: /^\d+-/, by: 'The Supabase CLI' },
    sort: 'text',
    create: plain,
    next: 'all',
    digits: 14,
  },
  journal: {
    wanted: 'NNNN_name.sql, e.g. 0004_invoices.sql',
    anyServer: true,
    name: digitsFirst,
    sort: 'journal',
    create: plain,
    next: 'all',
    digits: 4,
    first: '0',
  },
  flyway: {
    wanted: 'V<version>__name.sql, e.g. V4__invoices.sql',
    anyServer: true,
    name: flywayName,
    unnumbered: /(?:^|\/)R__[^/]*\.sql$/,
    // U undoes a version, and other names are callbacks, which Flyway calls itself.
    never: /^(?![VBR]\d*(?:[._]\d+)*__)/,
    below: 'any',
    sort: 'value',
    across: true,
    rollback: undoOf,
    create: (number, title) => `V${number}__${title}.sql`,
    createRollback: (number, title) => `U${number}__${title}.sql`,
    next: 'all',
    digits: 1,
    first: '1',
  },
  pair: {
    wanted: '<number>_name.up.sql with <number>_name.down.sql, e.g. 000004_invoices.up.sql',
    ownTransaction: true,
    anyServer: true,
    name: /^(\d+)[_-].+\.sql$/,
    // pop has a file for each database in one folder, e.g. `1_notes.mysql.up.sql`; those for PostgreSQL and for all are run.
    never:
      /^(?:\.|rollback_|seed)|\.(?:down|(?:cockroach(?:db)?|mariadb|mssql|mysql|oracle|sqlite3?|sqlserver)(?:\.autocommit)?\.up)\.sql$/i,
    sort: 'value',
    counted: true,
    create: (number, title) => `${number}_${title}.up.sql`,
    createRollback: (number, title) => `${number}_${title}.down.sql`,
    next: 'all',
    digits: 6,
    first: '1',
  },
  'db-migrate': {
    wanted: '<14 digits>-name-up.sql with <14 digits>-name-down.sql, e.g. 20260131120000-invoices-up.sql',
    ownTransaction: true,
    anyServer: true,
    name: /^(\d+)-.+-up\.sql$/,
    never: /-down\.sql$/,
    sort: 'value',
    counted: true,
    rollback: (path) => path.replace(/-up\.sql$/, '-down.sql'),
    create: (number, title) => `${number}-${title}-up.sql`,
    createRollback: (number, title) => `${number}-${title}-down.sql`,
    next: 'all',
    digits: 14,
  },
  goose: inOne('goose'),
  dbmate: inOne('dbmate', { name: anyBreak }),
  'sql-migrate': inOne('sql-migrate', { name: anyBreak }),
  'node-pg-migrate': inOne('node-pg-migrate', {
    wanted: '<13 digits>_name.sql, e.g. 1767225600000_invoices.sql',
    name: anyBreak,
    digits: 13,
  }),
  folder: {
    wanted: '<14 digits>_name/migration.sql, e.g. 20260131120000_invoices/migration.sql',
    ownTransaction: true,
    anyServer: true,
    name: /^(\d+)[_-][^/]+\/migration\.sql$/,
    unnumbered: /^[^/]+\/migration\.sql$/,
    never: /^(?!migration\.sql$)/,
    below: 'one',
    sort: 'text',
    rollback: (path) => path.replace(/migration\.sql$/, 'down.sql'),
    create: (number, title) => `${number}_${title}/migration.sql`,
    createRollback: (number, title) => `${number}_${title}/down.sql`,
    next: 'all',
    digits: 14,
  },
  'up-folder': {
    wanted: '<number>_name/up.sql with <number>_name/down.sql, e.g. 1767225600000_invoices/up.sql',
    ownTransaction: true,
    anyServer: true,
    name: /^(\d[\d-]*)[_-][^/]+\/up\.sql$/,
    never: /^(?!up\.sql$)/,
    below: 'one',
    sort: 'text',
    // Diesel's version: what is before the first underscore, without hyphens, so that `2017-09-23-182408_b` is after `20170804200817_a`.
    sortedBy: (path) => path.split('_', 1)[0]!.replaceAll('-', ''),
    rollback: (path) => path.replace(/up\.sql$/, 'down.sql'),
    create: (number, title) => `${number}_${title}/up.sql`,
    createRollback: (number, title) => `${number}_${title}/down.sql`,
    next: 'all',
    digits: 14,
  },
  sqitch: {
    wanted: 'the name of a change in sqitch.plan, e.g. invoices.sql',
    ownTransaction: true,
    anyServer: true,
    name: digitsFirst,
    unnumbered: /\.sql$/,
    never: /^\./,
    below: 'any',
    sort: 'plan',
    create: plain,
    next: 'layer',
    digits: 3,
    first: '1',
  },
  committed: {
    wanted: 'NNNNNN.sql or NNNNNN-name.sql, e.g. 000004-invoices.sql',
    anyServer: true,
    name: /^(\d{6})(?:-[^/]*)?\.sql$/,
    sort: 'value',
    counted: true,
    create: (number, title) => `${number}-${title}.sql`,
    next: 'layer',
    digits: 6,
    first: '1',
  },
  atlas: {
    wanted: '<14 digits>_name.sql, e.g. 20260131120000_invoices.sql',
    anyServer: true,
    name: /^(\d+)(?:_[^/]*)?\.sql$/,
    sort: 'text',
    create: plain,
    next: 'all',
    digits: 14,
  },
  postgrator: {
    wanted: 'NNN.do.name.sql with NNN.undo.name.sql, e.g. 004.do.invoices.sql',
    ownTransaction: true,
    anyServer: true,
    name: /^(\d+)\.do(?:\.[^/]*)?\.(?:sql|pgsql)$/,
    never: /\.undo\.(?:[^/]*\.)?(?:sql|pgsql)$/,
    sort: 'value',
    counted: true,
    rollback: (path) => path.replace(/^(\d+)\.do\b/, '$1.undo'),
    create: (number, title) => `${number}.do.${title}.sql`,
    createRollback: (number, title) => `${number}.undo.${title}.sql`,
    next: 'all',
    digits: 3,
    first: '1',
  },
  dotted: {
    wanted: 'NNN.name.sql, e.g. 004.invoices.sql',
    anyServer: true,
    name: /^(\d+)[._-].+\.(?:sql|pgsql)$/,
    sort: 'value',
    counted: true,
    create: (number, title) => `${number}.${title}.sql`,
    createRollback: (number, title) => `${number}.${title}.rollback.sql`,
    next: 'all',
    digits: 4,
    first: '1',
  },
  gathered: {
    wanted: 'NN_NNN_<number of the folder>_name.sql, e.g. 10_001_003000_meetings.sql',
    name: /^(\d+(?:_\d+)*)[_-].+\.(?:sql|pgsql)$/,
    sort: 'value',
    across: true,
    create: plain,
    next: 'layer',
    digits: 3,
    first: '1',
  },
  schema: {
    wanted: 'name.sql, e.g. invoices.sql',
    name: digitsFirst,
    unnumbered: /\.(?:sql|pgsql)$/,
    below: 'any',
    sort: 'dependencies',
    create: plain,
    next: 'layer',
    digits: 3,
    first: '1',
  },
};
