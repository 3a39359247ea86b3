import type { Finding } from '../shared/finding.ts';
import type { AccessFailure } from './access.ts';
import { namesIn } from '../sql/message-names.ts';
import { fieldsOf } from '../sql/nodes.ts';
import type { RangeVar } from '../sql/nodes.ts';
import { lineText } from '../shared/text.ts';
import type { Place, ParsedFiles } from './parsed-files.ts';

interface Policy {
  place: Place;
  name: string;
  schema: string;
  table: string;
  /** `all`, `select` … */
  verb: string;
  reads: RangeVar[];
}

/** Every table that an expression reads, at any depth. */
function tablesIn(node: unknown): RangeVar[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) => (key === 'RangeVar' ? [value as RangeVar] : tablesIn(value)));
}

/** The last CREATE POLICY of each name: a later file may have replaced an earlier policy. */
function policiesOf(parsedFiles: ParsedFiles): Policy[] {
  const policies = new Map<string, Policy>();
  for (const place of parsedFiles.places()) {
    const node = fieldsOf(place.statement.tree, 'CreatePolicyStmt');
    if (node === undefined) continue;
    const { schemaname: schema = 'public', relname: table } = node.table;
    const reads = tablesIn([node.qual, node.with_check]);
    policies.set(`${schema}.${table} ${node.policy_name}`, {
      place,
      name: node.policy_name,
      schema,
      table,
      verb: node.cmd_name ?? 'all',
      reads,
    });
  }
  return [...policies.values()];
}

function finding(rule: Finding['rule'], policy: Policy, message: string, suggestion: string): Finding {
  const { migration, statement } = policy.place;
  return {
    rule,
    severity: 'error',
    file: migration.file,
    line: statement.line,
    column: statement.column,
    object: `policy "${policy.name}" on ${policy.schema}.${policy.table}`,
    message,
    suggestion,
    snippet: lineText(migration.sql, statement.line),
  };
}

/** The policies that cause a recursion: those of the named table that read something, preferably that table itself. */
function recursive(failure: AccessFailure, policies: readonly Policy[]): Policy[] {
  const table = namesIn(failure.message)[0]?.at(-1);
  // The policy of another table causes this by reading this table.
  const verb = table === failure.table ? failure.verb : 'select';
  const reading = policies.filter((policy) => policy.table === table && policy.reads.length > 0);
  const ofVerb = (wanted: string): Policy[] =>
    reading.filter((policy) => policy.verb === 'all' || policy.verb === wanted);
  const selecting = ofVerb('select');
  const candidates = selecting.length > 0 ? selecting : ofVerb(verb);
  const direct = candidates.filter((policy) => policy.reads.some((read) => read.relname === table));
  return direct.length > 0 ? direct : candidates;
}

const helper =
  "Read the user's memberships in a SECURITY DEFINER function with SET search_path = '', and compare with what it returns.";

/** The findings of a probe, one for each policy at fault, at its CREATE POLICY. */
export function accessFindings(failures: readonly AccessFailure[], parsedFiles: ParsedFiles): Finding[] {
  const policies = policiesOf(parsedFiles);
  const found = new Map<string, Finding>();
  const add = (each: Finding): void => {
    const key = `${each.rule} ${each.file} ${each.line} ${each.object}`;
    if (!found.has(key)) found.set(key, each);
  };
  for (const failure of failures) {
    const table = `${failure.schema}.${failure.table}`;
    if (failure.code === '42P17') {
      const blamed = recursive(failure, policies);
      for (const policy of blamed) {
        const through = policy.reads.some((read) => read.relname === policy.table)
          ? 'reads its own table'
          : `reads ${policy.reads[0]!.relname}, whose policies lead back to ${policy.table}`;
        add(
          finding(
            'policy-recursive',
            policy,
            `${failure.verb.toUpperCase()} on ${table} as ${failure.role} fails: ${failure.message} (42P17). The policy ${through}.`,
            helper,
          ),
        );
      }
      if (blamed.length === 0)
        add({
          rule: 'policy-recursive',
          severity: 'error',
          object: table,
          message: `${failure.verb.toUpperCase()} on ${table} as ${failure.role} fails: ${failure.message} (42P17).`,
          suggestion: helper,
        });
    } else if (failure.message === 'permission denied for table users') {
      const ofTable = policies.filter(
        (policy) =>
          policy.table === failure.table &&
          policy.schema === failure.schema &&
          (policy.verb === 'all' || policy.verb === failure.verb),
      );
      for (const policy of ofTable.filter(({ reads }) =>
        reads.some((read) => read.schemaname === 'auth' && read.relname === 'users'),
      )) {
        add(
          finding(
            'policy-reads-auth-users',
            policy,
            `${failure.verb.toUpperCase()} on ${table} as ${failure.role} fails: ${failure.message} (42501). The ` +
              'policy reads auth.users, which signed-in users may not read.',
            "Read what is needed from the token, as (select auth.jwt()) ->> 'email', or from public.profiles.",
          ),
        );
      }
    }
  }
  return [...found.values()];
}
