import { quoteIdentifier } from '../../src/shared/quote.ts';
import type { Catalog, FunctionRow, PolicyRow, RelationRow } from '../../src/rules/engine/live/catalog.ts';
import { qualifiedName } from '../../src/rules/engine/live/catalog.ts';
import type { Family } from './mutant-families.ts';
import { relation } from '../../src/rules/engine/live/catalog.ts';

/** A mutant: one weakening of a schema's security. */
export interface Mutant {
  /** A description of the change. */
  name: string;
  /** The SQL of the change. */
  sql: string;
  /** The affected objects, by their names in the report; undefined if everything may change. */
  touches: string[] | undefined;
  /** For policies: the original policy and its table. */
  policy?: { row: PolicyRow; table: RelationRow; changed: 'using' | 'check' | 'roles' | 'command' };
  grant?: { table: RelationRow; role: string };
  /** For disabled row-level security: the table. */
  unguarded?: RelationRow;
  /** For functions that users may not call: whether no policy, trigger or other function uses it. */
  isUnused?: boolean;
  /** For functions: the original source, with those of the functions that it calls. */
  source?: string;
  /** The kind of mistake, unless it is in a single policy, grant, RLS setting, view or function. */
  family?: Family;
  /** Whether the policy lets more through than before. */
  widened?: { policy: PolicyRow; table: RelationRow };
  /** For a policy that is added: its table, its command, and what it asks, as PostgreSQL prints it. */
  added?: { table: RelationRow; command: 'a' | 'w'; asks: string };
  /** Whether a function with its caller's rights, which anon may call now, uses a table or function that anon may not. */
  isBeyondAnon?: boolean;
  /** The refusal that is left out is for visitors who are not signed in, who may not call the function. */
  isForVisitors?: boolean;
  /** The table whose rows a new function gives to anyone who names one. */
  given?: RelationRow;
  /** Whether a trigger of the table refuses what it lets through. */
  isRefused?: boolean;
  /** Whether the catalog checks report it. */
  isOfCatalog?: boolean;
}

const commandWords = { r: 'select', a: 'insert', w: 'update', d: 'delete', '*': 'all' };

/** The policy recreated with the change. */
export function policySql(row: PolicyRow, table: RelationRow, change: Partial<PolicyRow>): string {
  const policy = { ...row, ...change };
  const roles = policy.roles.map((role) => (role === 'public' ? 'public' : quoteIdentifier(role))).join(', ');
  const using = policy.using === null || policy.command === 'a' ? '' : ` using (${policy.using})`;
  const check =
    policy.check === null || policy.command === 'r' || policy.command === 'd' ? '' : ` with check (${policy.check})`;
  return (
    `drop policy ${quoteIdentifier(row.name)} on ${relation(table)}; create policy ${quoteIdentifier(row.name)} on ${relation(table)} ` +
    `${policy.permissive ? '' : 'as restrictive '}for ${commandWords[policy.command]} to ${roles}${using}${check}`
  );
}

/** Every weakening of one policy. */
function policyMutants(row: PolicyRow, table: RelationRow, touches: string[]): Mutant[] {
  const mutants: Mutant[] = [];
  const add = (what: string, change: Partial<PolicyRow>, changed: 'using' | 'check' | 'roles' | 'command'): void => {
    if (
      Object.entries(change).every(
        ([key, value]) => JSON.stringify(row[key as keyof PolicyRow]) === JSON.stringify(value),
      )
    )
      return;
    mutants.push({
      name: `policy "${row.name}" on ${qualifiedName(table)}: ${what}`,
      sql: policySql(row, table, change),
      touches,
      policy: { row, table, changed },
    });
  };
  mutants.push({
    name: `policy "${row.name}" on ${qualifiedName(table)}: dropped`,
    sql: `drop policy ${quoteIdentifier(row.name)} on ${relation(table)}`,
    touches,
    policy: { row, table, changed: 'using' },
  });
  for (const clause of ['using', 'check'] as const) {
    const expression = row[clause];
    if (expression === null) continue;
    add(`${clause} true`, { [clause]: 'true' }, clause);
    add(`${clause} … or true`, { [clause]: `${expression} or true` }, clause);
    add(`${clause} anyone signed in`, { [clause]: 'auth.uid() is not null' }, clause);
    for (const [column, other] of otherColumns(expression, table)) {
      add(`${clause} on ${other} instead of ${column}`, { [clause]: withColumn(expression, column, other) }, clause);
    }
    const wider = expression.replaceAll(/user_organization_ids\(ARRAY\[[^\]]*\]\)/g, 'user_organization_ids()');
    add(`${clause} for every member`, { [clause]: wider }, clause);
    for (const part of conjuncts(expression)) add(`${clause} without ${part.left}`, { [clause]: part.rest }, clause);
  }
  if (row.command === 'w' || row.command === '*') add('without WITH CHECK', { check: null }, 'check');
  if (!row.roles.includes('anon') && !row.roles.includes('public'))
    add('to anon as well', { roles: [...row.roles, 'anon'] }, 'roles');
  add('to public', { roles: ['public'] }, 'roles');
  add('to the service role', { roles: ['service_role'] }, 'roles');
  add('to anon alone', { roles: ['anon'] }, 'roles');
  if (row.command === 'r') add('for all', { command: '*' }, 'command');
  return mutants;
}

