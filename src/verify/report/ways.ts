/**
 * Findings about access to rows by means other than the four verbs on tables. They come from the catalog, since none of
 * it needs to be tried.
 */
import type { DefaultGrant, Held, Ways } from '../catalog/ways-query.ts';
import { isDeclared, type Declaration } from '../../rules/engine/live/expectations.ts';
import type { Finding, Severity } from '../../shared/finding.ts';
import { quoteIdentifier, quoteQualified } from '../../shared/quote.ts';
import type { RuleName } from '../../rules/registry.ts';
import { makeFinding } from './make-finding.ts';
import { notProven } from './not-proven.ts';

const service = 'service_role';

/** The rule that such access breaks, by the actor and the kind of access. */
function ruleFor(role: string, does: 'read' | 'write'): RuleName {
  if (role === 'anon' || role === 'public') return does === 'read' ? 'anon-read' : 'anon-write';
  return does === 'read' ? 'isolation-read' : 'isolation-write';
}

/** All findings about such access. */
export function wayFindings(ways: Ways, declarations: readonly Declaration[]): Finding[] {
  const isOld = isOldDefault(ways);
  return [
    ...ways.roles.flatMap(roleFindings),
    ...tableFindings(ways, isOld),
    ...sequenceFindings(ways, isOld),
    ...byObject(ways.schemas).map(([schema, held]) => schemaFinding(schema, held)),
    ...defaultFindings(ways, isOld),
    ...ways.published.filter(({ object }) => !isDeclared(declarations, object, 'public-read')).map(publishedFinding),
    ...ways.strangers.map(strangerFinding),
    ...byObject(ways.foreign).map(([object, held]) =>
      notProven({
        object,
        reason: `it is a foreign table that ${namesOf(held)} may use, and row-level security does not apply to those`,
        suggestion: `REVOKE ALL ON ${quoteQualified(object)} FROM ${rolesOf(held)};`,
      }),
    ),
    ...byObject(ways.platform).map(([object, held]) => platformFinding(object, held)),
    ...ways.labels.map(({ object, provider }) =>
      notProven({
        object,
        reason: `a security label of ${provider} says what it shows to whom`,
        suggestion: 'Check by hand what the label shows, as a signed-in user and as an anonymous visitor.',
      }),
    ),
  ];
}

/** Rows of the platform are those of all users. */
function platformFinding(object: string, held: readonly Held[]): Finding {
  const all = [...new Set(held.flatMap(({ privileges }) => privileges))];
  const reading = held.filter(({ privileges }) => privileges.includes('SELECT'));
  const [does, those] = reading.length > 0 ? (['read', reading] as const) : (['write', held] as const);
  return makeFinding(
    ruleFor(leastTrusted(those), does),
    object,
    `${namesOf(held)} may ${all.join(', ')} ${object}, which no policy guards: its rows are those of all users, and for ` +
      "the platform's services alone.",
    `REVOKE ${all.join(', ')} ON ${quoteQualified(object)} FROM ${rolesOf(held)}; ` +
      'And let a function that asks who calls it give what users need.',
  );
}

type IsOld = (schema: string) => boolean;

/** The privileges on new objects in `public` that Supabase gave its roles in older projects. */
function isOldDefault({ defaults }: Ways): IsOld {
  const held = (role: string, schema: string): boolean =>
    defaults.some(
      (one) =>
        one.kind === 'tables' && one.role === role && one.schema === schema && one.privileges.includes('TRUNCATE'),
    );
  return (schema) => ['anon', 'authenticated', service].every((role) => held(role, schema));
}

/**
 * Tables that have what older projects gave by themselves: by default privileges, or one by one, as a dump of such a
 * project writes them. Those are most of the tables of their schema; where few have it, their author gave it to them.
 */
