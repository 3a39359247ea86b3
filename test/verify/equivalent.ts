import type { PolicyRow, RelationRow } from '../../src/rules/engine/live/catalog.ts';
import { conjuncts, type Mutant } from './mutants.ts';

const verbs = { r: ['S'], a: ['I'], w: ['U'], d: ['D'], '*': ['S', 'I', 'U', 'D'] } as const;

function has(table: RelationRow, role: string, letter: string): boolean {
  return (table.grants[role] ?? '').includes(letter) || table.columnGrants[role]?.[letter as 'S'] !== undefined;
}

/** Columns of the table that the expression names. */
function columnsIn(expression: string, table: RelationRow): string[] {
  return table.columns.map((column) => column.name).filter((name) => new RegExp(`\\b${name}\\b`).test(expression));
}

/** Parts of a top-level AND, or the whole. */
function conjunctsOf(expression: string): string[] {
  const parts = conjuncts(expression).map(({ left }) => left);
  return parts.length === 0 ? [expression] : parts;
}

/** Columns that signed-in users may set by UPDATE. */
function updatable(table: RelationRow): string[] {
  if (table.grants['authenticated']?.includes('U') === true) return table.columns.map((column) => column.name);
  return table.columnGrants['authenticated']?.U ?? [];
}

/** True only for signed-in users: an AND with a comparison of auth.uid(), or of a list that is empty without it. */
function asksWho(expression: string | null): boolean {
  return (
    expression !== null && !expression.includes(' OR ') && /auth\.uid\(\)|user_organization_ids\(/.test(expression)
  );
}

/** Each part of an OR is true only for signed-in users, or what a policy of the table lets visitors read. */
function addsNothingForAnon({ using, command, permissive }: PolicyRow, { policies }: RelationRow): boolean {
  const plain = (text: string): string => text.replaceAll(/^\(+|\)+$/g, '');
  const letsAnon = (part: string): boolean =>
    policies.some(
      (other) =>
        other.permissive &&
        other.command === 'r' &&
        other.roles.includes('anon') &&
        plain(other.using ?? '') === plain(part),
    );
  return (
    command === 'r' &&
    permissive &&
    (using ?? '').split(' OR ').every((part) => letsAnon(part) || (!/IS NULL/.test(part) && asksWho(part)))
  );
}

/**
 * Why a mutant does not change what anyone can do, according to only the catalog and PostgreSQL's own rules; undefined
 * if that cannot be shown. It never reads the result of the proof.
 */
export function whyEquivalent(mutant: Mutant): string | undefined {
  if (mutant.isUnused === true) return 'nothing that users reach calls the function';
  if (mutant.isForVisitors === true) return 'only who is signed in may call the function, and has an ID';
  if (mutant.isRefused === true) return 'a trigger refuses every change of a row';
  if (mutant.policy !== undefined) return whyPolicy(mutant.policy, mutant.name);
  if (mutant.given !== undefined && isOfNobody(mutant.given))
    return "the rows of the table are nobody's: signed-in users may read them in any state";
  if (mutant.isBeyondAnon === true)
    return "the function has its caller's rights, and anon may not use a table or function that it uses";
  if (mutant.added !== undefined && isLetAlready(mutant.added))
    return 'a policy and a privilege let users do it already';
  if (mutant.widened !== undefined) {
    const { policy, table } = mutant.widened;
    if (verbs[policy.command].every((letter) => !has(table, 'authenticated', letter) && !has(table, 'anon', letter)))
      return 'nobody has the privilege';
    const isHeld = table.policies.some(
      (other) => !other.permissive && /'aal2'/.test(`${other.using ?? ''} ${other.check ?? ''}`),
    );
    if (isHeld && mutant.name.includes("'aal1'"))
      return 'a restrictive policy asks for aal2, which no session of aal1 has';
    const [, condition = ''] = /… or (.*)$/.exec(mutant.name) ?? [];
    const asked = [policy.using, policy.check].filter((expression) => expression !== null);
    if (asked.every((expression) => condition.startsWith(`${bare(expression)} and `)))
      return 'the condition asks what the policy asks, and more';
  }
  if (
    mutant.unguarded !== undefined &&
    ['anon', 'authenticated'].every((role) =>
      ['S', 'I', 'U', 'D'].every((letter) => !has(mutant.unguarded!, role, letter)),
    )
  ) {
    return 'nobody has a privilege on the table';
  }
  if (mutant.grant !== undefined && mutant.grant.table.securityInvoker)
    return 'the view checks privileges of the current user, who has none on its tables';
  if (
    mutant.source !== undefined &&
    mutant.name.endsWith('callable by anon') &&
    /auth\.uid\(\)|user_organization_ids|caller_sees|actor_id/.test(mutant.source)
  ) {
    return 'the function asks who is signed in, and nobody is';
  }
  if (
    mutant.source !== undefined &&
    mutant.name.includes(': without ') &&
    /_hash = private\.sha256_hex\(/.test(mutant.source)
  )
    return 'the row is found by the hash of a secret, which nobody else has';
  return undefined;
}

/** No policy asks who anyone is, and one is for visitors who are not signed in: the rows are nobody's. */
function isOfNobody({ policies }: RelationRow): boolean {
  return (
    policies.every(({ using, check }) => !/auth\.|private\./.test(`${using} ${check}`)) &&
    policies.some(
      ({ permissive, command, roles }) =>
        permissive &&
        (command === 'r' || command === '*') &&
        roles.some((role) => role === 'anon' || role === 'public'),
    )
  );
}

function isLetAlready({ table, command, asks }: NonNullable<Mutant['added']>): boolean {
  const isAsked = (expression: string | null): boolean =>
    expression !== null && (expression === asks || turned(expression) === asks);
  return (
    table.grants['authenticated']?.includes(command === 'a' ? 'I' : 'U') === true &&
    table.policies.some(
      (policy) =>
        policy.permissive &&
        policy.roles.includes('authenticated') &&
        (policy.command === command || policy.command === '*') &&
        (policy.using === null || isAsked(policy.using)) &&
        isAsked(policy.check ?? policy.using),
    )
  );
}

/** A comparison without the parentheses and the cast that PostgreSQL adds. */
function bare(expression: string): string {
  return expression.replace(/^\((.*)\)$/, '$1').replace(/::text$/, '');
}

/** `(a = b)` for `(b = a)`, of a column and what it is compared with. */
function turned(expression: string): string {
  return expression.replace(/^\((.+) = (\w+)\)$/, '($2 = $1)');
}

function whyPolicy({ row, table, changed }: NonNullable<Mutant['policy']>, name: string): string | undefined {
  const letters = verbs[row.command];
  if (changed === 'roles' && (name.endsWith('to anon as well') || name.endsWith('to public'))) {
    if (letters.every((letter) => !has(table, 'anon', letter))) return 'anon has no privilege for it';
    if (name.endsWith('to public') && row.roles.includes('anon') && row.roles.includes('authenticated'))
      return 'anon and authenticated are all the users there are';
    if (name.endsWith('to public') && row.command === 'r' && row.permissive && row.roles.includes('anon'))
      return 'what a visitor reads, anyone may read by not signing in';
    if (addsNothingForAnon(row, table))
      return 'a visitor reads nothing by it that another policy does not let a visitor read';
    if ((row.using === null || asksWho(row.using)) && (row.check === null || asksWho(row.check)))
      return 'the policy is true for nobody who is not signed in';
  }
  if (changed === 'roles') return undefined;
  const users = row.roles.includes('public') ? ['anon', 'authenticated'] : row.roles;
  if (name.endsWith(': for all') && users.every((role) => ['I', 'U', 'D'].every((letter) => !has(table, role, letter))))
    return 'nobody has a privilege for the other verbs';
  const others = ['a', 'w', 'd'].filter((command) => has(table, 'authenticated', { a: 'I', w: 'U', d: 'D' }[command]!));
  const asks = (command: string): boolean =>
    table.policies.some(
      (policy) =>
        policy.permissive &&
        policy.command === command &&
        policy.roles.join() === row.roles.join() &&
        (policy.using ?? row.using) === row.using &&
        (policy.check ?? row.using) === row.using,
    );
  if (name.endsWith(': for all') && others.every(asks)) return 'the other verbs have policies that ask the same';
  if (letters.every((letter) => !has(table, 'authenticated', letter) && !has(table, 'anon', letter)))
    return 'nobody has the privilege';
  const rest = /^\(?\(*\(?EXISTS/.test((row.check ?? '').split(' AND ').slice(1).join(' AND ').trim())
    ? row.check!
    : '';
  const joined = /FROM (\w+) target/.exec(rest)?.[1];
  if (
    joined !== undefined &&
    name.includes('check without (( SELECT auth.uid()') &&
    rest.includes(`target.user_id = ${table.name}.user_id`)
  ) {
    return `the rest of it asks for a row of ${joined} with the same user, and users see only their own there`;
  }
  if (changed === 'using' && row.using === 'true' && name.endsWith('using … or true'))
    return 'the policy lets every row through already';
  const [, dropped] = /: check without (.*)$/.exec(name) ?? [];
  if (
    row.command === 'w' &&
    dropped !== undefined &&
    conjunctsOf(row.using ?? '').includes(dropped) &&
    columnsIn(dropped, table).every((column) => !updatable(table).includes(column))
  )
    return 'USING asks it as well, of columns that nobody may update';
  if (name.endsWith('without WITH CHECK') && row.using === row.check)
    return 'PostgreSQL takes USING for WITH CHECK, and they are the same';
  const [, bucket] = /: using without \((bucket_id = '[^']*'::text)\)$/.exec(name) ?? [];
  if (row.command === 'w' && bucket !== undefined && row.check?.includes(bucket) === true && isOfTenants(row.using)) {
    const adding = table.policies.filter(
      ({ command, check, using, permissive }) =>
        permissive && (command === 'a' || command === '*') && !`${check ?? using}`.includes(bucket),
    );
    if (adding.every(({ check, using }) => isOfUsers(check ?? using)))
      return 'users add files of the other buckets only to folders of their own, and no organization has the ID of a user';
  }
  const kept =
    row.using === row.check &&
    row.command === 'w' &&
    columnsIn(row.using ?? '', table).every((column) => !updatable(table).includes(column));
  if (kept && !name.endsWith(': dropped'))
    return 'USING and WITH CHECK ask the same of columns that nobody may update: either one is enough';
  return undefined;
}

/** The folder of a file must be that of an organization of who asks. */
function isOfTenants(using: string | null): boolean {
  return conjunctsOf(using ?? '').some((part) => /foldername\(name\)\)\[1\] = ANY .*user_organization_ids/.test(part));
}

/** The folder of a file must be that of who asks. */
function isOfUsers(check: string | null): boolean {
  return conjunctsOf(check ?? '').some((part) => /foldername\(name\)\)\[1\] = \(\( SELECT auth\.uid\(\)/.test(part));
}
