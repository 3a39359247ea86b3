import { describe, expect, it } from 'vitest';
import { schemaDiagram } from '../../src/publish/diagram/diagram.ts';
import { type DiagramTable, placeTables } from '../../src/publish/diagram/place.ts';

/** A table with an `id`, a key column for each reference, and more columns. */
function table(name: string, to: readonly string[] = [], { layer = 'extension', more = 0 } = {}): DiagramTable {
  const keys = to.map((other) => `${other}_id`);
  const others = Array.from({ length: more }, (_, at) => `column_${at}`);
  return {
    name,
    layer: layer as DiagramTable['layer'],
    columns: ['id', ...keys, ...others].map((column) => ({
      name: column,
      type: 'timestamp with time zone',
      nullable: others.includes(column),
      key: column === 'id',
    })),
    references: to.map((other) => ({ columns: [`${other}_id`], table: other, one: false })),
  };
}

/** Forty tables, of which each refers to an earlier one, and some to a hub. */
const forty = Array.from({ length: 40 }, (_, at) =>
  table(`t${at}`, at === 0 ? [] : [`t${(at * 7) % at}`, ...(at % 3 === 0 ? ['auth.users'] : [])], {
    layer: at < 22 ? 'core' : 'extension',
    more: (at * 5) % 17,
  }),
);

const places = (tables: readonly DiagramTable[]): Map<string, string> =>
  new Map(placeTables(tables).boxes.map(({ table: { name }, x, y }) => [name, `${x} ${y}`]));

describe('placeTables', () => {
  it('puts no table on another', () => {
    const { boxes, width, height } = placeTables(forty);
    expect(boxes).toHaveLength(40);
    for (const one of boxes) {
      const under = boxes.filter((other) => other.x === one.x && other.y < one.y);
      for (const other of under) expect(other.y + other.height).toBeLessThan(one.y);
      expect(one.y + one.height).toBeLessThanOrEqual(height);
    }
    expect(Math.max(width / height, height / width), 'not a strip').toBeLessThan(4);
  });

  it('moves no table for one that is added at the end', () => {
    for (let count = 1; count < forty.length; count += 1) {
      const [before, after] = [places(forty.slice(0, count)), places(forty.slice(0, count + 1))];
      const moved = [...before].filter(([name, place]) => after.get(name) !== place).map(([name]) => name);
      // Core is on the right: it moves sideways, as a whole, where the extensions need another lane.
      const core = forty.slice(0, 22).map(({ name }) => name);
      expect([[], core]).toContainEqual(moved);
    }
  });

  it.each([4, 5])('takes a table that %i others refer to for a hub from 5 on', (count) => {
    const others = Array.from({ length: count }, (_, at) => table(`t${at}`, ['hub']));
    expect(placeTables([table('hub'), ...others]).hubs).toEqual(count < 5 ? [] : ['hub']);
  });
});

describe('schemaDiagram', () => {
  const linesOf = (svg: string): string[] =>
    [...svg.matchAll(/data-from="([^"]*)" data-to="([^"]*)"/g)].map(([, from, to]) => `${from} → ${to}`);
  const namedIn = (svg: string): string[] => [...svg.matchAll(/>→ ([^<]*)</g)].map(([, name]) => name ?? '');

  it('draws a line for a key, or names its table where it is a hub, far away, its own or elsewhere', () => {
    const many = ['a', 'b', 'c', 'd', 'e'].map((name) => table(name, ['hub']));
    const svg = schemaDiagram([table('hub'), ...many, table('f', ['a', 'f', 'auth.users'])]);
    expect(linesOf(svg)).toEqual(['f → a']);
    expect(namedIn(svg)).toEqual(['hub', 'hub', 'hub', 'hub', 'hub', 'itself', 'auth.users']);
  });

  it('is the same for the same schema, and shows every table', () => {
    const svg = schemaDiagram(forty);
    expect(schemaDiagram(structuredClone(forty))).toBe(svg);
    expect(new Set([...svg.matchAll(/data-table="([^"]*)"/g)].map(([, name]) => name)).size).toBe(40);
    expect(svg).toContain('Extension: 18 tables');
    expect(svg).toContain('Core: 22 tables');
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('counts the columns that do not fit, and leads the line of a hidden one there', () => {
    const wide = {
      ...table('wide', [], { more: 40 }),
      references: [{ columns: ['column_39'], table: 'b', one: true }],
    };
    const svg = schemaDiagram([table('b'), wide]);
    expect(svg).toContain('and 18 more columns');
    expect(linesOf(svg)).toEqual(['wide → b']);
  });

  it.each(['<script>alert(1)</script>', '"&\'', 'a\u0000\u0001\u001bb', '\ud800', 'x'.repeat(63)])(
    'is XML whatever a name is: %j',
    (name) => {
      const svg = schemaDiagram([{ ...table(name, [name]), layer: 'core' }, table('other', [name])]);
      expect(svg).not.toContain('<script');
      // oxlint-disable-next-line no-control-regex
      expect(svg).not.toMatch(/[\u0000-\u0008\u000b-\u001f\ud800-\udfff]/);
      expect(svg).not.toMatch(/&(?!(?:amp|lt|gt|quot|#39);)/);
    },
  );

  it('says that there are no tables', () => {
    expect(schemaDiagram([])).toContain('<title>No tables yet</title>');
  });
});
