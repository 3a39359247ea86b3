/** What a kit has beside the migrations that are run: its other ways to change a database, which are named. */
import { posix } from 'node:path';
import { forms } from '../migrations/forms.ts';
import { migrationsAmong } from '../migrations/read.ts';
import type { MigrationFolders } from '../shared/muse-file.ts';
import { counted } from '../shared/printable.ts';
import { hasStatements } from '../sql/trivia.ts';
import { databaseNamed } from './dialect.ts';
import { elsewhere, isSql, type SqlTree } from './sql-tree.ts';
import { migrationsInCode } from './without-sql.ts';

/** Numbered migrations in a programming language, as the tools of SQL files name them, and those of Hasura before SQL. */
const inCode =
  /^(?:\d+[_-]|V\d[\d._]*__).*\.(?:[cm]?js|[cm]?ts|go|py|rb|java|kt)$|^\d[\d-]*[_-][^/]+\/(?:up|migration)\.ya?ml$/;
/** Flyway's in Java, which are beside the SQL of the same package. */
const flywayCode = /(?:^|\/)V\d[\d._]*__[^/]*\.(?:groovy|java|kt|scala)$/;
/** What undoes a migration, is for a developer's machine only, or no file of its own. */
const undoing = /(?:^|[._-])(?:down|revert|rollback|undo)(?=[._-])|^U\d|^(?:\.|seed)/i;
/** What Flyway calls itself before and after it migrates. */
const callback = /^(?:before|after)(?:Each)?(?:Migrate|Versioned|Repeatables|Info|Validate)\w*(?:__[^/]*)?\.sql$/;

/**
 * Notes on what is among a kit's migrations, or beside them, and is not run; a sentence each.
 * @param files paths in the kit of the migrations, those of other layouts that fit included
 */
export async function leftOut(
  tree: SqlTree,
  { core, order }: Pick<MigrationFolders, 'core' | 'order'>,
  files: readonly string[],
): Promise<string[]> {
  const notes: string[] = [];
  const code = codeAmong(tree, core, order);
  if (code.length > 0) {
    const are = code.length === 1 ? 'is 1 that is' : `are ${code.length} that are`;
    notes.push(`Among the migrations ${are} not SQL and not run: ${some(code)}`);
  }
  const sql = core.filter((place) => !tree.isFile(place)).flatMap((folder) => sqlAmong(tree, folder, order, files));
  const called = order === 'flyway' ? sql.filter((path) => callback.test(posix.basename(path))) : [];
  if (called.length > 0)
    notes.push(
      `Callbacks of Flyway are not run: ${some(called)}. What the schema needs of them has to be in a migration.`,
    );
  const unnamed = sql.filter((path) => !called.includes(path));
  if (unnamed.length > 0) {
    const is = unnamed.length === 1 ? 'a file that is' : `${counted(unnamed.length, 'file')} that are`;
    notes.push(
      `Among the migrations ${unnamed.length === 1 ? 'is' : 'are'} ${is} not named as one and not run: ${some(unnamed)}. ` +
        `Those of this kit are called ${forms[order].wanted}.`,
    );
  }
  const waiting = order === 'committed' ? await uncommitted(tree, core[0]!) : [];
  if (waiting.length > 0)
    notes.push(
      `${some(waiting)} ${waiting.length === 1 ? 'is' : 'are'} not committed, and not run: graphile-migrate commit, in the kit.`,
    );
  const other = await migrationsInCode(tree);
  const own = other?.files.filter((path) => !core.some((folder) => path.startsWith(`${folder}/`))) ?? [];
  if (own.length > 0) notes.push(`The kit also has ${other!.title}, which are not run: ${some(own)}`);
  return notes;
}

const some = (paths: readonly string[]): string => `${paths.slice(0, 3).join(', ')}${paths.length > 3 ? ' …' : ''}`;

/** Migrations in a programming language, which the kit's own tool runs between the SQL files. */
function codeAmong(tree: SqlTree, core: readonly string[], order: MigrationFolders['order']): string[] {
  const isCode = (path: string): boolean => inCode.test(path) && !/\.d\.ts$|_test\.go$/.test(path);
  const among = core
    .filter((place) => !tree.isFile(place))
    .flatMap((folder) => {
      const below = tree.below(folder);
      return below.filter(isCode).map((path) => posix.join(folder, path));
    });
  const java = order === 'flyway' ? tree.files.filter((path) => flywayCode.test(path) && !elsewhere.test(path)) : [];
  return [...new Set([...among, ...java])];
}

/** SQL in a folder of migrations that its form takes for none, without what undoes, tests or fills. */
function sqlAmong(tree: SqlTree, folder: string, order: MigrationFolders['order'], files: readonly string[]): string[] {
  const below = tree.below(folder);
  const known = new Set([...files, ...migrationsAmong(below, order).map((path) => posix.join(folder, path))]);
  const undone = new Set(
    migrationsAmong(below, order).flatMap((path) => forms[order].rollback?.(path, new Set(below)) ?? []),
  );
  return below
    .filter((path) => isSql(path) && !undone.has(path) && !undoing.test(posix.basename(path)))
    .filter((path) => !elsewhere.test(posix.dirname(path)) && isForPostgres(posix.basename(path)))
    .map((path) => posix.join(folder, path))
    .filter((path) => !known.has(path));
}

/** Whether a file is not named after another database. */
const isForPostgres = (name: string): boolean => ['PostgreSQL', undefined].includes(databaseNamed(name));

/** What Graphile Migrate runs on the author's own database only, until it is committed. */
async function uncommitted(tree: SqlTree, committed: string): Promise<string[]> {
  const folder = posix.dirname(committed);
  const files = tree.below(folder).filter((path) => /^current(?:\.sql$|\/[^/]+\.sql$)/.test(path));
  const paths = files.map((path) => posix.join(folder, path));
  const texts = await Promise.all(paths.map((path) => tree.text(path)));
  return paths.filter((_, index) => hasStatements(texts[index]!));
}
