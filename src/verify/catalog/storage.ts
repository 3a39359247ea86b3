import type { Session } from '../../database/database.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import { isPlatformSchema, type PolicyRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, constantOf, walk } from '../../rules/engine/live/expression.ts';
import { insertSql, type RowStep } from '../fixtures/fill.ts';
import type { Model } from './model.ts';
import { asksAnywhere, asksDepth, endingsOf } from './object-paths.ts';
import { bucketFolders, isOpenFolder } from './bucket-folders.ts';
import { columnsIn, scopeOf } from './scope.ts';
import { claimsOf, type Person } from '../fixtures/people.ts';
import type { World } from '../fixtures/world.ts';
import { actingOrganization, actingUser } from '../fixtures/belongings.ts';
import { objectsTable } from './storage-asked.ts';
import { stateLabels } from '../probes/labels.ts';
import { type KnownRow, largeTable, type Subject } from '../probes/subject.ts';

/** A Storage bucket and the objects that are generated in it. */
export interface BucketWorld {
  subject: Subject;
  steps: RowStep[];
}

/** The people and rows whose objects are generated. */
type Owners = Pick<World, 'people' | 'ids' | 'rows'>;

/**
 * Creates a subject for each bucket: objects in a folder named after their user, after their organization if the
 * bucket's policies read memberships, or after a row that the policies compare the folder with.
 * @throws DatabaseError what PostgreSQL says
 */
export async function bucketsOf(session: Session, model: Model, owners: Owners): Promise<BucketWorld[]> {
  const objects = model.tables.get('storage.objects');
  if (objects === undefined || !model.tables.has('storage.buckets') || objects.policies.length === 0) return [];
  const { rows } = await session.query<Bucket>('select id, public from storage.buckets order by id');
  const known = new Set(rows.map(({ id }) => id));
  // A bucket is often created by the Storage API after the migrations, so its policies exist before it does.
  const named = new Set(objects.policies.flatMap((policy) => bucketsNamed(policy, model)));
  const missing = [...named].filter((id) => !known.has(id)).map((id): Bucket => ({ id, public: null }));
  // A policy that names no bucket applies to all of them; an otherwise unnamed bucket reveals that.
  const unnamed: Bucket = { id: 'muse any other bucket', public: null };
  // The unnamed bucket is created first, so that an object can be moved to it.
  return [unnamed, ...rows, ...missing].map((bucket) => {
    const elsewhere = bucket === unnamed ? [...rows, ...missing][0]?.id : unnamed.id;
    return bucketWorld(bucket, objects, owners, model, known.has(bucket.id), elsewhere);
  });
}

interface Bucket {
  id: string;
  /** Null if the bucket does not exist yet. */
  public: boolean | null;
}

/** Storage refuses a plain DELETE unless this is set, but the proof is about the policies. */
export const storageSettings = { 'storage.allow_delete_query': 'true' };

