/**
 * publish/: what people and other tools look at: findings as text, annotations and SARIF.
 * May touch: nothing. Values in, text out.
 */
import type { styleText } from 'node:util';
import { explainsMost, stopsFiles } from '../rules/registry.ts';
import { followers, type Finding } from '../shared/finding.ts';
import { printableLine } from '../shared/printable.ts';
import { wrap } from '../shared/wrap.ts';

type Format = Parameters<typeof styleText>[0];

/** How findings are written. */
export interface TextOptions {
  /** Paints text where there is color. */
  paint(format: Format, text: string): string;
  /** Columns of the terminal. */
  width: number;
  /** Shows every warning, every repetition and every consequence whole. */
  verbose: boolean;
}

/** So many warnings are shown whole: a list of rules would not be shorter. */
const wholeWarnings = 3;

/** Errors that take more lines than a small terminal has are counted by rule before the first of them, too. */
const screen = 24;

/**
 * Findings for people. Errors first, by rule, with what keeps files from running before all else: `file:line:column`, the line
 * with a caret under the place, what it means and what to write instead; one that differs from the error before it only in its
 * names says those. Then warnings, a line for each rule. Counts by rule at the end, and at the start where that is out of sight.
 */
export function formatText(findings: readonly Finding[], options: TextOptions): string {
  const style = { ...options, width: Math.max(40, options.width) };
  const errors = findings.filter(({ severity }) => severity === 'error');
  const warnings = findings.filter(({ severity }) => severity === 'warning');
  const whole = style.verbose || warnings.length <= wholeWarnings;
  const rank = ({ rule }: Finding): number => (explainsMost(rule) ? 0 : stopsFiles(rule) ? 1 : 2);
  const groups = [0, 1, 2].flatMap((each) => byRule(errors.filter((error) => rank(error) === each)));
  const told = groups.map((group) => blocks(group, style));
  const long = groups.length > 1 && told.join('\n\n').split('\n').length > screen;
  return [
    ...(long ? [counts(groups, style)] : []),
    ...told,
    ...(whole ? byRule(warnings).map((group) => blocks(group, style)) : [warningList(byRule(warnings), style)]),
    summary(groups, warnings, style),
  ].join('\n\n');
}

/** Findings of one rule together, rules in the order of their first findings. */
function byRule(findings: readonly Finding[]): Finding[][] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) groups.set(finding.rule, [...(groups.get(finding.rule) ?? []), finding]);
  return [...groups.values()];
}

/** So many repetitions of an error say what to write. Those after them are a line each. */
const toldRepetitions = 5;

/** The findings of one rule. */
function blocks(findings: readonly Finding[], style: TextOptions): string {
  let told = 0;
  const shown = findings.map((finding, index) => {
    const before = findings[index - 1];
    const repeats = !style.verbose && before !== undefined && sameButNames(before, finding);
    told = repeats ? told + 1 : 0;
    if (!repeats) return `${index === 0 ? '' : '\n'}${block(finding, style)}`;
    if (told <= toldRepetitions) return repetition(finding, before, style);
    const more = told === toldRepetitions + 1 ? 'The same for (what to write for each: --verbose):\n' : '';
    return `${more}${briefly(finding, style)}`;
  });
  return shown.join('\n');
}

/** The place and the name, on one line where it fits. */
function briefly(finding: Finding, style: TextOptions): string {
  const place = [finding.file, finding.line, finding.column].filter((part) => part !== undefined).join(':');
  const [first = '', ...rest] = wrap(`${printableLine(place)} ${printableLine(finding.object ?? '')}`, style.width - 2);
  return [`  ${first}`, ...rest.map((line) => `    ${line}`), ...consequenceLines(finding, style)].join('\n');
}

function heading({ file, line, column, object, severity, rule }: Finding, { paint }: TextOptions): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':') || object;
  return `${paint('bold', printableLine(place ?? ''))} ${paint(severity === 'error' ? 'red' : 'yellow', severity)} ${paint('dim', rule)}`;
}

function block(finding: Finding, style: TextOptions): string {
  const lines = [heading(finding, style)];
  if (finding.snippet !== undefined && finding.line !== undefined)
    lines.push(...snippet(finding.snippet, finding.line, finding.column ?? 1, style));
  lines.push(...wrap(printableLine(finding.message), style.width - 2).map((line) => `  ${line}`));
  const parts = [suggestionLines, probeLines, consequenceLines].flatMap((part) => part(finding, style));
  return [...lines, ...parts].join('\n');
}

/** The SQL that shows it, to be run by hand: whole and unwrapped, as it is copied. */
function probeLines({ probe }: Finding, { verbose }: TextOptions): string[] {
  if (!verbose || probe === undefined) return [];
  return ['  Try it by hand:', ...probe.split('\n').map((line) => `    ${line}`)];
}

