import type { Finding } from '../shared/finding.ts';
import { printableJson } from '../shared/printable.ts';
import { allRules } from '../rules/registry.ts';
import type { Rule } from '../rules/registry.ts';

/**
 * Findings as SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), which code scanning services read.
 * @param version the tool's own version
 * @param rules where what a finding's rule means is taken from
 */
export function formatSarif(findings: readonly Finding[], version: string, rules: readonly Rule[] = allRules): string {
  const used = [...new Set(findings.map(({ rule }) => rule))].sort();
  return printableJson(
    JSON.stringify(
      {
        $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
        version: '2.1.0',
        runs: [
          {
            tool: { driver: { name: 'create-muse', version, rules: used.map((name) => ruleOf(name, rules)) } },
            columnKind: 'utf16CodeUnits',
            results: findings.map((finding) => resultOf(finding, used)),
          },
        ],
      },
      null,
      2,
    ),
  );
}

function ruleOf(name: string, rules: readonly Rule[]): object {
  const rule = rules.find((each) => each.name === name);
  if (rule === undefined) return { id: name };
  return {
    id: name,
    shortDescription: { text: rule.means },
    fullDescription: { text: rule.doc.why },
    defaultConfiguration: { level: rule.severity },
  };
}

function resultOf(
  { rule, severity, message, suggestion, file, line = 1, column = 1, object, snippet, consequences = [] }: Finding,
  used: readonly string[],
): object {
  const region = {
    startLine: line,
    startColumn: column,
    ...(snippet === undefined ? {} : { snippet: { text: snippet } }),
  };
  const physical =
    file === undefined ? {} : { physicalLocation: { artifactLocation: { uri: encodeURI(file) }, region } };
  const logical = object === undefined ? {} : { logicalLocations: [{ fullyQualifiedName: object }] };
  const location = { ...physical, ...logical };
  return {
    ruleId: rule,
    ruleIndex: used.indexOf(rule),
    level: severity,
    message: { text: `${message}\n${suggestion}` },
    ...(Object.keys(location).length === 0 ? {} : { locations: [location] }),
    ...(consequences.length === 0 ? {} : { relatedLocations: consequences.map(relatedLocation) }),
  };
}

/** Where something follows from a finding. */
function relatedLocation({ message, file, line = 1, column = 1 }: Finding): object {
  const physical =
    file === undefined
      ? {}
      : {
          physicalLocation: {
            artifactLocation: { uri: encodeURI(file) },
            region: { startLine: line, startColumn: column },
          },
        };
  return { ...physical, message: { text: message } };
}
