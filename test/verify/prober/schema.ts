import type { Random } from './random.ts';

/** The kind of a generated table's column. */
export type Holds = 'id' | 'user' | 'organization' | 'parent' | 'text' | 'flag' | 'role';

/** A table, or a view of one. */
export interface MadeTable {
  name: string;
  /** For a view: the table. */
  of?: string;
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
  /** Functions by their call: the ID of a row of the table is in the place of `@id`, a user's in that of `@user`. */
  functions: { call: string; table: string; returnsRows: boolean }[];
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
    for (const table of this.#tables.filter(({ name }) => this.#right.has(name))) this.#view(table);
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
    const shares = random.chance(0.2) ? this.#shares(name, right) : undefined;
    const shared = shares?.asks ?? '';
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
    if (random.chance(0.15))
      this.#sql.push(
        `create policy ${name}_kept on public.${name} as restrictive to authenticated using (${right('')}${shared})`,
      );
    const isSet = kind === 'user' && granted.includes('insert') && random.chance(0.2);
    if (isSet) this.#setsOwner(name);
    for (const verb of granted) {
      const rule = verb === 'select' ? right('') + shared : right('');
      if (this.#errs(0.08)) this.#policy(name, verb, this.#wrong(rule, key, kind));
      else if (verb === 'insert' && isSet) this.#policy(name, verb, 'true');
      else if (verb === 'select' && random.chance(0.1)) {
        if (this.#writesPrefs) this.#isSound = false;
        this.#policy(name, verb, `${rule} or (select private.is_staff())`);
      } else this.#policy(name, verb, rule);
    }
    shares?.open();
    if (random.chance(0.25)) this.#function(name, this.#errs(0.4) ? 'true' : right('t.'));
    if (random.chance(0.15)) this.#writer(name, this.#errs(0.4) ? `${me} is not null` : right('t.'));
    if (kind === 'user' && random.chance(0.1)) this.#giver(name, this.#errs(0.4) ? 'true' : right('t.'));
  }

  /**
   * Users with whom a row is shared, by who may do anything with it. Returns what the policy of the table asks beside, and opens the table
   * of the shares, after the other one.
   */
  #shares(name: string, right: (prefix: string) => string): { asks: string; open: () => void } {
    const [table, random] = [`${name}_shares`, this.#random];
    const own = `private.owns_${name}(${name}_id)`;
    this.#sql.push(
      `create table public.${table} (id uuid primary key default gen_random_uuid(), ${name}_id uuid not null references public.${name} (id) on delete cascade, user_id uuid not null references auth.users (id))`,
      `create function private.owns_${name}(p uuid) returns boolean language sql stable security definer set search_path = '' as $$ select exists (select 1 from public.${name} t where t.id = p and ${right('t.')}) $$; grant execute on function private.owns_${name}(uuid) to authenticated`,
      `create function private.sees_${name}(p uuid) returns boolean language sql stable security definer set search_path = '' as $$ select exists (select 1 from public.${table} s where s.${name}_id = p and s.user_id = auth.uid()) $$; grant execute on function private.sees_${name}(uuid) to authenticated`,
    );
    const open = (): void => {
      const made: MadeTable = {
        name: table,
        columns: [
          { name: 'id', holds: 'id' },
          { name: `${name}_id`, holds: 'parent' },
          { name: 'user_id', holds: 'user' },
        ],
        parent: name,
        verbs: ['select', ...(['insert', 'update', 'delete'] as const).filter(() => random.chance(0.6))],
      };
      this.#open(made);
      for (const verb of made.verbs) {
        const either = `user_id = ${me} or ${own}`;
        if (verb === 'select' || verb === 'delete') this.#policy(table, verb, either);
        else if (this.#errs(0.3))
          this.#policy(table, verb, `user_id = ${me}`, random.pick([`user_id = ${me}`, either]));
        else this.#policy(table, verb, own);
      }
    };
    return { asks: ` or private.sees_${name}(id)`, open };
  }

  /** A trigger that makes who adds a row its owner, or only who does not say. */
  #setsOwner(name: string): void {
    const owner = this.#errs(0.3) ? 'coalesce(new.user_id, auth.uid())' : 'coalesce(auth.uid(), new.user_id)';
    this.#sql.push(
      `create function private.own_${name}() returns trigger language plpgsql as $$ begin new.user_id := ${owner}; return new; end $$; create trigger own before insert on public.${name} for each row execute function private.own_${name}()`,
    );
  }

  /** A view of the rows, with the rights of its user or of its owner. */
  #view({ name, columns, parent, verbs: granted }: MadeTable): void {
    const random = this.#random;
    if (!random.chance(0.2)) return;
    const right = this.#right.get(name)!;
    const kind = random.pick(['invoker', 'asking']);
    const isWrong = this.#errs(0.25);
    const options = kind === 'invoker' && !isWrong ? ' with (security_invoker = true)' : '';
    const asked = kind === 'asking' && !isWrong ? ` where ${right('')}` : '';
    const option = asked === '' ? '' : ' with check option';
    const view: MadeTable = {
      name: `v_${name}`,
      of: name,
      ...(parent === undefined ? {} : { parent }),
      columns,
      verbs: ['select', ...granted.filter((verb) => verb !== 'select' && random.chance(0.3))],
    };
    this.#tables.push(view);
    this.#sql.push(
      `create view public.v_${name}${options} as select * from public.${name}${asked}${option}; revoke all on public.v_${name} from anon, authenticated; grant ${view.verbs.join(', ')} on public.v_${name} to authenticated`,
    );
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

  #wrong(rule: string, key: string, kind: Key): string {
    return this.#random.pick([
      // The column of the inner table, which has the same name.
      ...(kind === 'organization'
        ? [`exists (select 1 from public.org_members m where m.org_id = org_id and m.user_id = ${me})`]
        : []),
      'true',
      `${me} is not null`,
      `${rule} or archived`,
      `${rule} or body = 'shared'`,
      `${key} is not null and ${me} is not null`,
    ]);
  }

  #function(table: string, rule: string): void {
    const name = `public.get_${table}`;
    this.#functions.push({ call: `select id from ${name}('@id')`, table, returnsRows: true });
    this.#sql.push(
      `create function ${name}(p uuid) returns setof public.${table} language sql stable security definer set search_path = '' as $$ select t.* from public.${table} t where t.id = p and ${rule} $$; revoke execute on function ${name}(uuid) from public, anon; grant execute on function ${name}(uuid) to authenticated`,
    );
  }

  #writer(table: string, rule: string): void {
    const name = `public.set_${table}`;
    this.#functions.push({ call: `select ${name}('@id', 'written')`, table, returnsRows: false });
    this.#sql.push(
      `create function ${name}(p uuid, words text) returns void language sql security definer set search_path = '' as $$ update public.${table} t set body = words where t.id = p and ${rule} $$; revoke execute on function ${name}(uuid, text) from public, anon; grant execute on function ${name}(uuid, text) to authenticated`,
    );
  }

  /** Gives a row to another user. */
  #giver(table: string, rule: string): void {
    const name = `public.give_${table}`;
    this.#functions.push({ call: `select ${name}('@id', '@user')`, table, returnsRows: false });
    this.#sql.push(
      `create function ${name}(p uuid, to_whom uuid) returns boolean language plpgsql security definer set search_path = '' as $$ begin update public.${table} t set user_id = to_whom where t.id = p and ${rule}; return found; end $$; revoke execute on function ${name}(uuid, uuid) from public, anon; grant execute on function ${name}(uuid, uuid) to authenticated`,
    );
  }
}