function bucketWorld(
  bucket: Bucket,
  objects: RelationRow,
  owners: Owners,
  model: Model,
  exists: boolean,
  elsewhere: string | undefined,
): BucketWorld {
  const policies = objects.policies.filter((policy) => concerns(policy, bucket.id, model));
  const table: RelationRow = { ...objects, policies };
  const folders = bucketFolders(table, owners, model);
  const parentScope = folders.parent === undefined ? undefined : scopeOf(folders.parent, model);
  const isPublic =
    bucket.public === true ||
    (parentScope !== undefined && isOpenFolder(parentScope)) ||
    model.declarations.some(
      (one) =>
        one.table === 'storage.objects' &&
        one.scope === 'public-read' &&
        policies.some((policy) => policy.command === 'r' && (one.policy ?? policy.name) === policy.name),
    );
  const { whole, isOfOrganization: byOrganization } = folders;
  const usual = byOrganization ? 'organization' : 'user';
  const [a, b] = [owners.people[0]!, owners.people[1]!];
  // A policy may apply only to names with a certain extension.
  const [ending, ...endings] = [...endingsOf(policies, model), '.txt'].slice(0, stateLabels.length + 1) as [
    string,
    ...string[],
  ];
  // Cover both ways in which policies read a name: folders are IDs or fixed names, and the file name is the owner's ID.
  const isCounted = asksDepth(policies, model);
  const path = (of: readonly string[], owner: Record<typeof usual, string>, end: string, below = ''): string =>
    `${of.join('/')}/${isCounted ? below.replaceAll('/', '-') : below}${owner[usual]}${end}`;
  const row = (owner: string, name: string): KnownRow => {
    const id = quoteLiteral(owners.ids.uuid());
    const all: [string, string][] = [
      ['id', id],
      ['bucket_id', quoteLiteral(bucket.id)],
      ['name', name],
      ['owner', owner],
      ['owner_id', owner],
      ['version', "'muse'"],
    ];
    return {
      values: new Map(all.filter(([column]) => objects.columns.some((one) => one.name === column))),
      key: [['id', id]],
    };
  };
  const ownPath = (person: Person, end: string, below?: string): string =>
    quoteLiteral(
      below === undefined
        ? (whole?.(person) ?? path(folders.of(person), person, end))
        : path(folders.of(person), person, end, below),
    );
  const known = (person: Person): KnownRow => row(quoteLiteral(person.user), ownPath(person, ending));
  // Use unused names, since an existing name would be refused. They differ by a folder, because a policy may read the
  // whole file name as an ID.
  const actor = { user: actingUser, organization: actingOrganization };
  // In another's folder, but with the actor's own IDs further below: a policy may look for those anywhere in the name.
  const below = `made/${actingUser}/${byOrganization ? `${actingOrganization}/` : ''}`;
  const made = (person: Person, by: Person): string =>
    quoteLiteral(whole?.(person) ?? path(folders.madeIn(person, by), person, ending, below));
  // Where a folder is named after a row, who acts puts the object below its own: on B's side, that is B's.
  const ofB = owners.people.filter(({ side }) => side === 'b').map(({ user }) => quoteLiteral(user));
  const acting =
    folders.acting === undefined
      ? `case when '${actingUser}' in (${ofB.join(', ')}) then ${made(b, b)} else ${made(a, a)} end`
      : quoteLiteral(whole?.('acting') ?? path(folders.acting, actor, ending, 'new/'));
  const forOther = `for/${b.user}/${byOrganization ? `${b.organization}/` : ''}`;
  const states = [
    ...endings.map((end) => ({
      ...row(quoteLiteral(a.user), ownPath(a, end)),
      state: `its name ends in ${end}`,
    })),
    ...folders.others(a, `${a[usual]}${ending}`).map(({ place, name: of }) => ({
      ...row(quoteLiteral(a.user), quoteLiteral(of)),
      state: place,
    })),
    ...(asksAnywhere(policies, model)
      ? [
          {
            ...row(quoteLiteral(a.user), ownPath(a, ending, forOther)),
            state: 'its name has the ID of who asks below the folder of its owner',
          },
        ]
      : []),
  ];
  const rows = {
    a: known(a),
    b: known(b),
    m: undefined,
    states: states.slice(0, stateLabels.length),
    k: undefined,
    l: undefined,
    g: undefined,
  };
  const name = `storage.objects[${bucket.id.replace(/^muse /, '')}]`;
  const ownerColumn = byOrganization ? undefined : ownerAsked(policies, table, model);
  const ofParent = folders.parent === undefined ? '' : ` of ${qualifiedName(folders.parent)}`;
  const scopeText = ownerColumn ?? `${byOrganization ? 'organization' : 'owner'} folder${ofParent}`;
  return {
    subject: {
      name,
      kind: 'bucket',
      into: 'storage.objects',
      table,
      grants: objects,
      columns: objects.columns.filter((column) => !column.generated),
      scope: {
        kind: isPublic ? 'public-read' : byOrganization ? 'organization' : 'owner',
        text: isPublic ? `public-read, ${scopeText}` : scopeText,
        columns: [ownerColumn ?? 'name'],
        owner: byOrganization ? 'organization' : 'user',
        parent: folders.parent === undefined ? undefined : qualifiedName(folders.parent),
        coMembersRead: byOrganization,
        coMembersWrite: byOrganization,
        isJoined: false,
        isReadByJoined: false,
      },
      state: name,
      rows,
      fresh: { a: row(`'${actingUser}'`, acting), b: row(`'${actingUser}'`, acting) },
      belongs: [
        ownerColumn === undefined
          ? { column: 'name', a: made(a, b), b: made(b, a), own: acting }
          : { column: ownerColumn, a: quoteLiteral(a.user), b: quoteLiteral(b.user), own: `'${actingUser}'` },
      ],
      joined: [],
      lookups: [],
      aims: [],
      prepareAims: undefined,
      users: { a: quoteLiteral(a.user), b: quoteLiteral(b.user), newcomer: quoteLiteral(owners.people[2]!.user) },
      members: { acting: quoteLiteral(actingUser), newcomer: quoteLiteral(owners.people[2]!.user) },
      prepare:
        `delete from storage.objects where bucket_id <> ${quoteLiteral(bucket.id)} and owner_id in ` +
        `(${quoteLiteral(a.user)}, ${quoteLiteral(b.user)})`,
      elsewhere: elsewhere === undefined ? undefined : quoteLiteral(elsewhere),
      isReadOnly: false,
      isTenants: false,
      isLarge: objects.rows > largeTable,
    },
    steps: [
      ...(exists ? [] : [bucketStep(bucket.id, a)]),
      ...([[a, rows.a], [b, rows.b], ...rows.states.map((state) => [a, state])] as [Person, KnownRow][]).map(
        ([person, { values }]) => ({
          rows: [],
          settings: { ...claimsOf(person), ...storageSettings },
          sql: [insertSql('storage.objects', { table: objects }, values)],
        }),
      ),
    ],
  };
}

