/**
 * What policies, and the functions that they call, read from the request: claims of the token, and settings that the
 * client sends.
 */
import { type Catalog, isPlatformSchema, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, nameParts, type Node, type ParseExpression, walk } from '../../rules/engine/live/expression.ts';
import {
  type ClaimPath,
  type Names,
  pathReader,
  type PathReader,
  readsUsers,
  rowsKey,
  tokenSetting,
} from './claim-paths.ts';
import { comparing } from './compared-values.ts';
import { asksRow, asksWhose, namesAuthor } from './claim-conditions.ts';
import { addressWith, constantsIn, fitting, isRegular, type Json } from './claim-constants.ts';
import type { Sources } from './effects.ts';

/** A value that a claim is compared with. */
export interface ClaimConstant {
  value: Json;
  /** Beside the comparison stands, at least once, a condition on the row or a restrictive policy: it gives nothing by itself. */
  isTied: boolean;
  /** Anyone obtains it: it is a part of an e-mail address or of a phone number with which one may sign up. */
  isObtainable: boolean;
  /** Policies in which nothing else stands beside it. */
  alone: { table: RelationRow; policy: string }[];
}

/** One value of the request that is read, and what it is compared with. */
export interface ClaimRead extends ClaimPath {
  /** Its name in messages: `app_metadata.org_id`, `the header x-user-id`. */
  name: string;
  /** It is signed by the server, so users cannot choose it. */
  isSigned: boolean;
  /** Values that let rows through, each once. */
  constants: ClaimConstant[];
  /** Columns that it is compared with. */
  columns: { table: RelationRow; column: string }[];
  /** Of a claim with a value for each of what rows belong to: the columns that name its key there. */
  keys: { table: RelationRow; column: string }[];
  /** A column is matched with it by LIKE: what users write there has signs that stand for others, such as `_` in an address. */
  isPattern?: true;
  /** At least once, it is read in a way that does not show which values give access. */
  isUnclear: boolean;
  /** `schema.name` of the tables whose policies read it. */
  readers: Set<string>;
}

export interface Claims {
  all: readonly ClaimRead[];
  /** Something looks metadata up where Supabase Auth keeps it, not in the token. */
  isStored: boolean;
  /** What an expression reads from the request. */
  pathsIn(node: unknown): ClaimPath[];
  /** Whose ID a column holds, by the signed claim that it is compared with; of a key, not by what each session has for itself. */
  comparedWith(table: RelationRow, column: string, isKey?: boolean): 'email' | 'tenant' | undefined;
}

/** Claims that every token has, whatever the policies read. */
const usual = new Set(['sub', 'email', 'role', 'aud', 'iss', 'exp', 'iat']);

/** Keys of a token that hold the user's ID. */
const userKeys = new Set(['sub', 'uid', 'user_id', 'userId']);

/** Returns whether the path leads to the current user's ID. */
export function isUserPath({ path }: ClaimPath): boolean {
  return userKeys.has(path.at(-1) ?? '');
}

/** Claims that every user can obtain: a second factor, a method of signing in. */
const attainable = new Set(['aal', 'amr', 'session_id', 'phone', 'is_anonymous']);

/** Returns whether a user who is not one of the muse's own staff may have that value: alone it gives no access, or anyone gets it. */
export function isFree(claim: ClaimRead, { isTied, isObtainable }: ClaimConstant): boolean {
  return isTied || isObtainable || attainable.has(claim.path[0] ?? '');
}

/** How deep function calls are followed. */
const deepest = 4;

/**
 * Reads all policies, views and functions.
 * @param ofStaff the names of claims that are declared to be those of staff: what stands beside them makes them nobody else's
 */
