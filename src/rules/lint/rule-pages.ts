import { rules } from '../registry.ts';
import type { FoundBy, Rule, RuleName } from '../registry.ts';
import type { RuleDoc } from './check.ts';
import { checks } from './checks.ts';
import { otherDocs } from './other-docs.ts';

const seenBy: Record<FoundBy, string> = {
  static: 'in the files, without a database',
  rehearsal: 'while the files run on a throw-away database',
  live: 'in a database, by its catalog or by acting as a user',
};

/** Documentation of every rule: that of its check, or that of a rule which no file alone shows. */
function docOf(rule: RuleName): RuleDoc | undefined {
  return checks.find((check) => check.rule === rule)?.doc ?? otherDocs[rule];
}

function code(sql: string): string {
  return `\`\`\`sql\n${sql}\n\`\`\``;
}

/**
 * The pages of `docs/rules/` by file name: one a rule, and the list of all. Made of the same data as the checks.
 * @throws Error for a rule without documentation
 */
export function rulePages(): Map<string, string> {
  const names = Object.keys(rules) as RuleName[];
  const pages = new Map(names.map((rule): [string, string] => [`${rule}.md`, page(rule)]));
  const rows = names.map((rule) => `| [\`${rule}\`](${rule}.md) | ${rules[rule].severity} | ${rules[rule].means} |`);
  pages.set('README.md', `# Rules\n\nOne vocabulary for lint, rehearsal and verification.\n\n| rule | level | means |\n|---|---|---|\n${rows.join('\n')}\n`);
  return pages;
}

function page(rule: RuleName): string {
  const { severity, found, means, fix }: Rule = rules[rule];
  const doc = docOf(rule);
  if (doc === undefined) throw new Error(`Rule ${rule} has no documentation.`);
  const parts = [
    `# ${rule}`,
    `${severity === 'error' ? 'Error' : 'Warning'}: ${means}.`,
    `Found ${found.map((by) => seenBy[by]).join('; ')}.`,
    `## Why\n\n${doc.why}`,
    ...(doc.bad === undefined ? [] : [`## Bad\n\n${code(doc.bad)}`]),
    ...(doc.good === undefined ? [] : [`## Good\n\n${code(doc.good)}`]),
    `## How it is mended\n\n${fix === undefined ? 'By hand: what it should be, no program can know.' : `\`--fix\`: ${fix}.`}`,
    ...(found.includes('static') ? [`To let one place pass, write in front of it: \`-- muse: ignore ${rule} because …\``] : []),
  ];
  return `${parts.join('\n\n')}\n`;
}
