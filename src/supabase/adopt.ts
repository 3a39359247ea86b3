import { list, number, openObject, text } from '../shared/schema.ts';
import { getProject, runQuery, valid } from './api.ts';
import type { Http } from './http.ts';
import { organizationOf } from './preflight.ts';

/** What is in a project that is about to be adopted, for the user to see before anything is done to it. */
export interface ProjectContents {
  ref: string;
  name: string;
  organization: string;
  region: string;
  status: string;
  /** Tables outside the platform's own schemas, with the planner's estimate of their rows (-1: never counted). */
  tables: { schema: string; name: string; rows: number }[];
  users: number;
  buckets: string[];
}

/** Schemas of the platform, and this tool's own. */
const platform = `('auth','storage','realtime','_realtime','vault','extensions','graphql','graphql_public','pgbouncer','pgsodium',
  'pgsodium_masks','supabase_functions','supabase_migrations','_analytics','_supavisor','net','cron','pgmq','information_schema','muse')`;

const look = `
select json_build_object(
  'tables', coalesce((
    select json_agg(json_build_object('schema', n.nspname, 'name', c.relname, 'rows', c.reltuples::bigint) order by n.nspname, c.relname)
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname not like 'pg\\_%' and n.nspname not in ${platform}
  ), '[]'),
  'users', (select count(*) from auth.users),
  'buckets', coalesce((select json_agg(id order by id) from storage.buckets), '[]')
) as contents`;

/**
 * Reads what is in an existing project; changes nothing. A project that is not up shows its status and no contents.
 * @throws MuseError what the API refuses: `api-not-found` if the token cannot see it
 */
export async function adoptProject(http: Http, ref: string): Promise<ProjectContents> {
  const project = await getProject(http, ref);
  const found = {
    ref,
    name: project.name,
    organization: organizationOf(project),
    region: project.region,
    status: project.status,
  };
  if (project.status !== 'ACTIVE_HEALTHY') return { ...found, tables: [], users: 0, buckets: [] };
  const [row] = valid(rowsOfLook, { body: await runQuery(http, ref, { query: look, read_only: true }, 60_000) });
  return { ...found, ...(row?.contents ?? { tables: [], users: 0, buckets: [] }) };
}

const rowsOfLook = list(
  openObject({
    contents: openObject({
      tables: list(openObject({ schema: text(), name: text(), rows: number() })),
      users: number(),
      buckets: list(text()),
    }),
  }),
);
