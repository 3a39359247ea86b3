import type { Catalog, ColumnRow, PolicyRow, RelationRow } from '../../src/rules/engine/live/catalog.ts';
import { qualifiedName, relation } from '../../src/rules/engine/live/catalog.ts';
import { quoteIdentifier, quoteLiteral } from '../../src/shared/quote.ts';
import { type Mutant, policySql } from './mutants.ts';

/** What kind of mistake a mutant is. */
export type Family =
  | 'user-written data'
  | 'claims'
  | 'request settings'
  | 'time'
  | 'row states'
  | 'membership'
  | 'role'
  | 'function keys'
  | 'skipped'
  | 'side effects'
  | 'rules and children'
  | 'partitions'
  | 'default privileges'
  | 'role grants'
  | 'storage paths';

const unguardedMode = "security definer set search_path = ''";

/** An owner column that the policy reads. */
function keyIn(policy: PolicyRow, table: RelationRow): ColumnRow | undefined {
  const text = `${policy.using ?? ''} ${policy.check ?? ''}`;
  return table.columns.find((column) => column.base === 'uuid' && new RegExp(`\\b${column.name}\\b`).test(text));
}

/** States of a row in careless conditions, as conditions on its columns. */
function statesOf(table: RelationRow, policy: PolicyRow): string[] {
  const asked = `${policy.using ?? ''} ${policy.check ?? ''}`;
  const conditionOf = (column: ColumnRow): string[] => {
    const name = quoteIdentifier(column.name);
    if (column.base === 'boolean') return [name];
    if (column.category === 'N' && column.identity === '' && !column.generated) return [`${name} > 1000000`];
    const labels = labelsOf(column, table);
    if (labels.length > 0) return [`${name} = ${quoteLiteral(labels.at(-1)!)}`];
    return column.notNull ? [] : [`${name} is ${column.base.startsWith('timestamp') ? 'not ' : ''}null`];
  };
  const free = table.columns.filter((column) => !new RegExp(`\\b${column.name}\\b`).test(asked));
  return free.flatMap(conditionOf).slice(0, 3);
}

function labelsOf(column: ColumnRow, table: RelationRow): string[] {
  if (column.labels !== null) return column.labels;
  const checks = table.constraints.filter(
    (constraint) => constraint.type === 'c' && constraint.columns.length === 1 && constraint.columns[0] === column.name,
  );
  return checks.flatMap(({ expression }) =>
    /= ANY/.test(expression ?? '') ? [...expression!.matchAll(/'([^']+)'::text/g)].map((match) => match[1]!) : [],
  );
}

/** The policy with `or condition` in its USING and its WITH CHECK. */
function widened(policy: PolicyRow, table: RelationRow, condition: string): string {
  const or = (expression: string | null): string | null =>
    expression === null ? null : `(${expression}) or ${condition}`;
  return policySql(policy, table, { using: or(policy.using), check: or(policy.check) });
}

/** Mistakes in one policy: it also trusts client input, a date, or a state of the row. */
function policyFamilies(policy: PolicyRow, table: RelationRow, isSession: boolean): Mutant[] {
  const key = keyIn(policy, table);
  const same = (value: string): string[] =>
    key === undefined ? [] : [`${quoteIdentifier(key.name)}::text = ${value}`];
  const sent = (setting: string, name: string): string =>
    `(nullif(current_setting('request.${setting}', true), '')::json ->> '${name}')`;
  const conditions: [Family, string[]][] = [
    ['time', ["now() > timestamptz '2027-03-01'", ...(policy.command === 'a' ? [] : datesOf(table))]],
    ['row states', policy.command === 'a' ? [] : statesOf(table, policy)],
  ];
  if (!isSession) {
    conditions.push(
      [
        'user-written data',
        [
          "(auth.jwt() -> 'user_metadata' ->> 'role') = 'admin'",
          ...same("(auth.jwt() -> 'user_metadata' ->> 'tenant')"),
        ],
      ],
      [
        'claims',
        [
          "(auth.jwt() ->> 'aal') = 'aal1'",
          "(auth.jwt() ->> 'role') = 'authenticated'",
          "not coalesce((auth.jwt() ->> 'is_anonymous')::boolean, false)",
        ],
      ],
      ['request settings', [...same(sent('headers', 'x-tenant')), ...same(sent('cookies', 'tenant'))]],
    );
  }
  return conditions.flatMap(([family, all]) =>
    all.map((condition): Mutant => ({
      family,
      name: `${family}: policy "${policy.name}" on ${qualifiedName(table)} … or ${condition}`,
      sql: widened(policy, table, condition),
      touches: [qualifiedName(table)],
      widened: { policy, table },
    })),
  );
}

