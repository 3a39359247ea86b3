import type { Finding, Severity } from '../../../shared/finding.ts';
import { readFiles } from '../../../sql/catalog/build.ts';
import type { Site } from '../../../sql/catalog/model.ts';
import type { Migration } from '../../../sql/migration.ts';
import { qualifiedName, relationName, tableOf } from '../../../sql/names.ts';
import { allOf, type Node, stringsOf, walk } from '../../../sql/nodes.ts';
import { loadParser } from '../../../sql/parser.ts';
import { type Piece, type Source, treeOf } from '../../../sql/piece.ts';
import { rememberLast } from '../../../sql/remember.ts';
import { policyObject } from '../check.ts';
import { meaningOf } from '../directives.ts';
import { type Severities, severityOf } from '../severities.ts';
import { commentsBeside } from '../statements.ts';

/** The findings of a database after the comments in the files and `muse.json` are applied. */
export interface Settled {
  findings: Finding[];
  /** Findings that a `-- muse: ignore` silenced. */
  silenced: number;
}

/** Maps findings of a database to the statements of the files that created their objects. */
export interface Places {
  /**
   * Drops findings that a comment on a statement about the object silences, and sets the configured severities of the
   * rest.
   */
  settle(findings: readonly Finding[], severities?: Severities): Settled;
  /** Adds the file of the statement that created the object to findings without a file. */
  locate(findings: readonly Finding[]): Finding[];
}

/** Reads the files for {@link Places}. */
export const placesOf = rememberLast(readPlaces);

async function readPlaces(migrations: readonly Migration[]): Promise<Places> {
  await loadParser();
  const made = new Map<string, Site>();
  const ignored = new Map<string, Set<string>>();
  const marked = new Map<Source, boolean>();
  for (const piece of (await readFiles(migrations)).pieces) {
    if (piece.inside === 'routine') continue;
    const { makes, concerns = [], once = false } = objectsOf(piece);
    for (const object of makes) if (!once || !made.has(object)) made.set(object, { piece, offset: piece.at() });
    const isMarked = marked.get(piece.source) ?? piece.source.migration.sql.includes('muse:');
    marked.set(piece.source, isMarked);
    if (!isMarked) continue;
    for (const comment of commentsBeside(piece.source, piece.statement)) {
      const meaning = meaningOf(comment);
      if (meaning?.kind !== 'ignore') continue;
      for (const object of [...makes, ...concerns])
        ignored.set(object, (ignored.get(object) ?? new Set()).add(meaning.rule));
    }
  }
  return {
    settle(findings, severities = {}) {
      const kept: Finding[] = [];
      let silenced = 0;
      for (const finding of findings) {
        const severity: Severity | 'off' = severityOf(finding.rule, finding.severity, severities);
        if (namesOf(finding).some((object) => ignored.get(object)?.has(finding.rule) === true)) silenced += 1;
        else if (severity !== 'off') kept.push({ ...finding, severity });
      }
      return { findings: kept, silenced };
    },
    locate: (findings) =>
      findings.map((finding) => {
        const site =
          finding.file === undefined
            ? namesOf(finding)
                .map((object) => made.get(object))
                .find((one) => one !== undefined)
            : undefined;
        return site === undefined ? finding : { ...finding, file: site.piece.source.migration.file, ...placeOf(site) };
      }),
  };
}

function placeOf({ piece: { source }, offset }: Site): { line: number; column: number } {
  const { line, column } = source.parsed.position(offset);
  return { line, column };
}

