import type { Finding, Severity } from '../../shared/finding.ts';
import { type RuleName, rules } from '../../rules/registry.ts';

/** Creates a finding with the rule's own severity, unless another is given. */
export function makeFinding(
  rule: RuleName,
  object: string,
  message: string,
  suggestion: string,
  severity?: Severity,
): Finding {
  return { rule, severity: severity ?? rules[rule].severity, object, message, suggestion };
}
