/** Rewrite rules of tables, as triggers: what a write of the row does beside it, with the rights of the table's owner. */
import { type Catalog, type FunctionRow, qualifiedName, type TriggerRow } from '../../rules/engine/live/catalog.ts';
import { allOf, type Node } from '../../sql/nodes.ts';
import { parseTree } from '../../sql/parser.ts';
import { madeRoutine } from './made-routine.ts';

/** The language of what a rule does: PostgreSQL prints it, and its body is the statements of the rule. */
export const ruleLanguage = 'rule';

/** A schema that no function has, since a name with a space in it is not called by chance. */
const schema = 'rewrite rule';

const letters: Readonly<Record<string, string>> = { CMD_INSERT: 'I', CMD_UPDATE: 'U', CMD_DELETE: 'D' };

/** The catalog, in which each rule of a table that does something is a trigger as well, with a function that nobody may call. */
export function withRules(catalog: Catalog): Catalog {
  const functions: FunctionRow[] = [];
  const relations = catalog.relations.map((row) => {
    if (row.rules.length === 0 || (row.kind !== 'r' && row.kind !== 'p')) return row;
    const triggers = row.rules.flatMap(({ name, definition }): TriggerRow[] => {
      const events = letters[eventOf(definition) ?? ''];
      if (events === undefined || actionsOf(definition).length === 0) return [];
      const routine = routineOfRule(`${qualifiedName(row)} ${name}`, definition);
      functions.push(routine);
      return [{ name, function: routine.oid, enabled: true, isAfter: true, events, columns: [] }];
    });
    return { ...row, triggers: [...row.triggers, ...triggers] };
  });
  return functions.length === 0 ? catalog : { ...catalog, relations, functions: [...catalog.functions, ...functions] };
}

/** The statements of the rule; none if it cannot be read. */
export function actionsOf(definition: string): Node[] {
  return [...(ruleOf(definition)?.actions ?? [])];
}

function eventOf(definition: string): string | undefined {
  return ruleOf(definition)?.event;
}

function ruleOf(definition: string) {
  const parsed = parseTree(definition);
  return Array.isArray(parsed)
    ? allOf(
        parsed.map(({ stmt }) => stmt),
        'RuleStmt',
      )[0]
    : undefined;
}

function routineOfRule(name: string, definition: string): FunctionRow {
  return madeRoutine({
    schema,
    name: `rule ${name}`,
    returns: 'trigger',
    definer: true,
    language: ruleLanguage,
    kind: 't',
    source: definition,
    definition,
  });
}
