import { MuseError } from '../shared/error.ts';
import { newFiles } from '../migrations/new-files.ts';
import type { Isolation, MigrationFolders, SessionTenancy } from '../shared/muse-file.ts';
import { quoteLiteral } from '../shared/quote.ts';
import type { AccessContext } from './access.ts';
import { tableProblems } from './check-table.ts';
import {
  membershipOf,
  organizationKey,
  organizationsHelper,
  peopleKey,
  requireMembership,
  splitName,
  updatedAtHelper,
} from './core.ts';
import type { ResolvedColumn, ResolvedTable, Policy } from './model.ts';
import { type TablePages, tablePages } from './app/pages.ts';
import { fitName, slug } from './names.ts';
import { extensionPaths } from './new.ts';
import { type Preset, requireCore } from './presets.ts';
import type { Draft } from './references.ts';
import { render } from './render.ts';
import { columnChecks, draftTables, resolveColumn, resolveTables } from './resolve.ts';
import { seedSql } from './seed.ts';
import { defaultSession } from './session.ts';
import type { Bucket, CoreFacts, TableScope, TableSpecification } from './table.ts';
import { readType } from './types.ts';

/** What an extension migration is made from. */
export interface ScaffoldRequest {
  /** The muse's name; names the file and the helpers that the file creates. */
  name: string;
  /** Table prefix with its underscore, e.g. `kv_`; empty for none. */
  prefix: string;
  presets: readonly Preset[];
  tables: readonly TableSpecification[];
  /** What exists before this file: core, and the extension files before it. */
  core: CoreFacts;
  /** As the folder's files are numbered: `001`, or 14 digits. */
  number: string;
  folders: MigrationFolders;
  isolation: Isolation;
  /** With isolation `session`: roles and variables; default: those of a new muse. */
  session?: SessionTenancy;
  /** Free text that names the file instead of `<name>_tables`. */
  title?: string;
}

/** A table that an extension adds, for docs, summaries and checks. */
export interface TableSummary {
  name: string;
  scope: TableScope;
  /** Everyone reads some of the rows, as declared at a policy. */
  open?: boolean;
  columns: { name: string; type: string }[];
  comment: string;
}

export interface Scaffold {
  /** The migration, then its rollback. Paths relative to the muse's directory, with `/`. */
  files: { path: string; content: string }[];
  tables: TableSummary[];
  buckets: Bucket[];
  /** The pages of the tables in the built-in kit's app; empty where tenants are not isolated by `auth.uid()`. */
  pages: TablePages[];
  /** Rows for development, for the users and organizations of the built-in kit's seed; undefined for none. */
  seed: string | undefined;
}

interface CoreColumn {
  schema: string;
  table: string;
  preset: string;
  column: ResolvedColumn;
  checks: { name: string; expression: string }[];
  /** Roles that may write it. */
  writers: string[];
}

/**
 * Creates the extension migration of a muse, and its rollback, from presets and tables.
 * @throws MuseError `bad-table`, `bad-preset` if they cannot be built on this core
 */
export async function scaffold(request: ScaffoldRequest): Promise<Scaffold> {
  const { core, isolation, prefix } = request;
  const muse = slug(request.name);
  const presets = request.presets.filter((preset, index, all) => all.findIndex(({ id }) => id === preset.id) === index);
  for (const preset of presets) requireCore(preset, core);
  const specifications = [...presets.flatMap((preset) => preset.tables), ...request.tables];
  refuseBroken(specifications);
  const drafts = draftTables(specifications, prefix, core);
  const access = accessContext(request, muse, specifications);
  const tables = resolveTables({ core, drafts, people: peopleKey(core, isolation), access });
  const users = isolation === 'auth-uid' ? 'authenticated' : access.session.role;
  const coreColumns = presets.flatMap((preset) => coreColumnsOf(preset, core, users));
  // Supabase's Storage and its policies do not use session variables.
  const buckets = isolation === 'auth-uid' ? uniqueBuckets(presets) : [];
  const { path, rollbackPath } = extensionPaths(
    request.folders,
    request.number,
    request.title ?? `${muse.slice(0, 53)}_tables`,
  );
  const extras = await extrasOf(presets, drafts, request, users);
  const model = {
    muse: request.name,
    path,
    rollbackPath,
    adds: [
      ...tables.map((table) => `table ${table.name}: ${table.whose}`),
      ...coreColumns.map(({ table, column }) => `column ${table}.${column.name}`),
      ...extras.map(({ name }) => `${name}`),
      ...buckets.map(({ id }) => `policies of the storage bucket ${id}`),
    ],
    tables,
    coreColumns,
    extras,
    buckets,
    storagePolicies: storagePolicies(buckets, muse),
    ...helpersOf(request, muse, tables, access),
  };
  return {
    files: newFiles(
      request.folders,
      { path, rollbackPath },
      await render('extension', 'tables.sql', model),
      await render('extension', 'rollback.sql', model),
    ),
    tables: tables.map((table) => summary(table)),
    buckets,
    pages: isolation === 'auth-uid' ? await tablePages({ tables, drafts, core, prefix }) : [],
    seed: seedSql(tables, drafts),
  };
}

/**
 * Checks tables as far as that is possible without a kit: each for itself, and their names against each other.
 * @throws MuseError `bad-table`
 */
export function checkTables(specifications: readonly TableSpecification[], prefix: string): void {
  refuseBroken(specifications);
  draftTables(specifications, prefix, { tables: {}, functions: [] });
}

function refuseBroken(specifications: readonly TableSpecification[]): void {
  for (const table of specifications) {
    const [problem] = tableProblems(table);
    if (problem === undefined) continue;
    const where = `${problem.path.join('.')} of table ${JSON.stringify(table.name.slice(0, 63))}`;
    throw new MuseError({
      code: 'bad-table',
      message: `${where}: ${problem.message}.`,
      suggestion: problem.suggestion,
    });
  }
}

