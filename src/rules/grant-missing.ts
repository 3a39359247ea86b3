import type { Catalog, Policy, Table } from '../sql/catalog/model.ts';
import { isSerial } from '../sql/catalog/types.ts';
import { allOf } from '../sql/nodes.ts';
import { quoteIdentifier, quoteQualified } from '../shared/quote.ts';
import { at } from './engine/check.ts';
import { example, exampleWithout } from './engine/example.ts';
import { problemsOf } from './engine/fix/fix.ts';
import type { Decision, FixResult, Situation } from './engine/fix/fix.ts';
import { noteText, placed, whereNamed } from './engine/fix/place.ts';
import type { Texts } from './engine/fix/place.ts';
import { qualifiedName, relation } from './engine/live/catalog.ts';
import type { PolicyRow, RelationRow } from './engine/live/catalog.ts';
import { commandsOf, isForSessions, meantRoles } from './engine/policies.ts';
import { type Provided, supabase } from './engine/provided.ts';
import type { Rule } from './engine/rule.ts';
import { ownTables } from './engine/tables.ts';

/** The policies of a table that are for users of the Data API. A plain server has none, whom one without TO could mean. */
function apiPolicies({ policies }: Table, catalog: Catalog, { roles }: Provided): Policy[] {
  return [...policies.values()].filter(
    (each) => each.roles.length > 0 || (roles.has('authenticated') && !isForSessions(each, catalog)),
  );
}

type Grants = ReadonlyMap<string, ReadonlySet<string>>;

/** Verbs in the order in which messages list them. */
const order = ['select', 'insert', 'update', 'delete'];

function holds(grants: Grants, role: string, privilege: string): boolean {
  return grants.get(role)?.has(privilege) === true || grants.get('public')?.has(privilege) === true;
}

/** Whether a statement that PostgreSQL cannot read grants something on the table: to whom is not known. */
function isGrantUnread({ name }: { name: string }, unreadGrants: ReadonlySet<string>): boolean {
  return unreadGrants.has('*') || unreadGrants.has(name.slice(name.indexOf('.') + 1).toLowerCase());
}

/** Returns whether a role has no privilege at all on rows of the table. */
function hasNone({ grants }: Table, role: string): boolean {
  return order.every((privilege) => !holds(grants, role, privilege));
}

/** By role, the privileges without which the policies have no effect. */
function missingGrants(policies: Iterable<Policy>, grantsOf: Grants): Map<string, Set<string>> {
  const wanted = new Map<string, Set<string>>();
  for (const each of policies) {
    if (!each.permissive) continue;
    for (const role of meantRoles(each)) {
      for (const command of commandsOf(each))
        if (!holds(grantsOf, role, command)) wanted.set(role, (wanted.get(role) ?? new Set()).add(command));
    }
  }
  return new Map(
    [...wanted].map(([role, privileges]) => [role, new Set(order.filter((privilege) => privileges.has(privilege)))]),
  );
}

/**
 * The missing privileges of roles for which the files grant or revoke nothing on the table. Where they do, the author
 * has decided.
 */
function undecided(table: Table, catalog: Catalog, provided: Provided): Map<string, Set<string>> {
  return new Map(
    [...missingGrants(apiPolicies(table, catalog, provided), table.grants)].filter(
      ([role]) => !table.grants.has(role) && hasNone(table, role),
    ),
  );
}

/** Columns whose default uses a sequence that users need a grant for. */
function serials(table: Table): string[] {
  const names: string[] = [];
  const piece = table.site?.piece;
  for (const { colname, typeName } of allOf(
    piece?.type === 'CreateStmt' ? piece.node.tableElts : undefined,
    'ColumnDef',
  )) {
    if (typeName !== undefined && isSerial(typeName)) names.push(colname);
  }
  return names;
}

/** Grants what the policies imply, and everything to the service role if nothing else is said about it. */
function apply(situation: Situation): FixResult {
  const texts: Texts = new Map();
  const decisions: Decision[] = [];
  for (const { object } of problemsOf(situation, 'grant-missing')) {
    const table = situation.catalog.tables.get(object ?? '');
    if (table?.site === undefined) continue;
    const provided = situation.examined.provided();
    const missing = undecided(table, situation.catalog, provided);
    if (missing.size === 0) continue;
    const writers = [...missing].filter(([, privileges]) => privileges.has('insert')).map(([role]) => role);
    const server = provided.roles.has('service_role') ? ['service_role'] : [];
    if (server.length > 0 && (table.grants.get('service_role')?.size ?? 0) === 0)
      missing.set('service_role', new Set(['select', 'insert', 'update', 'delete']));
    const last =
      [...table.policies.values()]
        .map(({ site }) => site)
        .sort((a, b) => a.piece.order - b.piece.order)
        .at(-1) ?? table.site;
    const policyHas =
      last.piece.order > table.site.piece.order &&
      last.piece.source.migration.layer === table.site.piece.source.migration.layer;
    const source = whereNamed(situation, table, (policyHas ? last : table.site).piece.source);
    const name = quoteQualified(table.name);
    const lines: string[] = [];
    for (const [role, privileges] of missing) {
      const list = [...privileges].join(', ').toUpperCase();
      lines.push(`GRANT ${list} ON ${name} TO ${role};`);
      if (role !== 'service_role')
        decisions.push({
          file: source.migration.file,
          object: table.name,
          before: `${role}: refused before policies apply`,
          after: `${role}: ${list} of the rows that the policies allow`,
          reason: 'its policies name the role',
        });
    }
    const [schema = 'public', bare = ''] = table.name.split('.');
    for (const column of serials(table))
      lines.push(
        `GRANT USAGE ON SEQUENCE ${quoteQualified(`${schema}.${bare}_${column}_seq`)} TO ` +
          `${[...new Set([...writers, ...server])].join(', ')};`,
      );
    noteText(texts, source, lines.join('\n'));
  }
  return { ...placed(situation, texts), decisions };
}