function datesOf(table: RelationRow): string[] {
  const date = table.columns.find((column) => column.base === 'timestamp with time zone' && column.notNull);
  return date === undefined ? [] : [`${quoteIdentifier(date.name)} < now() - interval '300 days'`];
}

const isText = (column: ColumnRow): boolean => column.base === 'text' && !column.generated;

/** SECURITY DEFINER functions that take the ID of a row from the caller. */
function keyFamilies(table: RelationRow, id: string, role: string): Mutant[] {
  const from = relation(table);
  const make = (
    family: Family,
    what: string,
    signature: string,
    shown: string,
    returns: string,
    body: string,
    volatility = 'stable',
  ): Mutant => ({
    family,
    name: `${family}: a function with its owner's rights on ${qualifiedName(table)}: ${what}`,
    sql: `create function public.mutant(${signature}) returns ${returns} language sql ${volatility} ${unguardedMode} as $$ ${body} $$; revoke execute on function public.mutant(${shown}) from public, anon; grant execute on function public.mutant(${shown}) to ${role}`,
    touches: [`public.mutant(${shown})`],
    ...(body.startsWith('select') ? { given: table } : {}),
  });
  const words = table.columns.find(
    (column) => isText(column) && column.notNull && labelsOf(column, table).length === 0,
  );
  return [
    make(
      'function keys',
      'a row by its id',
      'p uuid',
      'uuid',
      `setof ${from}`,
      `select * from ${from} where ${id} = p`,
    ),
    make(
      'function keys',
      'a row by its id as text',
      'p text',
      'text',
      'jsonb',
      `select to_jsonb(t) from ${from} t where t.${id}::text = p`,
    ),
    make(
      'function keys',
      'a row by an id in JSON',
      'p jsonb',
      'jsonb',
      `setof ${from}`,
      `select * from ${from} where ${id} = (p ->> 'id')::uuid`,
    ),
    make(
      'function keys',
      'rows by an array of ids',
      'p uuid[]',
      'uuid[]',
      `setof ${from}`,
      `select * from ${from} where ${id} = any (p)`,
    ),
    make(
      'function keys',
      'deletes a row by its id',
      'p uuid',
      'uuid',
      'void',
      `delete from ${from} where ${id} = p`,
      'volatile',
    ),
    ...(words === undefined
      ? []
      : [
          make(
            'function keys',
            'says whether a text is there',
            'p text',
            'text',
            'boolean',
            `select exists (select 1 from ${from} where ${quoteIdentifier(words.name)} like p)`,
          ),
        ]),
    make(
      'skipped',
      'every row, with a word in a comment',
      '',
      '',
      `setof ${from}`,
      `select * from ${from} /* then setval( ) and net.http_post( ) */`,
    ),
    {
      ...make(
        'skipped',
        'every row, and a sequence',
        '',
        '',
        `setof ${from}`,
        `select setval('public.mutant_numbers', 1); select * from ${from}`,
        'volatile',
      ),
      touches: ['public.mutant()'],
    },
  ].map((mutant) =>
    mutant.sql.includes('mutant_numbers')
      ? { ...mutant, sql: `create sequence public.mutant_numbers; ${mutant.sql}` }
      : mutant,
  );
}

/** Side effects of a write to the table. */
function sideFamilies(table: RelationRow, id: string, role: string): Mutant[] {
  const name = qualifiedName(table);
  const into = relation(table);
  const words = table.columns.find(
    (column) => isText(column) && column.notNull && labelsOf(column, table).length === 0,
  );
  const trigger = (what: string, setup: string, body: string): Mutant => ({
    family: 'side effects',
    name: `side effects: a trigger on ${name} ${what}`,
    touches: [name],
    sql: `${setup}create function public.mutant() returns trigger language plpgsql ${unguardedMode} as $$ begin ${body}; return new; end $$; create trigger zz_mutant after insert on ${into} for each row execute function public.mutant()`,
  });
  return [
    trigger('deletes all other rows', '', `delete from ${into} where ${id} <> new.${id}`),
    ...(words === undefined
      ? []
      : [
          trigger(
            'copies a text to where all read',
            `create table public.mutant_feed (id bigint generated always as identity primary key, body text); alter table public.mutant_feed enable row level security; create policy mutant on public.mutant_feed for select to ${role} using (true); grant select on public.mutant_feed to ${role}; `,
            `insert into public.mutant_feed (body) values (new.${quoteIdentifier(words.name)})`,
          ),
        ]),
    {
      family: 'rules and children',
      name: `rules and children: a rule on ${name} deletes all other rows`,
      touches: [name],
      sql: `create rule mutant as on insert to ${into} do also delete from ${into} where ${id} <> new.${id}`,
    },
  ];
}