function accessContext(
  { core, isolation, session = defaultSession }: ScaffoldRequest,
  muse: string,
  tables: readonly TableSpecification[],
): AccessContext {
  const ofOrganizations = tables.find((table) => table.scope === 'organization' || table.scopedBy === 'organization');
  const membership =
    ofOrganizations !== undefined && isolation === 'auth-uid'
      ? requireMembership(core, ofOrganizations.name)
      : membershipOf(core);
  const type = membership?.organizationType ?? organizationKey(core)?.type ?? 'uuid';
  return {
    isolation,
    session,
    organizations: organizationsHelper(core, muse),
    writers: core.functions.includes('private.user_organization_ids(text[])'),
    organizationType: readType(type)?.sql ?? 'uuid',
  };
}

/** The functions that the file calls and core lacks. */
function helpersOf(
  { core }: ScaffoldRequest,
  muse: string,
  tables: readonly ResolvedTable[],
  access: AccessContext,
): object {
  const updatedAt = updatedAtHelper(core, muse);
  const membership = membershipOf(core);
  const makesUpdatedAt = tables.length > 0 && !updatedAt.exists;
  const calls = tables.some((table) =>
    table.policies.some(({ using, check }) => `${using} ${check}`.includes(access.organizations.name)),
  );
  const makesOrganizations = calls && !access.organizations.exists;
  return {
    updatedAt,
    organizations: access.organizations,
    organizationType: access.organizationType,
    membership: membership === undefined ? null : { ...membership, userIsUuid: membership.userType === 'uuid' },
    makesUpdatedAt,
    makesOrganizations,
    makesSchema: (makesUpdatedAt || makesOrganizations) && !core.functions.some((name) => name.startsWith('private.')),
  };
}

/**
 * What a preset adds to tables of core; a column that core already has belongs to core, and stays when the preset is
 * removed.
 */
function coreColumnsOf(preset: Preset, core: CoreFacts, users: string): CoreColumn[] {
  return preset.coreColumns.flatMap(({ table, columns }) => {
    const target = splitName(table);
    const known = core.tables[`${target.schema}.${target.table}`]?.columns ?? {};
    return columns
      .filter((column) => known[column.name] === undefined)
      .map((column) => ({
        ...target,
        preset: preset.id,
        column: resolveColumn(column, []),
        writers: column.writable === true ? [users] : [],
        checks: columnChecks(column).map((expression) => ({
          name: fitName([target.table, column.name], 'check'),
          expression,
        })),
      }));
  });
}

async function extrasOf(
  presets: readonly Preset[],
  drafts: readonly Draft[],
  { core, prefix, isolation }: ScaffoldRequest,
  users: string,
): Promise<{ name: string; sql: string; rollback: string }[]> {
  // The app of such a kit connects as a role of its own, and there is none of Supabase's.
  const model = { isSession: isolation === 'session', users };
  const helpers = {
    prefixed: (name: string) =>
      drafts.find(({ specification }) => specification.name === name)?.name ?? `${prefix}${name}`,
    /** Those of the columns that core's table has: kits name the same thing differently. */
    columnsOf: (table: string, ...names: unknown[]) =>
      names.filter((name) => typeof name === 'string' && core.tables[table]?.columns[name] !== undefined),
  };
  return Promise.all(
    presets.flatMap((preset) =>
      preset.templates.map(async (name) => ({
        name: name.replaceAll('_', ' '),
        sql: await render('preset', `${name}.sql`, model, helpers),
        rollback: await render('preset', `${name}.rollback.sql`, model, helpers),
      })),
    ),
  );
}

function uniqueBuckets(presets: readonly Preset[]): Bucket[] {
  const buckets = presets.flatMap((preset) => preset.buckets);
  return buckets.filter((bucket, index) => buckets.findIndex(({ id }) => id === bucket.id) === index);
}

function summary(table: ResolvedTable): TableSummary {
  const time = [
    { name: 'created_at', type: 'timestamptz' },
    { name: 'updated_at', type: 'timestamptz' },
  ];
  return {
    name: table.name,
    scope: table.scope,
    ...(table.scope !== 'public-read' && table.policies.some(({ directive }) => directive !== null) && { open: true }),
    columns: [{ name: 'id', type: 'uuid' }, ...table.columns.map(({ name, type }) => ({ name, type })), ...time],
    comment: table.comment ?? '',
  };
}

/**
 * The policies of the buckets' files: everyone can read a public bucket, else users only their own folder, which is named after
 * the user's id (Supabase documentation, "Storage Access Control"); a user can only write there.
 */
function storagePolicies(buckets: readonly Bucket[], muse: string): Policy[] {
  return buckets.flatMap(({ id, public: open }): Policy[] => {
    const inBucket = `bucket_id = ${quoteLiteral(id)}`;
    const own = `${inBucket} and (storage.foldername(name))[1] = (select auth.uid())::text`;
    const name = (verb: string): string => fitName([muse, id], verb);
    const roles = ['authenticated'];
    return [
      {
        name: name('select'),
        verb: 'SELECT',
        roles: open ? ['anon', ...roles] : roles,
        using: open ? inBucket : own,
        check: null,
        directive: open ? 'muse: public-read' : null,
      },
      { name: name('insert'), verb: 'INSERT', roles, using: null, check: own, directive: null },
      { name: name('update'), verb: 'UPDATE', roles, using: own, check: own, directive: null },
      { name: name('delete'), verb: 'DELETE', roles, using: own, check: null, directive: null },
    ];
  });
}
