import { platformMark } from '../../database/platform/platform.ts';
import { platformSchemas } from '../../rules/engine/live/catalog.ts';
import { securityInvoker } from './catalog-query.ts';
import type { Session } from '../../database/database.ts';
import type { JobRow } from '../../rules/engine/live/catalog.ts';

/** Privileges of a user's role on one object. */
export interface Held {
  /** `schema.name` of a table or sequence, or the name of a schema. */
  object: string;
  role: string;
  /** PostgreSQL's names, e.g. `TRUNCATE`. */
  privileges: string[];
}

/** Default privileges on future objects. */
export interface DefaultGrant {
  /** The role whose new objects it applies to. */
  owner: string;
  /** Null for every schema. */
  schema: string | null;
  kind: 'tables' | 'sequences' | 'functions';
  /** `public` for everyone. */
  role: string;
  privileges: string[];
}

/** A role that a user's role can become or whose privileges it has. */
export interface RoleWay {
  role: string;
  bypassRls: boolean;
  superuser: boolean;
  /** The role itself, or one that it is a direct or indirect member of. */
  through: string;
  /** Tables that `through` owns and whose policies do not apply to their owner. */
  owns: string[];
}

/** Access to rows by means other than SELECT, INSERT, UPDATE and DELETE on a table, read from the catalog. */
export interface Ways {
  /** TRUNCATE, REFERENCES, TRIGGER and MAINTAIN on tables: row-level security does not apply to them. */
  tables: Held[];
  /** INSERT, UPDATE and DELETE on whole tables. */
  writes: Held[];
  /** How many tables of each schema users have any privilege on. */
  used: { schema: string; tables: number }[];
  /** USAGE and UPDATE on sequences, with the table whose column uses them. */
  sequences: (Held & { table: string | null })[];
  /** CREATE in schemas. */
  schemas: Held[];
  defaults: DefaultGrant[];
  roles: RoleWay[];
  /**
   * Roles that can log in to the database or that a token may name, that have privileges here and do not belong to the
   * platform.
   */
  strangers: { role: string; bypassRls: boolean; login: boolean }[];
  /** Tables without row-level security whose changes Realtime sends to roles that can read them. */
  published: { object: string; publication: string; full: boolean; roles: string[] }[];
  foreign: Held[];
  /** Tables and views of the platform, not held by policies, that users got rights on which the platform does not give. */
  platform: Held[];
  labels: { object: string; provider: string }[];
  /** Policies of `realtime.messages`. */
  topics: { name: string; command: string; permissive: boolean; roles: string[]; expression: string }[];
  /** The jobs of pg_cron of the database that a copy is of. */
  jobs?: JobRow[];
  /** The platform was installed by create-muse, so no default privilege comes from Supabase. */
  isOwnPlatform: boolean;
}

/** Roles of every Supabase project, and those of its services. */
const platformRoles = [
  'anon',
  'authenticated',
  'service_role',
  'authenticator',
  'postgres',
  'dashboard_user',
  'pgbouncer',
  'pgsodium_keyholder',
  'pgsodium_keyiduser',
  'pgsodium_keymaker',
  'cli_login_postgres',
];

/** Schemas of the platform whose rows are for its services alone. */
const servicesSchemas = ['auth', 'vault', 'supabase_migrations'];

const isOwnSchema =
  "n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and n.nspname <> all " +
  `('{${[...platformSchemas].join(',')}}')`;
const list = (rows: string): string =>
  `(select coalesce(json_agg(row_to_json(found)), '[]'::json) from (${rows}) as found)`;
const isHeld = "(x.grantee = 0 or pg_has_role(a.oid, x.grantee, 'usage'))";

/**
 * Privileges from an access list, except the owner's. Servers before 17 do not know the name MAINTAIN, so
 * has_table_privilege cannot be used.
 */