/**
 * The column of who has uploaded an object, if every policy asks for that and none for the name, nor do triggers or policies of other
 * tables: any name is one's own then.
 */
function ownerAsked(policies: readonly PolicyRow[], table: RelationRow, model: Model): string | undefined {
  const isTaken = table.triggers.some(({ enabled, function: oid }) => {
    const routine = enabled ? model.sources.byOid(oid) : undefined;
    return routine !== undefined && !isPlatformSchema(routine.schema);
  });
  if (isTaken || model.dependencies.isDeciding(objectsTable)) return undefined;
  const asked = policies
    .filter(({ permissive, roles }) => permissive && roles.some((role) => role === 'public' || role === model.userRole))
    .flatMap(({ using, check }) =>
      [using, check].flatMap((sql) => (sql === null ? [] : [columnsIn(sql, table, model)])),
    );
  if (asked.length === 0 || asked.some((names) => names.has('name') || names.has('path_tokens'))) return undefined;
  return ['owner_id', 'owner'].find((column) => asked.every((names) => names.has(column)));
}

function bucketStep(id: string, person: Person): RowStep {
  return {
    rows: [],
    settings: claimsOf(person),
    sql: [
      `insert into storage.buckets (id, name) values (${quoteLiteral(id)}, ${quoteLiteral(id)}) on conflict do nothing`,
    ],
  };
}

/** A policy that names buckets applies only to those; one that names none applies to all. */
function concerns(policy: PolicyRow, bucket: string, model: Model): boolean {
  const named = bucketsNamed(policy, model);
  return named.length === 0 || named.includes(bucket);
}

/** The buckets that a policy compares `bucket_id` with. */
function bucketsNamed(policy: PolicyRow, model: Model): string[] {
  const named: string[] = [];
  for (const sql of [policy.using, policy.check]) {
    walk(sql === null ? undefined : model.parse(sql), (type, node) => {
      const reads = type === 'A_Expr' && columnOf(node['lexpr'])?.name === 'bucket_id';
      if (reads)
        walk(node['rexpr'], (inner, constant) => {
          if (inner === 'A_Const') named.push(constantOf({ A_Const: constant }) ?? '');
        });
    });
  }
  return named;
}

/** The subjects, each also with the names of A's objects that policies compare its columns with, as the path in an attachment. */
export function withObjects(subjects: readonly Subject[], buckets: readonly Subject[], model: Model): Subject[] {
  if (buckets.length === 0) return [...subjects];
  return subjects.map((subject) => {
    const joined = model.dependencies
      .decidingColumns(qualifiedName(subject.table))
      .joined.filter(({ table, before }) => table === objectsTable && before === undefined)
      .flatMap(({ column, to }) =>
        buckets.flatMap(({ rows }): [string, string][] => {
          const value = rows.a.values.get(to);
          return value === undefined || value === 'NULL' ? [] : [[column, value]];
        }),
      );
    return joined.length === 0 ? subject : { ...subject, joined: [...subject.joined, ...joined] };
  });
}
