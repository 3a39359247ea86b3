/**
 * The guard: `postgres` owns the services' tables here, because PostgreSQL lets only an owner create policies. What
 * Supabase refuses for lack of ownership is refused here with PostgreSQL's own message.
 */
export const guardSql = `
CREATE FUNCTION extensions.guard_service_tables() RETURNS event_trigger LANGUAGE plpgsql
SET search_path = '' AS $$
DECLARE
  changed record;
  service_table text;
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
    FOR changed IN SELECT command_tag, object_type, object_identity, schema_name, objid
      FROM pg_catalog.pg_event_trigger_ddl_commands()
      WHERE command_tag NOT IN ('CREATE POLICY', 'ALTER POLICY', 'CREATE TRIGGER', 'GRANT', 'REVOKE') LOOP
      IF changed.object_type IN ('trigger', 'policy', 'rule', 'statistics object', 'publication relation') THEN
        -- What is part of a table has no schema of its own; only the owner of the table may change it.
        SELECT t.relname INTO service_table FROM pg_catalog.pg_class t
        WHERE t.relnamespace IN ('auth'::regnamespace, 'storage'::regnamespace, 'realtime'::regnamespace)
          AND t.oid = CASE changed.object_type
            WHEN 'trigger' THEN (SELECT tgrelid FROM pg_catalog.pg_trigger WHERE oid = changed.objid)
            WHEN 'policy' THEN (SELECT polrelid FROM pg_catalog.pg_policy WHERE oid = changed.objid)
            WHEN 'rule' THEN (SELECT ev_class FROM pg_catalog.pg_rewrite WHERE oid = changed.objid)
            WHEN 'statistics object' THEN (SELECT stxrelid FROM pg_catalog.pg_statistic_ext WHERE oid = changed.objid)
            ELSE (SELECT prrelid FROM pg_catalog.pg_publication_rel WHERE oid = changed.objid)
          END;
        IF FOUND THEN
          RAISE EXCEPTION 'must be owner of relation %', service_table USING ERRCODE = '42501';
        END IF;
      ELSIF changed.object_type = 'extension' AND changed.command_tag = 'COMMENT' AND changed.object_identity IN
        ('pgcrypto', 'pg_graphql', 'pg_stat_statements', 'supabase_vault', '"uuid-ossp"') THEN
        RAISE EXCEPTION 'must be owner of extension %', changed.object_identity USING ERRCODE = '42501';
      ELSIF changed.schema_name IN ('auth', 'storage', 'realtime') THEN
        RAISE EXCEPTION 'must be owner of % %', changed.object_type,
          pg_catalog.split_part(changed.object_identity, '.', 2) USING ERRCODE = '42501';
      END IF;
    END LOOP;
  END IF;
END $$;
CREATE EVENT TRIGGER guard_service_tables ON ddl_command_end
  EXECUTE FUNCTION extensions.guard_service_tables();
CREATE EVENT TRIGGER guard_service_tables_drop ON sql_drop
  EXECUTE FUNCTION extensions.guard_service_tables();
`;
