/** An error stops the run; a warning is only shown. */
export type Severity = 'error' | 'warning';

/** A place in a file of the muse. */
export interface FindingPlace {
  /** Path relative to the muse's directory, with `/`. */
  file: string;
  /** 1-based. */
  line: number;
}

/** One problem, found by lint, rehearsal or verification. */
export interface Finding {
  /** A name from `rules/registry.ts`. */
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
  /** The name of the policy that allows it, if there is one. */
  policy?: string;
  /** SQL that reproduces it. */
  probe?: string;
  /** What is wrong and what it leads to, in one sentence. */
  message: string;
  /** What to write instead; SQL where SQL is the answer, ready to paste. */
  suggestion: string;
  /** The source line at `line`, for the snippet with its caret. */
  snippet?: string;
  /** The statement whose failure this one follows from: its first and last line. */
  cause?: FindingPlace & { lastLine: number };
  /** Names of what is missing because of it: findings about those follow from this one. */
  explains?: readonly string[];
  /** Findings that follow from this one, folded under it. */
  consequences?: readonly Finding[];
}

/** Says whether any of the findings is an error. */
export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.severity === 'error');
}

/** How many statements follow from a finding. */
export function followers(count: number): string {
  return `and ${count} ${count === 1 ? 'statement that needs' : 'statements that need'} it`;
}
