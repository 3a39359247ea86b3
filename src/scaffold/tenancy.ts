import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { newFiles } from '../migrations/new-files.ts';
import type { Isolation, MigrationFolders, SessionTenancy } from '../shared/muse-file.ts';
import { quoteIdentifier } from '../shared/quote.ts';
import { auditedUse, settingSql } from './access.ts';
import { membershipOf, organizationKey, peopleKey, splitName } from './core.ts';
import { extensionPaths } from './new.ts';
import { render } from './render.ts';
import { checkedSession } from './session.ts';
import type { CoreFacts } from './table.ts';

/** A table of core, as the app's role sees it. */
export interface CoreTable {
  /** `schema.name`. */
  name: string;
  rls: boolean;
  /** The verbs that its policies without a role allow: `select`, `insert` … */
  open: string[];
}

export interface TenancyRequest {
  /** The muse's name. */
  name: string;
  core: CoreFacts;
  tables: readonly CoreTable[];
  /** Schemas that core creates, whose functions its policies may call. */
  schemas: readonly string[];
  /** How core itself isolates tenants: with session variables, its own policies apply to the app's role. */
  coreIsolation: Isolation;
  session: SessionTenancy;
  number: string;
  folders: MigrationFolders;
}

/** What a role may do with a table of core. */
interface CoreAccess {
  schema: string;
  table: string;
  /** SQL. */
  grants: { verbs: string; role: string }[];
  policies: { name: string; verb: string; role: string; using: string; check: string | null }[];
}

const allVerbs = ['select', 'insert', 'update', 'delete'];
/** Functions of the built-in core that read session variables. */
const sessionFunctions = ['public.feature_enabled(text, uuid)', 'public.write_audit(text, text, text, uuid, jsonb)'];
const secretColumn = /secret|token|password|hash|credential|(^|_)key$/;

/**
 * The migration that creates the roles for session variables, their rights on core, and the superadmin's log; and
 * its rollback.
 * @returns paths relative to the muse's directory, with `/`
 * @throws MuseError `bad-session` if the names cannot be used
 */
export async function tenancyMigration(request: TenancyRequest): Promise<{ path: string; content: string }[]> {
  const { core, folders, number } = request;
  const session = checkedSession(request.session);
  const { path, rollbackPath } = extensionPaths(folders, number, 'session_tenancy');
  const writesAudit = core.functions.includes(sessionFunctions[1]!) && core.tables['public.audit_logs'] !== undefined;
  const model = {
    muse: request.name,
    path,
    rollbackPath,
    session,
    roles: [session.role, session.superadminRole],
    schemas: [
      'public',
      ...request.schemas.filter(
        (schema) => request.coreIsolation === 'session' && !['public', 'private'].includes(schema),
      ),
    ],
    writesAudit,
    makesSchema: !core.functions.some((name) => name.startsWith('private.')),
    functions: sessionFunctions.filter((name) => core.functions.includes(name)),
    access: request.tables.filter(({ rls }) => rls).map((table) => coreAccess(table, request, session)),
  };
  return newFiles(
    folders,
    { path, rollbackPath },
    await render('tenancy', 'tenancy.sql', model),
    await render('tenancy', 'tenancy.rollback.sql', model),
  );
}

function coreAccess(
  { name, open }: CoreTable,
  { core, coreIsolation }: TenancyRequest,
  session: SessionTenancy,
): CoreAccess {
  const { schema, table } = splitName(name);
  const isLog = /(^|_)audit(_|$)/.test(table);
  const verbs = isLog ? ['select', 'insert'] : allVerbs;
  const access: CoreAccess = {
    schema,
    table,
    grants: [{ verbs: verbs.join(', ').toUpperCase(), role: session.superadminRole }],
    policies: [
      { name: 'superadmin_all', verb: 'ALL', role: session.superadminRole, using: auditedUse, check: auditedUse },
    ],
  };
  if (coreIsolation === 'session') {
    if (open.length > 0)
      access.grants.push({
        verbs: allVerbs
          .filter((verb) => open.includes(verb))
          .join(', ')
          .toUpperCase(),
        role: session.role,
      });
    return access;
  }
  const condition = isLog ? undefined : ownRows(name, core, session);
  if (condition !== undefined) {
    access.grants.push({ verbs: 'SELECT', role: session.role });
    access.policies.push({ name: 'app_select', verb: 'SELECT', role: session.role, using: condition, check: null });
  }
  return access;
}

/**
 * SQL for the rows of a table of core that the app's role reads: those of the organization, else those of the user.
 * Undefined if no column shows it, or if one of the columns is a secret.
 */
function ownRows(name: string, core: CoreFacts, session: SessionTenancy): string | undefined {
  const columns = core.tables[name]?.columns ?? {};
  if (Object.keys(columns).some((column) => secretColumn.test(column))) return undefined;
  const organization = organizationKey(core);
  const people = peopleKey(core, 'auth-uid');
  const is = (column: string, variable: string): string =>
    `(select ${settingSql(variable, columns[column] ?? 'uuid')}) = ${quoteIdentifier(column)}`;
  const keyIs = (key: typeof people, variable: string): string | undefined =>
    key !== undefined && `${key.schema}.${key.table}` === name && columns[key.column] !== undefined
      ? is(key.column, variable)
      : undefined;
  const byOrganization = ['organization_id', 'org_id', membershipOf(core)?.organizationColumn].find(
    (column) => column !== undefined && columns[column] !== undefined,
  );
  if (byOrganization !== undefined) return is(byOrganization, session.organization);
  const byKey = keyIs(organization, session.organization) ?? keyIs(people, session.user);
  if (byKey !== undefined) return byKey;
  const byUser = ['user_id', 'owner_id'].find((column) => columns[column] !== undefined);
  return byUser === undefined ? undefined : is(byUser, session.user);
}

const template = new URL('../../templates/tenancy/tenant.ts', import.meta.url);

/** How the helper begins; a file that begins like this may be replaced with a newer one. */
export const helperStart = '/** Tenants, kept apart';

/**
 * The TypeScript helper with which the app sets the variables, with the names of the muse in it.
 * @param session as `checkedSession` returns it: plain words, safe in a string
 */
export async function helperFile(session: SessionTenancy): Promise<string> {
  const text = (await readFile(fileURLToPath(template), 'utf8')).replaceAll('\r\n', '\n');
  const { role, superadminRole, organization, user, superadmin } = session;
  const entries = Object.entries({ role, superadminRole, organization, user, superadmin }).filter(
    ([, value]) => value !== undefined,
  );
  const lines = entries.map(([key, value]) => `  ${key}: '${value}',\n`).join('');
  return text
    .replace(/(const names: \{[^}]*\} = \{\n)[^}]*\};/, (_, head: string) => `${head}${lines}};`)
    .replace('`GRANT app_user, app_superadmin TO <role>`', `\`GRANT ${role}, ${superadminRole} TO <role>\``);
}
