import { platformSchemas } from '../../rules/engine/live/catalog.ts';
import { hasJobs } from './jobs.ts';

/** The one query that reads a catalog: everything the checks and the proof need, in a single round trip. */

/** The table in which pg_net's requests wait until the transaction is committed. */
const requestQueue = 'net.http_request_queue';

/** The platform's own tables and functions are read only if the muse's objects depend on them. */
const isPlatform = `n.nspname = any ('{${[...platformSchemas].join(',')}}')`;

/**
 * The type with an OID, found by its index: without OFFSET 0 the planner joins with all types, once for each table and
 * function.
 */
const typeOf = (oid: string): string => `lateral (select * from pg_type one where one.oid = ${oid} offset 0)`;

const relationColumns = `
  select coalesce(json_agg(json_build_object(
    'name', a.attname,
    'type', format_type(a.atttypid, a.atttypmod),
    'base', case when t.typtype = 'd' then format_type(base.oid, base.typmod) else format_type(a.atttypid, a.atttypmod) end,
    'category', coalesce(base.typcategory, t.typcategory),
    'notNull', a.attnotnull or t.typnotnull,
    'default', pg_get_expr(d.adbin, d.adrelid),
    'identity', a.attidentity,
    'generated', a.attgenerated <> '',
    'labels', (select json_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = coalesce(base.oid, t.oid)),
    'domainChecks', base.checks) order by a.attnum), '[]'::json)
  from pg_attribute a
  cross join ${typeOf('a.atttypid')} t
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  left join lateral (
    with recursive up(oid, basetype, typmod, typtype) as (
      select y.oid, y.typbasetype, y.typtypmod, y.typtype from pg_type y where y.oid = a.atttypid and y.typtype = 'd'
      union all
      select y.oid, y.typbasetype, case when y.typtype = 'd' then y.typtypmod else up.typmod end, y.typtype
      from up join pg_type y on y.oid = up.basetype
    )
    select y.oid, up.typmod, y.typcategory,
      (select json_agg(pg_get_expr(k.conbin, 0)) from pg_constraint k where k.contype = 'c'
        and k.contypid in (select up.oid from up)) as checks
    from up join pg_type y on y.oid = up.oid where up.typtype <> 'd'
  ) base on true
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped`;

const columnNames = (keys: string, relation: string): string => `
  (select json_agg(a.attname order by key.position) from unnest(${keys}) with ordinality as key(number, position)
   left join pg_attribute a on a.attrelid = ${relation} and a.attnum = key.number and key.number > 0)`;

/** What a partitioned table takes, as a CHECK: only rows that one of its partitions takes, where none takes all others. */
const ofPartitions = `
  select json_build_object('name', '', 'type', 'c', 'columns', ${columnNames('key.columns', 't.partrelid')},
    'target', null, 'targetColumns', null, 'clears', false, 'cascades', false, 'expression', (
      select string_agg('(' || pg_get_partition_constraintdef(i.inhrelid) || ')', ' OR ' order by i.inhrelid)
      from pg_inherits i where i.inhparent = t.partrelid)) as one
  from pg_partitioned_table t
    cross join lateral (select string_to_array(t.partattrs::text, ' ')::int2[] as columns) as key
  where t.partrelid = c.oid and t.partstrat in ('l', 'r') and t.partdefid = 0 and 0 <> all (key.columns)
    and exists (select 1 from pg_inherits i where i.inhparent = t.partrelid)
    and not exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attnum = any (key.columns) and a.atthasdef)`;

const constraints = `
  select coalesce(json_agg(one order by one ->> 'name'), '[]'::json) from (select json_build_object(
    'name', k.conname, 'type', k.contype,
    'columns', coalesce(${columnNames('k.conkey', 'k.conrelid')}, '[]'::json),
    'target', (select fn.nspname || '.' || f.relname from pg_class f
      join pg_namespace fn on fn.oid = f.relnamespace where f.oid = k.confrelid),
    'targetColumns', ${columnNames('k.confkey', 'k.confrelid')}, 'clears', k.confdeltype = 'n',
    'cascades', k.confdeltype = 'c',
    'expression', pg_get_expr(k.conbin, k.conrelid)) as one
  from pg_constraint k where k.conrelid = c.oid and k.contype in ('p', 'u', 'f', 'c', 'x')
  union all ${ofPartitions}) as every`;

const indexes = `
  select coalesce(json_agg(json_build_object(
    'name', ic.relname,
    'columns', ${columnNames("(string_to_array(i.indkey::text, ' ')::int2[])[1:i.indnkeyatts]", 'i.indrelid')},
    'unique', i.indisunique, 'valid', i.indisvalid,
    'predicate', pg_get_expr(i.indpred, i.indrelid))), '[]'::json)
  from pg_index i join pg_class ic on ic.oid = i.indexrelid where i.indrelid = c.oid`;

