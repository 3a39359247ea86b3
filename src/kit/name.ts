/** The name of a muse: one word that is a package, a directory, a project, a prefix and part of a file name at once. */
import { builtinModules } from 'node:module';

/** Whether a name is valid, and if not, why, and the nearest valid one. */
export type NameCheck = { ok: true } | { ok: false; reason: string; nearest: string };

/** The shortest of the limits: the Supabase CLI cuts a project's id here. */
const longest = 40;

/** Built into Node: npm refuses such a name for a package. */
const builtIn: ReadonlySet<string> = new Set(builtinModules);

/**
 * Says whether `name` is valid as npm package, directory, Supabase project, table prefix and file name, on every
 * system. The proposed name always is.
 */
export function checkMuseName(name: string): NameCheck {
  const reason = wrongWith(name);
  return reason === undefined ? { ok: true } : { ok: false, reason, nearest: nearestName(name) };
}

/** The name as PostgreSQL accepts it without quotes: `realty-muse` becomes `realty_muse`. */
export function databaseName(name: string): string {
  return name.replaceAll('-', '_');
}

/** The name for people: `realty-muse` becomes `Realty Muse`. */
export function titleOf(name: string): string {
  return name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ');
}

function wrongWith(name: string): string | undefined {
  if (name === '') return 'It is empty.';
  if (/[^a-z0-9-]/.test(name))
    return 'Use lower-case letters a to z, digits and hyphens only: nothing else is safe everywhere the name is used.';
  if (!/^[a-z]/.test(name)) return 'It must start with a letter: tables are named after it.';
  if (name.endsWith('-') || name.includes('--')) return 'A hyphen must be between letters or digits.';
  if (name.length < 2) return 'One letter is too short for a package.';
  if (name.length > longest) return `It has ${name.length} characters; the limit is ${longest}.`;
  const reserved = reservedNames.find(({ names }) => names.has(databaseName(name)));
  if (reserved !== undefined) return reserved.reason;
  if (builtIn.has(name)) return 'It is a built-in Node.js module, so npm accepts no package with that name.';
  if (name.startsWith('pg-')) return 'PostgreSQL reserves names that start with pg_.';
  return undefined;
}

/** Letters that Unicode does not decompose into a plain letter and a mark. */
const letters: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ł: 'l',
  þ: 'th',
  ı: 'i',
  ħ: 'h',
  ŋ: 'n',
  ŧ: 't',
};

function nearestName(name: string): string {
  const plain = name
    .slice(0, 1000)
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[^a-z]/gu, (character) => letters[character] ?? character)
    .replace(/['’`]/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '');
  const started = plain === '' ? 'my-muse' : /^\d/.test(plain) ? `muse-${plain}` : plain;
  const cut = trimmed(started.slice(0, longest));
  if (wrongWith(cut) === undefined) return cut;
  const around = cut.startsWith('pg-') ? `my-${cut}` : `${trimmed(cut.slice(0, longest - '-muse'.length))}-muse`;
  return trimmed(around.slice(0, longest));
}

function trimmed(name: string): string {
  return name.replace(/-+$/, '');
}

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Names that look fine but are reserved, by what reserves them; written with `_` for `-`. */
const reservedNames: readonly { names: ReadonlySet<string>; reason: string }[] = [
  {
    // https://learn.microsoft.com/windows/win32/fileio/naming-a-file
    names: words(`con prn aux nul com0 com1 com2 com3 com4 com5 com6 com7 com8 com9
      lpt0 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9`),
    reason: 'It is a device name on Windows, so no file or folder there can have that name.',
  },
  {
    names: words('node_modules create_muse muse test help version'),
    reason: 'npm or create-muse itself uses that name.',
  },
  {
    // The reserved words of PostgreSQL 17, and those it only accepts as the name of a function or type:
    // https://www.postgresql.org/docs/17/sql-keywords-appendix.html
    names: words(`all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate
      collation column concurrently constraint create cross current_catalog current_date current_role current_schema
      current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for
      foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral
      leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer
      overlaps placing primary references returning right select session_user similar some symmetric system_user
      table tablesample then to trailing true union unique user using variadic verbose when where window with`),
    reason: 'It is a reserved word in PostgreSQL.',
  },
  {
    names: words('auth storage realtime public extensions vault graphql cron net postgres supabase information_schema'),
    reason: 'Supabase has a schema or database with that name.',
  },
];
