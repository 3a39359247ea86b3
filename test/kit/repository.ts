/** Real git repositories in temporary folders, for tests. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runDirectory } from '../support/run-directory.ts';

/** The contents of a test repository: text, bytes, or a symbolic link. */
export type Files = Record<string, string | Uint8Array | { link: string }>;

/** A new, empty directory, removed at the end of the run. */
export function temporary(name = 'kit'): string {
  return realpathSync(mkdtempSync(join(runDirectory(), `create-muse-${name}-`)));
}

/** Runs git without the settings of this machine. */
export function git(directory: string, ...args: string[]): string {
  const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'commit.gpgsign=false'];
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' };
  return execFileSync('git', [...identity, ...args], {
    cwd: directory,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export function put(directory: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    if (typeof content === 'object' && 'link' in content) symlinkSync(content.link, file);
    else writeFileSync(file, content);
  }
}

/** A repository on `main` with one commit of these files; `.commit` is its hash. */
export function repository(files: Files, directory = temporary()): { directory: string; commit: string } {
  git(directory, 'init', '--quiet', '--initial-branch=main');
  put(directory, files);
  return { directory, commit: commit(directory) };
}

/** Commits everything and returns the hash. */
export function commit(directory: string, message = 'Change'): string {
  git(directory, 'add', '--all', '--force');
  git(directory, 'commit', '--quiet', '--allow-empty', '--message', message);
  return git(directory, 'rev-parse', 'HEAD').trim();
}

/** The core migration that makes a directory a MuseKit. */
export const musekit: Files = {
  'migrations/core/001_profiles.sql': '-- profiles\nCREATE TABLE IF NOT EXISTS profiles (id uuid PRIMARY KEY);\n',
  'package.json': '{\n  "name": "kit"\n}\n',
};

/**
 * A kit of one table. For tests of what is around a kit, such as signals, faults and certificates: it takes a fraction of the
 * built-in kit's time.
 */
export const smallKit = (): string =>
  repository({
    'migrations/core/001_profiles.sql': [
      '-- Profiles of users.',
      'create table if not exists public.profiles (',
      '  id uuid primary key references auth.users (id) on delete cascade,',
      '  full_name text,',
      '  created_at timestamptz not null default now(),',
      '  updated_at timestamptz not null default now()',
      ');',
      'alter table public.profiles enable row level security;',
      'drop policy if exists "profiles: read own" on public.profiles;',
      'create policy "profiles: read own" on public.profiles for select to authenticated using (id = (select auth.uid()));',
      'grant select on public.profiles to authenticated;',
      '',
    ].join('\n'),
    'package.json': '{ "name": "kit" }\n',
  }).directory;