function isAsOlderProjects(ways: Ways, isOld: IsOld): (object: string) => boolean {
  const alike = byObject(ways.tables)
    .filter(([, held]) =>
      ['anon', 'authenticated'].every((role) =>
        held.some((one) => one.role === role && one.privileges.includes('TRUNCATE')),
      ),
    )
    .map(([object]) => object);
  const isMost = (schema: string): boolean => {
    const used = ways.used.find((one) => one.schema === schema)?.tables ?? 0;
    return alike.filter((object) => schemaOf(object) === schema).length * 2 > used;
  };
  return (object) => isOld(schemaOf(object)) || (alike.includes(object) && isMost(schemaOf(object)));
}

/** What ALL gives besides reading and writing rows. */
const restOfAll = ['TRUNCATE', 'REFERENCES', 'TRIGGER'];

/** Where ALL was granted and the right to write rows revoked: what is left was not meant for anyone to use. */
function isLeftOver({ writes }: Ways, object: string, held: readonly Held[]): boolean {
  return held.every(
    ({ role, privileges }) =>
      restOfAll.every((one) => privileges.includes(one)) &&
      !writes.some((one) => one.object === object && one.role === role),
  );
}

const schemaOf = (object: string): string => object.split('.')[0]!;
const rolesOf = (held: readonly Held[]): string => held.map(({ role }) => quoteIdentifier(role)).join(', ');
const namesOf = (held: readonly Held[]): string => held.map(({ role }) => role).join(' and ');

function byObject<T extends Held>(held: readonly T[]): [string, T[]][] {
  return [...grouped(held, ({ object }) => object)];
}

function grouped<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return groups;
}

function leastTrusted(held: readonly Held[]): string {
  return held.some(({ role }) => role === 'anon') ? 'anon' : held[0]!.role;
}

/** Tables in which users have the same are one finding, at the first of them, where it is what older projects gave or goes for many. */
function tableFindings(ways: Ways, isOld: IsOld): Finding[] {
  const isOlder = isAsOlderProjects(ways, isOld);
  const originOf = (object: string, held: readonly Held[]): Origin => {
    if (isOlder(object)) return 'older project';
    return isLeftOver(ways, object, held) ? 'left over' : 'given';
  };
  const alike = grouped(byObject(ways.tables), ([object, held]) =>
    JSON.stringify([schemaOf(object), originOf(object, held), held.map(({ role, privileges }) => [role, privileges])]),
  );
  return [...alike.values()].flatMap((group) => {
    const objects = group.map(([object]) => object);
    const [first, held] = group[0]!;
    const origin = originOf(first, held);
    return origin === 'older project' || objects.length > fewTables
      ? [tableFinding(objects, held, origin)]
      : group.map(([object, held]) => tableFinding([object], held, origin));
  });
}

/** How users came to have more on a table than rows to read and write. Only what was given is surely wanted. */
type Origin = 'given' | 'older project' | 'left over';

const reasons: Readonly<Record<Origin, string>> = {
  given: '',
  'older project':
    ' It is part of the ALL that older Supabase projects give on every new table; the Data API has no TRUNCATE, ' +
    'but a function or a connection as that role has.',
  'left over':
    ' It is what is left of ALL after INSERT, UPDATE and DELETE were revoked; the Data API has no TRUNCATE, but a ' +
    'function or a connection as that role has.',
};

/** So many tables are told one by one. */
const fewTables = 3;

function tableFinding(objects: readonly string[], held: readonly Held[], origin: Origin): Finding {
  const truncating = held.filter(({ privileges }) => privileges.includes('TRUNCATE'));
  const all = [...new Set(held.flatMap(({ privileges }) => privileges))];
  const tables = objects.length === 1 ? objects[0]! : `${objects.length} tables (${objects.join(', ')})`;
  const suggestion = `REVOKE ${all.join(', ')} ON ${objects.map(quoteQualified).join(', ')} FROM ${rolesOf(held)};`;
  if (truncating.length === 0) {
    return makeFinding(
      ruleFor(leastTrusted(held), 'write'),
      objects[0]!,
      `${namesOf(held)} ${held.length === 1 ? 'has' : 'have'} ${all.join(', ')} on ${tables}: ${whatFor(all)}.`,
      suggestion,
      'warning',
    );
  }
  const it = objects.length === 1 ? "it can delete everyone's rows" : "it can delete everyone's rows in them";
  return makeFinding(
    ruleFor(leastTrusted(truncating), 'write'),
    objects[0]!,
    `${namesOf(truncating)} may TRUNCATE ${tables}: row-level security does not apply to that, so ${it}.${reasons[origin]}`,
    suggestion,
    origin === 'given' ? 'error' : 'warning',
  );
}