const held = (kinds: string, kind: 'r' | 'S', privileges: string): string => `
  select o.object, a.rolname as role, json_agg(distinct x.privilege_type) as privileges
  from own o cross join asked a cross join lateral aclexplode(coalesce(o.relacl, acldefault('${kind}', o.relowner))) x
  where o.relkind in (${kinds}) and x.privilege_type in (${privileges}) and ${isHeld}
    and not pg_has_role(a.oid, o.relowner, 'usage') group by o.object, a.rolname order by 1, 2`;

/** `$1` is a JSON array of the users' roles. One row, one column `ways`. */
const query = `
with recursive asked as (
  select r.oid, r.rolname from pg_roles r where r.rolname in (select json_array_elements_text($1::json))
), own as (
  select c.*, n.nspname, n.nspname || '.' || c.relname as object from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where ${isOwnSchema} and not exists (select 1 from pg_depend e where e.objid = c.oid
    and e.classid = 'pg_class'::regclass and e.deptype = 'e')
), reached(role, oid) as (
  select a.rolname, a.oid from asked a
  union select reached.role, m.roleid from reached join pg_auth_members m on m.member = reached.oid
)
select json_build_object(
  'tables', ${list(held("'r', 'p'", 'r', "'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN'"))},
  'writes', ${list(held("'r', 'p'", 'r', "'INSERT', 'UPDATE', 'DELETE'"))},
  'used', ${list(`
    select o.nspname as schema, count(distinct o.oid)::int as tables
    from own o cross join asked a cross join lateral aclexplode(coalesce(o.relacl, acldefault('r', o.relowner))) x
    where o.relkind in ('r', 'p') and ${isHeld} and not pg_has_role(a.oid, o.relowner, 'usage') group by 1 order by 1`)},
  'sequences', ${list(`
    select h.*, (select s.nspname || '.' || t.relname from own q join pg_depend dep on dep.objid = q.oid
      and dep.classid = 'pg_class'::regclass
      and dep.refclassid = 'pg_class'::regclass and dep.deptype in ('a', 'i')
        join pg_class t on t.oid = dep.refobjid join pg_namespace s on s.oid = t.relnamespace
      where q.object = h.object and q.relkind = 'S' limit 1) as "table"
    from (${held("'S'", 'S', "'USAGE', 'UPDATE'")}) as h`)},
  'schemas', ${list(`
    select n.nspname as object, a.rolname as role, json_build_array('CREATE') as privileges from pg_namespace n cross join asked a
    where ${isOwnSchema} and has_schema_privilege(a.oid, n.oid, 'CREATE') order by 1, 2`)},
  'defaults', ${list(`
    select pg_get_userbyid(d.defaclrole) as owner, n.nspname as schema, case d.defaclobjtype when 'r' then 'tables'
      when 'S' then 'sequences' else 'functions' end as kind,
      coalesce(r.rolname, 'public') as role, json_agg(distinct x.privilege_type) as privileges
    from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace
      cross join lateral aclexplode(d.defaclacl) x left join pg_roles r on r.oid = x.grantee
    where d.defaclobjtype in ('r', 'S', 'f') and (d.defaclnamespace = 0 or (${isOwnSchema}))
      and pg_get_userbyid(d.defaclrole) !~ '^supabase_'
      and (x.grantee in (select a.oid from asked a) or r.rolname = 'service_role' or (x.grantee = 0 and d.defaclobjtype <> 'f'))
    group by 1, 2, 3, 4 order by 1, 2, 3, 4`)},
  'roles', ${list(`
    select reached.role, r.rolbypassrls as "bypassRls", r.rolsuper as superuser, r.rolname as through,
      (select coalesce(json_agg(o.object order by o.object), '[]'::json) from own o where o.relowner = r.oid
        and o.relkind in ('r', 'p') and not o.relforcerowsecurity) as owns
    from reached join pg_roles r on r.oid = reached.oid order by 1, 4`)},
  'strangers', ${list(`
    select r.rolname as role, r.rolbypassrls as "bypassRls", r.rolcanlogin as login from pg_roles r
    where not r.rolsuper and r.rolname <> current_user and r.rolname !~ '^(pg|supabase)_'
      and r.rolname <> all ('{${platformRoles.join(',')}}')
      and r.rolname not in (select a.rolname from asked a)
      and (r.rolcanlogin or exists (select 1 from pg_auth_members m join pg_roles b on b.oid = m.member
        where m.roleid = r.oid and b.rolname = 'authenticator'))
      and exists (select 1 from own o cross join lateral aclexplode(o.relacl) x where x.grantee = r.oid
        and o.relkind in ('r', 'p', 'v', 'm', 'f') and o.relowner <> r.oid)
    order by 1`)},
  'published', ${list(`
    select o.object, p.pubname as publication, o.relreplident = 'f' as full,
      (select json_agg(a.rolname order by a.rolname) from asked a
        where has_any_column_privilege(a.oid, o.oid, 'SELECT') and has_schema_privilege(a.oid, o.relnamespace, 'USAGE')) as roles
    from pg_publication_tables p join own o on o.nspname = p.schemaname and o.relname = p.tablename
    where p.pubname = 'supabase_realtime' and not o.relrowsecurity
      and exists (select 1 from asked a where has_any_column_privilege(a.oid, o.oid, 'SELECT')
        and has_schema_privilege(a.oid, o.relnamespace, 'USAGE'))
    order by 1`)},
  'foreign', ${list(held("'f'", 'r', "'SELECT', 'INSERT', 'UPDATE', 'DELETE'"))},
  'platform', ${list(`
    select n.nspname || '.' || c.relname as object, a.rolname as role, json_agg(distinct x.privilege_type) as privileges
    from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join asked a
      cross join lateral (select * from aclexplode(c.relacl) union all select of_column.* from pg_attribute t
        cross join lateral aclexplode(t.attacl) of_column where t.attrelid = c.oid) x
    where n.nspname = any ('{${servicesSchemas.join(',')}}') and c.relkind in ('r', 'p', 'v', 'm') and not c.relrowsecurity
      and not ${securityInvoker}
      and x.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE') and ${isHeld}
      and not pg_has_role(a.oid, c.relowner, 'usage') and has_schema_privilege(a.oid, n.oid, 'USAGE')
      and not exists (select 1 from pg_init_privs i cross join lateral aclexplode(i.initprivs) given
        where i.objoid = c.oid and i.classoid = 'pg_class'::regclass
          and given.grantee = x.grantee and given.privilege_type = x.privilege_type)
    group by 1, 2 order by 1, 2`)},
  'labels', ${list(`
    select distinct o.object, l.provider from pg_seclabel l join own o on o.oid = l.objoid
      where l.classoid = 'pg_class'::regclass order by 1`)},
  'topics', ${list(`
    select p.polname as name, p.polcmd as command, p.polpermissive as permissive,
      coalesce(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), 'true') as expression,
      (select json_agg(coalesce(r.rolname, 'public')) from unnest(p.polroles) as role(oid)
        left join pg_roles r on r.oid = role.oid) as roles
    from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'realtime' and c.relname = 'messages' order by 1`)},
  'isOwnPlatform', coalesce((select obj_description(n.oid, 'pg_namespace') = '${platformMark}' from pg_namespace n
    where n.nspname = 'auth'), true)
) as ways`;

/**
 * Reads every access to rows other than the four verbs, in one round trip.
 * @param userRole the role of signed-in users; a database that has the role `anon` lets anyone act as that, however the app
 * isolates
 * @throws DatabaseError what PostgreSQL says
 */
export async function readWays(session: Session, userRole: string): Promise<Ways> {
  const { rows } = await session.query<{ ways: Ways | string }>(query, [JSON.stringify(['anon', userRole])]);
  const ways = rows[0]!.ways;
  // Over HTTPS a JSON column may arrive as its text.
  return typeof ways === 'string' ? (JSON.parse(ways) as Ways) : ways;
}
