/** Settings of the session that functions write and policies read: who may write one may open what it guards. */
import { fieldsOf, literalOf, type Node, stringsOf, walk } from '../../sql/nodes.ts';
import type { FunctionRow } from '../../rules/engine/live/catalog.ts';
import type { Subject } from '../probes/subject.ts';
import type { Model } from './model.ts';

/** Settings by name; {@link anySetting} where the name is known only at run time. */
export interface SettingUse {
  read: string[];
  /** Those that keep their value after the statement: a setting of the transaction ends with the request. */
  written: string[];
}

const anySetting = '*';

/** The name under which a setting stands among the relations that something reads or writes. */
export function settingNode(name: string): string {
  return `setting ${name}`;
}

/** The name of the setting that such a node stands for; undefined for a relation. */
export function settingOf(node: string): string | undefined {
  return node.startsWith('setting ') ? node.slice('setting '.length) : undefined;
}

/** The settings that SQL reads and writes. */
export function settingsIn(trees: readonly Node[]): SettingUse {
  const use: SettingUse = { read: [], written: [] };
  walk(trees, (type, fields) => {
    if (type === 'VariableSetStmt' && fields.kind === 'VAR_SET_VALUE' && fields.is_local !== true)
      use.written.push((fields.name ?? anySetting).toLowerCase());
    if (type !== 'FuncCall') return;
    const name = stringsOf(fields.funcname).at(-1);
    const [setting, , isLocal] = fields.args ?? [];
    const called = literalOf(setting)?.toLowerCase() ?? anySetting;
    if (name === 'current_setting') use.read.push(called);
    if (name === 'set_config' && !isTrue(isLocal)) use.written.push(called);
  });
  return use;
}

function isTrue(node: Node | undefined): boolean {
  return fieldsOf(node, 'A_Const')?.boolval?.boolval === true;
}

/**
 * The nodes of the settings that something writes, which are all that anything reads if a name is not known. Only
 * those of the muse's own: those of a request are set anew with the next one.
 */
export function writtenNodes(written: readonly string[], read: () => Iterable<string>): string[] {
  const all = written.includes(anySetting) ? [...read()] : written.map(settingNode);
  return all.filter((node) => node.includes('.') && settingOf(node)?.startsWith('request.') === false);
}

/** Texts for the arguments of a function that writes settings. */
export interface SettingTexts {
  names: readonly string[];
  /** Values that open something to whoever has them. */
  values: readonly string[];
  /** The arguments that take a name rather than a value. */
  naming: ReadonlySet<string>;
}

/** The texts for a function's arguments: none if it writes no setting. */
export function settingTexts(routine: FunctionRow, subjects: readonly Subject[], model: Model): SettingTexts {
  const written = [...model.dependencies.writtenBy(routine)].flatMap((node) => settingOf(node) ?? []);
  if (written.length === 0) return { names: [], values: [], naming: new Set() };
  const opened = model.dependencies.dependents(written.map(settingNode));
  const readers = [...opened].flatMap((name) => model.tables.get(name) ?? []);
  const trees = [
    ...readers.flatMap(({ policies }) => policies.flatMap(({ using, check }) => [using, check])),
    ...model.catalog.functions.flatMap((one) => model.sources.body(one).trees),
  ].map((tree) => (typeof tree === 'string' ? (model.parse(tree) as Node | undefined) : (tree ?? undefined)));
  const constants = trees.flatMap((tree) => (tree === undefined ? [] : comparedConstants(tree, written)));
  const ids = subjects
    .filter(({ name }) => opened.has(name))
    .flatMap(({ belongs, users }) => [users.a, ...belongs.map(({ a }) => a)])
    .flatMap((sql) => (/^'[^'\\]*'$/.test(sql) ? [sql.slice(1, -1)] : []));
  return {
    names: written,
    values: [...new Set([...constants, ...ids.slice(0, 1), 'true', ...ids])],
    naming: namingArguments(routine, model),
  };
}

/** The constants that one of the settings is compared with. */
function comparedConstants(tree: Node, names: readonly string[]): string[] {
  const found: string[] = [];
  walk(tree, (type, fields) => {
    if (type !== 'A_Expr' || !settingsIn([{ A_Expr: fields }]).read.some((name) => names.includes(name))) return;
    walk([fields.lexpr, fields.rexpr], (inner, constant) => {
      const text = inner === 'A_Const' ? literalOf({ A_Const: constant }) : undefined;
      if (text !== undefined && !names.includes(text)) found.push(text);
    });
  });
  return found;
}

/** The arguments that name the setting to write. */
function namingArguments(routine: FunctionRow, model: Model): Set<string> {
  const found = new Set<string>();
  walk(model.sources.body(routine).trees, (type, fields) => {
    if (type !== 'FuncCall' || stringsOf(fields.funcname).at(-1) !== 'set_config') return;
    walk(fields.args?.[0], (inner, reference) => {
      if (inner === 'ColumnRef') found.add(stringsOf(reference.fields).at(-1) ?? '');
      if (inner === 'ParamRef') found.add(`$${reference.number ?? 0}`);
    });
  });
  return found;
}
