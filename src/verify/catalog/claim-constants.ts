/** The values that policies compare claims with. */
import { constantOf, fields, type Node } from '../../rules/engine/live/expression.ts';
import { samplePattern } from '../fixtures/sample-pattern.ts';

export type Json = string | number | boolean | Json[] | { [key: string]: Json };

/** An e-mail address that contains the part: a whole address, its end or its beginning. */
export function addressWith(part: string): string {
  const [name = '', domain = ''] = part.includes('@') ? part.split('@') : part.includes('.') ? ['', part] : [part, ''];
  return `${name === '' ? 'muse' : name}@${domain.includes('.') ? domain.replace(/^\./, 'muse.') : 'muse.example'}`;
}

/** The operator matches a regular expression, for which a fitting text is only a guess. */
export function isRegular(operator: string): boolean {
  return operator === '~' || operator === '~*';
}

/** The value that makes a comparison of the claim with a constant true. */
export function fitting(operator: string, constant: string): Json[] {
  const number = Number(constant);
  if (operator === '<>') return [];
  if (operator === '>') return [number + 1];
  if (operator === '<') return [number - 1];
  if (operator === '~~' || operator === '~~*') return [constant.replaceAll('%', '').replaceAll('_', 'x')];
  if (isRegular(operator)) return [samplePattern(constant, 0)];
  if (operator !== '@>') return [constant];
  try {
    return [JSON.parse(constant) as Json];
  } catch {
    return [constant];
  }
}

/** The constants on one side of a comparison: one, a list, the elements of an array, the results of a CASE or query. */
export function constantsIn(node: unknown): string[] {
  const items = (fields(node, 'A_ArrayExpr')?.['elements'] ?? fields(node, 'List')?.['items']) as unknown[] | undefined;
  if (items !== undefined) return items.flatMap((item) => constantOf(item) ?? []);
  const cast = fields(node, 'TypeCast');
  if (cast !== undefined && constantOf(node) === undefined) return constantsIn(cast['arg']);
  const choice = fields(node, 'CaseExpr');
  if (choice !== undefined)
    return [
      ...((choice['args'] ?? []) as unknown[]).map((when) => fields(when, 'CaseWhen')?.['result']),
      choice['defresult'],
    ].flatMap((result) => (result === undefined ? [] : constantsIn(result)));
  const query = fields(fields(node, 'SubLink')?.['subselect'], 'SelectStmt');
  const [given] = (query?.['targetList'] ?? []) as unknown[];
  if (given !== undefined) return constantsIn(fields(given, 'ResTarget')?.['val']);
  const constant = constantOf(node);
  const isArray = cast !== undefined && Array.isArray((cast['typeName'] as Node | undefined)?.['arrayBounds']);
  if (constant === undefined) return [];
  return isArray
    ? constant
        .replaceAll(/^\{|\}$/g, '')
        .split(',')
        .map((item) => item.replaceAll('"', ''))
    : [constant];
}
