import type { Catalog, Policy, Table } from '../../sql/catalog/model.ts';
import { at } from './check.ts';
import type { Check } from './check.ts';
import { commandsOf, isAlwaysTrue, isForSessions, isForUsers, meantRoles, mentionsOf, namesService } from './policies.ts';
import { policiesFor } from './suggest.ts';
import { ident, policyObject, qualified } from './sql.ts';
import { declared, isReachable, ownTables } from './tables.ts';
import type { OwnTable } from './tables.ts';

const table = 'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE, title text, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());\nCREATE INDEX IF NOT EXISTS idx_notes_user_id ON notes (user_id);';
const rls = 'ALTER TABLE notes ENABLE ROW LEVEL SECURITY;';
const drop = 'DROP POLICY IF EXISTS "own notes" ON notes;';
const policy = 'CREATE POLICY "own notes" ON notes FOR ALL TO authenticated USING ((SELECT auth.uid()) = user_id) WITH CHECK ((SELECT auth.uid()) = user_id);';
const grants = 'GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO authenticated;';
const right = ['-- Notes.', table, rls, drop, policy, grants].join('\n');
const without = (...left: string[]): string => ['-- Notes.', table, rls, drop, policy, grants].filter((line) => !left.includes(line)).join('\n');

export const rlsMissing: Check = {
  rule: 'rls-missing',
  doc: {
    why: 'Without row-level security, a grant opens the whole table: anyone who has the public key of the app reads and changes every row of everyone.',
    bad: without(rls, drop, policy),
    good: right,
  },
  end(catalog, report, run) {
    for (const each of ownTables(catalog)) {
      if (each.rls !== undefined || !isReachable(each)) continue;
      report({
        ...at(each.site),
        object: each.name,
        message: `Table ${each.name} has no row-level security: whoever may use it at all sees and changes every row.`,
        suggestion: [`ALTER TABLE ${qualified(each.name)} ENABLE ROW LEVEL SECURITY;`, ...policiesFor(each, catalog, run)].join('\n'),
      });
    }
  },
};

export const policyMissing: Check = {
  rule: 'policy-missing',
  doc: {
    why: 'With row-level security on and no policy, every query of a user answers with no rows and no error. That is right for a table that only the server uses, and then the file says so.',
    bad: without(drop, policy, grants),
    good: `${without(rls, drop, policy, grants)}\n-- muse: service-only\n${rls}\nGRANT ALL ON notes TO service_role;`,
  },
  end(catalog, report, run) {
    for (const each of ownTables(catalog)) {
      if (each.rls === undefined || each.policies.size > 0 || each.partitionOf !== undefined || declared(run, each.name, 'service-only') || saysServiceOnly(each) || !isReachable(each)) continue;
      report({
        ...at(each.rls),
        object: each.name,
        message: `Table ${each.name} has row-level security on and no policy: nobody but the server can do anything with it.`,
        suggestion: ['-- muse: service-only', '-- … in front of this statement if that is meant, or:', ...policiesFor(each, catalog, run)].join('\n'),
      });
    }
  },
};

/** Says whether a comment beside the table or its ENABLE says in plain words that only the server is to use it. */
function saysServiceOnly({ site, rls: enabled }: OwnTable): boolean {
  const comments = [site, enabled].flatMap((each) => each?.piece.statement.comments ?? []);
  return comments.some(({ text }) => /\bno (?:rls )?polic(?:y|ies) (?:as|because|since|needed|necessary|on purpose)\b|\bprivate table\b/i.test(text));
}

/** Policies of the migrations' own tables and of Supabase's storage. */
function policiesOf(catalog: Catalog): Policy[] {
  return [...catalog.tables.values(), ...catalog.ghosts.values()].flatMap(({ policies }) => [...policies.values()]);
}

export const policyWithoutRole: Check = {
  rule: 'policy-without-role',
  doc: {
    why: 'A policy without TO is for every role, anon included. What keeps strangers out is then only its expression, and PostgreSQL evaluates it for each of them.',
    bad: right.replace(' TO authenticated USING', ' USING'),
    good: right,
  },
  end(catalog, report, run) {
    for (const each of policiesOf(catalog)) {
      if (each.roles.length > 0 || declared(run, each.table, 'public-read') || isForSessions(each, catalog)) continue;
      const role = rolesFor(each);
      report({
        ...at(each.site),
        object: policyObject(each),
        message: `Policy "${each.name}" on ${each.table} names no role, so it is for anon too.`,
        suggestion: `ALTER POLICY ${ident(each.name)} ON ${qualified(each.table)} TO ${role};`,
      });
    }
  },
};

