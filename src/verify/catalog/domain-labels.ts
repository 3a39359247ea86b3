/** Domains over texts whose CHECK lists what they hold, which are given like enums. */
import type { ArgumentType, FunctionRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, constantOf, fields, nameParts, type ParseExpression } from '../../rules/engine/live/expression.ts';

/** The functions, whose arguments of such a domain have what it lists for labels. */
export function withDomainLabels(functions: readonly FunctionRow[], parse: ParseExpression): FunctionRow[] {
  return functions.map((routine) =>
    routine.inputs.some(({ checks }) => checks != null)
      ? {
          ...routine,
          inputs: routine.inputs.map((input) => ({ ...input, labels: input.labels ?? listed(input, parse) })),
        }
      : routine,
  );
}

function listed({ checks, category }: ArgumentType, parse: ParseExpression): string[] | null {
  if (checks == null || category !== 'S') return null;
  const lists = checks.flatMap((check) => [listIn(parse(check))].filter((list) => list !== undefined));
  const [first, ...more] = lists;
  return first?.filter((text) => more.every((list) => list.includes(text))) ?? null;
}

/** The constants of `VALUE = ANY (ARRAY[…])`, the form in which PostgreSQL prints a list. */
function listIn(check: unknown): string[] | undefined {
  const test = fields(check, 'A_Expr');
  if (test?.['kind'] !== 'AEXPR_OP_ANY' || nameParts(test['name']).at(-1) !== '=') return undefined;
  if (columnOf(test['lexpr'])?.name !== 'value') return undefined;
  const list = fields(unwrapped(test['rexpr']), 'A_ArrayExpr')?.['elements'] as unknown[] | undefined;
  const texts = list?.map((element) => constantOf(element));
  return texts?.every((text) => text !== undefined) === true ? texts : undefined;
}

function unwrapped(node: unknown): unknown {
  const cast = fields(node, 'TypeCast');
  return cast === undefined ? node : unwrapped(cast['arg']);
}