/** The names that the files may use for the object of a finding, the closest first. */
function namesOf({ object, policy }: Finding): string[] {
  if (object === undefined) return [];
  const bucket = /^storage\.objects\[(.*)\]$/.exec(object)?.[1];
  const table = bucket === undefined ? object : 'storage.objects';
  const routine = /^([^(\s]+)\(.*\)$/.exec(object)?.[1];
  return [
    ...(policy === undefined ? [] : [policyObject({ name: policy, table })]),
    object,
    ...(bucket === undefined ? [] : ['storage.objects[]']),
    ...(routine === undefined ? [] : [`${routine}()`]),
  ];
}

/** What a statement creates and what else it is about, named as in the findings of a database. */
interface Objects {
  makes: string[];
  concerns?: string[];
  /** The first statement that creates the object; for what can be replaced, granted or altered, the last one. */
  once?: true;
}

function objectsOf(piece: Piece): Objects {
  const table = tableOf(treeOf(piece));
  const tables = table === undefined ? [] : [table];
  switch (piece.type) {
    case 'CreateStmt':
    case 'ViewStmt':
      return { makes: tables, once: true };
    case 'CreateTableAsStmt':
      return { makes: piece.node.into?.rel === undefined ? [] : [relationName(piece.node.into.rel)], once: true };
    case 'CreatePolicyStmt':
    case 'AlterPolicyStmt': {
      const policy = policyObject({ name: piece.node.policy_name, table: relationName(piece.node.table) });
      return {
        makes: piece.type === 'CreatePolicyStmt' ? [policy] : [],
        concerns:
          table === 'storage.objects' ? bucketsOf([piece.node.qual, piece.node.with_check]) : [policy, ...tables],
      };
    }
    case 'CreateSeqStmt':
    case 'AlterSeqStmt': {
      const { relname, schemaname = 'public' } = piece.node.sequence ?? {};
      return { makes: relname === undefined ? [] : [`${schemaname}.${relname}`], once: true };
    }
    case 'CreateFunctionStmt':
      return { makes: [`${qualifiedName(piece.node.funcname)}()`] };
    case 'CreateSchemaStmt':
      return { makes: piece.node.schemaname === undefined ? [] : [`schema ${piece.node.schemaname}`], once: true };
    case 'CreateRoleStmt':
      return { makes: [`role ${piece.node.role}`] };
    case 'AlterRoleStmt':
      return { makes: [`role ${piece.node.role?.rolename ?? ''}`] };
    case 'GrantRoleStmt':
      return { makes: allOf(piece.node.grantee_roles, 'RoleSpec').map(({ rolename }) => `role ${rolename ?? ''}`) };
    case 'GrantStmt':
      return {
        makes: [],
        concerns:
          piece.node.objtype === 'OBJECT_SCHEMA'
            ? stringsOf(piece.node.objects).map((name) => `schema ${name}`)
            : tables,
      };
    case 'AlterDefaultPrivilegesStmt':
      return { makes: defaultsOf(piece) };
    case 'InsertStmt':
      return { makes: table === 'storage.buckets' ? bucketsOf([piece.node.selectStmt]) : [] };
    default:
      return { makes: [], concerns: tables };
  }
}

/** The buckets that the expression names; if it names none, it is about all of them. */
function bucketsOf(nodes: readonly (Node | undefined)[]): string[] {
  const names: string[] = [];
  walk(nodes, (type, fields) => {
    if (type === 'A_Const' && 'sval' in fields) names.push((fields.sval as { sval?: string } | undefined)?.sval ?? '');
  });
  return names.length === 0 ? ['storage.objects[]'] : names.map((name) => `storage.objects[${name}]`);
}

const kinds: Readonly<Record<string, string>> = {
  OBJECT_TABLE: 'tables',
  OBJECT_SEQUENCE: 'sequences',
  OBJECT_FUNCTION: 'functions',
};

function defaultsOf({ node }: Piece<'AlterDefaultPrivilegesStmt'>): string[] {
  const schemas = allOf(node.options, 'DefElem')
    .filter(({ defname }) => defname === 'schemas')
    .flatMap(({ arg }) => stringsOf((arg as { List?: { items?: Node[] } } | undefined)?.List?.items));
  const kind = kinds[node.action?.objtype ?? ''];
  if (kind === undefined) return [];
  return schemas.length === 0
    ? [`default privileges on ${kind} in every schema`]
    : schemas.map((schema) => `default privileges on ${kind} in schema ${schema}`);
}
