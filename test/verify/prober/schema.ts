import type { Random } from './random.ts';

/** The kind of a generated table's column. */
export type Holds = 'id' | 'user' | 'organization' | 'parent' | 'text' | 'flag' | 'role';

export interface MadeTable {
  name: string;
  columns: { name: string; holds: Holds }[];
  /** For a column that references a parent: the table. */
  parent?: string;
  /** Verbs that signed-in users have been granted. */
  verbs: Verb[];
}
export type Verb = 'select' | 'insert' | 'update' | 'delete';

export interface MadeSchema {
  sql: string;
  tables: MadeTable[];
  /** Functions with one argument, the ID of a row of the table. */
  functions: { name: string; table: string }[];
  /** Whether every policy and function is correct. */
  isSound: boolean;
}

type Key = 'user' | 'organization' | 'parent';

const verbs: Verb[] = ['select', 'insert', 'update', 'delete'];
const me = '(select auth.uid())';

const start = `
create schema private; grant usage on schema private to authenticated;
create table public.orgs (id uuid primary key default gen_random_uuid(), created_by uuid not null default auth.uid() references auth.users (id), body text not null default '');
create table public.org_members (id uuid primary key default gen_random_uuid(), org_id uuid not null references public.orgs (id) on delete cascade, user_id uuid not null references auth.users (id), role text not null default 'member' check (role in ('owner', 'member')), unique (org_id, user_id));
create table public.prefs (id uuid primary key default gen_random_uuid(), user_id uuid not null unique default auth.uid() references auth.users (id), archived boolean not null default false);
create function private.my_orgs() returns setof uuid language sql stable security definer set search_path = '' as 'select org_id from public.org_members where user_id = auth.uid()';
create function private.owned_orgs() returns setof uuid language sql stable security definer set search_path = '' as 'select org_id from public.org_members where user_id = auth.uid() and role = ''owner''';
create function private.made_org(org uuid) returns boolean language sql stable security definer set search_path = '' as 'select exists (select 1 from public.orgs where id = org and created_by = auth.uid())';
create function private.is_staff() returns boolean language sql stable security definer set search_path = '' as 'select exists (select 1 from public.prefs where user_id = auth.uid() and archived)';
grant execute on all functions in schema private to authenticated;`;

/**
 * A small app: organizations and their members, and a few tables that belong to users, to organizations or to rows of
 * each other.
 */
export function makeSchema(random: Random): MadeSchema {
  const maker = new SchemaMaker(random);
  return maker.make();
}

class SchemaMaker {
  readonly #random: Random;
  readonly #sql: string[] = [start];
  readonly #tables: MadeTable[] = [];
  readonly #functions: MadeSchema['functions'] = [];
  readonly #right = new Map<string, (prefix: string) => string>();
  #isSound = true;

  constructor(random: Random) {
    this.#random = random;
  }

  make(): MadeSchema {
    this.#organizations();
    for (const name of ['papers', 'notes', 'lines'].slice(0, this.#random.pick([1, 2, 3]))) this.#table(name);
    return {
      sql: `${this.#sql.join(';\n')};`,
      tables: this.#tables,
      functions: this.#functions,
      isSound: this.#isSound,
    };
  }

  /** Occasionally true, which means a mistake. */
  #errs(chance: number): boolean {
    const errs = this.#random.chance(chance);
    if (errs) this.#isSound = false;
    return errs;
  }

  #policy(table: string, verb: Verb, using: string, check = using): void {
    const clauses = {
      select: `using (${using})`,
      insert: `with check (${check})`,
      update: `using (${using}) with check (${check})`,
      delete: `using (${using})`,
    };
    this.#sql.push(`create policy ${table}_${verb} on public.${table} for ${verb} to authenticated ${clauses[verb]}`);
  }

