/** An error forbids going on; a warning is shown. */
export type Severity = 'error' | 'warning';

/** One thing wrong, wherever it was found: lint, rehearsal or verification. */
export interface Finding {
  /** A name of `rules/registry.ts`. */
  rule: string;
  severity: Severity;
  /** Path relative to the muse's directory, with `/`. */
  file?: string;
  /** 1-based. */
  line?: number;
  /** 1-based, counted in characters (UTF-16 code units), not bytes. */
  column?: number;
  /** The table, policy, function … as `schema.name` or `policy "x" on schema.table`. */
  object?: string;
  /** The policy that lets it through, by name, where there is one. */
  policy?: string;
  /** SQL that shows it, to try by hand. */
  probe?: string;
  /** What is wrong and what it leads to: one sentence. */
  message: string;
  /** What to write instead; SQL where SQL is the answer, ready to paste. */
  suggestion: string;
  /** The source line at `line`, for the snippet with its caret. */
  snippet?: string;
}

/** Says whether any of the findings forbids going on. */
export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.severity === 'error');
}
