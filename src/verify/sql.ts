/** SQL by quoting, never by pasting. */

/** An identifier in double quotes where it needs them. */
export function identifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) && !reserved.has(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** `schema.name`, each quoted where it needs it. */
export function relation(row: { schema: string; name: string }): string {
  return `${identifier(row.schema)}.${identifier(row.name)}`;
}

/** A text literal, right whatever `standard_conforming_strings` says. */
export function literal(value: string): string {
  const doubled = value.replaceAll("'", "''");
  return value.includes('\\') ? ` E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
}

/** PostgreSQL's reserved words (and those that may only be types or functions), which must be quoted as names. */
const reserved = new Set(
  ('all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column '
  + 'concurrently constraint create cross current_catalog current_date current_role current_schema current_time '
  + 'current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from '
  + 'full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime '
  + 'localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references returning '
  + 'right select session_user similar some symmetric system_user table tablesample then to trailing true union unique user '
  + 'using variadic verbose when where window with').split(' '),
);
