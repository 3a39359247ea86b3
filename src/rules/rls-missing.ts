import type { Table } from '../sql/catalog/model.ts';
import type { Source } from '../sql/piece.ts';
import { quoteQualified } from '../shared/quote.ts';
import { at } from './engine/check.ts';
import { example, exampleWithout } from './engine/example.ts';
import { problemsOf } from './engine/fix/fix.ts';
import type { Decision, FixResult, Situation } from './engine/fix/fix.ts';
import { noteText, placed, whereNamed } from './engine/fix/place.ts';
import type { Texts } from './engine/fix/place.ts';
import { isGranted as isGrantedLive, isReachable as isReachableLive } from './engine/live/access.ts';
import { qualifiedName, relation } from './engine/live/catalog.ts';
import type { Provided } from './engine/provided.ts';
import type { Rule } from './engine/rule.ts';
import { saysServerOnly } from './engine/server-only.ts';
import { conditionFor, isNameable, ownerOf, ownPolicies, policiesFor } from './engine/suggest.ts';
import type { Owner } from './engine/suggest.ts';
import { declared, isGranted, isReachable, ownTables } from './engine/tables.ts';
import type { OwnTable } from './engine/tables.ts';

/** The last file, in the order of a run, of those that create the table and these columns. */
function lastSource(table: Table, columns: readonly string[]): Source {
  const sites = [
    table.site!,
    ...columns.map((name) => table.columns.get(name)?.site).filter((site) => site !== undefined),
  ];
  return sites.sort((a, b) => a.piece.order - b.piece.order).at(-1)!.piece.source;
}

/**
 * Turns row-level security on. Users who had a privilege on the table keep access to their own rows, if the columns
 * show which those are. Nothing is granted.
 */
function apply(situation: Situation): FixResult {
  const { catalog, examined } = situation;
  const texts: Texts = new Map();
  const decisions: Decision[] = [];
  for (const { object } of problemsOf(situation, 'rls-missing')) {
    const table = catalog.tables.get(object ?? '');
    if (table === undefined) continue;
    const owner = ownerOf(table, catalog);
    const source = whereNamed(situation, table, lastSource(table, owner.kind === 'service' ? [] : [owner.column]));
    const enable = `ALTER TABLE ${quoteQualified(table.name)} ENABLE ROW LEVEL SECURITY;`;
    const policies =
      table.policies.size > 0 ||
      owner.kind === 'service' ||
      !isNameable(owner, examined.provided()) ||
      declared(examined, table.name, 'service-only') ||
      saysServerOnly(table as OwnTable)
        ? []
        : ownPolicies(table, owner);
    noteText(texts, source, `${[enable, ...policies].join('\n')}\n`);
    decisions.push({
      file: source.migration.file,
      object: table.name,
      before: isGranted(table) ? 'every row for everyone who has a grant' : 'no row-level security, and no grant',
      ...after(table, owner, policies, examined.provided()),
    });
  }
  return { ...placed(situation, texts), decisions };
}

function after(
  table: Table,
  owner: Owner,
  policies: readonly string[],
  provided: Provided,
): Pick<Decision, 'after' | 'reason'> {
  if (table.policies.size > 0)
    return { after: 'what its policies say', reason: 'it has policies, and row-level security was off' };
  if (policies.length > 0 && owner.kind !== 'service')
    return { after: `rows with ${conditionFor(owner)}`, reason: `column ${owner.column}` };
  if (!isGranted(table)) return { after: 'only the server', reason: 'no role of the app had a privilege on it' };
  return {
    after: 'only the server',
    reason:
      owner.kind === 'service'
        ? 'no column tells who owns a row'
        : isNameable(owner, provided)
          ? 'its comment or grants reserve it for the server'
          : 'the kit has no function that returns the signed-in user',
  };
}

export const rule: Rule = {
  name: 'rls-missing',
  severity: 'error',
  found: ['static', 'live'],
  means: 'a table without row-level security',
  doc: {
    why: "Without row-level security, a grant opens the whole table: anyone with the app's public key can read and change every row.",
    bad: exampleWithout('rls', 'drop', 'policy'),
    good: example,
  },
  check: {
    end(catalog, report, run) {
      for (const each of ownTables(catalog)) {
        // Queries through the root use the root's policies; a partition needs its own if it can be queried directly.
        if (each.rls !== undefined || !isReachable(each) || (each.partitionOf !== undefined && !isGranted(each)))
          continue;
        report({
          ...at(each.site),
          object: each.name,
          message: `Table ${each.name} has no row-level security: anyone with a privilege on it can read and change every row.`,
          suggestion: [
            `ALTER TABLE ${quoteQualified(each.name)} ENABLE ROW LEVEL SECURITY;`,
            ...policiesFor(each, catalog, run),
          ].join('\n'),
        });
      }
    },
  },
  live: {
    table(table, { catalog }, report) {
      if (table.rls || !isReachableLive(table, catalog) || (table.partition && !isGrantedLive(table))) return;
      // What is in a schema of the product's own is reached by what is granted on it, as the files are read.
      const users = Object.keys(catalog.schemaUsage).length > 0;
      if (users && table.schema !== 'public' && !isGrantedLive(table)) return;
      const name = qualifiedName(table);
      report({
        object: name,
        message: `Table ${name} has no row-level security: anyone with a privilege on it can read and change every row.`,
        suggestion: `ALTER TABLE ${relation(table)} ENABLE ROW LEVEL SECURITY;`,
      });
    },
  },
  fix: {
    does:
      'turns it on, with owner or organization policies only if users had a privilege and the columns tell who ' +
      'owns a row; otherwise only the server can reach the table',
    stage: 'row-security',
    apply,
  },
};