/** Column that the expression reads, and another of the same type. */
function otherColumns(expression: string, table: RelationRow): [string, string][] {
  return table.columns
    .filter((column) => column.base === 'uuid' && new RegExp(`\\b${column.name}\\b`).test(expression))
    .flatMap((column) =>
      table.columns
        .filter((other) => other.base === 'uuid' && other.name !== column.name)
        .map((other): [string, string] => [column.name, other.name]),
    );
}

/** The expression with another column. What is in quotes stays: a claim may have the name of the column. */
function withColumn(expression: string, column: string, other: string): string {
  return expression.replaceAll(new RegExp(`'(?:[^']|'')*'|\\b${column}\\b`, 'g'), (found) =>
    found === column ? other : found,
  );
}

/** Parts of a top-level AND in the expression, with the rest without each. */
export function conjuncts(expression: string): { left: string; rest: string }[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 1;
  if (!expression.startsWith('(')) return [];
  for (let at = 0; at < expression.length; at += 1) {
    if (expression[at] === '(') depth += 1;
    if (expression[at] === ')') depth -= 1;
    if (depth === 1 && expression.startsWith(' AND ', at)) {
      parts.push(expression.slice(start, at));
      start = at + 5;
    }
  }
  if (parts.length === 0) return [];
  parts.push(expression.slice(start, -1));
  return parts.map((left, index) => ({ left, rest: parts.filter((_, other) => other !== index).join(' and ') }));
}

function grantMutants(table: RelationRow, touches: string[]): Mutant[] {
  const name = qualifiedName(table);
  const into = relation(table);
  const make = (what: string, sql: string, role: string): Mutant => ({
    name: `grants on ${name}: ${what}`,
    sql,
    touches,
    grant: { table, role },
  });
  const words: Record<string, string> = { S: 'select', I: 'insert', U: 'update', D: 'delete' };
  const held = [...(table.grants['authenticated'] ?? '')].filter((letter) => words[letter] !== undefined);
  const byColumn = Object.keys(table.columnGrants['authenticated'] ?? {});
  const lacked = Object.keys(words).filter((letter) => !held.includes(letter));
  return [
    ...[...held, ...byColumn].map((letter) =>
      make(
        `${words[letter]} taken from authenticated`,
        `revoke ${words[letter]} on ${into} from authenticated`,
        'authenticated',
      ),
    ),
    ...lacked.map((letter) =>
      make(`${words[letter]} to authenticated`, `grant ${words[letter]} on ${into} to authenticated`, 'authenticated'),
    ),
    ...Object.keys(words)
      .filter((letter) => !(table.grants['anon'] ?? '').includes(letter))
      .map((letter) => words[letter]!)
      .map((word) => make(`${word} to anon`, `grant ${word} on ${into} to anon`, 'anon')),
    make('all to anon and authenticated', `grant all on ${into} to anon, authenticated`, 'authenticated'),
  ];
}

/** A function's definition with another body. */
export type Redefine = (routine: FunctionRow, source: string) => string;

function functionMutants(routine: FunctionRow, redefine: Redefine, touches: string[] | undefined): Mutant[] {
  const name = `${qualifiedName(routine)}(${routine.arguments.join(', ')})`;
  const mutants: Mutant[] = [];
  const add = (what: string, source: string, more: Partial<Mutant> = {}): void => {
    if (source !== routine.source)
      mutants.push({
        name: `function ${name}: ${what}`,
        sql: redefine(routine, source),
        touches,
        source: routine.source,
        ...more,
      });
  };
  if (routine.schema === 'private' && routine.returns === 'uuid[]')
    add('returns all', 'begin return array(select id from public.organizations); end');
  if (routine.schema === 'private' && routine.returns === 'boolean' && routine.execute.includes('authenticated'))
    add('is always true', 'select true');
  const { source } = routine;
  // A refusal that depends on the current user.
  for (const [block] of source.matchAll(
    /\bif\b(?:(?!\bend if\b)[^;])*?(?:auth|private)\.\w+\((?:(?!\bend if\b)[^;])*?\bthen\s+raise\b[^;]*;\s*end if;/g,
  ))
    add(`without ${block.slice(0, 60).replaceAll(/\s+/g, ' ')}…`, source.replace(block, ''), {
      isForVisitors: block.startsWith('if auth.uid() is null then') && !routine.execute.includes('anon'),
    });
  // A condition of a query that depends on the current user.
  for (const [condition] of source.matchAll(
    /[\w.]+ = (?:\(select auth\.uid\(\)\)|auth\.uid\(\)|me\b|any \(private\.[a-z_]+\((?:[^()]|array\[[^\]]*\])*\)\))/g,
  ))
    add(`without ${condition}`, source.replace(condition, 'true'));
  for (const [condition] of source.matchAll(/[\w.]*role = any \([\w.]+\)/g))
    add(`without ${condition}`, source.replace(condition, 'true'));
  if (routine.schema === 'public') {
    add('for every member', source.replaceAll(/user_organization_ids\(array\[[^\]]*\]\)/g, 'user_organization_ids()'));
    if (!routine.definer)
      mutants.push({
        name: `function ${name}: as its owner`,
        sql: `alter function ${relation(routine)}(${routine.arguments.join(', ')}) security definer`,
        touches,
      });
    mutants.push({
      name: `function ${name}: callable by anon`,
      sql: `grant execute on function ${relation(routine)}(${routine.arguments.join(', ')}) to anon`,
      touches,
      source: routine.source,
    });
  }
  return mutants;
}

