import type { ExtensionStub } from './stub.ts';

export const moddatetime: ExtensionStub = {
  extension: 'moddatetime',
  version: '1.0',
  note: 'works as the real one',
  sql: `
CREATE FUNCTION moddatetime() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_NARGS <> 1 THEN RAISE EXCEPTION 'moddatetime (%): A single argument was expected', TG_TABLE_NAME; END IF;
  RETURN jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], now()));
END $$;
`,
};
