import type { Session } from '../database.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import type { CopyStep } from './read.ts';

/** A step that failed, and why. */
export interface NotCopied extends Omit<CopyStep, 'sql'> {
  reason: string;
}

/**
 * Recreates a schema from its steps. A step that needs something that does not exist yet is retried after the others,
 * until no more of them succeed.
 * @param a superuser's session in a shadow database with the platform's objects; access lists are copied verbatim
 * @returns what could not be created
 * @throws DatabaseError
 */
export async function buildCopy(session: Session, steps: readonly CopyStep[]): Promise<NotCopied[]> {
  const tried = steps.flatMap(({ sql }) => (sql === null ? [] : [sql]));
  await session.script(scriptOf(tried));
  const { rows } = await session.query<{ failed: string }>(
    "SELECT pg_catalog.current_setting('muse.not_copied') AS failed",
  );
  const reasons = new Map(
    (JSON.parse(rows[0]?.failed ?? '[]') as [number, string][]).map(([number, reason]) => [tried[number], reason]),
  );
  return steps.flatMap(({ kind, name, sql, of }) => {
    const reason = sql === null ? 'objects of this kind are not copied' : reasons.get(sql);
    return reason === undefined ? [] : [{ kind, name, of, reason }];
  });
}

/** Kinds that may already exist because the platform has them: roles, the schema public, the schemas of extensions. */
const scriptOf = (tried: readonly string[]): string => `do $muse_copy$
declare
  tried constant text[] := array[${tried.map(quoteLiteral).join(', ')}]::text[];
  open int[] := array(select generate_series(1, cardinality(tried)));
  rest int[]; number int; failed jsonb;
begin
  perform set_config('search_path', '', true), set_config('check_function_bodies', 'off', true);
  loop
    rest := '{}'; failed := '[]';
    foreach number in array open loop
      begin
        execute tried[number];
      exception
        when duplicate_object or duplicate_schema then null;
        when others then
          rest := rest || number;
          failed := failed || jsonb_build_array(jsonb_build_array(number - 1, sqlerrm));
      end;
    end loop;
    exit when cardinality(rest) = 0 or cardinality(rest) = cardinality(open);
    open := rest;
  end loop;
  perform set_config('muse.not_copied', failed::text, false);
end $muse_copy$`;