export function readClaims(
  catalog: Catalog,
  parse: ParseExpression,
  sources: Sources,
  ofStaff: ReadonlySet<string> = new Set(),
): Claims {
  const reader = pathReader(catalog, sources);
  const visitor = new Visitor(catalog, sources, reader);
  for (const table of catalog.relations.filter(({ policies }) => policies.length > 0)) {
    const isOfNobody = !table.policies.some(({ using, check }) =>
      [using, check].some((sql) => sql !== null && asksWhose(parse(sql))),
    );
    for (const policy of table.policies) {
      for (const sql of [policy.using, policy.check]) {
        if (sql !== null)
          visitor.visit(parse(sql), {
            table,
            policy: policy.name,
            names: new Map(),
            isTied: !policy.permissive,
            isAdding: policy.command === 'a',
            isOfNobody,
            depth: 0,
          });
      }
    }
  }
  const inNone = { table: undefined, policy: '', isTied: false };
  for (const { query } of catalog.relations.filter(({ schema }) => !isPlatformSchema(schema)))
    if (query !== null)
      visitor.visit(parse(`(${query.replace(/;\s*$/, '')})`), { ...inNone, names: new Map(), depth: 0 });
  for (const routine of catalog.functions.filter(({ schema }) => !isPlatformSchema(schema))) {
    visitor.visit(sources.body(routine).trees, {
      ...inNone,
      names: reader.variables(routine),
      depth: deepest,
    });
  }
  const found = [...visitor.found.values()];
  for (const { name, constants } of found) if (ofStaff.has(name)) for (const one of constants) one.isTied = false;
  return {
    isStored: visitor.isStored,
    all: found.filter(
      ({ setting, path, constants, isPattern }) =>
        setting !== tokenSetting ||
        path.length !== 1 ||
        !usual.has(path[0]!) ||
        (path[0] === 'email' && (constants.length > 0 || isPattern === true)),
    ),
    pathsIn: (node) => reader.pathsIn(node, new Map()),
    comparedWith(table, column, isKey = false) {
      const claim = found.find(
        (one) =>
          one.isSigned &&
          !isUserPath(one) &&
          !(isKey && attainable.has(one.path[0] ?? '')) &&
          [...one.columns, ...one.keys].some((other) => other.table === table && other.column === column),
      );
      if (claim === undefined) return undefined;
      return claim.path.join() === 'email' ? 'email' : 'tenant';
    },
  };
}

interface Place {
  /** The table whose policy it is, and the policy's name. */
  table: RelationRow | undefined;
  policy: string;
  /** Names that refer to a claim or a column: variables, arguments, aliases. */
  names: Names;
  isTied: boolean;
  depth: number;
  /** It is in a policy that only lets rows be added: that such a row names who adds it says nothing of whose claim it is. */
  isAdding?: boolean;
  /** It is in a query of Supabase's own table of users alone, whose conditions say which user. */
  isOfUsers?: boolean;
  /** The policies of the table compare its columns with constants alone: such a condition says no more of who asks. */
  isOfNobody?: boolean;
}

/** The other side of a comparison. */
interface Compared {
  constants: string[];
  column?: { table: RelationRow; column: string };
}

const reversed: Record<string, string> = { '<': '>', '>': '<', '<=': '>=', '>=': '<=', '@>': '<@', '<@': '@>' };
/** A claim is compared with patterns as well. */
const comparingClaims: ReadonlySet<string> = new Set([...comparing, '~', '~*', '^@']);

class Visitor {
  readonly found = new Map<string, ClaimRead>();
  isStored = false;

  private readonly catalog: Catalog;
  private readonly sources: Sources;
  private readonly reader: PathReader;

  constructor(catalog: Catalog, sources: Sources, reader: PathReader) {
    this.catalog = catalog;
    this.sources = sources;
    this.reader = reader;
  }

  visit(tree: unknown, place: Place): void {
    if (Array.isArray(tree)) {
      for (const item of tree) this.visit(item, place);
      return;
    }
    if (typeof tree !== 'object' || tree === null) return;
    for (const [type, node] of Object.entries(tree as Node)) {
      if (typeof node !== 'object' || node === null) continue;
      if (!/^[A-Z]/.test(type)) this.visit(node, place);
      else this.enter(type, node as Node, place);
    }
  }

