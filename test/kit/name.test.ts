import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkMuseName, databaseName, titleOf } from '../../src/kit/name.ts';

describe('checkMuseName', () => {
  it.each(['realtymuse', 'realty-muse', 'kv2', 'a1', 'x'.repeat(40), 'socioscheduler', 'muse2', 'console2'])(
    'accepts %s',
    (name) => {
      expect(checkMuseName(name)).toEqual({ ok: true });
    },
  );

  it.each([
    ['', 'my-muse'],
    ['RealtyMuse', 'realtymuse'],
    ['Realty Muse', 'realty-muse'],
    ['../evil', 'evil'],
    ['..\\..\\evil', 'evil'],
    ['/etc/passwd', 'etc-passwd'],
    ['-rf', 'rf'],
    ['--kit=x', 'kit-x'],
    ['café', 'cafe'],
    ['Straße', 'strasse'],
    ['Łódź', 'lodz'],
    ['ﬁne', 'fine'],
    ['İstanbul', 'istanbul'],
    ['🚀rocket🚀', 'rocket'],
    ['🚀', 'my-muse'],
    ['日本', 'my-muse'],
    ["bob's shop", 'bobs-shop'],
    ['a"b;--', 'a-b'],
    ['{{name}}', 'name'],
    ['drop table;--', 'drop-table'],
    ['7eleven', 'muse-7eleven'],
    ['a', 'a-muse'],
    ['a_b', 'a-b'],
    ['a--b-', 'a-b'],
    ['x'.repeat(300), 'x'.repeat(40)],
    [`${'x'.repeat(39)}-y`, 'x'.repeat(39)],
    ['con', 'con-muse'],
    ['LPT1', 'lpt1-muse'],
    ['node_modules', 'node-modules-muse'],
    ['help', 'help-muse'],
    ['favicon.ico', 'favicon-ico'],
    ['http', 'http-muse'],
    ['fs', 'fs-muse'],
    ['select', 'select-muse'],
    ['current-user', 'current-user-muse'],
    ['pg-stuff', 'my-pg-stuff'],
    ['auth', 'auth-muse'],
    ['create-muse', 'create-muse-muse'],
    ['a\nb', 'a-b'],
    ['a\0b', 'a-b'],
  ])('refuses %j and proposes %s', (name, nearest) => {
    expect(checkMuseName(name)).toMatchObject({ ok: false, nearest, reason: expect.stringMatching(/\.$/) });
    expect(checkMuseName(nearest)).toEqual({ ok: true });
  });

  it('proposes a good name for any text', () => {
    const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.stringMatching(/^(pg-)?[a-z-]{0,60}$/));
    const goodNearest = fc.property(anyText, (name) => {
      const check = checkMuseName(name);
      return check.ok || checkMuseName(check.nearest).ok;
    });
    expect(fc.check(goodNearest, { numRuns: 2000 })).toMatchObject({ failed: false });
  });

  it('accepts only unquoted PostgreSQL names that are npm package names', () => {
    const safe = fc.property(fc.string(), (name) => {
      const check = checkMuseName(name);
      const good = check.ok ? name : check.nearest;
      return /^[a-z][a-z0-9_]{0,62}$/.test(databaseName(good)) && good === encodeURIComponent(good);
    });
    expect(fc.check(safe)).toMatchObject({ failed: false });
  });
});

it('titleOf makes words', () => {
  expect(titleOf('realty-muse')).toBe('Realty Muse');
});