/** Other access to the rows of a table. */
function besideFamilies(table: RelationRow, catalog: Catalog, role: string): Mutant[] {
  const name = qualifiedName(table);
  const into = relation(table);
  const make = (what: string, sql: string, touches: string[]): Mutant => ({
    family: 'rules and children',
    name: `rules and children: ${what} ${name}`,
    sql,
    touches,
  });
  return [
    make(
      "a view with its owner's rights of",
      `create view public.mutant_view as select * from ${into}; grant select on public.mutant_view to ${role}`,
      ['public.mutant_view'],
    ),
    {
      ...make(
        "a view with its owner's rights to write",
        `create view public.mutant_view as select * from ${into}; grant update, delete on public.mutant_view to ${role}`,
        ['public.mutant_view'],
      ),
      isRefused: isFrozen(table, catalog),
    },
    make('TRUNCATE on', `grant truncate on ${into} to ${role}`, [name]),
    {
      ...make(
        'a child without row-level security of',
        `create table public.mutant_child () inherits (${into}); grant select on public.mutant_child to ${role}`,
        ['public.mutant_child'],
      ),
      isOfCatalog: true,
    },
  ];
}

/** A trigger refuses every change of a row: its function only raises an error. */
function isFrozen(table: RelationRow, catalog: Catalog): boolean {
  return table.triggers.some(
    (trigger) =>
      trigger.enabled &&
      catalog.functions.some(
        ({ oid, source }) => oid === trigger.function && /^\s*begin\s+raise\b[^;]*;\s*end;?\s*$/i.test(source),
      ),
  );
}

/** Users can write their own rows that other tables' policies and functions trust. */
function trustedFamilies(table: RelationRow, catalog: Catalog, role: string): Mutant[] {
  const user = table.columns.find(
    (column) => column.base === 'uuid' && /^(user_id|member_id|profile_id)$/.test(column.name),
  );
  if (user === undefined || !isTrusted(table, catalog)) return [];
  const name = qualifiedName(table);
  const into = relation(table);
  const mine = `${quoteIdentifier(user.name)} = (select auth.uid())`;
  const rank = table.columns.find((column) => /^(role|.*_role|can_write|is_admin)$/.test(column.name));
  const make = (family: Family, what: string, sql: string, command?: 'a' | 'w'): Mutant => ({
    family,
    name: `${family}: ${what} ${name}`,
    sql,
    touches: undefined,
    ...(command === undefined
      ? {}
      : { added: { table, command, asks: `(${quoteIdentifier(user.name)} = ( SELECT auth.uid() AS uid))` } }),
  });
  return [
    make(
      'membership',
      'anyone adds itself to',
      `create policy mutant on ${into} for insert to ${role} with check (${mine}); grant insert on ${into} to ${role}`,
      'a',
    ),
    make(
      'membership',
      'anyone adds anyone to',
      `create policy mutant on ${into} for insert to ${role} with check (true); grant insert on ${into} to ${role}`,
    ),
    make(
      'membership',
      'anyone moves its own row of',
      `create policy mutant on ${into} for update to ${role} using (${mine}) with check (${mine}); grant update on ${into} to ${role}`,
      'w',
    ),
    ...(rank === undefined
      ? []
      : [
          make(
            'role',
            `anyone changes ${rank.name} in its own row of`,
            `create policy mutant on ${into} for update to ${role} using (${mine}) with check (${mine}); grant update (${quoteIdentifier(rank.name)}) on ${into} to ${role}`,
          ),
        ]),
  ];
}

/** Policies of other tables, or functions, read it. */
function isTrusted(table: RelationRow, catalog: Catalog): boolean {
  const word = new RegExp(`\\b${table.name}\\b`);
  return (
    catalog.functions.some(({ source }) => word.test(source)) ||
    catalog.relations.some(
      (other) =>
        other !== table && other.policies.some((policy) => word.test(`${policy.using ?? ''} ${policy.check ?? ''}`)),
    )
  );
}

/** A partitioned table that is correct except for one thing. */
function partitionFamily(role: string): Mutant[] {
  const parts = `create table public.mutant_parts (id uuid not null default gen_random_uuid(), user_id uuid not null references auth.users (id), at timestamptz not null default now(), body text not null, primary key (id, at)) partition by range (at);
    create table public.mutant_part partition of public.mutant_parts default; alter table public.mutant_parts enable row level security; alter table public.mutant_part enable row level security;
    grant select, insert, update, delete on public.mutant_parts to ${role}; create policy own on public.mutant_parts to ${role} using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));`;
  const make = (what: string, sql: string, isOfCatalog = false): Mutant => ({
    family: 'partitions',
    name: `partitions: ${what}`,
    sql: `${parts} ${sql}`,
    touches: ['public.mutant_parts', 'public.mutant_part'],
    isOfCatalog,
  });
  return [
    ...['select', 'insert', 'update', 'delete'].map((verb) =>
      make(
        `${verb} on a partition without row-level security`,
        `alter table public.mutant_part disable row level security; grant ${verb} on public.mutant_part to ${role}`,
        true,
      ),
    ),
    ...['select', 'update', 'delete'].map((verb) =>
      make(
        `${verb} on a partition with a policy of its own`,
        `grant ${verb} on public.mutant_part to ${role}; create policy every on public.mutant_part to ${role} using (body is not null)`,
      ),
    ),
    make('a policy of the whole that holds nobody', `alter policy own on public.mutant_parts using (at is not null)`),
    make('TRUNCATE on a partition', `grant truncate on public.mutant_part to ${role}`),
  ];
}

