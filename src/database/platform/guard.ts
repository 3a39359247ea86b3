/**
 * The guard: `postgres` owns the services' tables here, because PostgreSQL lets only an owner create policies. What
 * Supabase refuses for lack of ownership is refused here with PostgreSQL's own message.
 */
export const guardSql = `
CREATE FUNCTION extensions.guard_service_tables() RETURNS event_trigger LANGUAGE plpgsql
SET search_path = '' AS $$
DECLARE
  changed record;
BEGIN
  IF current_user <> 'postgres' OR (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = 'postgres') THEN
    RETURN;
  END IF;
  IF TG_EVENT = 'sql_drop' THEN
    FOR changed IN SELECT object_type, object_identity, object_name, coalesce(schema_name, address_names[1]) AS schema_name
      FROM pg_catalog.pg_event_trigger_dropped_objects() WHERE original LOOP
      IF changed.schema_name IN ('auth', 'storage', 'realtime')
        AND changed.object_type NOT IN ('policy', 'trigger') THEN
        RAISE EXCEPTION 'must be owner of % %', changed.object_type, coalesce(changed.object_name, changed.object_identity)
          USING ERRCODE = '42501';
      END IF;
    END LOOP;
  ELSE
    -- What is part of a table has no schema of its own; only the owner of the table may change it.
    FOR changed IN SELECT c.command_tag, c.object_type, c.object_identity, coalesce(n.nspname, c.schema_name) AS schema_name,
        t.relname
      FROM pg_catalog.pg_event_trigger_ddl_commands() c
      LEFT JOIN pg_catalog.pg_class t ON t.oid = CASE c.classid
        WHEN 'pg_catalog.pg_trigger'::regclass THEN (SELECT tgrelid FROM pg_catalog.pg_trigger WHERE oid = c.objid)
        WHEN 'pg_catalog.pg_policy'::regclass THEN (SELECT polrelid FROM pg_catalog.pg_policy WHERE oid = c.objid)
        WHEN 'pg_catalog.pg_rewrite'::regclass THEN (SELECT ev_class FROM pg_catalog.pg_rewrite WHERE oid = c.objid)
        WHEN 'pg_catalog.pg_statistic_ext'::regclass THEN (SELECT stxrelid FROM pg_catalog.pg_statistic_ext WHERE oid = c.objid)
        WHEN 'pg_catalog.pg_publication_rel'::regclass THEN (SELECT prrelid FROM pg_catalog.pg_publication_rel WHERE oid = c.objid)
      END
      LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace LOOP
      IF changed.schema_name IN ('auth', 'storage', 'realtime')
        AND changed.command_tag NOT IN ('CREATE POLICY', 'ALTER POLICY', 'CREATE TRIGGER', 'GRANT', 'REVOKE') THEN
        RAISE EXCEPTION 'must be owner of % %', CASE WHEN changed.relname IS NULL THEN changed.object_type ELSE 'relation' END,
          coalesce(changed.relname, pg_catalog.split_part(changed.object_identity, '.', 2)) USING ERRCODE = '42501';
      END IF;
    END LOOP;
  END IF;
END $$;
CREATE EVENT TRIGGER guard_service_tables ON ddl_command_end
  EXECUTE FUNCTION extensions.guard_service_tables();
CREATE EVENT TRIGGER guard_service_tables_drop ON sql_drop
  EXECUTE FUNCTION extensions.guard_service_tables();
`;
