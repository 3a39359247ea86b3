/** Supabase Storage: listing, delete protection, owners and grants. */
const row = `name text, id uuid, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz,
  metadata jsonb`;

export const storageAccessSql = `
CREATE FUNCTION storage.search(prefix text, bucketname text, limits integer DEFAULT 100, levels integer DEFAULT 1,
  offsets integer DEFAULT 0, search text DEFAULT '', sortcolumn text DEFAULT 'name', sortorder text DEFAULT 'asc')
RETURNS TABLE (${row}) LANGUAGE sql STABLE AS $$
  WITH found AS (
    SELECT o.path_tokens[levels] AS name, cardinality(o.path_tokens) = levels AS leaf, o.id, o.updated_at,
      o.created_at, o.last_accessed_at, o.metadata
    FROM storage.objects o
    WHERE o.bucket_id = bucketname AND starts_with(lower(o.name), lower(prefix || search))
      AND cardinality(o.path_tokens) >= levels
  ), listed AS (
    SELECT f.name, f.id, f.updated_at, f.created_at, f.last_accessed_at, f.metadata FROM found f WHERE f.leaf
    UNION ALL
    SELECT DISTINCT f.name, NULL::uuid, NULL::timestamptz, NULL::timestamptz, NULL::timestamptz, NULL::jsonb
    FROM found f WHERE NOT f.leaf
  )
  SELECT l.* FROM listed l
  ORDER BY l.id IS NULL DESC,
    CASE WHEN sortorder <> 'desc' THEN
      CASE sortcolumn WHEN 'updated_at' THEN l.updated_at::text WHEN 'created_at' THEN l.created_at::text
        WHEN 'last_accessed_at' THEN l.last_accessed_at::text ELSE l.name END END,
    CASE WHEN sortorder = 'desc' THEN
      CASE sortcolumn WHEN 'updated_at' THEN l.updated_at::text WHEN 'created_at' THEN l.created_at::text
        WHEN 'last_accessed_at' THEN l.last_accessed_at::text ELSE l.name END END DESC
  LIMIT limits OFFSET offsets
$$;

-- As Supabase does it: the row is inserted and rolled back, so that policies and constraints are checked.
CREATE FUNCTION storage.can_insert_object(bucketid text, name text, owner uuid, metadata jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO storage.objects (bucket_id, name, owner, metadata) VALUES (bucketid, name, owner, metadata);
  RAISE SQLSTATE 'PT200' USING MESSAGE = 'ROLLBACK', DETAIL = 'rollback successful insert';
END $$;

CREATE FUNCTION storage.protect_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF coalesce(current_setting('storage.allow_delete_query', true), 'false') <> 'true' THEN
    RAISE EXCEPTION 'Direct deletion from storage tables is not allowed. Use the Storage API instead.'
      USING ERRCODE = '42501', HINT = 'This prevents accidental data loss from orphaned objects.';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER protect_buckets_delete BEFORE DELETE ON storage.buckets
  FOR EACH STATEMENT EXECUTE FUNCTION storage.protect_delete();
CREATE TRIGGER protect_objects_delete BEFORE DELETE ON storage.objects
  FOR EACH STATEMENT EXECUTE FUNCTION storage.protect_delete();

CREATE FUNCTION storage.update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at = now();
  RETURN NEW;
END $$;
CREATE TRIGGER update_objects_updated_at BEFORE UPDATE ON storage.objects
  FOR EACH ROW EXECUTE FUNCTION storage.update_updated_at_column();

DO $owners$
DECLARE
  name text;
BEGIN
  FOR name IN SELECT c.relname FROM pg_catalog.pg_class c
    WHERE c.relnamespace = 'storage'::regnamespace AND c.relkind = 'r' LOOP
    EXECUTE format('ALTER TABLE storage.%I OWNER TO supabase_storage_admin', name);
    EXECUTE format('ALTER TABLE storage.%I ENABLE ROW LEVEL SECURITY', name);
  END LOOP;
  FOR name IN SELECT p.oid::regprocedure::text FROM pg_catalog.pg_proc p
    WHERE p.pronamespace = 'storage'::regnamespace LOOP
    EXECUTE 'ALTER FUNCTION ' || name || ' OWNER TO supabase_storage_admin';
  END LOOP;
END $owners$;
ALTER TYPE storage.buckettype OWNER TO supabase_storage_admin;
GRANT ALL ON storage.buckets, storage.objects TO postgres WITH GRANT OPTION;
GRANT ALL ON storage.buckets, storage.objects TO anon, authenticated, service_role;
GRANT ALL ON storage.s3_multipart_uploads, storage.s3_multipart_uploads_parts TO service_role;
GRANT SELECT ON storage.s3_multipart_uploads, storage.s3_multipart_uploads_parts TO anon, authenticated;
`;
