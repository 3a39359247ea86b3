import type { Severity } from '../../shared/finding.ts';

/** Severities that `muse.json` sets, by rule; `off` silences a warning, never an error. */
export type Severities = Readonly<Partial<Record<string, Severity | 'off'>>>;

/** The effective severity of a finding: the one configured for its rule, or else its own. */
export function severityOf(rule: string, own: Severity, set: Severities): Severity | 'off' {
  const wanted = set[rule];
  return wanted === undefined || (wanted === 'off' && own === 'error') ? own : wanted;
}
