import { describe, expect, it } from 'vitest';
import type { Muse, MuseFile } from '../../src/shared/muse-file.ts';
import { takesCertificate } from '../../src/targets/certificate.ts';
import { openEnvironment, placeOf, targetOf } from '../../src/targets/open.ts';
import { defaultTarget, targetKinds } from '../../src/targets/kinds.ts';
import { targets } from '../../src/targets/targets.ts';
import type { Target } from '../../src/targets/target.ts';

const muse = (environments: MuseFile['environments']): Muse => ({
  directory: '/nowhere',
  museFile: { environments } as MuseFile,
});

describe('an unknown target', () => {
  it.each([
    ['neon', 'Choose one of: embedded, postgres, supabase.'],
    ['supbase', 'Did you mean "supabase"?'],
    ['constructor', 'Choose one of: embedded, postgres, supabase.'],
  ])('%s is refused, whatever URL is available', async (target, suggestion) => {
    const place = muse({ development: { target } });
    await expect(
      openEnvironment(place, 'development', { DATABASE_URL: 'postgresql://127.0.0.1:1/none' }),
    ).rejects.toMatchObject({ code: 'bad-target', suggestion });
    expect(() => targetOf(target)).toThrow(`"${target}" is not a target.`);
  });
});

it('an unknown environment is refused with a list of the known ones', () => {
  expect(() =>
    placeOf(muse({ development: { target: 'embedded' }, production: { target: 'postgres' } }), 'staging', {}),
  ).toThrow(
    expect.objectContaining({
      code: 'bad-environment',
      suggestion: expect.stringContaining('It has development, production'),
    }),
  );
});

describe.each(targetKinds)('%s', (kind) => {
  const target: Target = targets[kind];

  it('describes itself, and stores nothing in muse.json that could be a secret', () => {
    expect([target.title, target.about]).not.toContain('');
    expect(Object.keys(target.settings).filter((key) => /password|secret|token|^url$|key/i.test(key))).toEqual([]);
  });

  it('is a local directory, a server, or a project', () => {
    expect([target.local, target.provisioned].filter(Boolean).length).toBeLessThanOrEqual(1);
    expect(target.needsUrl && (target.local || target.provisioned)).toBe(false);
    // A database that can be dropped belongs only to the muse, and a certificate implies a network connection.
    expect(target.drop !== undefined).toBe(target.local);
    expect(takesCertificate(target)).toBe(!target.local);
  });
});

it('the default needs neither a URL nor a project', () => {
  const { local, needsUrl, provisioned } = targets[defaultTarget];
  expect({ local, needsUrl, provisioned }).toEqual({ local: true, needsUrl: false, provisioned: false });
});
