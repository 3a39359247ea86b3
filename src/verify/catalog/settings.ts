/** Settings of the session that functions write and policies read: who may write one may open what it guards. */
import { fieldsOf, literalOf, type Node, stringsOf, walk } from '../../sql/nodes.ts';

/** Settings by name; {@link anySetting} where the name is known only at run time. */
export interface SettingUse {
  read: string[];
  /** Those that keep their value after the statement: a setting of the transaction ends with the request. */
  written: string[];
}

/** Stands for the name of a setting that is known only at run time. */
export const anySetting = '*';

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
