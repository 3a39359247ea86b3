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
    FOR changed IN SELECT object_type, object_identity, object_name, schema_name
      FROM pg_catalog.pg_event_trigger_dropped_objects() WHERE original LOOP
      IF changed.schema_name IN ('auth', 'storage', 'realtime')
        AND changed.object_type NOT IN ('policy', 'trigger') THEN
        RAISE EXCEPTION 'must be owner of % %', changed.object_type, coalesce(changed.object_name, changed.object_identity)
          USING ERRCODE = '42501';
      END IF;
    END LOOP;
  ELSE
    FOR changed IN SELECT command_tag, object_type, object_identity, schema_name
      FROM pg_catalog.pg_event_trigger_ddl_commands() LOOP
      IF changed.schema_name IN ('auth', 'storage', 'realtime')
        AND changed.command_tag NOT IN ('CREATE POLICY', 'ALTER POLICY', 'CREATE TRIGGER', 'GRANT', 'REVOKE') THEN
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
