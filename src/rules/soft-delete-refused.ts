import { fieldsOf, stringsOf } from '../sql/nodes.ts';
import type { Node } from '../sql/nodes.ts';
import type { Policy } from '../sql/catalog/model.ts';
import { at, policyObject } from './engine/check.ts';
import { qualifiedName } from './engine/live/catalog.ts';
import type { PolicyRow } from './engine/live/catalog.ts';
import { isForUsers as isForUsersLive } from './engine/live/policies.ts';
import { commandsOf, isForUsers } from './engine/policies.ts';
import type { Rule } from './engine/rule.ts';

/** Columns that mark a row as deleted, by their usual names. */
const marks =
  /^(?:(?:deleted|archived|removed|trashed|discarded)(?:_at|_on)?|is_(?:deleted|archived|removed|trashed))$/;

/** The columns that a condition requires to be unset: `deleted_at IS NULL`, `NOT is_deleted`, `is_deleted = false`. */
function hidden(condition: unknown): string[] {
  const expression = fieldsOf(condition, 'BoolExpr');
  if (expression?.boolop === 'AND_EXPR') return (expression.args ?? []).flatMap(hidden);
  if (expression?.boolop === 'NOT_EXPR') return columnIn(expression.args?.[0]);
  const test = fieldsOf(condition, 'NullTest');
  if (test?.nulltesttype === 'IS_NULL') return columnIn(test.arg);
  const flag = fieldsOf(condition, 'BooleanTest');
  if (flag?.booltesttype === 'IS_FALSE' || flag?.booltesttype === 'IS_NOT_TRUE') return columnIn(flag.arg);
  const comparison = fieldsOf(condition, 'A_Expr');
  const isFalse = (side: Node | undefined): boolean => {
    const constant = fieldsOf(side, 'A_Const');
    return constant?.boolval !== undefined && constant.boolval.boolval !== true;
  };
  if (comparison === undefined || stringsOf(comparison.name)[0] !== '=') return [];
  return [
    ...(isFalse(comparison.rexpr) ? columnIn(comparison.lexpr) : []),
    ...(isFalse(comparison.lexpr) ? columnIn(comparison.rexpr) : []),
  ];
}

function columnIn(node: unknown): string[] {
  const name = stringsOf(fieldsOf(node, 'ColumnRef')?.fields).at(-1);
  return name !== undefined && marks.test(name) ? [name] : [];
}

/** A policy, as far as a row that users update is concerned. */
interface Conditions {
  permissive: boolean;
  reads: boolean;
  updates: boolean;
  using: unknown;
  check: unknown;
}

/**
 * The column by which every row that users see is unmarked, although they may set it: PostgreSQL refuses an UPDATE after
 * which its row can no longer be seen. Undefined where a policy shows marked rows, or where none lets users mark one.
 */
function refusedMark(policies: readonly Conditions[]): string | undefined {
  const reading = policies.filter(({ reads }) => reads);
  const shown = reading.filter(({ permissive }) => permissive);
  const updating = policies.filter(({ updates, permissive }) => updates && permissive);
  if (shown.length === 0) return undefined;
  const required = [
    ...hidden(shown[0]!.using).filter((name) => shown.every(({ using }) => hidden(using).includes(name))),
    ...reading.filter(({ permissive }) => !permissive).flatMap(({ using }) => hidden(using)),
  ];
  // Where the new row itself must be unmarked, users are not meant to mark it.
  return required.find((name) => updating.some(({ using, check }) => !hidden(check ?? using).includes(name)));
}

const suggestion = (column: string): string =>
  `Let the policy for SELECT show marked rows as well, and leave them out in a view or in the query (${column} is what the app ` +
  'filters by); or mark rows in a SECURITY DEFINER function that asks whose they are.';

const message = (table: string, column: string): string =>
  `Users see rows of ${table} only while ${column} is unset, and may set it: PostgreSQL refuses that UPDATE (42501), because its row ` +
  'could not be seen afterwards.';

const notes = (reads: string): string =>
  '-- Notes.\n' +
  'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, user_id uuid NOT NULL, deleted_at timestamptz);\n' +
  'CREATE INDEX IF NOT EXISTS notes_user_id_idx ON notes (user_id);\n' +
  'ALTER TABLE notes ENABLE ROW LEVEL SECURITY;\n' +
  'DROP POLICY IF EXISTS reads ON notes;\n' +
  `CREATE POLICY reads ON notes FOR SELECT TO authenticated USING ((SELECT auth.uid()) = user_id${reads});\n` +
  'DROP POLICY IF EXISTS writes ON notes;\n' +
  'CREATE POLICY writes ON notes FOR UPDATE TO authenticated USING ((SELECT auth.uid()) = user_id) ' +
  'WITH CHECK ((SELECT auth.uid()) = user_id);\n' +
  'GRANT SELECT, UPDATE ON notes TO authenticated;';

export const rule: Rule = {
  name: 'soft-delete-refused',
  severity: 'warning',
  found: ['static', 'live'],
  means: 'SELECT hides the rows that UPDATE would mark as deleted, so the mark is refused',
  doc: {
    why:
      'PostgreSQL checks the row that an UPDATE makes against the policies for SELECT too. If those require deleted_at IS NULL, ' +
      'setting it fails with "new row violates row-level security policy", whatever the policy for UPDATE says.',
    bad: notes(' AND deleted_at IS NULL'),
    good: notes(''),
  },
  check: {
    end({ tables }, report) {
      for (const { name, policies, columns } of tables.values()) {
        const own = [...policies.values()].filter(isForUsers);
        const column = refusedMark(own.map(conditionsOf));
        const reading = own.find((policy) => commandsOf(policy).includes('select') && hidden(policy.using).length > 0);
        if (column === undefined || !columns.has(column) || reading === undefined) continue;
        report({
          ...at(reading.site),
          object: policyObject(reading),
          message: message(name, column),
          suggestion: suggestion(column),
        });
      }
    },
  },
  live: {
    table(table, { catalog, parse }, report) {
      const own = table.policies.filter((policy) => isForUsersLive(policy, catalog));
      const parsed = own.map((policy) => liveConditionsOf(policy, parse));
      const column = refusedMark(parsed);
      const reading = own.find((_, index) => parsed[index]!.reads && hidden(parsed[index]!.using).length > 0);
      const { grants, columnGrants } = table;
      const mayMark = Object.keys({ ...grants, ...columnGrants }).some(
        (role) =>
          catalog.roles[role]?.bypassRls !== true &&
          (grants[role]?.includes('U') === true || columnGrants[role]?.U?.includes(column ?? '') === true),
      );
      if (column === undefined || reading === undefined || !mayMark) return;
      const name = qualifiedName(table);
      report({
        object: policyObject({ name: reading.name, table: name }),
        message: message(name, column),
        suggestion: suggestion(column),
      });
    },
  },
};

function conditionsOf(policy: Policy): Conditions {
  const commands = commandsOf(policy);
  return {
    permissive: policy.permissive,
    reads: commands.includes('select'),
    updates: commands.includes('update'),
    using: policy.using,
    check: policy.check,
  };
}

function liveConditionsOf(
  { permissive, command, using, check }: PolicyRow,
  parse: (sql: string) => unknown,
): Conditions {
  return {
    permissive,
    reads: command === 'r' || command === '*',
    updates: command === 'w' || command === '*',
    using: using === null ? undefined : parse(using),
    check: check === null ? undefined : parse(check),
  };
}
