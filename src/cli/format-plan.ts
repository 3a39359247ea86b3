import type { Answers } from '../create/answers.ts';
import type { Plan, PlannedRepairs } from '../create/dry-run.ts';
import type { Output } from './output.ts';
import { formatDecisions } from './repairs.ts';
import { counted } from '../shared/printable.ts';

const targets = {
  embedded: 'embedded, in .muse/',
  postgres: 'the server in DATABASE_URL',
  supabase: 'a new Supabase project',
} as const;

/** What is about to be created, shown before the question whether to continue. */
export function formatIntent(answers: Answers): string {
  const contents = [
    ...answers.presets.map((preset) => `preset ${preset}`),
    ...answers.tables.map((table) => `table ${table.split(':', 1)[0]}`),
  ];
  if (answers.spec !== undefined) contents.push(answers.spec);
  return [
    '',
    `  name       ${answers.name}`,
    `  directory  ${answers.directory}`,
    `  kit        ${answers.kit}${answers.ref === undefined ? '' : ` at ${answers.ref}`}` +
      (answers.without === undefined ? '' : ` without ${answers.without.join(', ')}`),
    `  extension  ${contents.length === 0 ? 'blank' : contents.join(', ')}`,
    ...(answers.prefix === '' ? [] : [`  prefix     ${answers.prefix}`]),
    '  database   ' +
      `${answers.supabase.projectRef === undefined ? targets[answers.target] : `the Supabase project ${answers.supabase.projectRef}`}`,
    '',
  ].join('\n');
}

/** The plan of a dry run: steps, SQL in order, files, and what would be fixed. */
export function formatPlan(plan: Plan, output: Output): string {
  const section = (title: string, lines: readonly string[]): string[] => [
    '',
    title,
    ...lines.map((line) => `  ${line}`),
  ];
  return [
    `Plan for ${plan.name} in ${plan.directory}. Nothing was created.`,
    ...section(
      'Steps',
      plan.steps.map(({ id, title }, index) => `${String(index + 1).padStart(2)}. ${title} (${id})`),
    ),
    ...section(
      'SQL, in this order',
      plan.migrations.map(({ layer, file }) => `${layer.padEnd(9)}  ${file}`),
    ),
    ...section('Files', plan.files),
    ...(plan.requests === undefined
      ? []
      : section(
          'Requests to Supabase',
          plan.requests.map(
            ({ method, path, body }) =>
              `${method.padEnd(5)} ${path}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`,
          ),
        )),
    ...(plan.notes.length === 0 ? [] : section('Notes', plan.notes)),
    ...(plan.repairs === undefined ? [] : formatRepairs(plan, plan.repairs, output)),
  ].join('\n');
}

function formatRepairs({ findings = [] }: Plan, { classes, decisions }: PlannedRepairs, output: Output): string[] {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  return [
    '',
    `Would fix ${counted(classes.length, 'rule')}; ${errors === 0 ? 'no errors remain' : `${counted(errors, 'error')} would remain`}.`,
    ...classes.flatMap(({ rule, diff }) => ['', output.paint('bold', rule), '', diff.trimEnd()]),
    ...(decisions.length === 0 ? [] : ['', ...formatDecisions(decisions, output)]),
  ];
}
