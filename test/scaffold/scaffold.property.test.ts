import * as fc from 'fast-check';
import { parse } from 'libpg-query';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { MuseError } from '../../src/shared/error.ts';
import { scopeColumnOf, tableProblems } from '../../src/scaffold/check-table.ts';
import { parseTable } from '../../src/scaffold/parse-table.ts';
import { scaffold, type Scaffold } from '../../src/scaffold/scaffold.ts';
import type { ColumnSpecification, CoreFacts, TableSpecification } from '../../src/scaffold/table.ts';
import { sampled } from '../support/sample.ts';
import { builtInCore, coreFacts, folders, openCore, schemaOf } from './support.ts';

const upKinds = [
  'CreateStmt',
  'IndexStmt',
  'AlterTableStmt',
  'GrantStmt',
  'DropStmt',
  'CreatePolicyStmt',
  'CreateTrigStmt',
  'CommentStmt',
  // Adds the tables to Supabase's publication, where there is one.
  'DoStmt',
];

const hostile = fc.constantFrom(
  "'; drop table profiles; --",
  '*/ drop table x; /*',
  '{{constructor}}',
  '{{{x}}}',
  '$body$; $$',
  '\\',
  "\\'",
  '\n; select 1',
  '../..',
  '-rf',
  '🏠',
  '\u202e',
  '',
  "E'",
  '%s',
  '"',
);
const anyText = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'grapheme', maxLength: 30 }) },
  { weight: 2, arbitrary: hostile },
);
const letters = fc.string({ unit: fc.constantFrom(...'abcdeöß_AZ9'), minLength: 1, maxLength: 12 });
const name = fc.oneof(
  { weight: 8, arbitrary: letters },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'order',
      'select',
      'user',
      'table',
      'group',
      'a',
      'target',
      'owner',
      'member',
      'x'.repeat(60),
      'ä'.repeat(31),
      'a_b',
      'b_c',
    ),
  },
  { weight: 1, arbitrary: anyText },
);
const type = fc.constantFrom(
  'text',
  'varchar(5)',
  'integer',
  'bigint',
  'numeric(6,2)',
  'numeric',
  'real',
  'boolean',
  'uuid',
  'date',
  'timestamptz',
  'time',
  'json',
  'jsonb',
  'text[]',
  'inet',
  'bytea',
  'daterange',
  'interval',
  'double precision',
  'tsvector',
);
const literal = fc.oneof(
  anyText,
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom('2026-01-31', '12:30', '{}', '0', '-1.5', 'true'),
);
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 2 });

/** A column that is usually accepted. If it is refused, the causes are removed one by one. */
const column = fc
  .record(
    {
      name,
      type,
      required: fc.boolean(),
      unique: fc.boolean(),
      default: literal,
      defaultExpression: fc.constantFrom('now()' as const, 'current_date' as const, 'gen_random_uuid()' as const),
      choices: fc.array(anyText, { minLength: 1, maxLength: 4 }),
      min: fc.integer(),
      max: fc.double({ noNaN: true }),
      references: fc.constantFrom(
        'user',
        'profiles',
        'organizations',
        'products',
        'social_posts',
        'auth.users',
        't0',
        't1',
        't2',
      ),
      onDelete: fc.constantFrom('cascade' as const, 'restrict' as const, 'set null' as const),
      self: fc.boolean(),
      comment: anyText,
    },
    { requiredKeys: ['name', 'type'] },
  )
  .map((full): ColumnSpecification => {
    const kept: ColumnSpecification = { ...full };
    const keys = [
      'self',
      'onDelete',
      'choices',
      'max',
      'min',
      'defaultExpression',
      'default',
      'unique',
      'references',
    ] as const;
    const broken = (): boolean => tableProblems({ name: 't', columns: [kept], scope: 'owner' }).length > 0;
    for (const key of keys) if (broken()) delete kept[key];
    return kept;
  });

const table = fc
  .record({
    columns: fc.array(column, { maxLength: 6 }),
    scope: fc.constantFrom('owner' as const, 'organization' as const, 'public-read' as const, 'service-only' as const),
    scopedBy: optional(fc.constantFrom('owner' as const, 'organization' as const)),
    scopeColumn: optional(name),
    comment: optional(anyText),
    pick: fc.array(fc.nat(), { maxLength: 3 }),
  })
  .map(({ columns, pick, scope, scopedBy, scopeColumn, comment }): Omit<TableSpecification, 'name'> => {
    const owned = scope === 'owner' || scope === 'organization' ? undefined : scopedBy;
    const list = [...new Set(pick.map((at) => columns[at % Math.max(columns.length, 1)]?.name ?? 'id'))];
    return {
      columns,
      scope,
      ...(owned !== undefined && { scopedBy: owned }),
      ...(scopeColumn !== undefined && { scopeColumn }),
      ...(comment !== undefined && { comment }),
      ...(list.length > 0 && { unique: [list], indexes: [list.toReversed()] }),
    };
  });

const tables = fc.array(fc.tuple(table, name), { minLength: 1, maxLength: 3 }).map((list) =>
  list.map(([specification, other], index): TableSpecification => ({
    ...specification,
    name: index === 2 ? other : `t${index}`,
  })),
);

interface Node {
  [kind: string]: Record<string, never>;
}

async function kindsOf(sql: string): Promise<{ kind: string; node: Record<string, unknown> }[]> {
  const { stmts = [] } = (await parse(sql)) as unknown as { stmts?: { stmt: Node }[] };
  return stmts.map(({ stmt }) => ({ kind: Object.keys(stmt)[0] ?? '', node: Object.values(stmt)[0] ?? {} }));
}

