import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Answers } from '../../src/create/answers.ts';
import { createMuse } from '../../src/create/create.ts';
import { chooseRepository } from '../../src/create/repository.ts';
import { packageVersion } from '../../src/shared/version.ts';
import type { MuseFile } from '../../src/shared/muse-file.ts';
import { git, repository, smallKit, temporary } from '../kit/repository.ts';

/** A kit whose own extension depends on a fault of core that `--fix` repairs in both. */
const kit = {
  'README.md': '# Kit\n',
  'package.json': '{\n  "name": "kit",\n  "scripts": {\n    "lint": "eslint ."\n  }\n}\n',
  'migrations/core/001_things.sql': [
    '-- Things.',
    'create table if not exists public.things (id uuid primary key, user_id uuid not null references auth.users (id));',
    'alter table public.things enable row level security;',
    'create policy if not exists "own" on public.things for all to authenticated using (user_id = (select auth.uid()));',
    'grant select, insert, update, delete on public.things to authenticated;',
    '',
  ].join('\n'),
  'migrations/extensions/001_parts.sql': [
    '-- Parts.',
    'create table if not exists public.parts (id uuid primary key, user_id uuid not null references auth.users (id));',
    'alter table public.parts enable row level security;',
    'create policy if not exists "own" on public.parts for all to authenticated using (user_id = (select auth.uid()));',
    'grant select, insert, update, delete on public.parts to authenticated;',
    '',
  ].join('\n'),
  'attached_assets/a.png': 'pruned',
};

async function create(directory: string, more: Partial<Answers>) {
  const answers: Answers = {
    name: 'mine',
    directory,
    kit: 'builtin',
    kitExtensions: 'archive',
    presets: [],
    tables: ['notes: title text!, owner user'],
    prefix: '',
    target: 'embedded',
    environment: 'development',
    supabaseBaseline: false,
    supabase: {},
    fix: false,
    verify: false,
    install: false,
    ...more,
  };
  const report = await createMuse(answers, {}, { signal: new AbortController().signal, environment: process.env });
  if (report.error !== undefined) throw report.error;
  return report;
}

const museFile = (directory: string): MuseFile =>
  JSON.parse(readFileSync(join(directory, 'muse.json'), 'utf8')) as MuseFile;
const subjects = (directory: string): string[] => git(directory, 'log', '--format=%s', '--reverse').trim().split('\n');
const filesOf = (directory: string, commit: string): string[] =>
  git(directory, 'ls-tree', '-r', '--name-only', commit).trim().split('\n');

describe('the history of a muse', () => {
  it('is the kit as it was made its own, each class of repair, then the product', async () => {
    const { directory: source, commit } = repository(kit);
    const directory = join(temporary(), 'mine');
    const { repairs, notes } = await create(directory, { kit: source, fix: true });

    const log = subjects(directory);
    expect(log[0]).toBe('Take the kit');
    expect(log.at(-1)).toBe('Create mine');
    expect(log.slice(1, -1)).toEqual(expect.arrayContaining(['Fix policy-if-not-exists', 'Fix fk-without-index']));

    const { base, tool, commit: taken } = museFile(directory).kit;
    expect({ base, tool, taken }).toEqual({
      base: git(directory, 'rev-list', '--max-parents=0', 'HEAD').trim(),
      tool: packageVersion(),
      taken: commit,
    });
    const archived = 'migrations/archive/001_parts.sql';
    expect(filesOf(directory, base!)).toEqual(
      ['docs/KIT_README.md', archived, 'migrations/core/001_things.sql', 'package.json'].sort(),
    );
    expect(git(directory, 'show', `${base}:package.json`)).toContain('"name": "mine"');
    // As it came: the repairs come after it, in the archived files too.
    expect(git(directory, 'show', `${base}:${archived}`)).toBe(kit['migrations/extensions/001_parts.sql']);
    expect(readFileSync(join(directory, archived), 'utf8')).toContain('drop policy if exists');
    expect(repairs?.classes.flatMap(({ files }) => files)).toContain(archived);
    expect(existsSync(join(directory, 'migrations/extensions/001_parts.sql'))).toBe(false);

    expect(git(directory, 'diff', '--name-status', 'HEAD^', 'HEAD').trim().split('\n').sort()).toEqual([
      'A\t.githooks/pre-commit',
      'A\t.github/workflows/muse.yml',
      'A\t.gitignore',
      'A\tREADME.md',
      'A\tdocs/schema.svg',
      'A\tmigrations/extensions/001_mine_tables.sql',
      'A\tmigrations/rollback/extensions/001_mine_tables.sql',
      'A\tmuse.json',
      'M\tpackage.json',
    ]);
    expect(notes.join('\n')).toContain('npx muse lint');
    expect(git(directory, 'status', '--porcelain')).toBe('');
  });
});