const policies = `
  select coalesce(json_agg(json_build_object(
    'name', p.polname, 'command', p.polcmd, 'permissive', p.polpermissive,
    'roles', (select json_agg(coalesce(r.rolname, 'public')) from unnest(p.polroles) as role(oid) left join pg_roles r on r.oid = role.oid),
    'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid)) order by p.polname), '[]'::json)
  from pg_policy p where p.polrelid = c.oid`;

const triggers = `
  select coalesce(json_agg(json_build_object(
    'name', g.tgname, 'function', g.tgfoid::oid::text, 'enabled', g.tgenabled <> 'D',
    'isAfter', g.tgtype & (2 + 64) = 0,
    'events', (select coalesce(string_agg(letter, ''), '') from (values (4, 'I'), (8, 'D'), (16, 'U'), (32, 'T')) as e(bit, letter)
      where g.tgtype & bit > 0),
    'columns', array(select a.attname from unnest(g.tgattr) as n(number)
      join pg_attribute a on a.attrelid = g.tgrelid and a.attnum = n.number)) order by g.tgname), '[]'::json)
  from pg_trigger g where g.tgrelid = c.oid and not g.tgisinternal`;

/** Rewrite rules other than the one that defines a view. */
const rules = `
  select coalesce(json_agg(json_build_object('name', w.rulename, 'definition', pg_get_ruledef(w.oid)) order by w.rulename), '[]'::json)
  from pg_rewrite w where w.ev_class = c.oid and w.rulename <> '_RETURN'`;

const parent = `
  select fn.nspname || '.' || f.relname from pg_inherits i join pg_class f on f.oid = i.inhparent
    join pg_namespace fn on fn.oid = f.relnamespace
  where i.inhrelid = c.oid order by i.inhseqno limit 1`;

const grants = `
  select coalesce(json_object_agg(a.rolname,
    case when has_table_privilege(a.oid, c.oid, 'SELECT') then 'S' else '' end ||
    case when has_table_privilege(a.oid, c.oid, 'INSERT') then 'I' else '' end ||
    case when has_table_privilege(a.oid, c.oid, 'UPDATE') then 'U' else '' end ||
    case when has_table_privilege(a.oid, c.oid, 'DELETE') then 'D' else '' end ||
    case when has_table_privilege(a.oid, c.oid, 'TRUNCATE') then 'T' else '' end), '{}'::json)
  from asked a`;

const columnGrants = `
  select coalesce(json_object_agg(g.rolname, g.letters), '{}'::json) from (
    select a.rolname, json_object_agg(p.letter,
      (select json_agg(t.attname order by t.attnum) from pg_attribute t where t.attrelid = c.oid and t.attnum > 0
       and not t.attisdropped and has_column_privilege(a.oid, c.oid, t.attnum, p.privilege))) as letters
    from asked a cross join (values ('S', 'SELECT'), ('I', 'INSERT'), ('U', 'UPDATE')) as p(letter, privilege)
    where not has_table_privilege(a.oid, c.oid, p.privilege) and has_any_column_privilege(a.oid, c.oid, p.privilege)
    group by a.rolname) g`;

const reads = `
  select coalesce(json_agg(distinct bn.nspname || '.' || b.relname), '[]'::json)
  from pg_rewrite w
  join pg_depend dep on dep.classid = 'pg_rewrite'::regclass and dep.objid = w.oid and dep.refclassid = 'pg_class'::regclass
  join pg_class b on b.oid = dep.refobjid and b.oid <> c.oid and b.relkind in ('r', 'p', 'v', 'm')
  join pg_namespace bn on bn.oid = b.relnamespace
  where w.ev_class = c.oid and c.relkind in ('v', 'm')`;

const sequences = `
  select coalesce(json_agg(distinct format('%I.%I', sn.nspname, s.relname)), '[]'::json)
  from pg_depend dep join pg_class s on s.oid = dep.objid and s.relkind = 'S' join pg_namespace sn on sn.oid = s.relnamespace
  where dep.refobjid = c.oid and dep.refclassid = 'pg_class'::regclass and dep.classid = 'pg_class'::regclass
    and pg_has_role(s.relowner, 'usage')`;

/** Columns with their own sequence as the default. An identity column needs no privilege on its sequence. */
const serials = `
  select coalesce(json_agg(json_build_object(
    'column', t.attname, 'sequence', format('%I.%I', sn.nspname, s.relname),
    'roles', (select coalesce(json_agg(a.rolname order by a.rolname), '[]'::json)
      from asked a where has_sequence_privilege(a.oid, s.oid, 'USAGE'))) order by t.attnum), '[]'::json)
  from pg_depend dep join pg_class s on s.oid = dep.objid and s.relkind = 'S'
  join pg_namespace sn on sn.oid = s.relnamespace
  join pg_attribute t on t.attrelid = c.oid and t.attnum = dep.refobjsubid and t.atthasdef
  where dep.refobjid = c.oid and dep.refclassid = 'pg_class'::regclass and dep.classid = 'pg_class'::regclass
    and dep.deptype = 'a'`;

