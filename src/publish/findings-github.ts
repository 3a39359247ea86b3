import { followers, type Finding } from '../shared/finding.ts';

/**
 * Findings as workflow commands, which GitHub Actions shows as annotations of a pull request
 * (https://docs.github.com/actions/reference/workflow-commands-for-github-actions).
 */
export function formatGithub(findings: readonly Finding[]): string {
  return findings
    .map(({ rule, severity, message, suggestion, file, line, column, consequences = [] }) => {
      const properties = { file, line, col: column, title: rule };
      const list = Object.entries(properties).flatMap(([name, value]) =>
        value === undefined ? [] : [`${name}=${property(String(value))}`],
      );
      const text = [message, suggestion, ...(consequences.length === 0 ? [] : [followers(consequences.length)])];
      return `::${severity} ${list.join(',')}::${data(text.join('\n'))}`;
    })
    .join('\n');
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