/** Every weakening of every policy, grant, RLS setting, view and function of the schema. */
export function allMutants(catalog: Catalog, redefine: Redefine): Mutant[] {
  const tables = catalog.relations.filter(
    (row) => (row.schema === 'public' || qualifiedName(row) === 'storage.objects') && row.kind === 'r',
  );
  const views = catalog.relations.filter((row) => row.schema === 'public' && row.kind === 'v');
  const buckets = [
    ...new Set(
      tables
        .flatMap((table) => table.policies)
        .flatMap((policy) =>
          [...`${policy.using} ${policy.check}`.matchAll(/bucket_id = '([^']+)'/g)].map((match) => match[1]!),
        ),
    ),
  ];
  return [
    ...tables.flatMap((table) => {
      const isStorage = table.schema === 'storage';
      const touches = isStorage
        ? [...buckets, 'any other bucket'].map((bucket) => `storage.objects[${bucket}]`)
        : [qualifiedName(table)];
      return [
        ...table.policies
          .filter((policy) => policy.roles.some((role) => role !== 'service_role'))
          .flatMap((policy) => policyMutants(policy, table, touches)),
        ...(isStorage ? [] : grantMutants(table, touches)),
        ...(isStorage
          ? []
          : [
              {
                name: `row-level security of ${qualifiedName(table)}: off`,
                sql: `alter table ${relation(table)} disable row level security`,
                touches,
                unguarded: table,
              },
            ]),
      ];
    }),
    ...views.flatMap((view): Mutant[] => [
      ...(view.securityInvoker
        ? [
            {
              name: `view ${qualifiedName(view)}: without security_invoker`,
              sql: `alter view ${relation(view)} reset (security_invoker)`,
              touches: [qualifiedName(view)],
            },
          ]
        : []),
      {
        name: `view ${qualifiedName(view)}: to anon`,
        sql: `grant select on ${relation(view)} to anon`,
        touches: [qualifiedName(view)],
        grant: { table: view, role: 'anon' },
      },
    ]),
    ...catalog.functions
      .filter((routine) => routine.schema === 'public' || routine.schema === 'private')
      .flatMap((routine) =>
        functionMutants(
          routine,
          redefine,
          routine.schema === 'public' ? [`${qualifiedName(routine)}(${routine.arguments.join(', ')})`] : undefined,
        ).map((mutant) => ({
          ...mutant,
          ...(mutant.source === undefined ? {} : { source: withCalled(mutant.source, catalog) }),
          ...(routine.definer || !mutant.name.endsWith('callable by anon')
            ? {}
            : { isBeyondAnon: isBeyondAnon(routine.source, catalog) }),
          isUnused: isForOthers(routine, mutant) && !isUsed(routine, catalog),
        })),
      ),
  ];
}

/** Users may not call the function, in the mutant either. */
function isForOthers({ schema, execute }: FunctionRow, { sql }: Mutant): boolean {
  return (
    schema === 'private' ||
    (!execute.some((role) => role === 'anon' || role === 'authenticated') && !sql.startsWith('grant '))
  );
}

/** The source of a function, and those of the functions in `private` that it calls. */
function withCalled(source: string, { functions }: Catalog): string {
  const called = functions.filter(({ schema, name }) => schema === 'private' && source.includes(`private.${name}(`));
  return [source, ...called.map((routine) => routine.source)].join('\n');
}

function isBeyondAnon(source: string, { functions, relations }: Catalog): boolean {
  const names = (row: FunctionRow | RelationRow): boolean => new RegExp(`\\b${qualifiedName(row)}\\b`).test(source);
  return (
    functions.some((routine) => names(routine) && !routine.execute.includes('anon')) ||
    relations.some((row) => names(row) && !(row.grants['anon'] ?? '').includes('S') && !row.columnGrants['anon']?.S)
  );
}

function isUsed(routine: FunctionRow, catalog: Catalog): boolean {
  const policies = catalog.relations
    .flatMap((row) => row.policies)
    .flatMap((policy) => [policy.using ?? '', policy.check ?? '']);
  const sources = catalog.functions.filter((other) => other !== routine).map((other) => other.source);
  return (
    [...policies, ...sources].some((text) => new RegExp(`\\b${routine.name}\\b`).test(text)) ||
    catalog.relations.some((row) => row.triggers.some((trigger) => trigger.function === routine.oid))
  );
}

/** Replaces the body in the output of `pg_get_functiondef`. */
export function redefinition(definition: string, source: string, changed: string): string {
  return definition.replace(source, () => changed);
}
