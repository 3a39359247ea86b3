import { quoteIdentifier } from '../../shared/quote.ts';
import type { Actor } from './actors.ts';
import type { ColumnRow } from '../../rules/engine/live/catalog.ts';
import { uniqueSets } from '../fixtures/draft.ts';
import type { Model } from '../catalog/model.ts';
import { condition, grantedColumns, type Subject } from './subject.ts';

/** What the owner columns hold for the actor's own rows, and for the other side's; undefined where the actor has none. */
export function sidesOf(subject: Subject, actor: Actor): { own: string[] | undefined; other: string[] } {
  const isDirectUser = subject.scope.owner === 'user' && subject.scope.parent === undefined;
  const stands = subject.belongs.map((one) => one.own ?? one[actor.side]);
  return { own: actor.isNobody && !isDirectUser ? undefined : stands, other: subject.belongs.map((one) => one[otherSide(subject, actor)]) };
}

/** In whose name the actor forges: A's, unless A's rows are its own. */
export function otherSide(subject: Subject, actor: Actor): 'a' | 'b' {
  const isDirectUser = subject.scope.owner === 'user' && subject.scope.parent === undefined;
  return actor.side === 'a' && !(isDirectUser && actor.relation === 'fellow') && !actor.isAnonymous ? 'b' : 'a';
}

/** The columns, beside those that say whose a row is, that lead to a user, an organization or another's row. */
export function linkColumns(subject: Subject, model: Model): { column: string; a: string; b: string }[] {
  if (subject.elsewhere !== undefined) return [{ column: 'bucket_id', a: subject.rows.a.values.get('bucket_id')!, b: subject.elsewhere }];
  const owners = new Set(subject.belongs.map((one) => one.column));
  const key = new Set(subject.rows.a.key.map(([name]) => name));
  return subject.columns.filter((column) => !owners.has(column.name) && !key.has(column.name)).flatMap((column) => {
    const leads = model.meaningOf(subject.table, column) !== undefined
      || subject.table.constraints.some((one) => one.type === 'f' && one.columns.includes(column.name));
    const [a, b] = [subject.rows.a.values.get(column.name), subject.rows.b.values.get(column.name)];
    return leads && a !== undefined && b !== undefined && a !== 'NULL' && b !== 'NULL' ? [{ column: column.name, a, b }] : [];
  });
}

/**
 * How a new row is made up: the actor's own; with the least columns; of a user who has no row yet; in the name of the other
 * side; as another user inside the own organization; the actor's own with links to the other side's rows.
 */
type Manner = 'own' | 'least' | 'newcomer' | 'forged' | 'as' | 'cross';

/** INSERT of a new row by the actor; undefined where the manner makes no sense for them. */
export function freshSql(subject: Subject, actor: Actor, model: Model, manner: Manner): string | undefined {
  const sides = sidesOf(subject, actor);
  const values = new Map(subject.fresh[actor.side].values);
  const isTenants = subject.table === model.tenancy.organizations;
  const owners = subject.belongs.map((one) => one.column);
  if (manner !== 'forged' && sides.own === undefined) return undefined;
  if (actor.isAnonymous && manner !== 'own') return undefined;
  if (!isTenants) owners.forEach((column, index) => values.set(column, (manner === 'forged' ? sides.other : sides.own)?.[index] ?? 'NULL'));
  const change = changes[manner](subject, actor, model, values);
  if (!change) return undefined;
  const granted = new Set(grantedColumns(subject, actor.role, 'I', model).map((column) => column.name));
  const forced = new Set(manner === 'forged' ? owners : []);
  const columns = [...values.keys()].filter((name) =>
    subject.columns.some((column) => column.name === name)
    && (granted.size === 0 || granted.has(name) || forced.has(name) || (manner !== 'own' && manner !== 'least' && change.has(name)))
    && (manner !== 'least' || isNeeded(subject, name)));
  if (columns.length === 0) return undefined;
  const overriding = subject.kind === 'table' && subject.table.columns.some((column) => column.identity === 'a' && columns.includes(column.name));
  return `insert into ${subject.into} (${columns.map(quoteIdentifier).join(', ')})${overriding ? ' overriding system value' : ''} `
    + `values (${columns.map((name) => values.get(name)).join(', ')})`;
}

type Change = (subject: Subject, actor: Actor, model: Model, values: Map<string, string>) => ReadonlySet<string> | undefined;

