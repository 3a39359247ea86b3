import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createShared, keyOfFiles } from '../../src/portfolio/kinds/shared.ts';
import { shadowDatabases } from '../../src/portfolio/limit.ts';
import type { Migration } from '../../src/sql/migration.ts';

describe('what the muses of a worker share', () => {
  it('is made once for a key, however many ask; a failure is not kept', async () => {
    const shared = createShared();
    let made = 0;
    const make = async (): Promise<number> => {
      made += 1;
      await sleep(5);
      if (made === 1) throw new Error('the first one fails');
      return made;
    };
    const ask = (): Promise<number> => shared.onShadow('one', make);
    expect(await Promise.allSettled([ask(), ask()])).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    expect(await Promise.all([ask(), ask(), shared.once('one', make)])).toEqual([2, 2, 2]);
    expect(await shared.once('another', make)).toBe(3);
  });

  it('is made again for the others where the one that made it was stopped, at work or in line', async () => {
    const shared = createShared();
    const stop = new AbortController();
    const busy = Array.from({ length: shadowDatabases }, (_, index) =>
      shared.onShadow(`busy ${index}`, () => sleep(30, index, { signal: stop.signal }), stop.signal),
    );
    // The first of these is in line, and the second waits for what the first is to make.
    const stopped = shared.onShadow('later', () => Promise.resolve('of the first'), stop.signal);
    const other = shared.onShadow('later', () => Promise.resolve('of the second'));
    const same = shared.onShadow('busy 0', () => Promise.resolve(100));
    stop.abort(new Error('Ctrl-C'));
    for (const each of [...busy, stopped]) await expect(each).rejects.toMatchObject({ code: 'cancelled' });
    expect(await Promise.all([other, same])).toEqual(['of the second', 100]);
  });

  it('is found out on as many shadow databases as there are processors', async () => {
    const shared = createShared();
    let [working, most] = [0, 0];
    const make = async (): Promise<void> => {
      working += 1;
      most = Math.max(most, working);
      await sleep(5);
      working -= 1;
    };
    await Promise.all(Array.from({ length: 3 * shadowDatabases }, (_, index) => shared.onShadow(`${index}`, make)));
    expect(most).toBe(shadowDatabases);
  });

  it('has another key for other files, another order and other settings', () => {
    const file = (name: string, checksum = 'a'): Migration => ({
      layer: 'core',
      file: name,
      number: '001',
      sql: '',
      checksum,
    });
    const keys = [
      keyOfFiles([file('a'), file('b')]),
      keyOfFiles([file('b'), file('a')]),
      keyOfFiles([file('a', 'b'), file('b')]),
      keyOfFiles([{ ...file('a'), layer: 'extension' }, file('b')]),
      keyOfFiles([file('a'), file('b')], 'session'),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(keyOfFiles([file('a'), file('b')])).toBe(keys[0]);
  });
});