  private enter(type: string, node: Node, place: Place): void {
    if (type === 'BoolExpr') this.combine(node, place);
    else if (type === 'A_Expr' && comparingClaims.has(nameParts(node['name']).at(-1) ?? ''))
      this.compare(node['lexpr'], node['rexpr'], nameParts(node['name']).at(-1)!, place);
    else if (type === 'SubLink' && node['testexpr'] !== undefined)
      this.compare(node['testexpr'], { SubLink: { subselect: node['subselect'] } }, '=', place);
    else if (type === 'BooleanTest')
      this.test(node['arg'], ['IS_TRUE', 'IS_NOT_FALSE'].includes(String(node['booltesttype'])), place);
    else if (type === 'NullTest') this.nullTest(node, place);
    else if (type === 'SelectStmt') {
      const isOfUsers = readsUsers(node);
      this.isStored ||= isOfUsers;
      this.visit(node, { ...place, isOfUsers, names: this.reader.withSources(node, place.names) });
    } else if (type === 'ResTarget' && this.reader.pathOf(node['val'], place.names) !== undefined) return;
    else if (type === 'RangeFunction') return;
    else if (type === 'FuncCall' && this.call(node, place)) return;
    else this.other({ [type]: node }, node, place);
  }

  /** Tracks whether a claim is combined with a condition on the row, or gives access on its own. */
  private combine(node: Node, place: Place): void {
    const args = node['args'] as unknown[];
    for (const arg of args) {
      const isTied =
        place.isTied ||
        (node['boolop'] === 'AND_EXPR' &&
          place.isOfUsers !== true &&
          place.isOfNobody !== true &&
          args.some((other) => other !== arg && asksRow(other) && !(place.isAdding === true && namesAuthor(other))));
      if (this.reader.pathOf(arg, place.names) === undefined) this.visit(arg, { ...place, isTied });
      else this.test(arg, node['boolop'] !== 'NOT_EXPR', { ...place, isTied });
    }
  }

  private test(arg: unknown, value: boolean, place: Place): void {
    const path = this.reader.pathOf(arg, place.names);
    if (path === undefined) this.visit(arg, place);
    else addConstants(this.note(path, place), [value], place);
  }

  private nullTest(node: Node, place: Place): void {
    const path = this.reader.pathOf(node['arg'], place.names);
    if (path === undefined) this.visit(node['arg'], place);
    else if (node['nulltesttype'] === 'IS_NOT_NULL') this.note(path, place);
  }

  private compare(left: unknown, right: unknown, operator: string, place: Place): void {
    for (const [side, other, sign] of [
      [left, right, operator],
      [right, left, reversed[operator] ?? operator],
    ] as const) {
      const paths = this.reader.pathsIn(side, place.names);
      const isWhole = this.reader.pathOf(side, place.names) !== undefined;
      for (const path of paths) {
        const claim = this.take(path, sign, this.compared(other, place), place, !isWhole);
        claim.isUnclear ||= !isWhole;
        if (side === right && isWhole && (operator === '~~' || operator === '~~*')) claim.isPattern = true;
      }
      if (paths.length === 0) this.visit(side, place);
    }
  }

  private take(
    path: ClaimPath,
    operator: string,
    { constants, column }: Compared,
    place: Place,
    isPart: boolean,
  ): ClaimRead {
    const isElement = operator.startsWith('?') || (operator === '@>' && column !== undefined);
    const claim = this.note(isElement ? { ...path, path: [...path.path, '0'] } : path, place);
    if (path.isKey === true) {
      if (column !== undefined) claim.keys.push(column);
      return claim;
    }
    if (column !== undefined) claim.columns.push(column);
    else if (constants.length > 0)
      addConstants(
        claim,
        constants.flatMap((constant) => fitting(operator, constant)),
        place,
        isPart || !['=', '@>', '?'].includes(operator),
      );
    else if (operator !== '<>') claim.isUnclear = true;
    if (isRegular(operator)) claim.isUnclear = true;
    return claim;
  }

  /** A claim that is read but not compared, so its expected value is not known. */
  private other(whole: Node, node: Node, place: Place): void {
    const path = this.reader.pathOf(whole, place.names);
    if (path === undefined) this.visit(node, place);
    else if (place.depth < deepest) this.note(path, place).isUnclear = true;
  }

