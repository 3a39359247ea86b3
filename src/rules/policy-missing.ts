import { at } from './engine/check.ts';
import { exampleLines, exampleWithout } from './engine/example.ts';
import { isGranted as isGrantedLive, isReachable } from './engine/live/access.ts';
import { qualifiedName } from './engine/live/catalog.ts';
import { isDeclared } from './engine/live/expectations.ts';
import { type Provided, supabase } from './engine/provided.ts';
import type { Rule } from './engine/rule.ts';
import { saysServerOnly } from './engine/server-only.ts';
import { policiesFor } from './engine/suggest.ts';
import { declared, isGranted, ownTables } from './engine/tables.ts';

/** Says that nobody reaches a table but who bypasses policies: the service role, or where that is not there, the owner. */
function messageOf(name: string, provided: Provided = supabase): string {
  const who = provided.roles.has('service_role') ? 'the service role' : "the table's owner";
  return `Table ${name} has row-level security on and no policy: only ${who} can use it.`;
}

export const rule: Rule = {
  name: 'policy-missing',
  severity: 'warning',
  found: ['static', 'live'],
  means:
    'row-level security is on, something is granted, and no policy lets anyone use it: only the service role reaches the table',
  doc: {
    why:
      'With row-level security on and no policy, every user query returns no rows and no error, whatever was ' +
      'granted. That is correct for a table that only the server uses: then grant nothing, or say so in a comment.',
    bad: exampleWithout('drop', 'policy'),
    good:
      `${exampleWithout('rls', 'drop', 'policy', 'grants')}\n` +
      '-- muse: service-only\n' +
      `${exampleLines.rls}\n` +
      'GRANT ALL ON notes TO service_role;',
  },
  check: {
    end(catalog, report, run) {
      for (const each of ownTables(catalog)) {
        if (each.rls === undefined || each.policies.size > 0 || each.partitionOf !== undefined || !isGranted(each))
          continue;
        if (declared(run, each.name, 'service-only') || saysServerOnly(each)) continue;
        report({
          ...at(each.rls),
          object: each.name,
          message: messageOf(each.name, run.provided()),
          suggestion: [
            '-- muse: service-only',
            '-- … before this statement if that is intended, or:',
            ...policiesFor(each, catalog, run),
          ].join('\n'),
        });
      }
    },
  },
  live: {
    table(table, { catalog, expectations }, report) {
      const name = qualifiedName(table);
      if (
        !table.rls ||
        table.policies.length > 0 ||
        table.partition ||
        !isReachable(table, catalog) ||
        !isGrantedLive(table)
      )
        return;
      if (
        isDeclared(expectations.declarations, name, 'service-only') ||
        expectations.serverOnly?.includes(name) === true
      )
        return;
      report({
        object: name,
        message: messageOf(name, expectations.provided),
        suggestion: 'Add policies for those who may use it, or write -- muse: service-only above its CREATE TABLE.',
      });
    },
  },
};
