/**
 * lint/: what is wrong with migrations, as files alone show it. Pure: files in, findings out.
 */
import type { Finding, Severity } from '../../shared/finding.ts';
import { rules } from '../registry.ts';
import type { RuleName } from '../registry.ts';
import { buildCatalog } from '../../sql/catalog/build.ts';
import type { Catalog } from '../../sql/catalog/model.ts';
import type { Migration } from '../../sql/migration.ts';
import { meaningOf, meaningsOf } from '../engine/directives.ts';
import type { Meaning } from '../engine/directives.ts';
import { tableOf } from '../../sql/names.ts';
import { fieldsOf } from '../../sql/nodes.ts';
import { loadParser } from '../../sql/parser.ts';
import type { Source } from '../../sql/piece.ts';
import { recovered } from '../../sql/recover.ts';
import type { Comment, Statement } from '../../sql/statement.ts';
import type { Problem, Run } from './check.ts';
import { checks } from './checks.ts';

export interface LintInput {
  migrations: readonly Migration[];
  /** Files that have a rollback, by the `file` of the migration. */
  rollbacks: { has(file: string): boolean };
  /** Severities that `muse.json` sets; `off` silences a warning, never an error. */
  severities?: Partial<Record<RuleName, Severity | 'off'>>;
}

export interface LintResult {
  /** By file in the order of a run, then by place. */
  findings: Finding[];
  /** Findings that a `-- muse: ignore` silenced. */
  silenced: number;
}

/** A finding with what produced it, for who mends. */
export interface Located extends Problem {
  rule: RuleName;
}

export interface Examined {
  problems: Located[];
  silenced: number;
  catalog: Catalog;
  meanings: ReadonlyMap<string, readonly Meaning[]>;
}

/** Runs every check over the migrations. Never throws for what a file holds, whatever it is. */
export async function lint(input: LintInput): Promise<LintResult> {
  const { problems, silenced } = await examineFiles(input);
  const findings: Finding[] = [];
  for (const problem of problems) {
    const severity = severityOf(problem, input.severities ?? {});
    if (severity !== 'off') findings.push(toFinding(problem, severity));
  }
  return { findings, silenced };
}

/** The problems with their places in the trees, and the catalog they come from. */
export async function examineFiles({ migrations, rollbacks }: Pick<LintInput, 'migrations' | 'rollbacks'>): Promise<Examined> {
  await loadParser();
  const problems: Located[] = [];
  let silenced = 0;
  const meanings = new Map<string, Meaning[]>();
  const sources: Source[] = [];
  /** Files that have a `-- muse:` comment at all. */
  const speaking = new Set<Source>();
  const run: Run = { meanings, rollbacks };
  const reporter = (rule: RuleName) => (problem: Problem): void => {
    if (speaking.has(problem.source) && isIgnored(rule, problem)) silenced += 1;
    else problems.push({ rule, ...problem });
  };
  const active = checks.map((check) => ({ check, report: reporter(check.rule) }));
  const catalog = buildCatalog(migrations, {
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
      for (const { check, report } of active) check.piece?.(piece, before, report);
    },
    body(piece, error) {
      for (const { check, report } of active) check.body?.(piece, error, report);
    },
  });
  for (const { check, report } of active) check.end?.(catalog, report, run);
  const order = new Map(sources.map((source, index) => [source, index]));
  problems.sort((a, b) => order.get(a.source)! - order.get(b.source)! || a.offset - b.offset);
  return { problems, silenced, catalog, meanings };
}

function gather({ parsed }: Source, meanings: Map<string, Meaning[]>): void {
  for (const statement of parsed.statements) {
    const found = meaningsOf(statement);
    const tree = found.length === 0 ? undefined : statement.tree ?? recovered(statement).tree;
    const table = tree === undefined ? undefined : tableOf(tree);
    if (table !== undefined) meanings.set(table, [...(meanings.get(table) ?? []), ...found]);
  }
}

/** The statement that an offset stands in, or the last one before it. */
export function statementAt({ parsed }: Source, offset: number): Statement | undefined {
  let low = 0;
  let high = parsed.statements.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (parsed.statements[middle]!.start <= offset) low = middle + 1;
    else high = middle;
  }
  return parsed.statements[Math.max(0, low - 1)];
}

function isIgnored(rule: RuleName, { source, offset }: Problem): boolean {
  const statement = statementAt(source, offset);
  const meanings = statement === undefined ? [] : commentsBeside(source, statement).map(meaningOf);
  return meanings.some((meaning) => meaning?.kind === 'ignore' && meaning.rule === rule);
}

/** The comments beside a statement; those above the DROP in front of it speak of it too. */
export function commentsBeside({ parsed }: Source, statement: Statement): Comment[] {
  const before = parsed.statements[parsed.statements.indexOf(statement) - 1];
  const drops = before?.tree !== undefined && fieldsOf(before.tree, 'DropStmt') !== undefined;
  return drops ? [...before.comments, ...statement.comments] : statement.comments;
}

function severityOf(problem: Located, set: Partial<Record<RuleName, Severity | 'off'>>): Severity | 'off' {
  const own = problem.severity ?? rules[problem.rule].severity;
  const wanted = set[problem.rule];
  return wanted === undefined || (wanted === 'off' && own === 'error') ? own : wanted;
}

function toFinding({ rule, source, offset, object, message, suggestion }: Located, severity: Severity): Finding {
  const { line, column } = source.parsed.position(offset);
  const { sql, file } = source.migration;
  const start = offset - column + 1;
  const end = sql.indexOf('\n', start);
  const snippet = sql.slice(start, end === -1 ? sql.length : end).replace(/\r$/, '');
  return { rule, severity, file, line, column, ...(object === undefined ? {} : { object }), message, suggestion, snippet };
}
