/**
 * `.env` files as dotenv reads them (https://github.com/motdotla/dotenv, and Node's own `--env-file`): a reader and
 * writer that only changes what it is asked to.
 */
import { join, posix } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { inside, kindOf, readText, writeWhole } from '../shared/files.ts';
import { isLeftOut, isTracked } from './git.ts';
import { type Entry, matchFolders, walk } from './walk.ts';
import { mayHaveWorkTree } from './work-tree.ts';

/** One assignment in the text. */
interface Assignment {
  name: string;
  value: string;
  /** Where the value with its quotes is in the text. */
  start: number;
  end: number;
}

/** The name and the sign before a value; at the beginning of a line. */
const head = /^[^\S\r\n]*(?:export[^\S\r\n]+)?([\w.-]+)[^\S\r\n]*=[^\S\r\n]*/;

/** What may follow a quoted value on its line. */
const tail = /^[^\S\r\n]*(?:#.*)?\r?$/;

function assignments(text: string): Assignment[] {
  const found: Assignment[] = [];
  for (let at = text.charCodeAt(0) === 0xfeff ? 1 : 0; at < text.length;) {
    const match = head.exec(text.slice(at, endOfLine(text, at)));
    if (match !== null) {
      const start = at + match[0].length;
      const value = quotedValue(text, start) ?? bareValue(text, start);
      found.push({ name: match[1]!, start, ...value });
      at = value.end;
    }
    at = endOfLine(text, at) + 1;
  }
  return found;
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}

/** A value in quotes, which may span lines; undefined if there is none, or the quote is never closed. */
function quotedValue(text: string, start: number): { value: string; end: number } | undefined {
  const quote = text[start];
  if (quote !== "'" && quote !== '"' && quote !== '`') return undefined;
  let last: number | undefined;
  for (let end = text.indexOf(quote, start + 1); end !== -1; end = text.indexOf(quote, end + 1)) {
    const closes = tail.test(text.slice(end + 1, endOfLine(text, end + 1)));
    if (closes) last = end;
    // A quote after a backslash only closes if no later one does.
    if (text[end - 1] !== '\\') break;
  }
  if (last === undefined) return undefined;
  const inner = text.slice(start + 1, last).replaceAll('\r\n', '\n');
  const value = quote === '"' ? inner.replaceAll(String.raw`\n`, '\n').replaceAll(String.raw`\r`, '\r') : inner;
  return { value, end: last + 1 };
}

/** A value without quotes: up to a `#` or the end of the line, without spaces around. */
function bareValue(text: string, start: number): { value: string; end: number } {
  const rest = text.slice(start, endOfLine(text, start));
  const bare = (/^[^#\r\n]*/.exec(rest)?.[0] ?? '').trimEnd();
  return { value: bare, end: start + bare.length };
}

/** The variables that the text sets; the last setting of a name counts. */
export function parseEnvironment(text: string): Record<string, string> {
  return Object.fromEntries(assignments(text).map(({ name, value }) => [name, value]));
}

/** Safe without quotes for every reader, shells included. */
const plain = /^[\w./:@%+,=~?&-]*$/;

/** Ways to quote; the first that can hold a value is used. No reader understands escaped quotes. */
const quotes: readonly { holds: (value: string) => boolean; write: (value: string) => string }[] = [
  { holds: (value) => plain.test(value), write: (value) => value },
  { holds: (value) => !/['\n]|\\$/.test(value), write: (value) => `'${value}'` },
  { holds: (value) => !/["\\]/.test(value), write: (value) => `"${value.replaceAll('\n', String.raw`\n`)}"` },
  { holds: (value) => !/`|\\$/.test(value), write: (value) => `\`${value}\`` },
  { holds: (value) => /^[^\s#'"`]+$/.test(value), write: (value) => value },
];

/**
 * The value with quotes, so that dotenv and Node read it back unchanged.
 * @throws MuseError `bad-environment-value` for the few values that cannot be quoted
 */
function quoted(name: string, value: string): string {
  const way = /[\0\r]/.test(value) ? undefined : quotes.find(({ holds }) => holds(value));
  if (way !== undefined) return way.write(value);
  throw new MuseError({
    code: 'bad-environment-value',
    message: `The value of ${name} cannot be written to an .env file.`,
    detail: 'It has every kind of quote, a carriage return, or quotes and a backslash at the end.',
    suggestion: 'Choose a value with letters, digits and simple punctuation only.',
  });
}

/** The text with every line that sets one of the variables changed in place. */
function changeLines(text: string, values: Readonly<Record<string, string>>): string {
  let result = text;
  for (const { name, start, end } of assignments(text).toReversed()) {
    if (Object.hasOwn(values, name)) result = result.slice(0, start) + quoted(name, values[name]!) + result.slice(end);
  }
  return result;
}

/** The text with the lines after it, in the line ends that the text has. */
function addLines(text: string, lines: readonly string[]): string {
  if (lines.length === 0) return text;
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const gap = text === '' || text.endsWith('\n') ? '' : lineEnd;
  return text + gap + lines.map((line) => line + lineEnd).join('');
}

/**
 * The text with the named variables set: lines that set them are changed in place, names that are new go to the end.
 * Everything else, comments and order included, stays.
 * @throws MuseError `bad-environment-value`
 */
export function updateEnvironment(text: string, values: Readonly<Record<string, string>>): string {
  const there = parseEnvironment(text);
  const added = Object.entries(values).filter(([name]) => !Object.hasOwn(there, name));
  return addLines(
    changeLines(text, values),
    added.map(([name, value]) => `${name}=${quoted(name, value)}`),
  );
}

/**
 * The text of a new `.env.local`: the kit's template with the values filled in, and what every muse needs added.
 * @param template text of the kit's template; empty if it has none
 * @throws MuseError `bad-environment-value`
 */
export function fillEnvironment(template: string, values: Readonly<Record<string, string>>): string {
  const there = new Set(Object.keys(parseEnvironment(template)));
  const needed = neededVariables.filter(({ name }) => !there.has(name));
  const own = new Set(neededVariables.map(({ name }) => name));
  const further = Object.entries(values).filter(([name]) => !there.has(name) && !own.has(name));
  const lines = [
    ...needed.flatMap(({ name, placeholder, comment }) => [
      `# ${comment}`,
      `${name}=${quoted(name, values[name] ?? placeholder)}`,
    ]),
    ...further.map(([name, value]) => `${name}=${quoted(name, value)}`),
  ];
  const heading = template === '' || lines.length === 0 ? [] : ['', '# Added by create-muse'];
  return addLines(changeLines(template, values), [...heading, ...lines]);
}

/** The variables that every muse's `.env.local` has, with a placeholder until the value is known. */
const neededVariables: readonly { name: string; placeholder: string; comment: string }[] = [
  {
    name: 'NEXT_PUBLIC_SUPABASE_URL',
    placeholder: 'http://127.0.0.1:54321',
    comment: 'Supabase: Project Settings > API',
  },
  { name: 'NEXT_PUBLIC_SUPABASE_ANON_KEY', placeholder: 'your-anon-key', comment: 'Supabase: the public key' },
  {
    name: 'SUPABASE_SERVICE_ROLE_KEY',
    placeholder: 'your-service-role-key',
    comment: 'Supabase: the secret key; never in a browser',
  },
  {
    name: 'DATABASE_URL',
    placeholder: 'postgresql://postgres:postgres@127.0.0.1:54322/postgres',
    comment: 'PostgreSQL: the password percent-encoded',
  },
  { name: 'STRIPE_SECRET_KEY', placeholder: 'sk_test_xxx', comment: 'Stripe: Developers > API keys' },
  { name: 'NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY', placeholder: 'pk_test_xxx', comment: 'Stripe: Developers > API keys' },
  { name: 'STRIPE_WEBHOOK_SECRET', placeholder: 'whsec_xxx', comment: 'Stripe: Developers > Webhooks' },
  { name: 'RESEND_API_KEY', placeholder: 're_xxx', comment: 'Resend: API keys' },
  {
    name: 'RESEND_FROM_EMAIL',
    placeholder: 'noreply@example.com',
    comment: 'Resend: the address that mail comes from',
  },
  { name: 'NEXT_PUBLIC_APP_URL', placeholder: 'http://localhost:3000', comment: 'Where the app runs' },
  { name: 'SESSION_SECRET', placeholder: 'change-me', comment: 'Any long random text' },
];

/** By variable, the placeholders that a new secrets file has for values that are not known yet. */
export function neededPlaceholders(): Record<string, string> {
  return Object.fromEntries(neededVariables.map(({ name, placeholder }) => [name, placeholder]));
}

/** Names that kits give their template, the most specific first. */
const templateNames = [
  '.env.template',
  '.env.local.template',
  '.env.example',
  '.env.local.example',
  '.env.sample',
  '.env.local.sample',
  '.env.dist',
  'env.template',
  'env.example',
];

/** A template in a folder below the kit's top. */
export interface AppTemplate {
  /** Relative to the kit, with `/`, e.g. `apps/web`. */
  folder: string;
  text: string;
}

/** Folders in which nobody's app is: what was installed, and the files of Supabase's own tools. */
const withoutApps: ReadonlySet<string> = new Set(['node_modules', 'supabase']);

/**
 * The templates of apps in folders of the kit, such as `app/` or `apps/web/`: up to two levels down, of one folder the most
 * specific first. Folders that start with a dot or have a control character in
 * their name, and other repositories, are left out.
 */
export async function readAppTemplates(directory: string): Promise<AppTemplate[]> {
  const found: { folder: string; name: string }[] = [];
  const repositories = new Set<string>();
  const enter = ({ path, name }: Entry): boolean =>
    path.split('/').length <= 2 && !name.startsWith('.') && !withoutApps.has(name) && !/\p{Cc}/u.test(name);
  for await (const { path, name, kind } of walk(directory, enter)) {
    const folder = posix.dirname(path);
    if (folder === '.') continue;
    if (name === '.git') repositories.add(folder);
    else if (kind === 'file' && templateNames.includes(name)) found.push({ folder, name });
  }
  const rank = ({ name }: { name: string }): number => templateNames.indexOf(name);
  const own = found
    .filter(({ folder }) => !repositories.has(folder) && !repositories.has(posix.dirname(folder)))
    .sort((a, b) => (a.folder === b.folder ? rank(a) - rank(b) : a.folder < b.folder ? -1 : 1));
  return Promise.all(
    own.map(async ({ folder, name }) => ({ folder, text: (await readText(join(directory, folder, name))) ?? '' })),
  );
}

/** The kit's template for `.env.local`, at its top or that of its first app; empty if it has none. */
export async function readEnvironmentTemplate(directory: string): Promise<string> {
  const folders = ['', ...(await matchFolders(directory, 'apps/*')), ...(await matchFolders(directory, 'packages/*'))];
  for (const folder of folders) {
    for (const name of templateNames) {
      const path = join(directory, folder, name);
      if ((await kindOf(path)) === 'file') return (await readText(path)) ?? '';
    }
  }
  return '';
}

/**
 * Writes a file with secrets: mode 0600, written atomically, and only if git ignores it; if `.gitignore` does not list
 * the file yet, it is added there first.
 * @param name relative to the muse, e.g. `.env.local`
 * @throws MuseError `environment-not-ignored` if git tracks the file, or would in spite of that; `path-outside`
 */
export async function writeEnvironmentFile(directory: string, name: string, text: string): Promise<void> {
  const path = await inside(directory, name);
  await ignore(directory, name);
  await mustBeIgnored(directory, name);
  await writeWhole(path, text, 0o600);
}

/**
 * Adds the file to the nearest `.gitignore`, or the one of the muse, unless it is ignored already. What counts is the last match,
 * and of several files the nearest: so it goes to the end.
 */
async function ignore(directory: string, name: string): Promise<void> {
  const parts = posix.dirname(name).split('/');
  const folders = ['', ...(parts[0] === '.' ? [] : parts.map((_, index) => parts.slice(0, index + 1).join('/')))];
  const files = await Promise.all(
    folders.map(async (folder) => {
      const path = await inside(directory, posix.join(folder, '.gitignore'));
      return { path, name: posix.relative(folder, name), text: await readText(path) };
    }),
  );
  const judged = files.flatMap((file) => (file.text ?? '').split(/\r?\n/).map((line) => judge(line.trim(), file.name)));
  const covered = judged.lastIndexOf('ignores');
  if (covered !== -1 && !judged.includes('may undo', covered)) return;
  const { path, name: line, text = '' } = files.findLast((file) => file.text !== undefined) ?? files[0]!;
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const gap = text === '' || text.endsWith('\n') ? '' : lineEnd;
  await writeWhole(path, `${text}${gap}/${patternOf(line)}${lineEnd}`);
}

/** The pattern of a `.gitignore` that matches this name only. */
function patternOf(name: string): string {
  return name.replaceAll(/[\\*?[\]]/g, String.raw`\$&`);
}

/** What a line of a `.gitignore` does to a file, as far as it is certain; the file's name is relative to that one. */
function judge(line: string, name: string): 'ignores' | 'may undo' | undefined {
  const pattern = patternOf(name);
  const covering = new Set([pattern, `/${pattern}`, posix.basename(name), '.env*', '.env.*', '.env*.local', '*.local']);
  if (covering.has(line)) return 'ignores';
  return line.startsWith('!') && (line.includes('*') || covering.has(line.slice(1))) ? 'may undo' : undefined;
}

async function mustBeIgnored(directory: string, name: string): Promise<void> {
  if (!(await mayHaveWorkTree(directory)) || (await isLeftOut(directory, name)) !== false) return;
  const tracked = await isTracked(directory, name);
  throw new MuseError({
    code: 'environment-not-ignored',
    message: tracked
      ? `git already tracks ${name}, so secrets in it would be committed; the file was not written.`
      : `git does not ignore ${name}, so secrets in it could be committed; the file was not written.`,
    suggestion: tracked
      ? `Run git rm --cached ${name}, commit, and run this again.`
      : `Look for a line like "!${name}" in .gitignore and remove it.`,
  });
}