function suggestionLines({ suggestion }: Finding, { paint }: TextOptions): string[] {
  const [first = '', ...rest] = suggestion.split('\n');
  return [`  ${paint('cyan', '→')} ${first}`, ...rest.map((line) => `    ${line}`)];
}

function consequenceLines({ consequences = [] }: Finding, style: TextOptions): string[] {
  if (consequences.length === 0) return [];
  const count = followers(consequences.length);
  if (!style.verbose) return [`  ${count}`];
  return [
    `  ${count}:`,
    ...consequences.map(({ file, line, column }) => `    ${printableLine([file, line, column].join(':'))}`),
  ];
}

/** An error that says what the one before it says, of other names or elsewhere: the names, and what to write for them. */
function repetition(finding: Finding, before: Finding, style: TextOptions): string {
  const { object } = finding;
  const lines = object === undefined ? ['the same'] : wrap(`the same for ${printableLine(object)}`, style.width - 2);
  return [
    heading(finding, style),
    ...lines.map((line) => `  ${line}`),
    ...(finding.suggestion === before.suggestion ? [] : suggestionLines(finding, style)),
    ...consequenceLines(finding, style),
  ].join('\n');
}

/** Says whether two findings have the same message but for the names of their objects, if they name any. */
function sameButNames(one: Finding, other: Finding): boolean {
  if (one.object === undefined && other.object === undefined) return one.message === other.message;
  return one.object !== undefined && other.object !== undefined && unnamed(one) === unnamed(other);
}

function unnamed({ message, object = '' }: Finding): string {
  // `policy "x" on schema.table` and `schema.name`: the names in it, the longest first.
  const names = (object.match(/"[^"]*"|[^\s"]+\.[^\s"]+/g) ?? [object]).flatMap((name) =>
    // A message may name a function without the types of its arguments.
    [name, name.replace(/\(.*$/, '')].flatMap((one) => [one, one.replace(/^public\./, '')]),
  );
  return names
    .toSorted((a, b) => b.length - a.length)
    .reduce((text, name) => (name === '' ? text : text.replaceAll(name, '\0')), message);
}

/** A line for each rule: how often, what it is called, and where it is found first. */
function warningList(groups: readonly (readonly Finding[])[], { paint, width }: TextOptions): string {
  const wide = Math.max(...groups.map(([first]) => first!.rule.length));
  const digits = Math.max(...groups.map(({ length }) => String(length).length));
  const lines = groups.map((group) => {
    const { file, line, column, object, rule } = group[0]!;
    const place = printableLine([file, line, column].filter((part) => part !== undefined).join(':') || (object ?? ''));
    const head = `  ${String(group.length).padStart(digits)}  ${paint('yellow', rule)}`;
    const fits = digits + wide + place.length + 6 <= width;
    const gap = fits ? ' '.repeat(wide - rule.length + 2) : `\n${' '.repeat(digits + 4)}`;
    return `${head}${gap}${paint('dim', place)}`;
  });
  return ['Warnings by rule, each with its first place (all of them: --verbose):', ...lines].join('\n');
}

/** The source line, cut to fit around the column, and the caret. */
function snippet(text: string, line: number, characters: number, { width, paint }: TextOptions): string[] {
  const number = String(line).padStart(4);
  const space = width - number.length - 4;
  // Tabs take one column here, and what is spelled out more than one, so that the caret stands right.
  const clean = printableLine(text);
  const column = printableLine(text.slice(0, characters - 1)).length + 1;
  const from = column - 1 > space - 10 ? column - 1 - Math.floor(space / 2) : 0;
  const part = clean.slice(from + (from > 0 ? 1 : 0), from + space);
  const shown = `${from > 0 ? '…' : ''}${part}${clean.length > from + space ? '…' : ''}`;
  return [
    `${paint('dim', `${number} │`)} ${shown}`,
    `${paint('dim', `${' '.repeat(number.length)} │`)} ${' '.repeat(column - 1 - from)}${paint('red', '^')}`,
  ];
}

const say = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;

/** How many errors and warnings, and of which rules where there are several. */
function summary(groups: readonly Finding[][], warnings: readonly Finding[], style: TextOptions): string {
  const errors = groups.flat().length;
  const [wrong, doubtful] = [say(errors, 'error'), say(warnings.length, 'warning')];
  const total = style.paint(errors > 0 ? 'red' : warnings.length > 0 ? 'yellow' : 'green', `${wrong}, ${doubtful}`);
  return errors < 2 ? total : `${total}\n${counts(groups, style)}`;
}

/** How many errors each rule has. */
function counts(groups: readonly Finding[][], { width }: TextOptions): string {
  const rules = groups.map((group) => `${group.length} ${group[0]!.rule}`);
  return wrap(`Errors by rule: ${rules.join(', ')}`, width).join('\n');
}
