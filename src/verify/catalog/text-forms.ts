/** How functions take the texts apart in which they get keys: `doc:<id>`, `<owner>/<id>`, `id=<id>`. */
import { fieldsOf, literalOf, type Node, stringsOf, walk } from '../../sql/nodes.ts';
import { columnOf, constantOf } from '../../rules/engine/live/expression.ts';
import { samplePattern } from '../fixtures/sample-pattern.ts';
import type { FunctionRow } from '../../rules/engine/live/catalog.ts';
import type { RoutineBody } from './bodies.ts';
import { type ChangedKey, changedKey, type IsPure } from './changed-keys.ts';
import type { Sources } from './effects.ts';

/** A part of a text: a constant, a key from one of these columns, or what SQL makes of keys. */
export type TextPart = string | { columns: ReadonlySet<string> } | { changed: ChangedKey };

/** A text in which a key is a part. */
export type TextForm = readonly TextPart[];

/** The forms of a text that a function takes apart. */
export interface TextForms {
  forms: readonly TextForm[];
  /** The formats in which such a text is encoded: `base64`. */
  encodings: readonly string[];
}

/** Functions that give one part of a text, or a list of them. */
const single = new Set(['split_part']);
const lists = new Set(['string_to_array', 'string_to_table', 'regexp_split_to_array', 'regexp_split_to_table']);
const matches = new Set(['substring', 'regexp_match', 'regexp_matches', 'regexp_substr']);
const parts = new Set(['substring', 'substr']);
const joins = new Set(['concat', 'concat_ws', 'format']);

/** Stands for the key in a pattern, of which it leaves no doubt. */
const mark = '\u0001';

/** A part of a text: which one, of those between that separator, or of any list. */
interface Piece {
  separator: string | undefined;
  number: number;
}

/** What a trigger or a function does with the text in a column or an argument, itself or by a helper that gets it. */
export function textFormsOf(routine: FunctionRow, name: string, sources: Sources): TextForms {
  const found: TextForms[] = [];
  const holding = new Map<FunctionRow, Set<string>>([[routine, new Set([name])]]);
  for (const one of sources.reached(routine)) {
    const names = holding.get(one);
    if (names === undefined) continue;
    const body = sources.body(one);
    for (let before = 0; before !== names.size;) {
      before = names.size;
      for (const { variables, value } of body.assigned)
        if (mentions(value, names)) variables.forEach((variable) => names.add(variable));
    }
    found.push(formsIn(body, names, sources.isPure));
    for (const helper of sources.called(sources.effects(one), one)) {
      const given = argumentsGiven(helper, body, names);
      if (given.size > 0) holding.set(helper, new Set([...(holding.get(helper) ?? []), ...given]));
    }
  }
  return mergedForms(found);
}

/** All of them, each once. */
export function mergedForms(all: readonly TextForms[]): TextForms {
  const forms = all.flatMap((one) => one.forms);
  return {
    forms: [...new Map(forms.map((form) => [textOf(form), form])).values()],
    encodings: [...new Set(all.flatMap(({ encodings }) => encodings))],
  };
}

/** The arguments of a helper that get what one of the names holds. */
function argumentsGiven(helper: FunctionRow, { trees }: RoutineBody, names: ReadonlySet<string>): ReadonlySet<string> {
  const given = new Set<string>();
  walk(trees, (type, fields) => {
    if (type !== 'FuncCall' || stringsOf(fields.funcname).at(-1) !== helper.name) return;
    (fields.args ?? []).forEach((arg, index) => {
      if (!mentions(arg, names)) return;
      given.add(`$${index + 1}`);
      const own = helper.argumentNames[index] ?? '';
      if (own !== '') given.add(own);
    });
  });
  return given;
}

/** An expression names one of the arguments, variables or columns. */
function mentions(value: unknown, names: ReadonlySet<string>): boolean {
  let found = false;
  walk(value as Node | undefined, (type, fields) => {
    found ||=
      (type === 'ColumnRef' && names.has(stringsOf(fields.fields).at(-1) ?? '')) ||
      (type === 'ParamRef' && names.has(`$${fields.number ?? 0}`));
    return !found;
  });
  return found;
}