/** The roles that a policy without TO should name, by its name and expression. */
export function rolesFor(each: Policy): string {
  const { service, user } = mentionsOf(each);
  if ((service && !user) || (namesService(each.name) && !user)) return 'service_role';
  if (!user && each.command === 'select') return 'anon, authenticated';
  return 'authenticated';
}

export const policyAlwaysTrue: Check = {
  rule: 'policy-always-true',
  doc: {
    why: 'USING (true) on a write lets everyone whom the policy is for change every row. Under the name "service role can manage" it is most often a misunderstanding: the service role needs no policy, and this one opens the table to all others.',
    bad: right.replace('USING ((SELECT auth.uid()) = user_id) WITH CHECK ((SELECT auth.uid()) = user_id)', 'USING (true)'),
    good: right,
  },
  end(catalog, report, run) {
    for (const each of policiesOf(catalog)) {
      if (!isForUsers(each) || !each.permissive) continue;
      const commands = commandsOf(each);
      const reads = isAlwaysTrue(each.using) && commands.includes('select');
      const writes =
        (isAlwaysTrue(each.using) && commands.some((command) => command === 'update' || command === 'delete')) ||
        (isAlwaysTrue(each.check ?? (each.command === 'insert' ? undefined : each.using)) && commands.some((command) => command === 'insert' || command === 'update'));
      if (!writes && (!reads || declared(run, each.table, 'public-read'))) continue;
      const who = each.roles.length === 0 ? 'anyone, signed in or not,' : each.roles.join(' and ');
      report({
        ...at(each.site),
        object: policyObject(each),
        severity: writes ? 'error' : 'warning',
        message: writes ? `Policy "${each.name}" lets ${who} write any row of ${each.table}.` : `Policy "${each.name}" lets ${who} read every row of ${each.table}.`,
        suggestion: writes ? `ALTER POLICY ${ident(each.name)} ON ${qualified(each.table)} TO service_role;` : '-- muse: public-read',
      });
    }
  },
};

export const grantMissing: Check = {
  rule: 'grant-missing',
  doc: {
    why: 'Supabase gives new tables no grants to the roles of its Data API (new projects since 2026-05-30, all since 2026-10-30). Without a GRANT every request ends in "permission denied" (42501), whatever the policies say.',
    bad: without(grants),
    good: right,
  },
  end(catalog, report) {
    for (const each of ownTables(catalog)) {
      const missing = missingGrants(apiPolicies(each, catalog), each.grants);
      if (missing.size === 0) continue;
      const statements = [...missing].map(([role, privileges]) => `GRANT ${[...privileges].join(', ').toUpperCase()} ON ${qualified(each.name)} TO ${role};`);
      report({
        ...at(each.site),
        object: each.name,
        message: `Table ${each.name} has policies for ${[...missing.keys()].join(' and ')} but no grant: every request through the Data API ends in 42501.`,
        suggestion: statements.join('\n'),
      });
    }
  },
};

/** The policies of a table that users of the Data API are meant by. */
export function apiPolicies({ policies }: Table, catalog: Catalog): Policy[] {
  return [...policies.values()].filter((each) => each.roles.length > 0 || !isForSessions(each, catalog));
}

const order = ['select', 'insert', 'update', 'delete'];

/** Privileges by role that the policies are of no use without. */
export function missingGrants(policies: Iterable<Policy>, grantsOf: ReadonlyMap<string, ReadonlySet<string>>): Map<string, Set<string>> {
  const wanted = new Map<string, Set<string>>();
  for (const each of policies) {
    if (!each.permissive) continue;
    for (const role of meantRoles(each)) {
      const held = (privilege: string): boolean => grantsOf.get(role)?.has(privilege) === true || grantsOf.get('public')?.has(privilege) === true;
      for (const command of commandsOf(each)) if (!held(command)) wanted.set(role, (wanted.get(role) ?? new Set()).add(command));
    }
  }
  return new Map([...wanted].map(([role, privileges]) => [role, new Set(order.filter((privilege) => privileges.has(privilege)))]));
}
