import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { parse } from 'libpg-query';
import { describe, expect, it } from 'vitest';
import { lint } from '../../src/rules/registry.ts';
import { readMigrations } from '../../src/migrations/read.ts';
import { coreFiles, kitDirectory, kitFile, rollbackFiles, seedFile } from './kit.ts';

/** All nodes of a type in a tree. */
function nodes(tree: unknown, type: string): Record<string, unknown>[] {
  if (tree === null || typeof tree !== 'object') return [];
  return Object.entries(tree).flatMap(([key, value]) => [
    ...(key === type ? [value as Record<string, unknown>] : []),
    ...nodes(value, type),
  ]);
}

describe('every SQL file', () => {
  it.each([...coreFiles, ...rollbackFiles, seedFile])(
    '%s parses, has a header comment, and contains no transaction',
    async (file) => {
      const sql = kitFile(file);
      expect(sql).toMatch(/^-- .{20,}\n/);
      const tree = await parse(sql);
      expect(nodes(tree, 'TransactionStmt')).toEqual([]);
      expect(nodes(tree, 'CreateEnumStmt')).toEqual([]);
    },
  );

  it('is numbered without gaps, and has a rollback', () => {
    expect(coreFiles.map((file) => basename(file).slice(0, 4))).toEqual(
      coreFiles.map((_, index) => `${String(index + 1).padStart(3, '0')}_`),
    );
    expect(rollbackFiles.map((file) => basename(file))).toEqual(coreFiles.map((file) => basename(file)));
  });

  it('names the schema of every function and sets its search path', async () => {
    const made = (
      await Promise.all(coreFiles.map(async (file) => nodes(await parse(kitFile(file)), 'CreateFunctionStmt')))
    ).flat();
    expect(made.length).toBeGreaterThan(25);
    for (const statement of made) {
      expect(statement['funcname']).toHaveLength(2);
      expect(JSON.stringify(statement['options'])).toContain('search_path');
    }
  });
});

describe('the rules', () => {
  it('find nothing, without silenced findings', async () => {
    const files = await readMigrations(kitDirectory, {
      core: ['migrations/core'],
      extensions: ['migrations/extensions'],
      rollback: 'migrations/rollback',
      archive: 'migrations/archive',
      order: 'number',
    });
    expect(files.migrations.map((migration) => migration.file)).toEqual(coreFiles);
    expect([...files.rollbacks.keys()]).toEqual(coreFiles);
    expect(await lint(files)).toEqual({ findings: [], silenced: 0 });
  });
});

describe('the repository', () => {
  it('contains nothing that npm drops or renames when packing', () => {
    const names = readdirSync(kitDirectory, { recursive: true, encoding: 'utf8' }).map((path) => basename(path));
    expect(names).toContain('_gitignore');
    for (const dropped of ['.gitignore', '.npmignore', '.npmrc', '.git', 'node_modules', '.DS_Store'])
      expect(names).not.toContain(dropped);
  });

  it('keeps secrets and the journal out of git', () => {
    const lines = kitFile('_gitignore').split('\n');
    expect(lines).toEqual(expect.arrayContaining(['.env', '.env.*', '!.env.template', '.muse/', 'node_modules/']));
  });

  it('names every variable that a product needs, without values', () => {
    const variables = new Map(
      kitFile('.env.template')
        .split('\n')
        .filter((line) => /^[A-Z]/.test(line))
        .map((line) => line.split(/=(.*)/s, 2) as [string, string]),
    );
    expect([...variables.keys()].sort()).toEqual([
      'DATABASE_URL',
      'DIRECT_URL',
      'NEXT_PUBLIC_APP_URL',
      'NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY',
      'NEXT_PUBLIC_SUPABASE_ANON_KEY',
      'NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY',
      'NEXT_PUBLIC_SUPABASE_URL',
      'RESEND_API_KEY',
      'RESEND_FROM_EMAIL',
      'SESSION_SECRET',
      'STRIPE_SECRET_KEY',
      'STRIPE_WEBHOOK_SECRET',
      'SUPABASE_SECRET_KEY',
      'SUPABASE_SERVICE_ROLE_KEY',
      'VITE_SUPABASE_PUBLISHABLE_KEY',
      'VITE_SUPABASE_URL',
    ]);
    for (const [name, value] of variables) if (/KEY$|SECRET|DATABASE|DIRECT/.test(name)) expect(value, name).toBe('');
  });

  it('has the settings that a product customizes', () => {
    const config = JSON.parse(kitFile('config/muse.config.json')) as Record<string, Record<string, string>>;
    expect(config).toMatchObject({
      project: { name: expect.any(String), tagline: expect.any(String) },
      branding: { companyName: expect.any(String), supportEmail: expect.stringMatching(/@example\.com$/) },
    });
    expect(JSON.parse(kitFile('package.json'))).toMatchObject({ name: 'musekit', private: true });
    expect(JSON.parse(kitFile('package.json'))).not.toHaveProperty('dependencies');
  });

  it('configures the Supabase CLI with the database version, the seed and the served schemas', () => {
    const config = kitFile('supabase/config.toml');
    expect(config).toMatch(/^major_version = 17$/m);
    expect(config).toMatch(/^sql_paths = \["\.\.\/seeds\/development\.sql"\]$/m);
    expect(config).toMatch(/^schemas = \["public", "graphql_public"\]$/m);
  });

  it('lists its core files in the guide to the migrations', () => {
    const guide = kitFile('migrations/README.md');
    for (const file of coreFiles.slice(1)) expect(guide).toContain(`\`${basename(file, '.sql')}\``);
  });
});