/** The forms that a body takes apart of the text that those names hold. */
function formsIn({ trees, assigned }: RoutineBody, names: ReadonlySet<string>, isPure: IsPure): TextForms {
  const variables = new Map<string, Node>();
  for (const { variables: targets, value } of assigned) {
    const list = fieldsOf(value, 'SelectStmt')?.targetList ?? [];
    targets.forEach((target, index) => {
      const expression = fieldsOf(list[index], 'ResTarget')?.val;
      if (expression !== undefined) variables.set(target, expression);
    });
  }
  const pieces = new PieceReader(variables);
  const forms: TextForm[] = [];
  const encodings = new Set<string>();
  const separators = new Set<string>();
  const constants = constantsIn(trees);
  walk(trees, (type, fields) => {
    if (type === 'A_Expr') {
      pieces.compare(fields.lexpr, fields.rexpr, stringsOf(fields.name).at(-1) ?? '');
      for (const [side, other] of [
        [fields.lexpr, fields.rexpr],
        [fields.rexpr, fields.lexpr],
      ]) {
        const form = mentions(other, names) && !mentions(side, names) ? joined(side, isPure) : undefined;
        if (form !== undefined) forms.push(form);
      }
    }
    if (type === 'A_Indirection') pieces.note({ A_Indirection: fields });
    if (type !== 'FuncCall' || !mentions(fields.args?.[0], names)) return;
    const name = stringsOf(fields.funcname).at(-1) ?? '';
    const [, second] = (fields.args ?? []).map((arg) => constantOf(arg as never));
    if (single.has(name)) pieces.note({ FuncCall: fields });
    if (second === undefined) return;
    if (lists.has(name)) separators.add(name.startsWith('regexp') ? samplePattern(second, 0) : second);
    const isNumber = /^\d+$/.test(second);
    if (matches.has(name) && !isNumber) forms.push(...withGroup(second));
    if (parts.has(name) && isNumber)
      for (const text of constants) if (text.length === Number(second) - 1) forms.push([text, anyKey]);
    if (name === 'replace' || name === 'ltrim') forms.push([second, anyKey]);
    if (name === 'regexp_replace') forms.push([samplePattern(second, 0), anyKey]);
    if (name === 'decode') encodings.add(second);
  });
  return { forms: [...forms, ...pieces.forms(separators)], encodings: [...encodings] };
}

/** Its constants, without the wildcards of patterns. */
function constantsIn(trees: readonly Node[]): ReadonlySet<string> {
  const found = new Set<string>();
  walk(trees, (type, fields) => {
    const text = type === 'A_Const' ? literalOf({ A_Const: fields }) : undefined;
    if (text !== undefined) found.add(text.replaceAll('%', ''));
  });
  return found;
}

const anyKey: TextPart = { columns: new Set() };

function textOf(form: TextForm): string {
  return form
    .map((part) => {
      if (typeof part === 'string') return part;
      return 'changed' in part ? textOf(part.changed) : `<${[...part.columns].join()}>`;
    })
    .join('');
}

/** Learns what the parts of texts are compared with. */
class PieceReader {
  private readonly variables: ReadonlyMap<string, Node>;
  private readonly known = new Map<string | undefined, Map<number, TextPart>>();

  constructor(variables: ReadonlyMap<string, Node>) {
    this.variables = variables;
  }

  /** A part is read, whatever for. */
  note(node: unknown): void {
    const piece = this.pieceOf(node);
    if (piece !== undefined) this.set(piece, anyKey);
  }

  /** The two sides of a comparison. */
  compare(left: unknown, right: unknown, operator: string): void {
    if (operator !== '=' && operator !== '<>') return;
    for (const [side, other] of [
      [left, right],
      [right, left],
    ]) {
      const piece = this.pieceOf(side);
      if (piece === undefined) continue;
      const text = firstLiteral(other);
      if (text !== undefined) this.set(piece, text);
      else this.set(piece, { columns: columnsOf(other) });
    }
  }

  /** The forms of the texts between those separators, and those of lists. */
  forms(listSeparators: ReadonlySet<string>): TextForm[] {
    return [...this.known].flatMap(([separator, parts]) => {
      const last = Math.max(...parts.keys());
      const between = separator === undefined ? [...listSeparators] : [separator];
      return last < 2
        ? []
        : between.map((one) =>
            Array.from({ length: last }, (_, index): TextPart[] => [
              ...(index === 0 ? [] : [one]),
              parts.get(index + 1) ?? anyKey,
            ]).flat(),
          );
    });
  }

  private set({ separator, number }: Piece, part: TextPart): void {
    const parts = this.known.get(separator) ?? new Map<number, TextPart>();
    this.known.set(separator, parts);
    const before = parts.get(number);
    if (before === undefined || before === anyKey) parts.set(number, part);
  }