  /** Follows a call, with the values of the function's arguments. Returns whether it could be followed. */
  private call(node: Node, place: Place): boolean {
    const parts = nameParts(node['funcname']);
    const args = (node['args'] as unknown[] | undefined) ?? [];
    const routine = this.catalog.functions.find(
      (one) =>
        one.name === parts.at(-1) &&
        (parts.length === 1 || one.schema === parts.at(-2)) &&
        one.arguments.length >= args.length &&
        !isPlatformSchema(one.schema),
    );
    if (
      routine === undefined ||
      place.depth >= deepest ||
      this.reader.pathOf({ FuncCall: node }, place.names) !== undefined
    )
      return false;
    const names = new Map(this.reader.variables(routine));
    args.forEach((arg, index) => {
      const meant = this.reader.pathOf(arg, place.names) ?? this.compared(arg, place).column;
      if (meant === undefined) return;
      for (const name of [`$${index + 1}`, routine.argumentNames[index] ?? '']) names.set(name, meant);
    });
    this.visit(this.sources.body(routine).trees, { ...place, names, depth: place.depth + 1 });
    this.visit(
      args.filter((arg) => this.reader.pathOf(arg, place.names) === undefined),
      place,
    );
    return true;
  }

  private compared(node: unknown, place: Place): Compared {
    const constants = constantsIn(node);
    if (constants.length > 0) return { constants };
    const named = [...this.reader.namesIn(node, place.names)].find((one) => 'column' in one);
    if (named !== undefined && 'column' in named) return { constants: [], column: named };
    const column = this.columnIn(node, place);
    return column === undefined ? { constants: [] } : { constants: [], column };
  }

  /**
   * The first column in the expression: one of a table that its own queries name, or else one of the policy's table, or
   * else one of any of the kit's tables.
   */
  private columnIn(node: unknown, place: Place): Compared['column'] {
    const named = new Set<string>();
    walk(node, (type, range) => {
      if (type === 'RangeVar') named.add(String(range['relname']));
    });
    const tables = [
      ...this.catalog.relations.filter(({ name }) => named.has(name)),
      ...(place.table === undefined ? [] : [place.table]),
      ...this.catalog.relations.filter(({ schema }) => !isPlatformSchema(schema)),
    ];
    let found: Compared['column'];
    walk(node, (type, column) => {
      const name = type === 'ColumnRef' ? columnOf({ ColumnRef: column }) : undefined;
      if (name === undefined || found !== undefined) return;
      const having = tables.filter((table) => table.columns.some((one) => one.name === name.name));
      const table = having.find((one) => one.name === name.qualifier) ?? having[0];
      if (table !== undefined && !isPlatformSchema(table.schema)) found = { table, column: name.name };
    });
    return found;
  }

  private note(path: ClaimPath, place: Place): ClaimRead {
    const key = [path.setting, ...path.path].join('\n');
    const claim = this.found.get(key) ?? {
      ...path,
      name: nameOf(path),
      isSigned: isSigned(path),
      constants: [],
      columns: [],
      keys: [],
      isUnclear: false,
      readers: new Set(),
    };
    if (place.table !== undefined) claim.readers.add(qualifiedName(place.table));
    const { column } = path.key === undefined ? { column: undefined } : this.compared(path.key, place);
    if (column !== undefined) claim.keys.push(column);
    this.found.set(key, claim);
    return claim;
  }
}

function addConstants(
  { constants, path }: ClaimRead,
  values: readonly Json[],
  { table, policy, isTied: isTiedThere }: Place,
  isPart = false,
): void {
  const isTied = isTiedThere || path.includes(rowsKey);
  for (const given of values) {
    const isObtainable = isPart && (path.join() === 'email' || path.join() === 'phone');
    const value = isObtainable && path.join() === 'email' ? addressWith(String(given)) : given;
    let known = constants.find((one) => JSON.stringify(one.value) === JSON.stringify(value));
    if (known === undefined) constants.push((known = { value, isTied: false, isObtainable, alone: [] }));
    known.isTied ||= isTied;
    if (!isTied && table !== undefined) known.alone.push({ table, policy });
  }
}

/** Users write their own user_metadata, and clients send all other settings of the request. */
function isSigned({ setting, path }: ClaimPath): boolean {
  return (
    (setting === tokenSetting || setting.startsWith('request.jwt.claim.')) &&
    !['user_metadata', 'raw_user_meta_data'].includes(path[0] ?? '')
  );
}

function nameOf({ setting, path }: ClaimPath): string {
  const keys = path.filter((key) => key !== '0').join('.');
  return setting === tokenSetting ? keys : keys === '' ? setting : `${setting} ${keys}`;
}