const uses: Readonly<Record<string, string>> = {
  REFERENCES: 'a foreign key tells which keys exist and keeps rows from being deleted',
  TRIGGER: 'a trigger runs whenever anyone writes the table',
  MAINTAIN: 'LOCK TABLE stops everyone else',
};

function whatFor(privileges: readonly string[]): string {
  return privileges.flatMap((one) => uses[one] ?? []).join(', ');
}

/** An INSERT into the sequence's table needs only USAGE. With more, users can change the numbers of others. */
function sequenceFindings(ways: Ways, isOld: IsOld): Finding[] {
  const isOlder = isAsOlderProjects(ways, isOld);
  const settable = ways.sequences.filter(
    ({ object, privileges, table }) =>
      privileges.includes('UPDATE') && !isOld(schemaOf(object)) && !(table !== null && isOlder(table)),
  );
  const alike = grouped(byObject(settable), ([object, held]) =>
    JSON.stringify([schemaOf(object), held.map(({ role }) => role)]),
  );
  return [...alike.values()].map((group) => {
    const held = group[0]![1];
    const names = group.map(([object, [one]]) =>
      one!.table === null ? object : `${object}, which numbers ${one!.table}`,
    );
    return makeFinding(
      ruleFor(leastTrusted(held), 'write'),
      group[0]![0],
      `${namesOf(held)} can set ${names.length === 1 ? 'sequence' : `${names.length} sequences:`} ${names.join('; ')}: ` +
        'after setval() to a lower number every INSERT ends in a duplicate key.',
      `REVOKE UPDATE ON SEQUENCE ${group.map(([object]) => quoteQualified(object)).join(', ')} FROM ${rolesOf(held)};`,
      'warning',
    );
  });
}

function schemaFinding(schema: string, held: readonly Held[]): Finding {
  return makeFinding(
    'isolation-escalation',
    `schema ${schema}`,
    `${namesOf(held)} may create objects in schema ${schema}: a function or table of theirs can take the place ` +
      'of the one that a function with other rights means.',
    `REVOKE CREATE ON SCHEMA ${quoteIdentifier(schema)} FROM PUBLIC, ${rolesOf(held)};`,
  );
}

function defaultFindings({ defaults, isOwnPlatform }: Ways, isOld: IsOld): Finding[] {
  const wanted = defaults.filter(
    ({ role, schema }) => role !== service && (isOwnPlatform || schema === null || !isOld(schema)),
  );
  const groups = grouped(wanted, ({ owner, schema, kind }) => JSON.stringify([owner, schema, kind]));
  return [...groups.values()].flatMap((grants) => defaultFinding(grants, isOld));
}

function defaultFinding(grants: readonly DefaultGrant[], isOld: IsOld): Finding[] {
  const { owner, schema, kind } = grants[0]!;
  const anonymous = grants.find(({ role }) => role === 'anon' || role === 'public');
  const worst = anonymous ?? grants[0]!;
  // Everyone may call new functions anyway, and an INSERT needs the sequence: only privileges on tables open rows.
  if (kind === 'sequences') return [];
  const writes = worst.privileges.filter((one) => ['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'].includes(one));
  const place = schema === null ? 'every schema' : `schema ${schema}`;
  const roles = grants.map(({ role }) => (role === 'public' ? 'PUBLIC' : quoteIdentifier(role))).join(', ');
  const isGrave =
    kind === 'tables' &&
    !(schema !== null && isOld(schema)) &&
    (grants.some(({ privileges }) => privileges.includes('TRUNCATE')) ||
      (anonymous !== undefined && writes.length > 0));
  const severity: Severity = isGrave ? 'error' : 'warning';
  const consequence =
    kind === 'tables'
      ? 'a table that a later migration creates is open to them until it has row-level security and policies, and stays open to TRUNCATE'
      : "they can call a function that a later migration creates, with its owner's rights if it is SECURITY DEFINER";
  return [
    makeFinding(
      ruleFor(worst.role, kind === 'tables' && writes.length === 0 ? 'read' : 'write'),
      `default privileges on ${kind} in ${place}`,
      `Default privileges give ${roles} ${worst.privileges.join(', ')} on ${kind} that ${owner} will create in ${place}: ${consequence}.`,
      `ALTER DEFAULT PRIVILEGES${schema === null ? '' : ` IN SCHEMA ${quoteIdentifier(schema)}`} REVOKE ALL ON ` +
        `${kind.toUpperCase()} FROM ${roles};`,
      severity,
    ),
  ];
}

