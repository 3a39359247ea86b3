/** The texts with which functions that write settings are called. */
import { fieldsOf, literalOf, type Node, stringsOf, walk } from '../../sql/nodes.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import type { FunctionRow } from '../../rules/engine/live/catalog.ts';
import type { Subject } from '../probes/subject.ts';
import type { Model } from './model.ts';
import { settingNode, settingOf, settingsIn } from './settings.ts';

/** Texts for the arguments of a function that writes settings. */
export interface SettingTexts {
  names: readonly string[];
  /** Values that open something to anyone who has them. */
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

/** The constants that one of the settings is compared with, also by a CASE. */
function comparedConstants(tree: Node, names: readonly string[]): string[] {
  const found: string[] = [];
  const isRead = (node: Node | undefined): boolean =>
    node !== undefined && settingsIn([node]).read.some((name) => names.includes(name));
  const collect = (nodes: readonly (Node | undefined)[]): void =>
    walk(nodes, (type, constant) => {
      const text = type === 'A_Const' ? literalOf({ A_Const: constant }) : undefined;
      if (text !== undefined && !names.includes(text)) found.push(text);
    });
  walk(tree, (type, fields) => {
    if (type === 'A_Expr' && isRead({ A_Expr: fields })) collect([fields.lexpr, fields.rexpr]);
    if (type === 'CaseExpr' && isRead(fields.arg))
      collect((fields.args ?? []).map((when) => fieldsOf(when, 'CaseWhen')?.expr));
  });
  return found;
}

/** Calls with each of those values, as lists of SQL: as many as anything compares a setting with. */
export function settingCalls(
  routine: FunctionRow,
  argumentNames: readonly string[],
  usual: readonly string[],
  { values, naming }: SettingTexts,
): string[][] {
  return routine.inputs.flatMap(({ category, type }, at) =>
    category === 'S' && !naming.has(argumentNames[at]!)
      ? values.map((value) => usual.map((sql, index) => (index === at ? `${quoteLiteral(value)}::${type}` : sql)))
      : [],
  );
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
