/** Which folders Drizzle's own configuration names. It is code of a kit that was just fetched: it is parsed, and never run. */
import { posix } from 'node:path';
import type { Node, Program } from 'acorn';

/** A folder that a `drizzle.config.*` names. */
export interface DrizzleFolder {
  /** Path of the configuration in the kit. */
  config: string;
  /** Path of the folder in the kit, with `/`. */
  folder: string;
  /** As the configuration names it, e.g. `postgresql`. */
  dialect?: string;
}

const configName = /^drizzle\.config(?:\.[\w-]+)?\.(?:json|[cm]?[jt]s)$/;
/** Where Drizzle Kit writes migrations if it is not told. */
const defaultFolder = './drizzle';

/**
 * The folders that a kit's configurations of Drizzle name. A configuration that cannot be read, or that calculates the folder,
 * names none.
 * @param files paths in the kit, with `/`
 * @param textOf reads one of them
 */
export async function drizzleFolders(
  files: readonly string[],
  textOf: (path: string) => Promise<string>,
): Promise<DrizzleFolder[]> {
  const found: DrizzleFolder[] = [];
  for (const config of files.filter((path) => configName.test(posix.basename(path)))) {
    const settings = await settingsOf(config, await textOf(config));
    if (settings === undefined) continue;
    const { out = defaultFolder, dialect } = settings;
    const places = [posix.dirname(config), '.'].map((base) => posix.normalize(posix.join(base, out)));
    const [first] = places;
    // Drizzle Kit takes it from where it is run: beside the configuration, or at the top of a workspace.
    const folder = places.find((place) => files.some((path) => path.startsWith(`${plain(place)}/`))) ?? first!;
    if (folder.startsWith('..') || posix.isAbsolute(out)) continue;
    found.push({ config, folder: plain(folder), ...(dialect === undefined ? {} : { dialect }) });
  }
  return found;
}

const plain = (path: string): string => path.replace(/\/$/, '');

interface Settings {
  /** Undefined where the configuration has none. */
  out?: string;
  dialect?: string;
}

/** What a configuration says; undefined where that would take running it. */
async function settingsOf(path: string, text: string): Promise<Settings | undefined> {
  try {
    const tree = path.endsWith('.json') ? undefined : await parsed(path, text);
    const settings: Record<string, unknown> =
      tree === undefined ? (JSON.parse(text) as Record<string, unknown>) : (exportedBy(tree) ?? {});
    if (tree !== undefined && Object.keys(settings).length === 0) return undefined;
    const { out, dialect } = settings;
    if ('out' in settings && typeof out !== 'string') return undefined;
    return {
      ...(typeof out === 'string' ? { out } : {}),
      ...(typeof dialect === 'string' ? { dialect: dialect.toLowerCase() } : {}),
    };
  } catch {
    // Not valid: Drizzle Kit cannot read it either.
    return undefined;
  }
}

/** The configuration as a tree of JavaScript; types are removed first. */
async function parsed(path: string, text: string): Promise<Program> {
  const [{ parse }, { createJiti }] = await Promise.all([import('acorn'), import('jiti')]);
  const isTyped = /\.[cm]?ts$/.test(path);
  const source = isTyped
    ? createJiti(import.meta.url, { fsCache: false }).transform({ source: text, filename: path, ts: true })
    : text;
  try {
    return parse(source, { ecmaVersion: 'latest', sourceType: 'module' });
  } catch {
    return parse(source, { ecmaVersion: 'latest', sourceType: 'script', allowReturnOutsideFunction: true });
  }
}

/** Any node, as far as it is looked at here. */
type Loose = Node & Record<string, unknown>;

/**
 * The object that a module exports by default, with the texts that its properties have; a property whose value is not a text
 * that stands there is undefined.
 */
function exportedBy({ body }: Program): Record<string, string | undefined> | undefined {
  const statements = body as unknown as readonly Loose[];
  const names = new Map<string, Loose>();
  let exported: Loose | undefined;
  const note = (value: Loose | null | undefined): Loose | undefined => {
    if (value?.type !== 'AssignmentExpression') return value ?? undefined;
    const end = note(value['right'] as Loose);
    if (isExport(value['left'] as Loose)) exported = end;
    return end;
  };
  for (const statement of statements) {
    if (statement.type === 'ExportDefaultDeclaration') exported = statement['declaration'] as Loose;
    if (statement.type === 'ExpressionStatement') note(statement['expression'] as Loose);
    if (statement.type !== 'VariableDeclaration') continue;
    for (const { id, init } of statement['declarations'] as { id: Loose; init: Loose | null }[]) {
      const value = note(init);
      if (id.type === 'Identifier' && value !== undefined) names.set(String(id['name']), value);
    }
  }
  const object = exported === undefined ? undefined : objectOf(exported, names);
  if (object === undefined) return undefined;
  return Object.fromEntries(
    (object['properties'] as Loose[])
      .filter(({ type }) => type === 'Property')
      .map(({ key, value }): [string, string | undefined] => [nameOf(key as Loose), textOf(value as Loose, names)]),
  );
}

/** `module.exports`, and `exports.default` as types are compiled to. */
function isExport({ type, object, property }: Loose): boolean {
  if (type !== 'MemberExpression') return false;
  const of = (object as Loose)['name'];
  const name = nameOf(property as Loose);
  return (of === 'module' && name === 'exports') || (of === 'exports' && name === 'default');
}

const nameOf = ({ type, name, value }: Loose): string => String(type === 'Identifier' ? name : value);

/** The object that an expression is: itself, under a name, or handed to a function such as `defineConfig`. */
function objectOf(node: Loose, names: ReadonlyMap<string, Loose>, depth = 0): Loose | undefined {
  if (node.type === 'ObjectExpression') return node;
  if (depth > deepest) return undefined;
  const next =
    node.type === 'CallExpression'
      ? (node['arguments'] as Loose[])[0]
      : node.type === 'Identifier'
        ? names.get(String(node['name']))
        : undefined;
  return next === undefined ? undefined : objectOf(next, names, depth + 1);
}

/** The text that an expression is without running anything; undefined for others. */
function textOf(node: Loose, names: ReadonlyMap<string, Loose>, depth = 0): string | undefined {
  if (depth > deepest) return undefined;
  const inner = (value: unknown): string | undefined => textOf(value as Loose, names, depth + 1);
  switch (node.type) {
    case 'Literal':
      return typeof node['value'] === 'string' ? node['value'] : undefined;
    case 'Identifier': {
      const value = names.get(String(node['name']));
      return value === undefined ? undefined : inner(value);
    }
    case 'TemplateLiteral': {
      const texts = (node['quasis'] as { value: { cooked?: string } }[]).map(({ value }) => value.cooked);
      const between = (node['expressions'] as Loose[]).map(inner);
      const parts = texts.flatMap((text, index) => (index < between.length ? [text, between[index]] : [text]));
      return parts.includes(undefined) ? undefined : parts.join('');
    }
    case 'BinaryExpression': {
      const [left, right] = [inner(node['left']), inner(node['right'])];
      return node['operator'] !== '+' || left === undefined || right === undefined ? undefined : left + right;
    }
    // What it is where the environment says nothing else.
    case 'LogicalExpression':
      return inner(node['left']) ?? inner(node['right']);
    default:
      return undefined;
  }
}

/** How far names and functions are followed: code of others may lead in a circle. */
const deepest = 20;