/** The table, or the error that refuses it. Any other error is a defect. */
function readOrRefuse(typed: string): TableSpecification | MuseError {
  try {
    return parseTable(typed);
  } catch (error) {
    if (error instanceof MuseError) return error;
    throw error;
  }
}

describe('any accepted specification', () => {
  let database: Database;
  let core: CoreFacts;
  let before: string[];
  beforeAll(async () => {
    database = await openCore(builtInCore(), 'native');
    core = await coreFacts(database);
    before = await schemaOf(database);
  });
  afterAll(() => database.close());

  const make = (specifications: TableSpecification[], prefix = ''): Promise<Scaffold | undefined> =>
    scaffold({
      name: "x'; --\n{{",
      prefix,
      presets: [],
      tables: specifications,
      core,
      number: '001',
      folders,
      isolation: 'auth-uid',
    }).catch((error: unknown) => {
      if (error instanceof MuseError) return undefined;
      throw error;
    });

  it('produces SQL of the expected kinds, names and columns, which runs twice and rolls back', async () => {
    let accepted = 0;
    const runs = sampled(30);
    await fc.assert(
      fc.asyncProperty(tables, fc.constantFrom('', 'kv_'), async (specifications, prefix) => {
        const made = await make(specifications, prefix);
        fc.pre(made !== undefined);
        accepted++;
        const [up = '', down = ''] = made.files.map(({ content }) => content);
        const statements = await kindsOf(up);
        expect(upKinds).toEqual(expect.arrayContaining([...new Set(statements.map(({ kind }) => kind))]));
        const created = statements
          .filter(({ kind }) => kind === 'CreateStmt')
          .map(({ node }) => {
            const { relation, tableElts } = node as unknown as {
              relation: { relname: string };
              tableElts: { ColumnDef?: { colname: string } }[];
            };
            return { name: relation.relname, columns: tableElts.flatMap(({ ColumnDef }) => ColumnDef?.colname ?? []) };
          });
        const expected = specifications.map((specification) => {
          const scope = scopeColumnOf(specification);
          const own = specification.columns.map((one) => one.name);
          const full = specification.name.startsWith(prefix) ? specification.name : prefix + specification.name;
          return {
            name: full,
            columns: ['id', ...(scope === undefined ? [] : [scope]), ...own, 'created_at', 'updated_at'],
          };
        });
        const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
        expect(created.toSorted(byName)).toEqual(expected.toSorted(byName));
        expect(
          made.tables.map(({ name, columns }) => ({ name, columns: columns.map((one) => one.name) })).toSorted(byName),
        ).toEqual(expected.toSorted(byName));
        expect((await kindsOf(down)).map(({ kind }) => kind)).toEqual(specifications.map(() => 'DropStmt'));
        try {
          await database.script(up);
          const once = await schemaOf(database);
          await database.script(up);
          expect(await schemaOf(database)).toEqual(once);
        } finally {
          await database.script(down);
        }
        expect(await schemaOf(database)).toEqual(before);
      }),
      { numRuns: runs },
    );
    expect(accepted).toBeGreaterThan((runs * 5) / 6);
  });

  it('as text is read or refused by name, and no input becomes a statement', async () => {
    const piece = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.constantFrom(
          'a',
          'b text',
          ': ',
          ', ',
          'text',
          '!',
          " = 'x'",
          '(x|y)',
          'numeric(5,2)',
          '-> profiles',
          'owner user',
          'organization',
          'public',
          'unique',
          'index(a)',
          '"A b"',
          '[]',
          '= now()',
          '= -1',
        ),
      },
      { weight: 1, arbitrary: anyText },
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 12 }).map((pieces) => `n: ${pieces.join(' ')}`),
      fc
        .tuple(anyText, fc.array(fc.tuple(letters, type, anyText), { maxLength: 3 }))
        .map(
          ([start, list]) =>
            `${start}: ${list.map(([column, kind, value]) => `${column} ${kind} = '${value.replaceAll("'", "''")}'`).join(', ')}`,
        ),
      fc
        .tuple(letters, fc.array(fc.tuple(letters, anyText), { minLength: 1, maxLength: 3 }))
        .map(
          ([start, list]) =>
            `${start}: ${list.map(([column, value]) => `${column} text = '${value.replaceAll("'", "''")}'`).join(', ')}`,
        ),
      fc.string({ unit: 'binary', maxLength: 60 }),
    );
    let accepted = 0;
    const runs = sampled(400);
    const problems: MuseError[] = [];
    await fc.assert(
      fc.asyncProperty(text, async (typed) => {
        const specification = readOrRefuse(typed);
        if (specification instanceof MuseError) {
          problems.push(specification);
          return;
        }
        const made = await make([specification]);
        if (made === undefined) return;
        accepted++;
        const kinds = (await Promise.all(made.files.map(({ content }) => kindsOf(content))))
          .flat()
          .map(({ kind }) => kind);
        expect(kinds.filter((kind) => ![...upKinds, 'DropStmt'].includes(kind))).toEqual([]);
        expect(kinds.filter((kind) => kind === 'DoStmt').length).toBeLessThanOrEqual(1);
      }),
      { numRuns: runs },
    );
    for (const problem of problems) {
      expect(problem).toMatchObject({
        code: 'bad-table',
        detail: expect.stringMatching(/\n *\^$/),
        suggestion: expect.stringMatching(/./),
      });
    }
    expect(accepted).toBeGreaterThan(runs / 20);
  });
});
