/** What is said of a kit whose migrations cannot be run. */
import { posix } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { counted } from '../shared/printable.ts';
import { shellWord } from '../shared/shell.ts';
import { databaseNamed, type Foreign } from './dialect.ts';
import { layoutRules } from './layouts.ts';
import { plannedChanges } from '../migrations/listed.ts';
import { isSql, type SqlTree } from './sql-tree.ts';
import { migrationsInCode, toolWithoutSql } from './without-sql.ts';

/** At most this many folders with SQL are listed. */
const listed = 12;

interface Counted {
  folder: string;
  count: number;
  numbered: number;
}

/** What holds scripts that undo or test others is called. */
const beside = /(?:^|\/)(?:checks?|down|revert|rollbacks?|undo|verify|tests?|seeds?)$/i;

/** 0 for a folder that is called after PostgreSQL, 2 for one that is called after another database. */
function distance(folder: string): number {
  const database = databaseNamed(folder);
  return database === 'PostgreSQL' ? 0 : database === undefined ? 1 : 2;
}

/** The folders with SQL right in them: those for another database last, and those with the most numbered files first. */
function sqlIn(tree: SqlTree): Counted[] {
  const seen = new Map<string, Counted>();
  for (const path of tree.files.filter(isSql)) {
    const folder = posix.dirname(path);
    const known = seen.get(folder) ?? { folder, count: 0, numbered: 0 };
    known.count += 1;
    if (/^\d/.test(posix.basename(path))) known.numbered += 1;
    seen.set(folder, known);
  }
  const all = [...seen.values()].sort(
    (a, b) =>
      Number(beside.test(a.folder)) - Number(beside.test(b.folder)) || b.numbered - a.numbered || b.count - a.count,
  );
  // A folder that no database names may hold the migrations where those named so hold something else.
  const isSame = all.some(({ folder }) => distance(folder) === 0) && all.some(({ folder }) => distance(folder) === 2);
  return all.sort((a, b) =>
    isSame
      ? distance(a.folder) - distance(b.folder)
      : Math.max(distance(a.folder), 1) - Math.max(distance(b.folder), 1),
  );
}

function sqlFolders(tree: SqlTree, title = 'SQL files are in:'): string[] {
  const seen = sqlIn(tree);
  if (seen.length === 0) return ['It has no SQL files.'];
  return [
    title,
    ...seen.slice(0, listed).map(({ folder, count }) => `  ${folder}/  ${count} SQL file${count === 1 ? '' : 's'}`),
    ...(seen.length > listed ? [`  … and ${seen.length - listed} more folders`] : []),
  ];
}

/** The tools whose layouts are known, for people: one line, as the list of their forms would take more than a screen. */
function knownTools(): string {
  const tools: string[] = [];
  for (const { title } of layoutRules) {
    const tool = title.split(':')[0]!;
    if (
      !tool.startsWith('One f') &&
      !tools.some((known) => tool === known || /^[ ,]/.test(tool.startsWith(known) ? tool.slice(known.length) : ''))
    )
      tools.push(tool);
  }
  return `${tools.join(', ')}, and folders of numbered files (docs/kits.md has the form of each)`;
}

