import type { Finding, Severity } from '../../shared/finding.ts';
import type { MigrationOrder } from '../../shared/muse-file.ts';
import { createTurns } from '../../shared/turns.ts';
import { buildCatalogInTurns } from '../../sql/catalog/build.ts';
import type { Migration } from '../../sql/migration.ts';
import { tableOf } from '../../sql/names.ts';
import { loadParser } from '../../sql/parser.ts';
import type { Piece, Source } from '../../sql/piece.ts';
import { recovered } from '../../sql/recover.ts';
import type { Examined, Located, Problem, RollbackTexts, Run } from './check.ts';
import { meaningOf, meaningsOf, misspelledIn } from './directives.ts';
import type { Meaning, Misspelled } from './directives.ts';
import { type Provided, providedFor } from './provided.ts';
import type { Rule } from './rule.ts';
import { type Severities, severityOf } from './severities.ts';
import { commentsBeside, statementAt } from './statements.ts';

export interface LintInput {
  migrations: readonly Migration[];
  rollbacks: RollbackTexts;
  severities?: Severities;
  /** How the files are named and ordered, which tells whether they are for Supabase; absent: they are. */
  order?: MigrationOrder;
}

export interface LintResult {
  /** By file in the order of a run, then by place. */
  findings: Finding[];
  /** Findings that a `-- muse: ignore` silenced. */
  silenced: number;
}

/** Runs the rules over the migrations, in the order of a run. Never throws because of a file's content. */
export async function lintWith(rules: readonly Rule[], input: LintInput): Promise<LintResult> {
  const examined = await examineFiles(rules, input);
  return { findings: findingsOf(rules, examined, input.severities ?? {}), silenced: examined.silenced };
}

/** The problems that rules found as findings, with the severities that `muse.json` gives. */
export function findingsOf(
  rules: readonly Rule[],
  { problems }: Pick<Examined, 'problems'>,
  severities: Severities,
): Finding[] {
  const levels = new Map(rules.map(({ name, severity }) => [name, severity]));
  return problems.flatMap((problem) => {
    const severity = severityOf(problem.rule, problem.severity ?? levels.get(problem.rule)!, severities);
    return severity === 'off' ? [] : [toFinding(problem, severity)];
  });
}

/** The problems with their places in the parse trees, and the catalog that they come from. */
export async function examineFiles(
  rules: readonly Rule[],
  { migrations, rollbacks, order }: Pick<LintInput, 'migrations' | 'rollbacks' | 'order'>,
): Promise<Examined> {
  await loadParser();
  const problems: Located[] = [];
  let silenced = 0;
  const meanings = new Map<string, Meaning[]>();
  const sources: Source[] = [];
  /** Files that have a `-- muse:` comment at all. */
  const speaking = new Set<Source>();
  const pieces: Piece[] = [];
  const provided = (): Provided => providedFor(pieces, order);
  const run: Run = { meanings, rollbacks, provided };
  const reporter =
    (rule: string) =>
    (problem: Problem): void => {
      const said = speaking.has(problem.source) ? meaningsBeside(problem) : [];
      if (said.some((meaning) => meaning.kind === 'ignore' && meaning.rule === rule)) silenced += 1;
      else problems.push({ rule, ...problem, suggestion: withMisspelled(problem.suggestion, rule, said) });
    };
  const active = rules.flatMap(({ name, check }) => (check === undefined ? [] : [{ check, report: reporter(name) }]));
  const catalog = await buildCatalogInTurns(migrations, {
    source(source) {
      sources.push(source);
      if (source.migration.sql.includes('muse:')) {
        speaking.add(source);
        gather(source, meanings);
      }
      for (const { check, report } of active) check.source?.(source, report, run);
    },
    statement(statement, source) {
      for (const { check, report } of active) check.statement?.(statement, source, report);
    },
    piece(piece, before) {
      pieces.push(piece);
      for (const { check, report } of active) check.piece?.(piece, before, report);
    },
    body(piece, error) {
      for (const { check, report } of active) check.body?.(piece, error, report);
    },
  });
  const turn = createTurns();
  for (const { check, report } of active) {
    check.end?.(catalog, report, run);
    await turn();
  }
  const places = new Map(sources.map((source, index) => [source, index]));
  problems.sort((a, b) => places.get(a.source)! - places.get(b.source)! || a.offset - b.offset);
  return { problems, silenced, sources, catalog, meanings, provided };
}

function gather({ parsed }: Source, meanings: Map<string, Meaning[]>): void {
  for (const statement of parsed.statements) {
    const found = meaningsOf(statement);
    const tree = found.length === 0 ? undefined : (statement.tree ?? recovered(statement).tree);
    const table = tree === undefined ? undefined : tableOf(tree);
    if (table !== undefined) meanings.set(table, [...(meanings.get(table) ?? []), ...found]);
  }
}

function meaningsBeside({ source, offset }: Problem): (Meaning | Misspelled)[] {
  const statement = statementAt(source, offset);
  const comments = statement === undefined ? [] : commentsBeside(source, statement);
  return comments.map((comment) => meaningOf(comment) ?? misspelledIn(comment)).filter((said) => said !== undefined);
}

/** A suggestion that also names the comment which was meant to silence the finding. */
function withMisspelled(suggestion: string, rule: string, said: readonly (Meaning | Misspelled)[]): string {
  const comment = said.find((one) => one.kind === 'misspelled' && one.near === rule);
  return comment?.kind === 'misspelled'
    ? `${suggestion}\nThe comment here says "${comment.rule}", which is no rule: did you mean ${rule}?`
    : suggestion;
}

function toFinding(
  { rule, source, offset, object, message, suggestion, explains }: Located,
  severity: Severity,
): Finding {
  const { line, column } = source.parsed.position(offset);
  const { sql, file } = source.migration;
  const start = offset - column + 1;
  const end = sql.indexOf('\n', start);
  const snippet = sql.slice(start, end === -1 ? sql.length : end).replace(/\r$/, '');
  return {
    rule,
    severity,
    file,
    line,
    column,
    ...(object === undefined ? {} : { object }),
    ...(explains === undefined ? {} : { explains }),
    message,
    suggestion,
    snippet,
  };
}
