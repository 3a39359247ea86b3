import type { Finding } from '../../shared/finding.ts';

/** Rules whose findings about one object have one remedy, however many statements need it. */
const aboutOneObject = new Set(['unknown-relation', 'used-before-created', 'core-depends-on-extension']);

/** Rules that have said everything with their first finding in a file, or in a folder. */
const onceInFile = new Set(['foreign-dialect', 'transaction-control']);
const onceInFolder = new Set(['template-file']);

/** Rules that say the same of each kind of thing, such as a command of psql: once in a folder is enough. */
const eachOnceInFolder = new Set(['psql-command']);

/** What makes a file unreadable as a whole explains each of its statements that cannot be read. */
const ofWholeFile = new Set(['foreign-dialect', 'template-file']);

/**
 * The findings with each that follows from another folded under it, as one of its `consequences`: a statement that failed
 * because an earlier one did, and every use but the first of something that is missing.
 * @param stops says whether errors of a rule keep files from running
 * @returns root causes, in the order of the findings
 */
export function foldBy(stops: (rule: string) => boolean, findings: readonly Finding[]): Finding[] {
  const rootOf = new Map<Finding, Finding>();
  const stopping = stoppingErrors(findings, stops);
  const explaining = findings.filter(({ explains }) => explains !== undefined);
  const firstAbout = new Map<string, Finding>();
  for (const finding of findings) {
    const first = firstAbout.get(subject(finding) ?? '');
    const root = causeOf(finding, stopping) ?? first ?? wholeOf(finding, stopping, explaining);
    if (root !== undefined && root !== finding) rootOf.set(finding, root);
    const about = subject(finding);
    if (about !== undefined && first === undefined) firstAbout.set(about, finding);
  }
  const folded = new Map<Finding, Finding[]>();
  for (const finding of rootOf.keys()) {
    const root = lastRoot(finding, rootOf);
    if (root !== finding) folded.set(root, [...(folded.get(root) ?? []), finding]);
  }
  const consequences = new Set([...folded.values()].flat());
  return findings
    .filter((finding) => !consequences.has(finding))
    .map((finding) => {
      const own = folded.get(finding);
      return own === undefined ? finding : { ...finding, consequences: [...(finding.consequences ?? []), ...own] };
    });
}

/** The error that explains a finding: of its whole file, or about a table that it names, or whose column it names. */
function wholeOf(
  { rule, file, severity, object }: Finding,
  stopping: ErrorsByFile,
  explaining: readonly Finding[],
): Finding | undefined {
  if (severity !== 'error') return undefined;
  if (rule === 'syntax-error') return stopping.get(file)?.whole;
  if (object === undefined || !aboutOneObject.has(rule)) return undefined;
  return explaining.find(({ explains }) => explains?.some((name) => `${object}.`.startsWith(`${name}.`)) === true);
}

/** The error at the statement that a finding says it follows from: one that kept it from running. */
function causeOf({ cause }: Finding, stopping: ErrorsByFile): Finding | undefined {
  if (cause === undefined) return undefined;
  return stopping.get(cause.file)?.stopping.find(({ line = 0 }) => line >= cause.line && line <= cause.lastLine);
}

/** By file: the errors that keep it from running, in the order of the findings, and the first that makes it unreadable as a whole. */
type ErrorsByFile = ReadonlyMap<string | undefined, { stopping: Finding[]; whole?: Finding }>;

function stoppingErrors(findings: readonly Finding[], stops: (rule: string) => boolean): ErrorsByFile {
  const files = new Map<string | undefined, { stopping: Finding[]; whole?: Finding }>();
  for (const finding of findings) {
    const { rule, severity, file } = finding;
    if (severity !== 'error') continue;
    const own = files.get(file) ?? { stopping: [] };
    files.set(file, own);
    if (stops(rule)) own.stopping.push(finding);
    if (ofWholeFile.has(rule)) own.whole ??= finding;
  }
  return files;
}

/** What is missing, or where it was said: a name in `public` counts the same with and without its schema. */
function subject({ rule, severity, object, file, message }: Finding): string | undefined {
  if (file !== undefined && severity === 'error') {
    if (onceInFile.has(rule)) return `${rule} ${file}`;
    const folder = file.slice(0, file.lastIndexOf('/') + 1);
    if (onceInFolder.has(rule)) return `${rule} ${folder}`;
    if (eachOnceInFolder.has(rule)) return `${rule} ${folder} ${message}`;
  }
  if (object === undefined || severity !== 'error' || !aboutOneObject.has(rule)) return undefined;
  return `${rule} ${object.replace(/^public\./, '')}`;
}

function lastRoot(finding: Finding, rootOf: ReadonlyMap<Finding, Finding>): Finding {
  const seen = new Set<Finding>();
  let root = finding;
  for (let next = rootOf.get(root); next !== undefined && !seen.has(next); next = rootOf.get(root)) {
    seen.add(next);
    root = next;
  }
  // Two that name each other as their cause would both disappear.
  return seen.has(finding) ? finding : root;
}