/** The kit without SQL whose folders are repositories of their own; undefined where it is none. */
async function otherRepositories(tree: SqlTree): Promise<MuseError | undefined> {
  if (tree.empty.length === 0) return undefined;
  const modules = tree.files.includes('.gitmodules') ? await tree.text('.gitmodules') : '';
  const urls = new Map<string, string>();
  for (const part of modules.split(/^\s*\[/m)) {
    const value = (key: string): string | undefined =>
      new RegExp(`^\\s*${key}\\s*=\\s*(.+?)\\s*$`, 'm').exec(part)?.[1];
    const [path, url] = [value('path'), value('url')];
    if (path !== undefined && url !== undefined) urls.set(path, url);
  }
  const [first] = tree.empty.toSorted((one, other) => Number(urls.has(other)) - Number(urls.has(one)));
  const url = urls.get(first!);
  const shown = tree.empty.map((path) => `  ${path}/  ${urls.get(path) ?? 'of which git keeps only a commit'}`);
  return new MuseError({
    code: 'layout-unknown',
    message:
      tree.empty.length === 1
        ? 'The kit has no SQL migrations. 1 folder of it is a repository of its own, which is not fetched.'
        : `The kit has no SQL migrations. ${tree.empty.length} folders of it are repositories of their own, which are not fetched.`,
    detail: shown.join('\n'),
    suggestion:
      url === undefined
        ? `If the migrations are in ${first}, add its files themselves: remove its .git, then ` +
          `git rm --cached ${shellWord(first!)} && git add ${shellWord(first!)} && git commit.`
        : `If the migrations are in ${first}, name that repository: --kit ${shellWord(url)}`,
  });
}

/** Folders of migrations that are for another database. */
interface Elsewhere {
  core: readonly string[];
  files: readonly string[];
  foreign?: Foreign;
}

/** Why a folder that the user named cannot be core: it has no migrations. */
export function withoutMigrations(tree: SqlTree, folder: string, wanted: string): MuseError {
  const why = tree.below(folder).some(isSql) ? `no file in it is called ${wanted}` : 'there is no SQL file in it';
  return new MuseError({
    code: 'bad-layout',
    message: `"${folder}" has no migrations: ${why}.`,
    detail: sqlFolders(tree).join('\n'),
    suggestion: 'Name the folder that the migrations are in, e.g. --core db/migrations.',
  });
}

/**
 * Says that numbered SQL files somewhere are hardly a kit's migrations where a tool of it has others in code.
 * @throws MuseError `layout-unknown`
 */
export async function mustBeWhole(tree: SqlTree, [folder]: readonly string[]): Promise<void> {
  const code = await migrationsInCode(tree);
  if (code === undefined || code.files.every((path) => path.startsWith(`${folder}/`))) return;
  const more = code.files.length > 1 ? ` and ${code.files.length - 1} more` : '';
  throw new MuseError({
    code: 'layout-unknown',
    message: `The kit has ${code.title}, which create-muse does not run: ${code.files[0]}${more}.`,
    detail: sqlFolders(tree, 'It has SQL files beside them:').join('\n'),
    suggestion:
      `${code.advice}\nCommit that in the kit, then run this again.\n` +
      `Or, if its SQL files are all that it needs: --core ${shellWord(folder!)}`,
  });
}

/** The kit of Graphile Migrate that has committed nothing yet; undefined where it is none. */
function uncommitted(tree: SqlTree): MuseError | undefined {
  const current = tree.files.find((path) => /(?:^|\/)current(?:\.sql$|\/[^/]+\.sql$)/.test(path));
  if (current === undefined || !tree.files.some((path) => /(?:^|\/)\.gmrc(?:\.\w+)?$/.test(path))) return undefined;
  return new MuseError({
    code: 'layout-unknown',
    message: `The kit's migrations are those of Graphile Migrate, and none is committed: ${current} is what its author works on.`,
    suggestion:
      'Commit it (graphile-migrate commit) and commit that in the kit, then run this again.\n' +
      `Or run it as it is: --core ${shellWord(current)}`,
  });
}

/** At most this many files are read for what they include. */
const read = 200;

/** The kit whose SQL is one script of psql that includes the others; undefined where it is none. */
async function scriptOfPsql(tree: SqlTree): Promise<MuseError | undefined> {
  const files = tree.files.filter(isSql).slice(0, read);
  const counts = await Promise.all(
    files.map(
      async (path) =>
        [path, [...(await tree.text(path)).matchAll(/^\s*\\i(?:r|nclude(?:_relative)?)?\s/gm)].length] as const,
    ),
  );
  const [path, includes] = counts.toSorted((a, b) => b[1] - a[1])[0] ?? ['', 0];
  if (includes === 0) return undefined;
  return new MuseError({
    code: 'layout-unknown',
    message: `The kit has no migrations: its SQL is a script for psql, ${path}, which includes ${counted(includes, 'other file')}.`,
    detail: sqlFolders(tree).join('\n'),
    suggestion:
      `Let psql run it on an empty database, and write that as SQL: psql "$DATABASE_URL" -f ${shellWord(path)} && ` +
      'pg_dump --schema-only --no-owner "$DATABASE_URL" > migrations/001_schema.sql\n' +
      'Commit that in the kit, then run this again.',
  });
}

/** How a changelog of Liquibase in SQL begins. */
export const formattedMark = /^\s*--\s*liquibase formatted sql\b/i;

/** The kit whose SQL files are changelogs of Liquibase; undefined where it is none. */
async function formattedSql(tree: SqlTree): Promise<MuseError | undefined> {
  const files = tree.files.filter(isSql).slice(0, read);
  const texts = await Promise.all(files.map((path) => tree.text(path)));
  const formatted = files.filter((_, index) => formattedMark.test(texts[index]!));
  if (formatted.length === 0) return undefined;
  const [first] = formatted;
  const more = formatted.length > 1 ? ` and ${formatted.length - 1} more` : '';
  const master = tree.files.find((path) =>
    /(?:^|\/)(?:db\.)?changelog(?:-master)?\.(?:xml|ya?ml|json|sql)$/i.test(path),
  );
  return new MuseError({
    code: 'layout-unknown',
    message: `The kit's migrations are changelogs of Liquibase: ${first}${more}.`,
    suggestion:
      'Write their SQL: liquibase update-sql --url=offline:postgresql ' +
      `--changelog-file=${master ?? first} --output-file=migrations/001_schema.sql\n` +
      `Commit that in the kit, then run this again.\n` +
      `Or, if every change set runs on PostgreSQL as it is: --core ${shellWord(posix.dirname(first!))}`,
  });
}

/** The kit of Sqitch whose plans have no change, or whose changes have no script; undefined where it is none. */
async function withoutChanges(tree: SqlTree): Promise<MuseError | undefined> {
  const plans = tree.files.filter((path) => posix.basename(path) === 'sqitch.plan');
  const [plan] = plans;
  if (plan === undefined) return undefined;
  const listedThere = (await Promise.all(plans.map(async (path) => plannedChanges(await tree.text(path))))).flat();
  const others = sqlIn(tree);
  const instead = others.length === 0 ? '' : `\nOr, if its other SQL is what it needs: --core ${others[0]!.folder}`;
  if (listedThere.length === 0) {
    return new MuseError({
      code: 'layout-unknown',
      message: `The kit has no migrations: its ${plan} lists no change.`,
      ...(others.length === 0 ? {} : { detail: sqlFolders(tree).join('\n') }),
      suggestion: `Add its first change with Sqitch (sqitch add <change>) and commit that, then run this again.${instead}`,
    });
  }
  const some = `${listedThere.slice(0, 3).join(', ')}${listedThere.length > 3 ? ' …' : ''}`;
  return new MuseError({
    code: 'layout-unknown',
    message: `The kit's ${plan} lists ${counted(listedThere.length, 'change')} (${some}), and the kit has none of their scripts.`,
    ...(others.length === 0 ? {} : { detail: sqlFolders(tree).join('\n') }),
    suggestion: `Commit the scripts that Sqitch deploys (deploy/${listedThere[0]}.sql), then run this again.${instead}`,
  });
}

/** What undoes a migration, as tools call it, with what makes what it undoes. */
const undoes: readonly [undo: RegExp, made: (name: string) => string][] = [
  [/^U(\d[\d._]*__[^/]*\.sql)$/, (name) => name.replace(/^U/, 'V')],
  [/[._-]down\.sql$/, (name) => name.replace(/down\.sql$/, 'up.sql')],
  [/^down\.sql$/, () => 'up.sql'],
];

/** The kit of whose migrations there is only what undoes them; undefined where it is none. */
function onlyUndoing(tree: SqlTree, folders: readonly Counted[]): MuseError | undefined {
  const undone = tree.files.filter((path) => undoes.some(([undo]) => undo.test(posix.basename(path))));
  const [first] = undone;
  const among = new Set(undone.map((path) => posix.dirname(path)));
  const isOther = ({ folder, count, numbered }: Counted): boolean =>
    among.has(folder) ? undone.filter((path) => posix.dirname(path) === folder).length < count : numbered > 0;
  if (first === undefined || folders.some(isOther)) return undefined;
  const more = undone.length > 1 ? ` and ${undone.length - 1} more` : '';
  const name = posix.basename(first);
  const [, made] = undoes.find(([undo]) => undo.test(name))!;
  return new MuseError({
    code: 'layout-unknown',
    message: `The kit has no migrations to run, only what undoes some: ${first}${more}.`,
    detail: sqlFolders(tree).join('\n'),
    suggestion: `Commit the migrations that they undo (${posix.join(posix.dirname(first), made(name))}), then run this again.`,
  });
}

/** Why no layout fits: what was looked for, what there is, and what to do. */
export async function unknownLayout(tree: SqlTree, foreign: readonly Elsewhere[]): Promise<MuseError> {
  if (foreign.length > 0) {
    const kinds = [...new Set(foreign.map((each) => each.foreign!.what))];
    return new MuseError({
      code: 'layout-unknown',
      message: `The kit's migrations are ${kinds.join(' and ')}; create-muse runs SQL on PostgreSQL.`,
      detail: foreign
        .map(({ core, files, foreign: of }) => `  ${core.join(', ')}  ${counted(files.length, 'file')} (${of!.what})`)
        .join('\n'),
      suggestion: 'Use a kit for PostgreSQL, or --kit builtin.',
    });
  }
  const folders = sqlIn(tree);
  const elsewhere = await otherRepositories(tree);
  if (folders.length === 0 && elsewhere !== undefined) return elsewhere;
  const half =
    (await withoutChanges(tree)) ??
    onlyUndoing(tree, folders) ??
    uncommitted(tree) ??
    (await formattedSql(tree)) ??
    (await scriptOfPsql(tree));
  if (half !== undefined) return half;
  const tool = await toolWithoutSql(tree);
  const files = tree.files.filter(isSql);
  // All that is in the kit's own folder would be below it.
  const likely = files.length === 1 && folders[0]?.folder === '.' ? files[0]! : folders[0]?.folder;
  if (tool !== undefined && folders.length === 0) {
    return new MuseError({
      code: 'layout-unknown',
      message: `The kit has no SQL migrations. It has ${tool.what}.`,
      suggestion: `${tool.advice}\nCommit that in the kit, then run this again.`,
    });
  }
  if (folders.length === 0) {
    return new MuseError({
      code: 'layout-unknown',
      message: 'The kit has no SQL migrations: none of its files is SQL.',
      detail: `create-muse runs those of ${knownTools()}.`,
      suggestion:
        'If they are in another repository, on another branch or in a submodule, name that: --kit owner/repo#branch.\n' +
        'Or start from --kit builtin.',
    });
  }
  if (tool !== undefined && folders.every(({ numbered }) => numbered === 0)) {
    return new MuseError({
      code: 'layout-unknown',
      message: `The kit has no SQL migrations. It has ${tool.what}.`,
      detail: sqlFolders(tree, 'Its SQL files have no numbers:').join('\n'),
      suggestion:
        `${tool.advice}\nCommit that in the kit, then run this again.\n` +
        `Or, if its SQL files are all that it needs: --core ${likely}`,
    });
  }
  const has = tool === undefined ? [] : [`It also has ${tool.what}. ${tool.advice}`];
  return new MuseError({
    code: 'layout-unknown',
    message: 'create-muse does not know how this kit stores its migrations.',
    detail: [...sqlFolders(tree), ...has, `No file has the name that its migrations have in ${knownTools()}.`].join(
      '\n',
    ),
    suggestion: `Name the folders: --core ${likely} (and --extensions <folder>).`,
  });
}