const powers = ['service_role', 'postgres', 'pg_read_all_data', 'pg_write_all_data'];

/** Mistakes that affect the whole database. */
function wholeFamilies(role: string): Mutant[] {
  const roles = [...new Set([role, 'anon', 'public'])];
  const defaults = ['public', undefined].flatMap((schema) =>
    roles.flatMap((to) =>
      ['select', 'insert, update, delete', 'truncate', 'all'].map((what): Mutant => {
        const place = schema === undefined ? 'every schema' : `schema ${schema}`;
        return {
          family: 'default privileges',
          name: `default privileges: ${what} on tables in ${place} to ${to}`,
          touches: [`default privileges on tables in ${place}`],
          sql: `alter default privileges ${schema === undefined ? '' : `in schema ${schema} `}grant ${what} on tables to ${to}`,
        };
      }),
    ),
  );
  const grants = [...new Set([role, 'anon'])].flatMap((to) =>
    powers.map((power): Mutant => ({
      family: 'role grants',
      name: `role grants: ${power} to ${to}`,
      sql: `grant ${power} to ${to}`,
      touches: [`role ${to}`],
    })),
  );
  const creating = roles.map((to): Mutant => ({
    family: 'role grants',
    name: `role grants: CREATE in schema public to ${to}`,
    sql: `grant create on schema public to ${to}`,
    touches: ['schema public'],
  }));
  return [...defaults, ...grants, ...creating];
}

/** Mistakes in paths of files. */
function storageFamily(catalog: Catalog): Mutant[] {
  const objects = catalog.relations.find((row) => qualifiedName(row) === 'storage.objects');
  if (objects === undefined) return [];
  return objects.policies
    .filter((policy) => policy.roles.includes('authenticated'))
    .flatMap((policy) => {
      const bucket = /bucket_id = '([^']+)'/.exec(`${policy.using} ${policy.check}`)?.[1];
      if (bucket === undefined) return [];
      const conditions = [
        `bucket_id = '${bucket}' and storage.extension(name) = 'jpg'`,
        `bucket_id = '${bucket}' and owner_id is not null`,
        `bucket_id = '${bucket}' and name like '%/%'`,
        `bucket_id = '${bucket}' and array_length(storage.foldername(name), 1) >= 1`,
      ];
      return conditions.map((condition): Mutant => ({
        family: 'storage paths',
        name: `storage paths: policy "${policy.name}" … or ${condition}`,
        sql: widened(policy, objects, condition),
        touches: [`storage.objects[${bucket}]`],
        widened: { policy, table: objects },
      }));
    });
}

/**
 * Every mistake of the families that applies to the schema.
 * @param role the role of signed-in users
 */
export function familyMutants(catalog: Catalog, role = 'authenticated'): Mutant[] {
  const isSession = role !== 'authenticated';
  const tables = catalog.relations.filter((row) => row.schema === 'public' && row.kind === 'r' && !row.partition);
  return [
    ...tables.flatMap((table) => {
      const held = table.grants[role] ?? '';
      const guarded = table.policies.filter(
        (policy) =>
          policy.permissive && policy.roles.includes(role) && policy.using !== 'true' && policy.check !== 'true',
      );
      // A public table has nothing to hide, and a table that no user can reach is covered by the functions.
      const isPublic = table.policies.some(
        (policy) => policy.permissive && policy.using === 'true' && policy.command !== 'a',
      );
      const id = table.columns.find((column) => column.name === 'id' && column.base === 'uuid');
      return [
        ...guarded
          .filter((policy) => !(isPublic && policy.command === 'r'))
          .flatMap((policy) => policyFamilies(policy, table, isSession)),
        ...(id === undefined || isPublic || guarded.length === 0
          ? []
          : [...keyFamilies(table, 'id', role), ...besideFamilies(table, catalog, role)]),
        ...(id === undefined || isPublic || guarded.length === 0 || !held.includes('I')
          ? []
          : sideFamilies(table, 'id', role)),
        ...(isSession ? [] : trustedFamilies(table, catalog, role)),
      ];
    }),
    ...(isSession ? [] : [...partitionFamily(role), ...storageFamily(catalog)]),
    ...wholeFamilies(role),
  ];
}
