import type { Catalog, Column, Table } from '../../sql/catalog/model.ts';
import type { Run } from './check.ts';
import { fitName, quoteIdentifier, quoteQualified } from '../../shared/quote.ts';
import { comparedWithUser } from './policies.ts';
import type { Provided } from './provided.ts';
import { declared } from './tables.ts';

/** Whom a table's rows belong to, according to its columns. */
export type Owner =
  | { kind: 'user'; column: string }
  | { kind: 'organization'; column: string; helper: string }
  /** The app's own connection sets the current user; `helper` returns it. */
  | { kind: 'session'; column: string; helper: string }
  | { kind: 'service' };

/** Columns that hold the owner of a row, the most explicit first. */
const userColumns = ['user_id', 'owner_id', 'profile_id'];
/** Columns that hold a user who is not the owner. */
const others = /link|refer|recruit|admin|target|sender|recipient|assign|invit|review|approv|winner|created|updated/;
const organizationColumns = ['organization_id', 'org_id'];

/** Returns whether a column references the users' table, directly or through a table whose key does. */
function pointsAtUsers(table: Table, column: string, catalog: Catalog): boolean {
  const key = table.foreignKeys.find(({ columns }) => columns.length === 1 && columns[0] === column);
  if (key === undefined) return false;
  if (key.table === 'auth.users') return true;
  const target = catalog.tables.get(key.table);
  const [id] = target?.primaryKey ?? [];
  return (
    target !== undefined &&
    id !== undefined &&
    target !== table &&
    (key.targets.length === 0 || key.targets[0] === id) &&
    pointsAtUsers(target, id, catalog)
  );
}

const isUuid = (column: Column | undefined): boolean => column?.type === 'uuid';

/**
 * Whom the rows of a table belong to: a user, if a column's name and type say so, or its other policies; an organization, if
 * there is a membership helper; otherwise only the server.
 */
export function ownerOf(table: Table, catalog: Catalog): Owner {
  const named = [...table.columns.values()].filter(
    ({ name, type }) => type === 'uuid' && /^\w+_user_id$/.test(name) && !others.test(name),
  );
  const direct = userColumns.find((name) => isUuid(table.columns.get(name)));
  const helper = membershipHelper(catalog);
  const organization = organizationColumns.find((name) => isUuid(table.columns.get(name)));
  const session = sessionOwner(catalog, organization, direct);
  if (session !== undefined) return session === 'none' ? { kind: 'service' } : session;
  if (direct !== undefined) return { kind: 'user', column: direct };
  const [id] = table.primaryKey;
  if (id !== undefined && table.primaryKey.length === 1 && pointsAtUsers(table, id, catalog))
    return { kind: 'user', column: id };
  if (organization !== undefined && helper !== undefined) return { kind: 'organization', column: organization, helper };
  if (named.length === 1) return { kind: 'user', column: named[0]!.name };
  const told = comparedWithUser(table);
  if (told !== undefined && isUuid(table.columns.get(told))) return { kind: 'user', column: told };
  return { kind: 'service' };
}

/**
 * The owner if the app's own connection sets the current user: rows are compared with that; `none` if no column can be.
 * Undefined if the kit works differently.
 */
function sessionOwner(
  catalog: Catalog,
  organization: string | undefined,
  user: string | undefined,
): Owner | 'none' | undefined {
  const [byOrganization, byUser] = [
    sessionHelper(catalog, 'uuid', /current_org/),
    sessionHelper(catalog, 'uuid', /current_user/),
  ];
  if (byOrganization === undefined && byUser === undefined) return undefined;
  if (organization !== undefined && byOrganization !== undefined)
    return { kind: 'session', column: organization, helper: byOrganization };
  if (user !== undefined && byUser !== undefined) return { kind: 'session', column: user, helper: byUser };
  return 'none';
}

/** A function of the kit without arguments that returns a value from the app's connection settings. */
function sessionHelper(catalog: Catalog, returned: string, pattern: RegExp): string | undefined {
  const own = [...catalog.routines.values()]
    .flat()
    .filter(({ site, arguments: types, returns }) => site !== undefined && types.length === 0 && returns === returned);
  return own.find(
    ({ name, body }) =>
      pattern.test(name) && JSON.stringify(body.map(({ node }) => node)).includes('"current_setting"'),
  )?.name;
}

