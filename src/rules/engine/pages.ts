import type { FoundBy, Rule } from './rule.ts';

const seenBy: Record<FoundBy, string> = {
  static: 'in the files, without a database',
  rehearsal: 'while the files run on a shadow database',
  live: 'in a database, by its catalog or by acting as a user',
};

function code(sql: string): string {
  return `\`\`\`sql\n${sql.trimEnd()}\n\`\`\``;
}

/** The pages of `docs/rules/` by file name: one per rule, and the list of all rules. */
export function rulePages(rules: readonly Rule[]): Map<string, string> {
  const pages = new Map(rules.map((rule): [string, string] => [`${rule.name}.md`, page(rule)]));
  const rows = rules.map(
    ({ name, severity, unless, means }) =>
      `| [\`${name}\`](${name}.md) | ${severity}${unless === undefined ? '' : `; ${unless}`} | ${means} |`,
  );
  pages.set(
    'README.md',
    `# Rules\n\nOne vocabulary for lint, rehearsal and verification.\n\n| rule | level | means |\n|---|---|---|\n${rows.join('\n')}\n`,
  );
  return pages;
}

function page({ name, severity, unless, found, means, doc, fix }: Rule): string {
  const parts = [
    `# ${name}`,
    `${severity === 'error' ? 'Error' : 'Warning'}${unless === undefined ? '' : ` (${unless})`}: ${means}.`,
    `Found ${found.map((by) => seenBy[by]).join('; ')}.`,
    `## Why\n\n${doc.why}`,
    ...(doc.bad === undefined ? [] : [`## Bad\n\n${code(doc.bad)}`]),
    ...(doc.good === undefined ? [] : [`## Good\n\n${code(doc.good)}`]),
    `## How to fix it\n\n${fix === undefined ? 'By hand: the right fix depends on what you intend.' : `\`muse lint --fix\`: ${fix.does}.`}`,
    ...(found.includes('static')
      ? [`To accept one place, write before it: \`-- muse: ignore ${name} because …\``]
      : []),
  ];
  return `${parts.join('\n\n')}\n`;
}
