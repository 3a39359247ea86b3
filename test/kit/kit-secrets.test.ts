import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fetchKit } from '../../src/kit/fetch.ts';
import { neutralTemplate } from '../../src/kit/kit-secrets.ts';
import { parseKitSource } from '../../src/kit/source.ts';
import { sampleOf } from '../support/sample.ts';
import { type Files, musekit, repository, temporary } from './repository.ts';

const jwt = (payload: object): string =>
  ['{"alg":"HS256","typ":"JWT"}', JSON.stringify(payload), 'signature-of-it']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');
const random = 'h7Gk2pQ9sLx4vBn8Zt1mWc5e';

describe("a kit's files for secrets", () => {
  const secret: [string, Files, string[]][] = [
    [
      'the one that decides where production is',
      { '.env.production.local': 'DATABASE_URL=postgresql://u:p@evil/x' },
      ['.env.production.local'],
    ],
    [
      'any .env*.local, wherever it is and however it is written',
      { '.env.local': '', 'apps/web/.env.staging.local': 'A=1', '.ENV-x.LOCAL': '', 'a/.env_y.local': '' },
      ['.ENV-x.LOCAL', '.env.local', 'a/.env_y.local', 'apps/web/.env.staging.local'],
    ],
    [
      'a link and a folder by such a name',
      { '.env.local': { link: 'package.json' }, '.env.production.local/x': 'A=1' },
      ['.env.local', '.env.production.local'],
    ],
    [
      'a password of a server',
      { '.env.production': 'DATABASE_URL=postgres://app:tr0ub4dor@db.example.com/app' },
      ['.env.production'],
    ],
    ['a key by its form', { '.env': 'A=1\nSTRIPE=sk_live_51HxYzAbCdEfGh12345678\n' }, ['.env']],
    ['a key by its name', { 'apps/web/.env.staging': `SESSION_SECRET=${random}` }, ['apps/web/.env.staging']],
    [
      'a service key',
      { '.env.production': `K=${jwt({ role: 'service_role', ref: 'abcdefghijklmnopqrst' })}` },
      ['.env.production'],
    ],
    ["for Cloudflare's workers", { 'api/.dev.vars': `STRIPE_SECRET_KEY=${random}` }, ['api/.dev.vars']],
    ['named before its point', { 'config/production.env': `SESSION_SECRET=${random}` }, ['config/production.env']],
    ['for direnv', { '.envrc': `export API_TOKEN=${random}` }, ['.envrc']],
  ];
  it.each(sampleOf(secret, 2))('%s is left out and named', async (_, files, left) => {
    const kit = repository({ ...musekit, ...files });
    const muse = temporary('muse');
    const { notes } = await fetchKit(parseKitSource(kit.directory), muse);
    expect(notes).toMatchObject([{ kind: 'secrets', paths: left }]);
    for (const path of left) {
      expect(existsSync(join(muse, path))).toBe(false);
      expect(notes[0]?.message).toContain(path);
    }
  });

  it('all of them are left out of folders', async () => {
    const inFolder = (paths: readonly string[], index: number): string[] =>
      paths.map((path) => `case-${index}/${path}`);
    const files = Object.fromEntries(
      secret.flatMap(([, each], index) =>
        inFolder(Object.keys(each), index).map((path, at) => [path, Object.values(each)[at]!]),
      ),
    );
    const { notes } = await fetchKit(parseKitSource(repository({ ...musekit, ...files }).directory), temporary('muse'));
    expect(notes).toMatchObject([
      { kind: 'secrets', paths: secret.flatMap(([, , left], index) => inFolder(left, index)).sort() },
    ]);
  });

  const harmless: [string, Files][] = [
    ['templates, whatever they hold', { '.env.example': `SESSION_SECRET=${random}`, '.env.local.example': 'A=1' }],
    ['settings without a secret', { '.env': 'NEXT_PUBLIC_SITE_URL=http://localhost:3000\nLOCALE=en' }],
    [
      'placeholders',
      { '.env.production': 'STRIPE_SECRET_KEY=your-secret-key-goes-here-1\nAPI_KEY=${VAULT_KEY_12345}\n' },
    ],
    [
      'public keys',
      { '.env.production': `NEXT_PUBLIC_SUPABASE_ANON_KEY=${jwt({ role: 'anon' })}\nNEXT_PUBLIC_TOKEN=${random}` },
    ],
    [
      'the local demo',
      {
        '.env.development': `SERVICE_ROLE_KEY=${jwt({ iss: 'supabase-demo', role: 'service_role' })}\nDATABASE_URL=postgres://postgres:postgres@127.0.0.1:54322/postgres`,
      },
    ],
    [
      'containers',
      { '.env': 'DATABASE_URL=postgres://app:app-password-1@db:5432/app\nJWT_SECRET=super-secret-jwt-token-1' },
    ],
    ['other files', { 'src/env.local.ts': `export const secret = '${random}';`, 'local/.environment': 'A=1' }],
  ];
  describe('stay', () => {
    // One kit has the files of all cases, each in a folder of its own.
    const muse = temporary('muse');
    let notes: readonly unknown[] = [];
    const inFolder = (index: number, files: Files): [string, Files[string]][] =>
      Object.entries(files).map(([path, content]) => [`case-${index}/${path}`, content]);
    beforeAll(async () => {
      const files = Object.fromEntries(harmless.flatMap(([, each], index) => inFolder(index, each)));
      ({ notes } = await fetchKit(
        parseKitSource(repository({ ...musekit, ...harmless[0]![1], ...files }).directory),
        muse,
      ));
    });

    it.each(harmless.map(([name, files], index) => [name, index, files] as const))('%s', (_, index, files) => {
      expect(notes).toEqual([]);
      for (const [path] of inFolder(index, files)) expect(existsSync(join(muse, path))).toBe(true);
      if (index === 0) for (const path of Object.keys(files)) expect(existsSync(join(muse, path))).toBe(true);
    });
  });
});

describe('neutralTemplate', () => {
  it.each([
    ['DATABASE_URL=postgresql://u:p@evil.example.com/x # why', 'DATABASE_URL= # why', 'evil.example.com'],
    ['export DIRECT_URL="postgres://u@evil/x"', 'export DIRECT_URL=', 'evil'],
    ["A='postgresql://localhost/x?host=evil'", 'A=', 'evil'],
    ['SUPABASE_DB_PASSWORD=known', 'SUPABASE_DB_PASSWORD=', undefined],
  ])('%s becomes %s', (text, neutral, host) => {
    const { text: written, emptied } = neutralTemplate(text);
    expect(written).toBe(neutral);
    expect(emptied).toEqual([{ name: expect.any(String), ...(host === undefined ? {} : { host }) }]);
  });

  it.each([
    'DATABASE_URL=',
    'DATABASE_URL=postgresql://postgres:postgres@127.0.0.1:54322/postgres',
    'DATABASE_URL=postgresql:///x?host=/run/postgresql',
    'DATABASE_URL=postgresql://postgres:[PASSWORD]@db.[REF].supabase.co/postgres',
    'SITE=https://example.com # postgresql://evil',
  ])('%s stays', (text) => {
    expect(neutralTemplate(text)).toEqual({ text, emptied: [] });
  });
});