/** The condition that a user is signed in, for kits whose own connection sets the user; undefined for other kits. */
export function signedInBySession(catalog: Catalog): string | undefined {
  const user = sessionHelper(catalog, 'uuid', /current_user/);
  const superadmin = sessionHelper(catalog, 'boolean', /super_?admin/);
  if (user === undefined) return undefined;
  return `(SELECT ${quoteQualified(user)}()) IS NOT NULL${superadmin === undefined ? '' : ` OR (SELECT ${quoteQualified(superadmin)}())`}`;
}

/** The membership helper of each catalog, cached. */
const helpers = new WeakMap<Catalog, { name: string | undefined }>();

/** A function that returns the organizations of the current user: SECURITY DEFINER, no arguments, uuid[]. */
function membershipHelper(catalog: Catalog): string | undefined {
  const known = helpers.get(catalog);
  if (known !== undefined) return known.name;
  const fits = [...catalog.routines.values()]
    .flat()
    .find(
      ({ name, definer, arguments: types, returns }) =>
        definer && types.length === 0 && returns === 'uuid[]' && /organization|org_|membership/.test(name),
    );
  helpers.set(catalog, { name: fits?.name });
  return fits?.name;
}

/** The condition that a row belongs to the current user. */
export function conditionFor(owner: Exclude<Owner, { kind: 'service' }>): string {
  if (owner.kind === 'user') return `(SELECT auth.uid()) = ${quoteIdentifier(owner.column)}`;
  if (owner.kind === 'session') return `${quoteIdentifier(owner.column)} = (SELECT ${quoteQualified(owner.helper)}())`;
  return `${quoteIdentifier(owner.column)} = ANY ((SELECT ${quoteQualified(owner.helper)}())::uuid[])`;
}

/** Tables whose rows only the server writes and users read: logs, payments, earnings. */
const records =
  /(?:^|_)(?:logs?|audits?|events?|histor(?:y|ies)|transactions?|ledgers?|invoices?|invoice_items|payments?|payouts?|subscriptions?|commissions?|earnings?|referrals?|receipts?|deliveries|awards?|badges?|milestones?|metrics|usage|roles?)$/;
/** Columns that would let a user who can write them give themselves money or rights, or decide for someone else. */
const privileges =
  /^(?:role|roles|is_admin|is_superadmin|is_staff|permissions?|plan|plan_id|tier|tier_id|credits?|balance|stripe_\w+|\w+_cents|discount_(?:percent|value|amount)|commission_rate|verified|is_verified|is_featured|paid_at|(?:reviewed|approved|verified|processed|countersigned)_(?:at|by)|admin_notes|sender_role)$/;

/**
 * Whether users may write their own rows: not those that only the server can vouch for, and not those that would let
 * them join an organization.
 */
export function mayWrite(table: Table, owner: Owner): boolean {
  const bare = table.name.slice(table.name.indexOf('.') + 1);
  const columns = [...table.columns.keys()];
  if (records.test(bare) || columns.some((name) => privileges.test(name))) return false;
  return (
    owner.kind !== 'user' ||
    !columns.some((name) => /^(?:organi[sz]ation|org|team|workspace|tenant|account)_id$/.test(name))
  );
}

const commands = ['select', 'insert', 'update', 'delete'] as const;

/**
 * What the migrations already grant a role on the table. If they grant anything, the author has decided, and nothing is
 * added.
 */
function held(table: Table, role: string): ReadonlySet<string> {
  return table.grants.get(role) ?? new Set();
}

/** A grant to those roles that have none yet. */
function grantTo(table: Table, privileges: string, ...roles: string[]): string[] {
  const without = roles.filter((role) => held(table, role).size === 0);
  return without.length === 0 ? [] : [`GRANT ${privileges} ON ${quoteQualified(table.name)} TO ${without.join(', ')};`];
}

/**
 * The policies that let users keep their own rows of a table, for the verbs that they already have a privilege for.
 * None if they have no privilege.
 */