describe('where the history goes', () => {
  it('an empty repository that is there: on its branch, after its commit, with its remotes', async () => {
    const directory = join(temporary(), 'web');
    mkdirSync(directory);
    git(directory, 'init', '--quiet', '--initial-branch=trunk');
    git(directory, 'remote', 'add', 'upstream', 'https://example.com/theirs.git');
    git(directory, 'commit', '--quiet', '--allow-empty', '--message=Start');
    const older = 'migrations/archive/001_parts.sql';
    const { directory: source } = repository({ ...kit, [older]: '-- Older.\n' });
    await create(directory, { kit: source, fix: true });
    expect(readFileSync(join(directory, older), 'utf8')).toBe('-- Older.\n');
    const archived = join(directory, 'migrations/archive/001_parts.2.sql');
    expect(readFileSync(archived, 'utf8')).toContain('drop policy if exists');
    const log = subjects(directory);
    expect([log[0], log[1], log.at(-1)]).toEqual(['Start', 'Take the kit', 'Create mine']);
    expect(git(directory, 'branch', '--show-current').trim()).toBe('trunk');
    expect(git(directory, 'remote', 'get-url', 'upstream').trim()).toBe('https://example.com/theirs.git');
    expect(git(directory, 'log', '--format=%H', '--grep=^Take the kit').trim()).toBe(museFile(directory).kit.base);
    expect(git(directory, 'status', '--porcelain')).toBe('');
  });

  it('a repository whose files are not checked out is refused', async () => {
    const { directory: source } = repository({ 'a.txt': 'a' });
    const directory = join(temporary(), 'web');
    git(source, 'clone', '--quiet', '--no-checkout', source, directory);
    await expect(create(directory, {})).rejects.toMatchObject({
      code: 'bad-directory',
      message: expect.stringContaining('a.txt'),
    });
    expect(readdirSync(directory)).toEqual(['.git']);
  });

  it('none inside another work tree, which takes the files, and none of the secrets', async () => {
    const outer = temporary();
    git(outer, 'init', '--quiet');
    const directory = join(outer, 'apps', 'web app');
    const { notes } = await create(directory, { kit: smallKit() });
    expect(existsSync(join(directory, '.git'))).toBe(false);
    expect(museFile(directory).kit).not.toHaveProperty('base');
    const [command = ''] = /git -C .*?(?=\. To)/.exec(notes.join('\n')) ?? [];
    execFileSync('sh', ['-c', command]);
    const tracked = git(outer, 'ls-files').trim().split('\n');
    expect(tracked).toContain('apps/web app/muse.json');
    expect(tracked.filter((file) => /\.env\.local|\.muse\//.test(file))).toEqual([]);
  });

  it.each([
    ['nowhere near a repository', undefined, undefined, 'own'],
    ['inside another work tree', '', undefined, 'none'],
    ['inside one that ignores it', '/apps/web/\n', undefined, 'own'],
    ['inside one that ignores what is above it', 'apps\n', undefined, 'own'],
    ['inside one that ignores everything', '*\n', undefined, 'own'],
    ['inside one that ignores everything else', '/apps/*\n!/apps/web/\n', undefined, 'none'],
    ['inside one that ignores only its files', '*.json\n', undefined, 'none'],
    ['inside another one, with --git', '', true, 'own'],
    ['inside one that ignores it, with --no-git', '/apps/web/\n', false, 'none'],
  ] as const)('%s', async (_, ignored, wanted, repositoryKind) => {
    const outer = temporary();
    if (ignored !== undefined) {
      git(outer, 'init', '--quiet');
      writeFileSync(join(outer, '.gitignore'), ignored);
    }
    const link = join(temporary(), 'link');
    symlinkSync(outer, link);
    // There or not, and reached by whatever path: it is the same directory.
    for (const place of [join(outer, 'apps', 'web'), join(link, 'apps', 'web')]) {
      const { repository: chosen, note } = await chooseRepository(place, wanted, {});
      expect(chosen).toBe(repositoryKind);
      expect(note?.includes(outer) ?? false).toBe(repositoryKind === 'none' && wanted === undefined);
      mkdirSync(join(outer, 'apps', 'web'), { recursive: true });
    }
  });
});
