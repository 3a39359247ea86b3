import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KitSource, parseKitSource } from '../../src/kit/source.ts';
import { errorOf } from './errors.ts';

describe('parseKitSource', () => {
  it.each([
    ['builtin', undefined, { kind: 'builtin', text: 'builtin' }],
    [
      'SpeckledDarth/master-saas-muse',
      undefined,
      { kind: 'url', url: 'https://github.com/SpeckledDarth/master-saas-muse.git' },
    ],
    ['github:a/b.git', undefined, { kind: 'url', url: 'https://github.com/a/b.git' }],
    ['a/b#v1.0', undefined, { kind: 'url', url: 'https://github.com/a/b.git', ref: 'v1.0', text: 'a/b' }],
    ['a/b', 'feature/x', { kind: 'url', ref: 'feature/x' }],
    ['a/b#x', 'x', { kind: 'url', ref: 'x' }],
    ['https://gitlab.com/g/s/p.git#main', undefined, { kind: 'url', url: 'https://gitlab.com/g/s/p.git', ref: 'main' }],
    ['git+https://h/o/r', undefined, { kind: 'url', url: 'https://h/o/r' }],
    ['git@github.com:o/r.git', undefined, { kind: 'url', url: 'git@github.com:o/r.git' }],
    ['host.example:path/r.git#t', undefined, { kind: 'url', url: 'host.example:path/r.git', ref: 't' }],
    ['ssh://git@host:2222/o/r.git', undefined, { kind: 'url', url: 'ssh://git@host:2222/o/r.git' }],
    ['file:///srv/kit%20a', undefined, { kind: 'url', url: 'file:///srv/kit%20a' }],
    ['./kit', undefined, { kind: 'path', path: './kit' }],
    ['../kit dir#v1', undefined, { kind: 'path', path: '../kit dir', ref: 'v1' }],
    ['./a#b', 'v1', { kind: 'path', path: './a#b', ref: 'v1' }],
    ['/srv/kit', undefined, { kind: 'path', path: '/srv/kit' }],
    ['C:\\kits\\a', undefined, { kind: 'path', path: 'C:\\kits\\a' }],
    ['C:/kits/a', undefined, { kind: 'path', path: 'C:/kits/a' }],
    ['kit', undefined, { kind: 'path', path: 'kit' }],
    ['a/b/c', undefined, { kind: 'path', path: 'a/b/c' }],
    ['a/..', undefined, { kind: 'path', path: 'a/..' }],
    [' builtin ', undefined, { kind: 'builtin' }],
  ])('reads %j with ref %j', (text, ref, expected) => {
    expect(parseKitSource(text, ref)).toMatchObject(expected);
  });

  it.each([
    ['', undefined, /empty/],
    ['--upload-pack=touch x', undefined, /option/],
    ['-x', undefined, /option/],
    ['ext::sh -c touch%20x', undefined, /run a program/],
    ['fd::17', undefined, /run a program/],
    ['git+ext::sh -c x', undefined, /run a program/],
    ['git://host/r', undefined, /not encrypted/],
    ['http://host/r', undefined, /not encrypted/],
    ['ftp://host/r', undefined, /does not speak ftp/],
    ['javascript://x', undefined, /does not speak/],
    ['https://user:hunter2@host/r.git', undefined, /user name or password/],
    ['https://ghp_hunter2@github.com/o/r', undefined, /user name or password/],
    ['ssh://git:hunter2@host/r', undefined, /user name or password/],
    ['https://host/r.git?token=hunter2', undefined, /query/],
    ['https://', undefined, /./],
    ['ssh://-oProxyCommand=x/r', undefined, /./],
    ['ssh://-x@host/r', undefined, /option/],
    ['a/b\n', 'x\ny', /no branch/],
    ['./a\nb', undefined, /control character/],
    ['a/b#-x', undefined, /no branch/],
    ['a/b#', undefined, /no branch/],
    ['a/b', '--upload-pack=x', /no branch/],
    ['a/b', 'a..b', /no branch/],
    ['a/b', 'a:b', /no branch/],
    ['a/b', 'x.lock', /no branch/],
    ['a/b', '+x y', /no branch/],
    ['a/b#x', 'y', /--kit says #x and --ref says y/],
    ['builtin', 'v1', /built-in/],
  ])('refuses %j with ref %j', (text, ref, says) => {
    const error = errorOf(() => parseKitSource(text, ref));
    expect(error).toMatchObject({ code: 'bad-kit-source', message: expect.stringMatching(says) });
    expect(`${error?.message} ${error?.suggestion} ${error?.detail}`).not.toContain('hunter2');
  });

  it('passes git nothing that begins with a hyphen, and throws only MuseErrors', () => {
    const harmless = fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.option(fc.string(), { nil: undefined }),
      (text, ref) => {
        const read: { source?: KitSource } = {};
        const error = errorOf(() => (read.source = parseKitSource(text, ref)));
        if (read.source === undefined) return error?.code === 'bad-kit-source';
        const { url = '', ref: pinned = '' } = read.source as { url?: string; ref?: string };
        return !/^-|::|\p{Cc}/u.test(url) && !/^-|[\p{Cc} ]/u.test(pinned);
      },
    );
    expect(fc.check(harmless, { numRuns: 2000 })).toMatchObject({ failed: false });
  });
});