  #open(table: MadeTable): void {
    this.#tables.push(table);
    this.#sql.push(`alter table public.${table.name} enable row level security`);
    if (table.verbs.length > 0)
      this.#sql.push(`grant ${table.verbs.join(', ')} on public.${table.name} to authenticated`);
  }

  #organizations(): void {
    this.#open({
      name: 'orgs',
      columns: [
        { name: 'id', holds: 'id' },
        { name: 'created_by', holds: 'user' },
        { name: 'body', holds: 'text' },
      ],
      verbs: ['select', 'insert'],
    });
    this.#policy('orgs', 'select', `id in (select private.my_orgs()) or created_by = ${me}`);
    this.#policy('orgs', 'insert', `created_by = ${me}`);

    const joins = this.#random.pick(['nobody', 'nobody', 'maker', 'anyone']);
    const changes = this.#errs(0.12);
    if (joins === 'anyone') this.#isSound = false;
    this.#open({
      name: 'org_members',
      columns: [
        { name: 'id', holds: 'id' },
        { name: 'org_id', holds: 'organization' },
        { name: 'user_id', holds: 'user' },
        { name: 'role', holds: 'role' },
      ],
      verbs: ['select', ...(joins === 'nobody' ? [] : ['insert' as const]), ...(changes ? ['update' as const] : [])],
    });
    this.#policy('org_members', 'select', 'org_id in (select private.my_orgs())');
    if (joins !== 'nobody')
      this.#policy('org_members', 'insert', joins === 'maker' ? 'private.made_org(org_id)' : `user_id = ${me}`);
    if (changes) this.#policy('org_members', 'update', `user_id = ${me}`);

    const writesPrefs = this.#random.chance(0.4);
    this.#open({
      name: 'prefs',
      columns: [
        { name: 'id', holds: 'id' },
        { name: 'user_id', holds: 'user' },
        { name: 'archived', holds: 'flag' },
      ],
      verbs: ['select', ...(writesPrefs ? ['insert' as const, 'update' as const] : [])],
    });
    for (const verb of writesPrefs ? (['select', 'insert', 'update'] as const) : (['select'] as const))
      this.#policy('prefs', verb, `user_id = ${me}`);
    this.#writesPrefs = writesPrefs;
  }
  #writesPrefs = false;

  #table(name: string): void {
    const random = this.#random;
    const earlier = [...this.#right.keys()];
    const kind = random.pick<Key>([
      'user',
      'organization',
      ...(earlier.length > 0 ? (['parent', 'parent'] as const) : []),
    ]);
    const parent = kind === 'parent' ? random.pick(earlier) : undefined;
    const [key, target] =
      kind === 'user'
        ? ['user_id', 'auth.users']
        : kind === 'organization'
          ? ['org_id', 'public.orgs']
          : [`${parent}_id`, `public.${parent}`];
    this.#sql.push(
      `create table public.${name} (id uuid primary key default gen_random_uuid(), ${key} uuid not null references ${target} (id) on delete cascade, body text not null default '', archived boolean not null default false)`,
    );
    const right = this.#rightFor(name, kind, key, parent);
    this.#right.set(name, right);
    const granted = verbs.filter((verb) => verb === 'select' || random.chance(0.6));
    this.#open({
      name,
      columns: [
        { name: 'id', holds: 'id' },
        { name: key, holds: kind },
        { name: 'body', holds: 'text' },
        { name: 'archived', holds: 'flag' },
      ],
      ...(parent === undefined ? {} : { parent }),
      verbs: granted,
    });
    for (const verb of granted) {
      const rule = right('');
      if (this.#errs(0.08)) this.#policy(name, verb, this.#wrong(rule, key));
      else if (verb === 'select' && random.chance(0.1)) {
        if (this.#writesPrefs) this.#isSound = false;
        this.#policy(name, verb, `${rule} or (select private.is_staff())`);
      } else this.#policy(name, verb, rule);
    }
    if (random.chance(0.25)) this.#function(name, this.#errs(0.4) ? 'true' : right('t.'));
  }

  /** The correct condition for a row; `prefix` precedes its columns. */
  #rightFor(name: string, kind: Key, key: string, parent: string | undefined): (prefix: string) => string {
    if (kind === 'user') return (prefix) => `${prefix}${key} = ${me}`;
    if (kind === 'organization') {
      const helper = this.#random.pick(['my_orgs', 'my_orgs', 'owned_orgs']);
      return (prefix) => `${prefix}${key} in (select private.${helper}())`;
    }
    const helper = `private.reaches_${name}`;
    this.#sql.push(
      `create function ${helper}(p uuid) returns boolean language sql stable security definer set search_path = '' as $$ select exists (select 1 from public.${parent} t where t.id = p and ${this.#right.get(parent!)!('t.')}) $$; grant execute on function ${helper}(uuid) to authenticated`,
    );
    return (prefix) => `${helper}(${prefix}${key})`;
  }

  #wrong(rule: string, key: string): string {
    return this.#random.pick([
      'true',
      `${me} is not null`,
      `${rule} or archived`,
      `${rule} or body = 'shared'`,
      `${key} is not null and ${me} is not null`,
    ]);
  }

  #function(table: string, rule: string): void {
    const name = `public.get_${table}`;
    this.#functions.push({ name, table });
    this.#sql.push(
      `create function ${name}(p uuid) returns setof public.${table} language sql stable security definer set search_path = '' as $$ select t.* from public.${table} t where t.id = p and ${rule} $$; revoke execute on function ${name}(uuid) from public, anon; grant execute on function ${name}(uuid) to authenticated`,
    );
  }
}