export function ownPolicies(table: Table, owner: Exclude<Owner, { kind: 'service' }>): string[] {
  const name = quoteQualified(table.name);
  const bare = table.name.slice(table.name.indexOf('.') + 1);
  const condition = conditionFor(owner);
  const make = (suffix: string, rest: string): string[] => {
    const policy = quoteIdentifier(fitName(bare, suffix));
    return [`DROP POLICY IF EXISTS ${policy} ON ${name};`, `CREATE POLICY ${policy} ON ${name} ${rest};`];
  };
  // The role that the app connects as is not known here, so the policy names none.
  if (owner.kind === 'session') return make('_own', `FOR ALL USING (${condition}) WITH CHECK (${condition})`);
  const granted = new Set([...held(table, 'authenticated'), ...held(table, 'public')]);
  const usable = commands.filter((command) => granted.has(command) && (command === 'select' || mayWrite(table, owner)));
  if (usable.length === commands.length)
    return make('_own', `FOR ALL TO authenticated USING (${condition}) WITH CHECK (${condition})`);
  const clauses = {
    select: `USING (${condition})`,
    insert: `WITH CHECK (${condition})`,
    update: `USING (${condition}) WITH CHECK (${condition})`,
    delete: `USING (${condition})`,
  };
  return usable.flatMap((command) =>
    make(
      usable.length === 1 ? '_own' : `_own_${command}`,
      `FOR ${command.toUpperCase()} TO authenticated ${clauses[command]}`,
    ),
  );
}

/** What to do about a table where nothing is there that a policy for it could name. */
const ownerReaches =
  "-- Then only the table's owner reaches its rows: if the app connects as another role, add a policy for that one.";

/** Returns whether what policies for an owner's rows name is there: a role, and where they ask who is signed in, `auth.uid()`. */
export function isNameable({ kind }: Owner, { roles, auth }: Provided): boolean {
  if (kind === 'session') return true;
  return kind === 'service' ? roles.has('service_role') : roles.has('authenticated') && (auth || kind !== 'user');
}

/** Policies and grants for the table, ready to paste. */
export function policiesFor(table: Table, catalog: Catalog, run: Pick<Run, 'meanings' | 'provided'>): string[] {
  const name = quoteQualified(table.name);
  const bare = table.name.slice(table.name.indexOf('.') + 1);
  const provided = run.provided();
  const there = (...all: string[]): string[] => all.filter((role) => provided.roles.has(role));
  if (declared(run, table.name, 'service-only'))
    return there('service_role').map((role) => `GRANT ALL ON ${name} TO ${role};`);
  const owner = ownerOf(table, catalog);
  if (!isNameable(owner, provided)) return [ownerReaches];
  const make = (suffix: string, rest: string): string[] => {
    const policy = quoteIdentifier(fitName(bare, suffix));
    return [`DROP POLICY IF EXISTS ${policy} ON ${name};`, `CREATE POLICY ${policy} ON ${name} ${rest};`];
  };
  const server = grantTo(table, 'SELECT, INSERT, UPDATE, DELETE', ...there('service_role'));
  if (owner.kind === 'service')
    return [...make('_service', 'FOR ALL TO service_role USING (true) WITH CHECK (true)'), ...server];
  const condition = conditionFor(owner);
  // The role that the app connects as is not known here, so the policy names none and nothing is granted.
  if (owner.kind === 'session') return make('_own', `FOR ALL USING (${condition}) WITH CHECK (${condition})`);
  if (!mayWrite(table, owner))
    return [
      ...make('_own', `FOR SELECT TO authenticated USING (${condition})`),
      ...grantTo(table, 'SELECT', 'authenticated'),
      ...server,
    ];
  const granted = held(table, 'authenticated');
  if (granted.size > 0 && !commands.every((command) => granted.has(command))) {
    const clauses = {
      select: `USING (${condition})`,
      insert: `WITH CHECK (${condition})`,
      update: `USING (${condition}) WITH CHECK (${condition})`,
      delete: `USING (${condition})`,
    };
    return [
      ...commands
        .filter((command) => granted.has(command))
        .flatMap((command) =>
          make(`_own_${command}`, `FOR ${command.toUpperCase()} TO authenticated ${clauses[command]}`),
        ),
      ...server,
    ];
  }
  return [
    ...make('_own', `FOR ALL TO authenticated USING (${condition}) WITH CHECK (${condition})`),
    ...grantTo(table, 'SELECT, INSERT, UPDATE, DELETE', ...there('authenticated', 'service_role')),
  ];
}
