import { expressionOf, literalExample, literalFits } from './literals.ts';
import { columnNameProblem, nameProblem } from './names.ts';
import type { ColumnSpecification, TableSpecification } from './table.ts';
import { acceptedTypeNames, readType, suggestType } from './types.ts';

/** What is wrong with a specification, and where in it: `['columns', 2, 'type']`. */
export interface TableProblem {
  path: (string | number)[];
  message: string;
  suggestion: string;
}

/** PostgreSQL allows at most 1,600 columns, and fewer in wide rows. No scaffold needs more than this. */
const mostColumns = 500;

/** The column with the owner of a row, or undefined if there is none. */
export function scopeColumnOf(table: TableSpecification): string | undefined {
  if (scopedByOf(table) === undefined) return undefined;
  return table.scopeColumn ?? (scopedByOf(table) === 'owner' ? 'user_id' : 'organization_id');
}

/** Whether a user, an organization or no one owns the rows of the table. */
export function scopedByOf(table: TableSpecification): 'owner' | 'organization' | undefined {
  return table.scope === 'owner' || table.scope === 'organization' ? table.scope : table.scopedBy;
}

/** Every problem of a table that can be found without core; empty if there is none. */
export function tableProblems(table: TableSpecification): TableProblem[] {
  const problems: TableProblem[] = [];
  const say = (path: (string | number)[], message: string, suggestion: string): void =>
    void problems.push({ path, message, suggestion });
  const named = nameProblem(table.name);
  if (named !== undefined)
    say(
      ['name'],
      named.message,
      named.nearest === undefined ? 'Give the table a name, e.g. notes.' : `Write ${named.nearest}.`,
    );
  if (table.columns.length > mostColumns)
    say(
      ['columns'],
      `${table.columns.length} columns are more than the ${mostColumns} that are allowed`,
      'Split the table.',
    );
  const scopeColumn = scopeColumnOf(table);
  if (scopeColumn !== undefined) {
    const problem = columnNameProblem(scopeColumn);
    if (problem !== undefined) say(['scopeColumn'], problem.message, 'Give the column another name.');
  }
  const seen = new Set(scopeColumn === undefined ? [] : [scopeColumn]);
  for (const [index, column] of table.columns.entries()) {
    const problem = columnNameProblem(column.name);
    if (problem !== undefined) {
      say(
        ['columns', index, 'name'],
        problem.message,
        problem.nearest === undefined ? 'Leave it out, or give it another name.' : `Write ${problem.nearest}.`,
      );
    } else if (seen.has(column.name)) {
      say(['columns', index, 'name'], `there are two columns "${column.name}"`, 'Remove one, or give it another name.');
    }
    seen.add(column.name);
    problems.push(...columnProblems(column).map((found) => ({ ...found, path: ['columns', index, ...found.path] })));
  }
  for (const key of ['unique', 'indexes'] as const) {
    for (const [index, columns] of (table[key] ?? []).entries())
      problems.push(...columnListProblems(table, columns, [key, index]));
  }
  return [...problems, ...readerProblems(table)];
}

/** What is wrong with who reads rows besides their owner. */
function readerProblems({ columns, scope, publicWhere, visitors }: TableSpecification): TableProblem[] {
  const problems: TableProblem[] = [];
  const isOwned = scope === 'owner' || scope === 'organization';
  for (const [key, given] of Object.entries({ publicWhere, visitors })) {
    if (given !== undefined && !isOwned)
      problems.push({
        path: [key],
        message: `${key} is only for rows of an owner or an organization`,
        suggestion: 'Leave it out, or write scope: organization.',
      });
  }
  const choices = columns.find(({ name }) => name === publicWhere?.column)?.choices ?? [];
  if (
    publicWhere !== undefined &&
    (publicWhere.values.length === 0 || publicWhere.values.some((one) => !choices.includes(one)))
  )
    problems.push({
      path: ['publicWhere'],
      message: 'publicWhere needs a column with choices, and values that are among them',
      suggestion:
        choices.length === 0 ? 'Name a column with choices.' : `Use one of ${choices.join(', ').slice(0, 200)}.`,
    });
  if (visitors === undefined) return problems;
  const named = (name: string): ColumnSpecification | undefined => columns.find((column) => column.name === name);
  const say = (key: string, message: string, suggestion: string): void =>
    void problems.push({ path: ['visitors', key], message, suggestion });
  if (named(visitors.user)?.references !== 'user')
    say('user', 'visitors.user needs a column that references user', 'Add references: user to the column.');
  if (named(visitors.under)?.references === undefined || named(visitors.under)?.required !== true)
    say(
      'under',
      'visitors.under needs a required column that references a table',
      'Name the column of the public row.',
    );
  if (named(visitors.having.column)?.choices?.includes(visitors.having.value) !== true)
    say('having', 'visitors.having needs a column with choices, and a value that is among them', 'Use e.g. a status.');
  return problems;
}

