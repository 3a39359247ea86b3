/** Names that look fine and are not, by what keeps them. Data only; `-` is written `_`. */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

export const reservedNames: readonly { names: ReadonlySet<string>; reason: string }[] = [
  {
    // https://learn.microsoft.com/windows/win32/fileio/naming-a-file
    names: words(`con prn aux nul com0 com1 com2 com3 com4 com5 com6 com7 com8 com9
      lpt0 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9`),
    reason: 'It is a device of Windows, so no file or folder there can have that name.',
  },
  {
    names: words('node_modules create_muse muse test'),
    reason: 'It is in use by npm or create-muse itself.',
  },
  {
    // The reserved words of PostgreSQL 17, and those it takes only as the name of a function or type:
    // https://www.postgresql.org/docs/17/sql-keywords-appendix.html
    names: words(`all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate
      collation column concurrently constraint create cross current_catalog current_date current_role current_schema
      current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for
      foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral
      leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer
      overlaps placing primary references returning right select session_user similar some symmetric system_user
      table tablesample then to trailing true union unique user using variadic verbose when where window with`),
    reason: 'It is a word of SQL that PostgreSQL keeps for itself.',
  },
  {
    names: words('auth storage realtime public extensions vault graphql cron net postgres supabase information_schema'),
    reason: 'Supabase has a schema or database of that name.',
  },
];