/**
 * Users can use but not alter the objects of a service, whatever roles they inherit: only the service and superusers
 * can.
 */
const isOurs = `case when n.nspname in ('auth', 'storage', 'realtime')
    then c.relowner = (select r.oid from pg_roles r where r.rolname = current_user)
      or (select r.rolsuper from pg_roles r where r.rolname = current_user)
    else pg_has_role(c.relowner, 'usage') end`;

/** Whether the view of pg_class `c` checks privileges and policies as the current user. */
export const securityInvoker = `coalesce(c.reloptions &&
  array['security_invoker=true', 'security_invoker=on', 'security_invoker=1', 'security_invoker=yes'], false)`;

const relations = `
  select coalesce(json_agg(json_build_object(
    'schema', n.nspname, 'name', c.relname, 'kind', c.relkind, 'isOurs', ${isOurs},
    'rls', c.relrowsecurity, 'forceRls', c.relforcerowsecurity, 'partition', c.relispartition,
    'securityInvoker', ${securityInvoker},
    'rows', case when c.reltuples >= 0 then c.reltuples else coalesce(pg_relation_size(c.oid), 0) / 1000 end,
    'updatable', pg_relation_is_updatable(c.oid, true),
    'columns', (${relationColumns}), 'constraints', (${constraints}), 'indexes', (${indexes}),
    'policies', (${policies}), 'triggers', (${triggers}), 'rules', (${rules}), 'parent', (${parent}),
    'grants', (${grants}), 'columnGrants', (${columnGrants}), 'reads', (${reads}),
    'query', case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end,
    'sequences', (${sequences}), 'serials', (${serials})) order by n.nspname, c.relname), '[]'::json)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and (not ${isPlatform} or c.relname in ('users', 'objects', 'buckets') or exists (
      select 1 from pg_constraint k join pg_class s on s.oid = k.conrelid where k.confrelid = c.oid and s.relnamespace <> c.relnamespace))
    and not exists (select 1 from pg_depend e where e.objid = c.oid and e.classid = 'pg_class'::regclass and e.deptype = 'e')`;

/** The types of a function's input arguments. */
const inputs = `
  select coalesce(json_agg(json_build_object(
    'type', format_type(given.oid, null), 'base', format_type(base.oid, null), 'kind', base.typtype, 'category', base.typcategory,
    'labels', (select json_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid in (base.oid, base.typelem)),
    'element', case when base.typcategory = 'A' and base.typelem <> 0 then format_type(base.typelem, null) end,
    'attributes', (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, null)) order by a.attnum)
      from pg_type row join pg_attribute a on a.attrelid = row.typrelid
      where row.oid in (base.oid, base.typelem) and row.typrelid <> 0 and a.attnum > 0 and not a.attisdropped),
    'checks', base.checks) order by given.position), '[]'::json)
  from unnest(f.proargtypes) with ordinality as given(oid, position)
  join lateral (
    with recursive up(oid) as (
      select given.oid union all select y.typbasetype from up cross join ${typeOf('up.oid')} y where y.typtype = 'd'
    )
    select y.*, (select json_agg(pg_get_expr(k.conbin, 0)) from pg_constraint k where k.contype = 'c'
      and k.contypid in (select up.oid from up)) as checks
    from up cross join ${typeOf('up.oid')} y where y.typtype <> 'd'
  ) base on true`;

const argumentNames = `
  select coalesce(json_agg(coalesce(x.name, '') order by x.position), '[]'::json)
  from unnest(coalesce(f.proargnames, array_fill(''::text, array[f.pronargs])), f.proargmodes) with ordinality as x(name, mode, position)
  where coalesce(x.mode, 'i') in ('i', 'b', 'v') and x.position <= greatest(f.pronargs, coalesce(cardinality(f.proargmodes), 0))`;

/**
 * What an aggregate takes, as the function calls it that gets each row: after what has come of the rows before, and of an ordered set only
 * the rest.
 */
const aggregatedNames = `
  select coalesce(json_agg(case when own.place <= direct.count then ''
      else coalesce(nullif(each.proargnames[own.place - direct.count + 1], ''), '$' || own.place - direct.count + 1) end
    order by own.place), '[]'::json)
  from generate_series(1, f.pronargs) as own(place), pg_proc each,
    lateral (select case when g.aggkind = 'n' then 0 else g.aggnumdirectargs end as count) as direct
  where each.oid = g.aggtransfn`;