/** What each manner changes in the actor's own new row, as names of columns; undefined where it changes nothing. */
const changes: Record<Manner, Change> = {
  own: () => new Set(),
  least: (_, actor) => (actor.relation === 'none' ? undefined : new Set()),
  newcomer: (subject, actor, model, values) => {
    const { membership } = model.tenancy;
    if (subject.table !== membership?.table || actor.relation === 'none') return undefined;
    values.set(membership.user, subject.users.newcomer);
    return new Set([membership.user]);
  },
  forged: (subject, actor, model, values) => {
    if (subject.belongs.length === 0) return undefined;
    if (subject.table !== model.tenancy.organizations) return new Set(subject.belongs.map((one) => one.column));
    return setUsers(subject, actor, model, values);
  },
  as: (subject, actor, model, values) => {
    const inOrganization = subject.scope.owner === 'organization' && subject.table !== model.tenancy.organizations;
    return inOrganization ? setUsers(subject, actor, model, values) : undefined;
  },
  cross: (subject, actor, model, values) => {
    const side = actor.side === 'a' ? 'b' : 'a';
    const links = linkColumns(subject, model).filter((link) => link.a !== link.b);
    for (const link of links) values.set(link.column, link[side]);
    return links.length === 0 ? undefined : new Set(links.map((link) => link.column));
  },
};

/** Puts another user into every user column: A's where the actor is not A, else B's. */
function setUsers(subject: Subject, actor: Actor, model: Model, values: Map<string, string>): ReadonlySet<string> | undefined {
  const columns = subject.columns.filter((column) => model.meaningOf(subject.table, column) === 'user').map((column) => column.name);
  for (const name of columns) values.set(name, actor.relation === 'self' ? subject.users.b : subject.users.a);
  return columns.length === 0 ? undefined : new Set(columns);
}

function isNeeded(subject: Subject, name: string): boolean {
  const column = subject.columns.find((one) => one.name === name)!;
  return (column.notNull && column.default === null) || subject.belongs.some((one) => one.column === name);
}

/** UPDATE of a column that says nothing of ownership, to the value that A's row has. */
export function changeSql(subject: Subject, actor: Actor, model: Model, withWhere: boolean): string | undefined {
  if (!withWhere && subject.isLarge) return undefined;
  const where = withWhere ? ` where ${condition(subject.rows.a.key)}` : '';
  const assignment = neutralAssignment(subject, actor, model);
  return assignment === undefined ? undefined : `update ${subject.into} set ${assignment}${where}`;
}

/** An assignment that the role may make, of a column that is neither unique nor says whose the row is, if there is one. */
function neutralAssignment(subject: Subject, actor: Actor, model: Model): string | undefined {
  const granted = grantedColumns(subject, actor.role, 'U', model);
  const columns = granted.length > 0 ? granted : subject.columns;
  const special = new Set([...uniqueSets(subject.table).flat(), ...subject.belongs.map((one) => one.column)]);
  const linked = new Set(subject.table.constraints.filter((key) => key.type === 'f').flatMap((key) => key.columns));
  const leads = (column: ColumnRow): boolean => linked.has(column.name) || model.meaningOf(subject.table, column) !== undefined;
  const rank = (column: ColumnRow): number =>
    (special.has(column.name) ? 4 : 0) + (leads(column) ? 2 : 0) + (valueOf(column, subject) === undefined ? 1 : 0);
  const [best] = columns.filter((column) => column.identity !== 'a').sort((x, y) => rank(x) - rank(y));
  return best === undefined ? undefined : `${quoteIdentifier(best.name)} = ${valueOf(best, subject) ?? 'default'}`;
}

function valueOf(column: ColumnRow, subject: Subject): string | undefined {
  return subject.rows.a.values.get(column.name);
}

/** INSERT … ON CONFLICT of the actor's own new row under the key of A's. */
export function upsertSql(subject: Subject, actor: Actor, model: Model): string | undefined {
  const key = subject.rows.a.key.map(([name]) => name);
  const isKey = uniqueSets(subject.table).some((set) => set.length === key.length && set.every((name) => key.includes(name)));
  const assignment = neutralAssignment(subject, actor, model);
  const own = freshSql(subject, actor, model, 'own');
  if (!isKey || assignment === undefined || own === undefined || actor.isAnonymous) return undefined;
  const values = new Map(subject.fresh[actor.side].values);
  const sides = sidesOf(subject, actor);
  subject.belongs.forEach((one, index) => values.set(one.column, sides.own?.[index] ?? 'NULL'));
  for (const [name, value] of subject.rows.a.key) values.set(name, value);
  const granted = new Set(grantedColumns(subject, actor.role, 'I', model).map((column) => column.name));
  const columns = [...values.keys()].filter((name) =>
    subject.columns.some((column) => column.name === name) && (granted.size === 0 || granted.has(name) || key.includes(name)));
  const overriding = subject.kind === 'table' && subject.table.columns.some((column) => column.identity === 'a' && columns.includes(column.name));
  return `insert into ${subject.into} (${columns.map(quoteIdentifier).join(', ')})${overriding ? ' overriding system value' : ''} `
    + `values (${columns.map((name) => values.get(name)).join(', ')}) on conflict (${key.map(quoteIdentifier).join(', ')}) do update set ${assignment}`;
}
