// What lint and the proof say of the muse's files, the rules that they name, and who can do what.

import { ask, counted, element, grid, markdown, to } from './page.js';
import { actorName, badge, checkBar } from './checks.js';

export async function showFindings(_rest, life) {
  const [state, tables] = await Promise.all([ask('check'), ask('tables')]);
  const { bar, start } = checkBar(state, life);
  // What the files say now is what one comes for.
  if (!state.running && !state.isCurrent && state.problem === undefined) start();
  const title = element('h2', {}, 'Findings');
  const intro = element(
    'p',
    { class: 'dim' },
    'What lint says of the migrations, and what they let users do, proven by acting as users on a database in memory.',
  );
  if (state.report === undefined) return [title, intro, bar];
  const { findings, silenced, verdicts, unproven, proven, notProven } = state.report;
  const [errors, warnings] = ['error', 'warning'].map((level) => findings.filter(({ severity }) => severity === level));
  const figures = [
    element('span', { class: `pill ${errors.length > 0 ? 'error' : 'good'}` }, counted(errors.length, 'error')),
    element('span', { class: `pill ${warnings.length > 0 ? 'warning' : 'good'}` }, counted(warnings.length, 'warning')),
    silenced === 0 ? undefined : element('span', { class: 'pill' }, `${silenced} silenced by comments`),
    verdicts.length === 0 ? undefined : element('span', { class: 'pill good' }, `${proven} proven`),
    notProven === 0 ? undefined : element('span', { class: 'pill warning' }, `${notProven} not proven`),
  ];
  const byRule = Map.groupBy(warnings, ({ rule }) => rule);
  return [
    title,
    intro,
    bar,
    element('p', { class: 'bar' }, ...figures),
    unproven &&
      element(
        'div',
        { class: 'finding error' },
        element('strong', {}, 'The proof could not be run'),
        element('p', {}, unproven.message),
        element('pre', { tabindex: '0' }, unproven.suggestion),
      ),
    ...errors.map((finding) => findingPart(finding, tables)),
    ...[...byRule].map(([rule, group]) =>
      element(
        'details',
        { open: warnings.length <= 3 },
        element('summary', {}, element('span', { class: 'pill warning' }, String(group.length)), ` ${rule}`),
        ...group.map((finding) => findingPart(finding, tables)),
      ),
    ),
    findings.length === 0 ? element('p', { class: 'empty' }, 'Nothing to fix.') : undefined,
    verdicts.length === 0 ? undefined : element('h3', {}, 'Who can do what'),
    verdicts.length === 0 ? undefined : matrix(verdicts, tables),
  ];
}

/** One finding: where, what, and what to write instead. */
export function findingPart(finding, tables) {
  const { rule, severity, file, line, column, object, message, suggestion, snippet, consequences = [] } = finding;
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  const code = line === undefined || snippet === undefined ? undefined : `${String(line).padStart(4)} │ ${snippet}`;
  return element(
    'article',
    { class: `finding ${severity}` },
    element(
      'header',
      {},
      element('span', { class: `pill ${severity}` }, severity),
      element('a', { href: to('rule', rule) }, rule),
      object === undefined ? undefined : objectPart(object, tables),
      place === '' ? undefined : element('code', { class: 'place' }, place),
    ),
    element('p', {}, message),
    code === undefined ? undefined : element('pre', { tabindex: '0' }, code),
    element('pre', { class: 'fix', tabindex: '0' }, suggestion),
    consequences.length === 0
      ? undefined
      : element('p', { class: 'dim' }, `and ${counted(consequences.length, 'statement')} that follow from it`),
  );
}

/** The name of what a finding or verdict is about; a link where it is a table of the database. */
function objectPart(object, tables) {
  const table = tables.find(({ name }) => `public.${name}` === object);
  const name = object.replace(/^public\./, '');
  return table === undefined ? element('span', {}, name) : element('a', { href: to('tables', table.id) }, name);
}

/** The matrix of `muse verify`: a row for each table, a column for each user. */
function matrix(verdicts, tables) {
  const actors = [...new Set(verdicts.flatMap(({ actors }) => actors.map(({ name }) => name)))];
  const head = ['', 'Verdict', ...actors.map((name) => element('span', { title: actorName(name) }, name.replace(/^member:/, '+')))];
  const rows = verdicts.map((verdict) => [
    objectPart(verdict.name, tables),
    badge(verdict),
    ...actors.map((name) => {
      const { cell = '', rules = [] } = verdict.actors.find((actor) => actor.name === name) ?? {};
      const kind = rules.length > 0 ? 'broken' : /^\.*$/.test(cell) ? 'no' : 'yes';
      return element('code', { class: kind, title: rules.join(', ') }, `${cell}${rules.length > 0 ? '!' : ''}`);
    }),
  ]);
  const legend =
    'S reads, I inserts (i only own rows), U updates, D deletes, R reassigns, X calls, E error, ? not proven, ! breaks a ' +
    'rule; +role is a member of the same organization. For everyone but the owner, of rows of others.';
  return element('div', {}, grid('Who can do what', head, rows, ''), element('p', { class: 'dim' }, legend));
}

/** The page of a rule, as `docs/rules` has it. */
export async function showRule([name]) {
  const { text } = await ask(`rule?${new URLSearchParams({ name })}`);
  const back = element('p', {}, element('a', { href: to('findings') }, '← Findings'));
  if (text === null) return [back, element('p', { class: 'empty' }, 'There is no page on this rule.')];
  return [back, element('article', { class: 'prose' }, ...markdown(text))];
}