const functions = `
  select coalesce(json_agg(json_build_object(
    'oid', f.oid::text, 'schema', n.nspname, 'name', f.proname,
    'arguments', (select coalesce(json_agg(format_type(t.oid, null) order by t.position), '[]'::json)
      from unnest(f.proargtypes) with ordinality as t(oid, position)),
    'argumentNames', case when g.aggfnoid is null then (${argumentNames}) else (${aggregatedNames}) end,
    'inputs', (${inputs}), 'modes', coalesce(to_json(f.proargmodes), '[]'::json), 'variadic', f.provariadic <> 0,
    'defaults', f.pronargdefaults, 'returns', format_type(f.prorettype, null), 'returnsSet', f.proretset,
    'definer', f.prosecdef, 'volatility', f.provolatile, 'language', l.lanname,
    'kind', case when f.prorettype in ('trigger'::regtype, 'event_trigger'::regtype) then 't' else f.prokind::text end,
    'source', coalesce(f.prosrc, '') || coalesce(pg_get_function_sqlbody(f.oid), ''),
    'definition', case when g.aggfnoid is null then pg_get_functiondef(f.oid) else '' end,
    'runs', (select json_agg(one.oid::oid::text order by one.place)
      from unnest(array[g.aggtransfn, g.aggfinalfn, g.aggmtransfn, g.aggmfinalfn]) with ordinality as one(oid, place) where one.oid <> 0),
    'direct', case when g.aggkind in ('o', 'h') then g.aggnumdirectargs end, 'settings', coalesce(to_json(f.proconfig), '[]'::json),
    'execute', (select coalesce(json_agg(a.rolname), '[]'::json) from asked a where has_function_privilege(a.oid, f.oid, 'EXECUTE'))
  ) order by n.nspname, f.proname, pg_get_function_identity_arguments(f.oid)), '[]'::json)
  from pg_proc f join pg_namespace n on n.oid = f.pronamespace join pg_language l on l.oid = f.prolang
    left join pg_aggregate g on g.aggfnoid = f.oid
  where f.prokind in ('f', 'p', 'a') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and (not ${isPlatform} or exists (select 1 from pg_trigger g where g.tgfoid = f.oid and not g.tgisinternal))
    and not exists (select 1 from pg_depend e where e.objid = f.oid and e.classid = 'pg_proc'::regclass and e.deptype = 'e')`;

const computing = `
  select json_agg(one.proname) from (
    select f.proname from pg_proc f
    where f.pronamespace = 'pg_catalog'::regnamespace
      or exists (select 1 from pg_depend e where e.objid = f.oid and e.classid = 'pg_proc'::regclass and e.deptype = 'e')
    group by f.proname having bool_and(f.provolatile <> 'v' and f.prokind = 'f')
  ) one`;

/** What sends the requests is written in C, as is nothing of a stub. */
const requests = `
  select case when exists (select 1 from pg_proc f join pg_language l on l.oid = f.prolang
    where f.pronamespace = q.relnamespace and l.lanname = 'c') then 'queued' else 'kept' end
  from pg_class q where q.oid = to_regclass('${requestQueue}')`;

const enums = `
  select coalesce(json_object_agg(one.name, one.labels), '{}'::json) from (
    select n.nspname || '.' || t.typname as name, json_agg(e.enumlabel order by e.enumsortorder) as labels
    from pg_enum e join pg_type t on t.oid = e.enumtypid join pg_namespace n on n.oid = t.typnamespace group by 1
  ) one`;

/** The query for what only the catalog tells; `$1` is a JSON array of the names of the roles to read. One row, one column `catalog`. */
export const checkQuery = queryOf('');

/** The query for the proof, which also reads what a catalog says of functions that are called and of what waits. */
export const catalogQuery = queryOf(`,
  'computing', (${computing}),
  'hasJobs', ${hasJobs},
  'enums', (${enums}),
  'requests', (${requests})`);

function queryOf(more: string): string {
  return `
with asked as (
  select r.oid, r.rolname, r.rolbypassrls, r.rolsuper from pg_roles r
  where r.rolname in (select json_array_elements_text($1::json))
)
select json_build_object(
  'user', current_user,
  'roles', (select coalesce(json_object_agg(a.rolname, json_build_object('bypassRls', a.rolbypassrls, 'superuser',
    a.rolsuper)), '{}'::json) from asked a),
  'schemaUsage', (select coalesce(json_object_agg(a.rolname, (
    select coalesce(json_agg(n.nspname), '[]'::json) from pg_namespace n
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and has_schema_privilege(a.oid, n.oid, 'USAGE'))), '{}'::json) from asked a),
  'relations', (${relations}),
  'functions', (${functions})${more}) as catalog`;
}
