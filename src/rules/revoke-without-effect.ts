import type { ColumnRevoke, Table } from '../sql/catalog/model.ts';
import { quoteIdentifier, quoteQualified } from '../shared/quote.ts';
import { at } from './engine/check.ts';
import { qualifiedName, relation } from './engine/live/catalog.ts';
import type { RelationRow } from './engine/live/catalog.ts';
import type { Rule } from './engine/rule.ts';
import { ownTables } from './engine/tables.ts';

/** The letters of privileges on columns. */
const letters: Readonly<Record<string, string>> = { select: 'S', insert: 'I', update: 'U' };

/** Who has the privilege on the whole table: the role itself, or everyone. */
function holderOf({ role, privilege }: ColumnRevoke, { wideGrants }: Table): string | undefined {
  return [role, 'public'].find((one) => wideGrants.get(one)?.has(privilege) === true);
}

function nameOf(role: string): string {
  return role === 'public' ? 'PUBLIC' : quoteIdentifier(role);
}

function told(table: string, role: string, holder: string, privilege: string, columns: readonly string[]): string {
  const verb = privilege.toUpperCase();
  const list = columns.map(quoteIdentifier).join(', ');
  return (
    `REVOKE ${verb} (${list}) ON ${table} FROM ${nameOf(role)} has no effect: ${nameOf(holder)} has ${verb} on the whole ` +
    'table, which is on each of its columns, those that are added later included.'
  );
}

/** Takes the privilege from the table and gives it on the other columns. */
function instead(table: string, role: string, holder: string, privilege: string, others: readonly string[]): string {
  const verb = privilege.toUpperCase();
  const list = others.length === 0 ? 'the other columns' : others.map(quoteIdentifier).join(', ');
  const from = [...new Set([holder, role])].map(nameOf).join(', ');
  return `REVOKE ${verb} ON ${table} FROM ${from};\nGRANT ${verb} (${list}) ON ${table} TO ${nameOf(role)};`;
}

/** Column REVOKEs of one privilege from one role, as one. */
function together(revokes: readonly ColumnRevoke[]): ColumnRevoke[] {
  const found = new Map<string, ColumnRevoke>();
  for (const one of revokes) {
    const key = `${one.role} ${one.privilege}`;
    const known = found.get(key);
    found.set(key, known === undefined ? one : { ...known, columns: [...new Set([...known.columns, ...one.columns])] });
  }
  return [...found.values()];
}

/** The roles that may use the privilege on the whole table of a database. */
function isWide({ grants }: RelationRow, role: string, privilege: string): boolean {
  return grants[role]?.includes(letters[privilege] ?? '?') === true;
}

export const rule: Rule = {
  name: 'revoke-without-effect',
  severity: 'error',
  found: ['static', 'live'],
  means: 'a REVOKE of columns from a role that keeps the privilege on the whole table',
  doc: {
    why:
      'A privilege on a table is on each of its columns. REVOKE of columns takes only what was granted on columns, so a role ' +
      'with the privilege on the table still reads or writes all of them, without any error or notice. In older projects, ' +
      'Supabase grants on tables by default. Take the privilege from the table, and grant it on the columns that are meant.',
    bad:
      '-- Profiles.\nCREATE TABLE IF NOT EXISTS profiles (id uuid PRIMARY KEY, name text, phone text);\n' +
      'GRANT SELECT ON profiles TO authenticated;\nREVOKE SELECT (phone) ON profiles FROM authenticated;',
    good:
      '-- Profiles.\nCREATE TABLE IF NOT EXISTS profiles (id uuid PRIMARY KEY, name text, phone text);\n' +
      'GRANT SELECT (id, name) ON profiles TO authenticated;',
  },
  check: {
    end(catalog, report) {
      for (const table of ownTables(catalog)) {
        for (const revoke of together(table.columnRevokes.filter(({ isIdle }) => isIdle))) {
          const { role, privilege, columns, site } = revoke;
          const holder = holderOf(revoke, table);
          if (holder === undefined || letters[privilege] === undefined) continue;
          const others = table.open ? [] : [...table.columns.keys()].filter((name) => !columns.includes(name));
          const name = quoteQualified(table.name);
          report({
            ...at(site),
            object: table.name,
            message: told(name, role, holder, privilege, columns),
            suggestion: instead(name, role, holder, privilege, others),
          });
        }
      }
    },
  },
  live: {
    table(table, { expectations: { columnRevokes = [] } }, report) {
      const name = qualifiedName(table);
      for (const { role, privilege, columns } of columnRevokes.filter((one) => one.table === name)) {
        const known = columns.filter((column) => table.columns.some((one) => one.name === column));
        if (known.length === 0 || !isWide(table, role, privilege)) continue;
        const others = table.columns.map((one) => one.name).filter((one) => !columns.includes(one));
        report({
          object: name,
          message: told(relation(table), role, role, privilege, known),
          suggestion: instead(relation(table), role, role, privilege, others),
        });
      }
    },
  },
};
