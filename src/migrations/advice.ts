import type { DatabaseError } from '../database/database.ts';
import { longestName, quoteIdentifier } from '../shared/quote.ts';

/** An error of PostgreSQL, as far as advice depends on it. */
type Said = Pick<DatabaseError, 'code' | 'message' | 'detail'> & Partial<Pick<DatabaseError, 'where'>>;

/** What an error's own message and detail tell to do: tried before the advice by SQLSTATE. */
const byDetail: readonly { code: string; says: RegExp; advise(error: Said): string }[] = [
  {
    code: '0A000',
    says: /^cannot alter type of a column used (?:by|in) /,
    advise: ({ detail = '' }) =>
      `In one file: drop ${dependent(detail)}, alter the column, and create it again as it was.`,
  },
  {
    code: '0A000',
    says: /^extension "[^"]+" is not available$/,
    advise: ({ message }) =>
      `This database does not have ${/"([^"]+)"/.exec(message)?.[1]}, and the embedded one has no stub of it. Correct the name, or ` +
      'ask first: DO $$ BEGIN IF EXISTS (SELECT FROM pg_available_extensions WHERE name = …) THEN CREATE EXTENSION …; END IF; END $$;',
  },
  {
    code: '42501',
    says: /^permission denied to create foreign-data wrapper/,
    advise: () =>
      'Supabase lets this role make them, and only a superuser may elsewhere: use a project of Supabase (--target supabase), or ' +
      'leave the file out of the migrations.',
  },
  {
    code: '42501',
    says: /^(?:must be able to SET ROLE|permission denied to set role) "/,
    advise({ message }) {
      const role = /"(.+)"/.exec(message)?.[1] ?? '';
      return (
        `Who makes a role is not a member of it, unless a superuser: GRANT ${asName(role)} TO CURRENT_USER; before this ` +
        'statement, after the CREATE ROLE.'
      );
    },
  },
  {
    code: '23505',
    says: /^could not create unique index/,
    advise({ detail = '' }) {
      const columns = /^Key \((.*?)\)=/.exec(detail)?.[1] ?? 'the columns';
      return (
        `The table has duplicates: find them (SELECT ${columns}, count(*) … GROUP BY ${columns} HAVING count(*) > 1), ` +
        'then merge or delete them in a statement before this one.'
      );
    },
  },
  {
    code: '23502',
    says: /contains null values$/,
    advise: () => 'Rows have no value there: fill it with an UPDATE before this statement.',
  },
  {
    code: '23514',
    says: /is violated by some row$/,
    advise: () => 'Rows break the CHECK already: correct them before this statement, or add it as NOT VALID.',
  },
  {
    code: '2BP01',
    says: /because other objects depend on it$/,
    advise: ({ detail = '' }) =>
      `Drop what depends on it first (${detail.split('\n').map(dependent).join(', ')}), or write CASCADE if all of it may be dropped.`,
  },
];

/** A name of a message as SQL; as it stands where it can be none. */
const asName = (name: string): string =>
  name === '' || Buffer.byteLength(name) > longestName ? name : quoteIdentifier(name);

/** `view public.v` of `view public.v depends on column x of table t`; a view shows itself as its rule. */
function dependent(line: string): string {
  const what = /^(.*?) depends on /.exec(line)?.[1] ?? 'what depends on it';
  return what.replace(/^rule _RETURN on /, '');
}

const bySqlState: Readonly<Record<string, string>> = {
  '42501':
    'On Supabase the role that runs migrations is not a superuser and may not change auth, storage, realtime or ' +
    'objects of other owners: leave that out, or do it in public or in a schema of your own.',
  '0A000': 'PostgreSQL 17 does not support this here: write it another way.',
  '2BP01': 'Drop what depends on it first, or write CASCADE if all of it may be dropped.',
  '3D000': 'A muse has one database, which exists: remove what creates or names another one.',
  '22P02': 'Correct the value, or cast it to the type of its column.',
  '23502': 'Give the column a value, or a default.',
  '23503': 'Insert the row that it references first.',
  '23505': 'Add ON CONFLICT DO NOTHING, or correct the row.',
  '23514': 'Correct the row, or the CHECK.',
  '42P07': 'Create it once; write IF NOT EXISTS if it is a second run that creates it again.',
  '42710': 'Create it once; write DROP … IF EXISTS before it if it is meant to be replaced.',
  '42804': 'Make the two types the same: a foreign key has the type of the column that it references.',
  '42830': 'Add a PRIMARY KEY or UNIQUE constraint on exactly the referenced columns.',
  '42P16': 'Correct the definition of the table or view; drop a view first if its columns change.',
  '55P04': 'Use the new value of the enum type in a later file, or use text with a CHECK instead.',
  '57014': 'Make it end: look for a loop without an exit, or a join without a condition.',
  '55P03': 'Another session holds the lock: run it again when that session is done.',
};

/** What to do about an error, by what its message and detail say; undefined where they do not tell. */
export function detailedAdvice(error: Said): string | undefined {
  return byDetail.find(({ code, says }) => code === error.code && says.test(error.message))?.advise(error);
}

/** What to do about an error that the files do not explain: by its detail, by the function that raised it, or by its SQLSTATE. */
export function adviceFor(error: Said): string | undefined {
  const by = raisedBy(error);
  return (
    detailedAdvice(error) ??
    (by === undefined
      ? bySqlState[error.code]
      : `${by === 'inline_code_block' ? 'The DO block' : `The function ${by}`} refuses it: do as its message says.`)
  );
}

/** The function whose RAISE the error is, whatever SQLSTATE it chose; undefined for an error of PostgreSQL itself. */
function raisedBy({ where }: Said): string | undefined {
  const by = /^PL\/pgSQL function (.+) line \d+ at RAISE$/m.exec(where?.split('\n', 1)[0] ?? '')?.[1];
  // It stands for Supabase, which refuses the same with a message of PostgreSQL.
  return by === 'extensions.guard_service_tables()' ? undefined : by;
}
