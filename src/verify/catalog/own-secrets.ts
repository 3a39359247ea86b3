/** Calls with a secret of the caller's own, as the key of an API: what they give must be the caller's, and not what is anyone's. */
import { type FunctionRow, relation } from '../../rules/engine/live/catalog.ts';
import { columnOf, fields, type Node, nameParts, walk } from '../../rules/engine/live/expression.ts';
import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import { condition, type Subject } from '../probes/subject.ts';
import type { RoutineBody } from './bodies.ts';
import { computedFrom } from './changed-keys.ts';
import { readersOf } from './conditions.ts';
import type { Model } from './model.ts';

/** A call by B with what then is in its own row. */
export interface OwnSecretCall {
  /** The arguments, as SQL. */
  values: string[];
  /** Puts the secret into B's row, and the row into the state that the function asks for. */
  prepare: string;
  /** The table of the row, by the subject's name. */
  of: string;
}

/** In how many states B's row is tried. */
const mostStates = 4;

const secrets = { text: 'known to its owner alone', uuid: '00000000-0000-4000-8000-0000000005ec' };

/**
 * The calls of a function that runs with its owner's rights, for each argument that is compared, itself or what is made of it, with a
 * column of what is someone's: in the ordinary state of B's row there, then in those for which the function asks.
 * @param names the names of the arguments, as the bodies write them
 * @param isSecret says of a column or an argument whether it takes what cannot be guessed
 * @param usual the arguments of the usual call
 * @param bodies those of the function and of what it calls
 * @param subjects the tables that the function names
 */
export function ownSecretCalls(
  routine: FunctionRow,
  names: readonly string[],
  isSecret: (name: string) => boolean,
  usual: readonly string[],
  bodies: readonly RoutineBody[],
  subjects: readonly Subject[],
  model: Model,
): OwnSecretCall[] {
  const reached = new Set(model.sources.reached(routine));
  return subjects.flatMap((subject): OwnSecretCall[] => {
    const { kind, scope, rows, table, columns, name } = subject;
    if (kind !== 'table' || scope.owner === undefined || rows.b.key.length === 0) return [];
    return routine.inputs.flatMap((input, index) => {
      const text = input.base === 'uuid' ? secrets.uuid : secrets.text;
      if (input.base !== 'uuid' && input.category !== 'S') return [];
      const literal = `${quoteLiteral(text)}::${input.type}`;
      const held = columns.flatMap(({ name: column }) => {
        if (!isSecret(column) && !isSecret(names[index]!)) return [];
        // What says whose the row is, or which one it is, is no secret.
        if (rows.b.key.some(([key]) => key === column) || scope.columns.includes(column)) return [];
        const sql = heldIn(column, subject, [names[index]!, `$${index + 1}`], literal, bodies, model);
        return sql === undefined ? [] : [{ column, sql }];
      })[0];
      if (held === undefined) return [];
      const asked = rows.states.filter(
        ({ columns: own = [], askedIn }) =>
          own.length > 0 &&
          !own.includes(held.column) &&
          readersOf(table, model).some(
            ({ routine: reader, trees }) => reader !== undefined && reached.has(reader) && askedIn?.has(trees) === true,
          ),
      );
      const states = [
        [],
        ...asked.map(({ columns: own = [], values }) => own.map((one) => [one, values.get(one)] as const)),
      ];
      return states.slice(0, mostStates).map((state) => {
        const set = [[held.column, held.sql] as const, ...state]
          .map(([column, sql]) => `${quoteIdentifier(column)} = ${sql ?? 'default'}`)
          .join(', ');
        return {
          values: usual.map((sql, at) => (at === index ? literal : sql)),
          prepare:
            `do $muse_secret$ begin update ${relation(table)} set ${set} where ${condition(rows.b.key)}; ` +
            'exception when others then null; end $muse_secret$',
          of: name,
        };
      });
    });
  });
}

/** What the column must hold for the argument to be found there: the argument as it is, or what is made of it. */
function heldIn(
  column: string,
  { table }: Subject,
  argument: readonly string[],
  literal: string,
  bodies: readonly RoutineBody[],
  { sources }: Model,
): string | undefined {
  for (const { trees, assigned } of bodies) {
    const called = new Set<string>();
    walk(trees, (type, range) => {
      if (type === 'RangeVar' && range['relname'] === table.name)
        called.add(String((range['alias'] as Node | undefined)?.['aliasname'] ?? range['relname']));
    });
    if (called.size === 0) continue;
    const isHeld = (node: unknown): boolean => {
      const found = columnOf(node);
      return found?.name === column && (found.qualifier === undefined || called.has(found.qualifier));
    };
    /** The expression, or that of the variable that it is. */
    const expressionOf = (node: unknown): unknown => {
      const variable = columnOf(node);
      const value = assigned.find(
        ({ variables }) => variable?.qualifier === undefined && variables.includes(variable?.name ?? ''),
      )?.value;
      const [target] = (fields(value, 'SelectStmt')?.['targetList'] ?? []) as unknown[];
      return value === undefined ? node : fields(target, 'ResTarget')?.['val'];
    };
    let found: string | undefined;
    walk(trees, (type, node) => {
      if (type !== 'A_Expr' || nameParts(node['name']).at(-1) !== '=') return;
      for (const [side, other] of [
        [node['lexpr'], node['rexpr']],
        [node['rexpr'], node['lexpr']],
      ]) {
        if (found !== undefined || !isHeld(side)) continue;
        const pieces = computedFrom(numbered(expressionOf(other)), sources.isPure);
        const isOfArgument =
          pieces?.every((piece) => typeof piece === 'string' || argument.some((one) => piece.columns.has(one))) ===
          true;
        if (isOfArgument) found = pieces!.map((piece) => (typeof piece === 'string' ? piece : literal)).join('');
      }
    });
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A copy in which arguments by number have names: `$1`. */
function numbered(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(numbered);
  if (typeof node !== 'object' || node === null) return node;
  const parameter = fields(node, 'ParamRef');
  if (parameter !== undefined)
    return { ColumnRef: { fields: [{ String: { sval: `$${Number(parameter['number'] ?? 0)}` } }] } };
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, numbered(value)]));
}