/** Everything wrong with one column but its name; paths start at the column. */
function columnProblems(column: ColumnSpecification): TableProblem[] {
  if (column.references !== undefined) return referenceProblems(column);
  const type = readType(column.type);
  if (type === undefined) {
    const meant = suggestType(column.type);
    const suggestion = meant === undefined ? `Use one of: ${acceptedTypeNames().join(', ')}.` : `Write ${meant}.`;
    return [
      {
        path: ['type'],
        message: `${JSON.stringify(column.type.slice(0, 80))} is not a type that a column can have`,
        suggestion,
      },
    ];
  }
  const problems: TableProblem[] = [];
  const say = (path: string, message: string, suggestion: string): void =>
    void problems.push({ path: [path], message, suggestion });
  if (column.self === true) say('self', 'self is only for a column that references user', 'Add references: user.');
  if (column.onDelete !== undefined)
    say('onDelete', 'onDelete is only for a reference', `Write ${column.name} -> table.`);
  if (column.unique === true && !type.comparable)
    say('unique', `${type.sql} has no order, so it cannot be unique`, 'Use jsonb, or leave unique out.');
  if (column.choices !== undefined)
    problems.push(...choiceProblems(column, column.choices, type.literal === 'text' && !type.array));
  else if (column.default !== undefined && !literalFits(column.default, type)) {
    say(
      'default',
      `${JSON.stringify(column.default)} is not a valid default for ${type.sql}`,
      `Write ${literalExample(type)}.`,
    );
  }
  if (column.defaultExpression !== undefined && expressionOf(type) !== column.defaultExpression) {
    say(
      'default',
      `${column.defaultExpression} is not a valid default for ${type.sql}`,
      `Write ${literalExample(type)}.`,
    );
  }
  for (const bound of ['min', 'max'] as const) {
    const value = column[bound];
    if (value === undefined) continue;
    if (
      type.array ||
      !['integer', 'number'].includes(type.literal) ||
      !literalFits(value, { ...type, modifiers: [] })
    ) {
      say(bound, `${value} is not a valid bound for ${type.sql}`, 'Use min and max with numbers only.');
    }
  }
  return problems;
}

function referenceProblems(column: ColumnSpecification): TableProblem[] {
  const problems: TableProblem[] = [];
  const say = (path: string, message: string, suggestion: string): void =>
    void problems.push({ path: [path], message, suggestion });
  const parts = (column.references ?? '').split('.');
  if (parts.length > 2 || parts.some((part) => nameProblem(part) !== undefined)) {
    say(
      'references',
      `${JSON.stringify(column.references?.slice(0, 80))} is not the name of a table`,
      'Write table or schema.table.',
    );
  }
  if (column.onDelete === 'set null' && column.required === true)
    say('onDelete', 'a required reference cannot be set to null', 'Write cascade or restrict.');
  if (column.self === true && column.references !== 'user')
    say('self', 'self is only for a column that references user', 'Write references: user.');
  for (const key of ['default', 'defaultExpression', 'choices', 'min', 'max'] as const) {
    if (column[key] !== undefined) say(key, `a reference cannot have ${key}`, 'Leave it out.');
  }
  return problems;
}

function choiceProblems(column: ColumnSpecification, choices: string[], isText: boolean): TableProblem[] {
  const problems: TableProblem[] = [];
  const say = (path: string, message: string, suggestion: string): void =>
    void problems.push({ path: [path], message, suggestion });
  const list = choices
    .map((choice) => JSON.stringify(choice))
    .join(', ')
    .slice(0, 200);
  if (!isText) say('choices', `only text can have choices, not ${column.type}`, `Write ${column.name} text(one|two).`);
  if (choices.length === 0) say('choices', 'the list of choices is empty', `Write ${column.name} text(one|two).`);
  if (new Set(choices).size !== choices.length) say('choices', 'the list of choices has a duplicate', 'Remove it.');
  const type = readType(column.type);
  if (isText && type !== undefined && choices.some((choice) => !literalFits(choice, type)))
    say('choices', `a choice does not fit ${type.sql}`, 'Make it shorter, or use text.');
  if (
    typeof column.default === 'string'
      ? !choices.includes(column.default)
      : column.default !== undefined && column.default !== null
  ) {
    say('default', `the default ${JSON.stringify(column.default)} is not one of the choices`, `Use one of ${list}.`);
  }
  return problems;
}

function columnListProblems(table: TableSpecification, columns: string[], path: (string | number)[]): TableProblem[] {
  const scope = scopeColumnOf(table);
  const known = new Map(table.columns.map((column) => [column.name, column]));
  const names = new Set([...known.keys(), 'id', 'created_at', 'updated_at', ...(scope === undefined ? [] : [scope])]);
  const missing = columns.find((name) => !names.has(name));
  if (missing !== undefined) {
    return [
      {
        path,
        message: `the table has no column ${JSON.stringify(missing.slice(0, 80))}`,
        suggestion: `Its columns are ${[...names].join(', ').slice(0, 200)}.`,
      },
    ];
  }
  const unordered = columns.find((name) => readType(known.get(name)?.type ?? '')?.comparable === false);
  if (unordered !== undefined)
    return [
      {
        path,
        message: `"${unordered}" has no order, so it can be neither unique nor indexed`,
        suggestion: 'Use jsonb instead of json.',
      },
    ];
  if (columns.length === 0 || columns.length > 32 || new Set(columns).size !== columns.length) {
    return [
      {
        path,
        message: 'an index must have 1 to 32 columns, each only once',
        suggestion: 'Write unique(first, second).',
      },
    ];
  }
  return [];
}