  private pieceOf(node: unknown, depth = 0): Piece | undefined {
    const cast = fieldsOf(node, 'TypeCast');
    if (cast !== undefined) return this.pieceOf(cast.arg, depth);
    const { name, qualifier } = columnOf(node) ?? {};
    if (name !== undefined && qualifier === undefined && depth < 3)
      return this.pieceOf(this.variables.get(name), depth + 1);
    const indirection = fieldsOf(node, 'A_Indirection');
    const index = constantOf(fieldsOf(indirection?.indirection?.[0], 'A_Indices')?.uidx as never);
    if (index !== undefined) return pieceAt(undefined, index);
    const call = fieldsOf(node, 'FuncCall');
    const [inner, ...rest] = call?.args ?? [];
    const called = stringsOf(call?.funcname).at(-1) ?? '';
    if (['trim', 'btrim', 'lower', 'upper', 'nullif'].includes(called)) return this.pieceOf(inner, depth);
    if (!single.has(called)) return undefined;
    const [separator, number] = rest.map((arg) => constantOf(arg as never));
    return separator === undefined || number === undefined ? undefined : pieceAt(separator, number);
  }
}

/** Counted from the end, the last part is taken for the second. */
function pieceAt(separator: string | undefined, index: string): Piece | undefined {
  const number = Number(index);
  return Number.isInteger(number) && number !== 0 && Math.abs(number) <= 6
    ? { separator, number: number < 0 ? 2 : number }
    : undefined;
}

function firstLiteral(node: unknown): string | undefined {
  const [first] = fieldsOf(node, 'List')?.items ?? fieldsOf(node, 'A_ArrayExpr')?.elements ?? [node];
  return literalOf(first);
}

function columnsOf(node: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  walk(node as Node | undefined, (type, fields) => {
    const name = type === 'ColumnRef' ? columnOf({ ColumnRef: fields })?.name : undefined;
    if (name !== undefined) found.add(name);
  });
  return found;
}

/** The parts of `'doc:' || id`, `concat('doc:', id)`, `format('doc:%s', id)`, `upper(id)`; undefined for anything else. */
function joined(node: unknown, isPure: IsPure): TextForm | undefined {
  const cast = fieldsOf(node, 'TypeCast');
  if (cast !== undefined) return joined(cast.arg, isPure);
  const expression = fieldsOf(node, 'A_Expr');
  const call = fieldsOf(node, 'FuncCall');
  const name = stringsOf(call?.funcname).at(-1) ?? '';
  if (expression !== undefined && stringsOf(expression.name).at(-1) === '||')
    return partsOf([expression.lexpr, expression.rexpr], isPure);
  if (!joins.has(name)) return changedForm(node, isPure);
  const [first, ...rest] = call?.args ?? [];
  const text = literalOf(first);
  if (name === 'concat') return partsOf([first, ...rest], isPure);
  if (text === undefined) return undefined;
  if (name === 'concat_ws')
    return partsOf(rest, isPure)?.flatMap((part, index): TextPart[] => (index === 0 ? [part] : [text, part]));
  const pieces = text.split(/%(?:\d+\$)?[sIL]/);
  const given = partsOf(rest, isPure);
  return given === undefined
    ? undefined
    : [...given.flatMap((part, index): TextPart[] => [pieces[index] ?? '', part]), pieces[given.length] ?? ''];
}

function changedForm(node: unknown, isPure: IsPure): TextForm | undefined {
  const changed = changedKey(node, isPure);
  return changed === undefined ? undefined : [{ changed }];
}

function partsOf(nodes: readonly unknown[], isPure: IsPure): TextForm | undefined {
  const parts = nodes.flatMap((node): TextForm => {
    const text = literalOf(node);
    if (text !== undefined) return [text];
    const columns = columnsOf(node);
    return joined(node, isPure) ?? [{ columns }];
  });
  return parts.some((part) => typeof part !== 'string') ? parts : undefined;
}

/** A text that the pattern matches, with a key where its groups are. */
function withGroup(pattern: string): TextForm[] {
  const marked = pattern.replaceAll(/\\.|\[\^?\]?[^\]]*\]|\((?!\?)[^()]*\)/g, (found) =>
    found.startsWith('(') ? mark : found,
  );
  const parts = samplePattern(marked, 0).split(mark);
  return parts.length < 2
    ? []
    : [
        parts
          .flatMap((text, index): TextPart[] => (index === 0 ? [text] : [anyKey, text]))
          .filter((part) => part !== ''),
      ];
}
