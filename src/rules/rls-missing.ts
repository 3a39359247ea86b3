import type { Table } from '../sql/catalog/model.ts';
import type { Source } from '../sql/piece.ts';
import { quoteQualified } from '../shared/quote.ts';
import { at } from './engine/check.ts';
import { example, exampleWithout } from './engine/example.ts';
import { problemsOf } from './engine/fix/fix.ts';
import type { Decision, FixResult, Situation } from './engine/fix/fix.ts';
import { noteText, placed } from './engine/fix/place.ts';
import type { Texts } from './engine/fix/place.ts';
import { isGranted as isGrantedLive, isReachable as isReachableLive } from './engine/live/access.ts';
import { qualifiedName, relation } from './engine/live/catalog.ts';
import type { Rule } from './engine/rule.ts';
import { conditionFor, mayWrite, ownerOf, policiesFor } from './engine/suggest.ts';
import { declared, isGranted, isReachable, ownTables } from './engine/tables.ts';

/** The last file, in the order of a run, among those that the table and these columns come from. */
function lastSource(table: Table, columns: readonly string[]): Source {
  const sites = [table.site!, ...columns.map((name) => table.columns.get(name)?.site).filter((site) => site !== undefined)];
  return sites.sort((a, b) => a.piece.order - b.piece.order).at(-1)!.piece.source;
}

/** Turns row-level security on, with the policies that the columns tell; a table that shows no owner stays the server's. */
function apply(situation: Situation): FixResult {
  const { catalog, examined } = situation;
  const texts: Texts = new Map();
  const decisions: Decision[] = [];
  for (const { object } of problemsOf(situation, 'rls-missing')) {
    const table = catalog.tables.get(object ?? '');
    if (table === undefined) continue;
    const owner = ownerOf(table, catalog);
    const source = lastSource(table, owner.kind === 'service' ? [] : [owner.column]);
    const name = quoteQualified(table.name);
    const enable = `ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY;`;
    const decide = (after: string, reason: string): void => void decisions.push({ file: source.migration.file, object: table.name, before: 'every row for everyone who has a grant', after, reason });
    if (table.policies.size > 0) {
      noteText(texts, source, `${enable}\n`);
      decide('what its policies say', 'it has policies, and row-level security was off');
    } else if (owner.kind === 'service' || declared(examined, table.name, 'service-only')) {
      noteText(texts, source, `${enable}\nGRANT SELECT, INSERT, UPDATE, DELETE ON ${name} TO service_role;\n`);
      decide('nobody but the server', 'no column tells whose a row is');
    } else {
      noteText(texts, source, `${[enable, ...policiesFor(table, catalog, examined)].join('\n')}\n`);
      decide(`${mayWrite(table, owner) ? 'rows' : 'reading of rows'} with ${conditionFor(owner)}`, `column ${owner.column}`);
    }
  }
  return { ...placed(situation, texts), decisions };
}

export const rule: Rule = {
  name: 'rls-missing',
  severity: 'error',
  found: ['static', 'live'],
  means: 'a table without row-level security',
  doc: {
    why: 'Without row-level security, a grant opens the whole table: anyone who has the public key of the app reads and changes every row.',
    bad: exampleWithout('rls', 'drop', 'policy'),
    good: example,
  },
  check: {
    end(catalog, report, run) {
      for (const each of ownTables(catalog)) {
        // Through its root a partition has the root's policies; it needs its own where it can be queried directly.
        if (each.rls !== undefined || !isReachable(each) || (each.partitionOf !== undefined && !isGranted(each))) continue;
        report({
          ...at(each.site),
          object: each.name,
          message: `Table ${each.name} has no row-level security: anyone who has a privilege on it sees and changes every row.`,
          suggestion: [`ALTER TABLE ${quoteQualified(each.name)} ENABLE ROW LEVEL SECURITY;`, ...policiesFor(each, catalog, run)].join('\n'),
        });
      }
    },
  },
  live: {
    table(table, { catalog }, report) {
      if (table.rls || !isReachableLive(table, catalog) || (table.partition && !isGrantedLive(table))) return;
      const name = qualifiedName(table);
      report({
        object: name,
        message: `Table ${name} has no row-level security: anyone who has a privilege on it sees and changes every row.`,
        suggestion: `ALTER TABLE ${relation(table)} ENABLE ROW LEVEL SECURITY;`,
      });
    },
  },
  fix: {
    does: 'turns it on, and adds owner or organization policies where the columns tell whose a row is; else only the service role reaches the table',
    stage: 'row-security',
    apply,
  },
};