/** The privileges that a policy's command needs. */
const verbs = { r: ['S', 'SELECT'], a: ['I', 'INSERT'], w: ['U', 'UPDATE'], d: ['D', 'DELETE'] } as const;

/** A policy without TO applies at least to signed-in users; `policy-without-role` decides about `anon`. */
function appliesTo(policy: PolicyRow, role: string, isUser: boolean): boolean {
  return policy.roles.includes(role) || (isUser && policy.roles.includes('public'));
}

/** Returns whether a role has a privilege on the table or on any of its columns. */
function holdsLive(table: RelationRow, role: string, letter: 'S' | 'I' | 'U' | 'D'): boolean {
  return (
    (table.grants[role] ?? '').includes(letter) || (letter !== 'D' && table.columnGrants[role]?.[letter] !== undefined)
  );
}

function lackingVerbs(policy: PolicyRow, table: RelationRow, role: string): string[] {
  if (policy.command !== '*') {
    const [letter, verb] = verbs[policy.command];
    return holdsLive(table, role, letter) ? [] : [verb];
  }
  // A policy FOR ALL that grants narrow down is intended; only no privilege at all is a mistake.
  return Object.values(verbs).some(([letter]) => holdsLive(table, role, letter))
    ? []
    : Object.values(verbs).map(([, verb]) => verb);
}

/** Says that a role may add rows, and not use the sequence that numbers them. */
function unnumbered(table: RelationRow, role: string): { message: string; suggestion: string }[] {
  return table.serials
    .filter(({ roles }) => !roles.includes(role))
    .map(({ column, sequence }) => ({
      message:
        `${role} may insert into ${qualifiedName(table)}, but not use sequence ${sequence}, which numbers its ${column}: ` +
        `an INSERT that leaves ${column} to its default ends in 42501.`,
      suggestion: `GRANT USAGE ON SEQUENCE ${sequence} TO ${quoteIdentifier(role)};`,
    }));
}

export const rule: Rule = {
  name: 'grant-missing',
  severity: 'error',
  unless: 'a warning if the role has other privileges on the table',
  found: ['static', 'live'],
  means: 'a table has policies for a role that has no privilege on it, so every request fails with 42501',
  doc: {
    why:
      'Supabase grants the roles of its Data API nothing on new tables (new projects since 2026-05-30, all since ' +
      '2026-10-30). Without a GRANT every request ends in "permission denied" (42501), whatever the policies say. ' +
      'The sequence of a serial column needs USAGE as well.',
    bad: exampleWithout('grants'),
    good: example,
  },
  check: {
    end(catalog, report, run) {
      for (const each of ownTables(catalog)) {
        if (isGrantUnread(each, catalog.unreadGrants)) continue;
        const missing = missingGrants(apiPolicies(each, catalog, run.provided()), each.grants);
        // The service role bypasses policies, so no policy implies its privileges.
        if (!hasNone(each, 'service_role')) missing.delete('service_role');
        if (missing.size === 0) continue;
        const without = [...missing.keys()].filter((role) => hasNone(each, role));
        const statements = [...missing].map(
          ([role, privileges]) =>
            `GRANT ${[...privileges].join(', ').toUpperCase()} ON ${quoteQualified(each.name)} TO ${role};`,
        );
        const some = [...missing]
          .map(([role, privileges]) => `${role} (${[...privileges].join(', ').toUpperCase()})`)
          .join(' and ');
        report({
          ...at(each.site),
          object: each.name,
          severity: without.length > 0 ? 'error' : 'warning',
          message:
            without.length > 0
              ? `Table ${each.name} has policies for ${without.join(' and ')} but no grant: every request through ` +
                'the Data API fails with 42501.'
              : `Policies on table ${each.name} allow more than is granted to ${some}: such a request fails with 42501.`,
          suggestion: statements.join('\n'),
        });
      }
    },
  },
  live: {
    table(table, { catalog, expectations: { userRole = 'authenticated', provided = supabase } }, report) {
      // Without row-level security the policies have no effect.
      if (!table.rls) return;
      const name = qualifiedName(table);
      for (const role of Object.keys(catalog.roles)) {
        const isUser = role === userRole && (userRole !== 'authenticated' || provided.roles.has(role));
        const policies = table.policies.filter((policy) => policy.permissive && appliesTo(policy, role, isUser));
        const lacking = new Set(policies.flatMap((policy) => lackingVerbs(policy, table, role)));
        const hasSome = Object.values(verbs).some(([letter]) => holdsLive(table, role, letter));
        if (holdsLive(table, role, 'I') && policies.some(({ command }) => 'a*'.includes(command)))
          for (const found of unnumbered(table, role)) report({ object: name, severity: 'warning', ...found });
        if (lacking.size === 0 || (hasSome && role === 'service_role')) continue;
        const list = [...lacking].join(', ');
        report({
          object: name,
          severity: hasSome ? 'warning' : 'error',
          message: `${name} has policies that let ${role} ${list}, but ${role} lacks that privilege: such a request fails with 42501.`,
          suggestion: `GRANT ${list} ON ${relation(table)} TO ${quoteIdentifier(role)};`,
        });
      }
    },
  },
  fix: {
    does: 'adds the grants that the policies imply, unless the files grant or revoke something there themselves',
    stage: 'privileges',
    apply,
  },
};
