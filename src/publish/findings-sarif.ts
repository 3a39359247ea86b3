import type { Finding } from '../shared/finding.ts';
import { ruleNamed } from '../rules/registry.ts';

/**
 * Findings as SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), which code scanning services read.
 * @param version the tool's own version
 */
export function formatSarif(findings: readonly Finding[], version: string): string {
  const used = [...new Set(findings.map(({ rule }) => rule))].sort();
  return JSON.stringify(
    {
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 'create-muse', version, rules: used.map(ruleOf) } },
          columnKind: 'utf16CodeUnits',
          results: findings.map((finding) => resultOf(finding, used)),
        },
      ],
    },
    null,
    2,
  );
}

function ruleOf(rule: string): object {
  const { means, severity } = ruleNamed(rule);
  return { id: rule, shortDescription: { text: means }, defaultConfiguration: { level: severity } };
}

function resultOf({ rule, severity, message, suggestion, file, line = 1, column = 1, object, snippet }: Finding, used: readonly string[]): object {
  const region = { startLine: line, startColumn: column, ...(snippet === undefined ? {} : { snippet: { text: snippet } }) };
  const physical = file === undefined ? {} : { physicalLocation: { artifactLocation: { uri: encodeURI(file) }, region } };
  const logical = object === undefined ? {} : { logicalLocations: [{ fullyQualifiedName: object }] };
  const location = { ...physical, ...logical };
  return {
    ruleId: rule,
    ruleIndex: used.indexOf(rule),
    level: severity,
    message: { text: `${message}\n${suggestion}` },
    ...(Object.keys(location).length === 0 ? {} : { locations: [location] }),
  };
}
