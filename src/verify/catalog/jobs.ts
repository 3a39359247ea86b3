/** Jobs of pg_cron: SQL that the database runs by itself, with the rights of the role that scheduled it. */
import type { Session } from '../../database/database.ts';
import type { FunctionRow, JobRow } from '../../rules/engine/live/catalog.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import { allOf, fieldsOf } from '../../sql/nodes.ts';
import { parseTree } from '../../sql/parser.ts';
import { madeRoutine } from './made-routine.ts';

/** A condition that the current role may read the jobs. */
export const hasJobs = `exists (select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'cron' and c.relname = 'job' and c.relkind = 'r' and has_table_privilege(c.oid, 'SELECT')
    and has_schema_privilege(n.oid, 'USAGE'))`;

/**
 * Reads the jobs that run in this database, as far as the current role sees them.
 * @throws DatabaseError what PostgreSQL says, without pg_cron as well
 */
export async function readJobs(session: Session): Promise<JobRow[]> {
  const { rows } = await session.query<JobRow>(
    `select jobid::text as id, coalesce(jobname, jobid::text) as name, command, username::text as owner from cron.job
     where active and database = current_database() order by jobid`,
  );
  return rows;
}

/**
 * The same of any database: none without pg_cron.
 * @throws DatabaseError what PostgreSQL says
 */
export async function jobsOf(session: Session): Promise<JobRow[]> {
  const { rows } = await session.query<{ readable: boolean }>(`select ${hasJobs} as readable`);
  return rows[0]?.readable === true ? readJobs(session) : [];
}

/** How findings call a job. */
export function titleOf({ name }: JobRow): string {
  return `the cron job "${name.replaceAll(/\s+/g, ' ').trim()}"`;
}

/** A schema that no function has, since a name with a space in it is not called by chance. */
const schema = 'cron job';

/** The job as a function that nobody may call, so that all that is known of bodies is known of its command. */
export function routineOfJob({ id, command }: JobRow): FunctionRow {
  const { language, body } = bodyOf(command);
  return madeRoutine({
    schema,
    name: `job ${id}`,
    returns: 'void',
    definer: false,
    language,
    kind: 'f',
    source: command,
    definition: `create function "${schema}"."job ${id}"() returns void language ${language} as ${quoteLiteral(body)}`,
  });
}

/** Says whether the function stands for a job. */
export function isJob(routine: FunctionRow): boolean {
  return routine.schema === schema;
}

/** The body of the job's function, and its language: that of its only DO block, if it is one in PL/pgSQL. */
function bodyOf(command: string): { language: string; body: string } {
  const parsed = parseTree(command);
  const blocks = Array.isArray(parsed) ? parsed.flatMap(({ stmt }) => fieldsOf(stmt, 'DoStmt') ?? []) : [];
  if (blocks.length === 0) return { language: 'sql', body: command };
  const parts = new Map(
    allOf(blocks[0]!.args, 'DefElem').map(({ defname, arg }) => [defname, fieldsOf(arg, 'String')?.sval]),
  );
  const isAlone = (parsed as unknown[]).length === 1 && (parts.get('language') ?? 'plpgsql') === 'plpgsql';
  return isAlone ? { language: 'plpgsql', body: parts.get('as') ?? '' } : { language: 'DO blocks', body: command };
}