/**
 * What members of PostgreSQL's own roles may do, whatever is granted on a table.
 * https://www.postgresql.org/docs/17/predefined-roles.html
 */
const predefined: Readonly<Record<string, { does: 'read' | 'write'; may: string }>> = {
  pg_read_all_data: { does: 'read', may: 'reads every table, view and sequence, whatever is granted there' },
  pg_write_all_data: { does: 'write', may: 'writes every table, view and sequence, whatever is granted there' },
  pg_maintain: { does: 'write', may: 'locks and rebuilds every table' },
  pg_read_server_files: { does: 'read', may: "reads the server's files" },
  pg_write_server_files: { does: 'write', may: "writes the server's files" },
  pg_execute_server_program: { does: 'write', may: 'runs programs on the server' },
};

/** A user's role that bypasses policies or grants, or that can become a role that does. */
function roleFindings({ role, through, bypassRls, superuser, owns }: Ways['roles'][number]): Finding[] {
  const given = predefined[through];
  if (given !== undefined) {
    return [
      makeFinding(
        ruleFor(role, given.does),
        `role ${role}`,
        `${role} is a member of ${through}, which ${given.may}.`,
        `REVOKE ${quoteIdentifier(through)} FROM ${quoteIdentifier(role)};`,
      ),
    ];
  }
  const power = superuser
    ? 'is a superuser'
    : bypassRls
      ? 'bypasses row-level security'
      : owns.length > 0
        ? `owns ${owns.slice(0, 3).join(', ')}${owns.length > 3 ? ' and more' : ''}`
        : undefined;
  if (power === undefined) return [];
  const isSelf = role === through;
  const who = isSelf ? `${role} ${power}` : `${role} is a member of ${through}, which ${power}`;
  const suggestion = !isSelf
    ? `REVOKE ${quoteIdentifier(through)} FROM ${quoteIdentifier(role)};`
    : superuser || bypassRls
      ? `ALTER ROLE ${quoteIdentifier(role)} NOSUPERUSER NOBYPASSRLS;`
      : owns.map((table) => `ALTER TABLE ${quoteQualified(table)} OWNER TO postgres;`).join('\n');
  return [
    makeFinding(
      ruleFor(role, 'write'),
      `role ${role}`,
      `${who}: no policy applies to such a user, who can read and change every row.`,
      suggestion,
    ),
  ];
}

function strangerFinding({ role, bypassRls, login }: Ways['strangers'][number]): Finding {
  return notProven({
    object: `role ${role}`,
    reason:
      `it ${login ? 'can log in to the database' : 'is a role that a token may name'}, has rights on ` +
      `tables${bypassRls ? ', bypasses row-level security' : ''}, and was not acted as`,
    suggestion: 'Check by hand what it may do, or drop it if nothing uses it.',
  });
}

function publishedFinding({ object, publication, full, roles }: Ways['published'][number]): Finding {
  const old = full ? ', and for updates and deletes the whole row as it was (REPLICA IDENTITY FULL)' : '';
  return makeFinding(
    ruleFor(roles.includes('anon') ? 'anon' : roles[0]!, 'read'),
    object,
    `${object} is in publication ${publication} and has no row-level security: Realtime sends every new and ` +
      `changed row to ${roles.join(' and ')}${old}.`,
    `ALTER TABLE ${quoteQualified(object)} ENABLE ROW LEVEL SECURITY;`,
  );
}
