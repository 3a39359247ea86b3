// Tables: rows as anyone sees them, policies beside what was proven, findings, and a line to start from.

import { ask, chooser, copyable, counted, element, grid, seeAs, to } from './page.js';
import { checkBar, verdictPart } from './checks.js';
import { findingPart } from './findings.js';

export async function showTables([id, who = 'service', page = '0'], life) {
  const [tables, users, check] = await Promise.all([ask('tables'), ask('users'), ask('check')]);
  const table = tables.find((one) => one.id === id) ?? tables[0];
  if (table === undefined) return [element('p', { class: 'empty' }, 'There are no tables yet: muse migrate.')];
  const at = (one, as = who, number = 0) => to('tables', one.id, as, number);
  const list = chooser(
    'Tables',
    tables.map((one) => ({
      name: one.name,
      href: at(one),
      current: one === table,
      ...(one.view ? { note: 'view' } : one.rls ? {} : { note: 'no RLS', warning: true }),
    })),
  );
  const query = new URLSearchParams({ table: table.id, as: who, page });
  const rows = await ask(`rows?${query}`).then(
    (found) => ({
      part: grid(`Rows of ${table.name}`, found.columns, found.rows, who === 'service' ? 'No rows yet.' : 'No rows that they may see.'),
      more: found.more,
    }),
    (error) => ({ part: element('p', { class: 'bad' }, error.message), more: false }),
  );
  const state = table.view ? 'View' : table.rls ? 'Row-level security is on' : 'Row-level security is off';
  const number = Number(page);
  const content = element(
    'section',
    {},
    element('h2', {}, table.name),
    element('p', { class: table.view || table.rls ? 'dim' : 'bad' }, `${state}, ${counted(table.columns.length, 'column')}.`),
    element('div', { class: 'bar' }, ...seeAs(who, users, (as) => (location.hash = at(table, as)))),
    rows.part,
    number > 0 || rows.more
      ? element(
          'div',
          { class: 'bar' },
          number > 0 ? element('a', { href: at(table, who, number - 1) }, '← Previous') : undefined,
          element('span', { class: 'dim' }, `Page ${number + 1}`),
          rows.more ? element('a', { href: at(table, who, number + 1) }, 'Next →') : undefined,
        )
      : undefined,
    ...findingsOf(table, check, tables),
    element('div', { class: 'pair' }, policiesPart(table, ofTable(table, check)), provenPart(table, check, life)),
    element('h3', {}, 'In the app'),
    copyable(`const { data, error } = await supabase.from(${JSON.stringify(table.name)}).select();`),
  );
  return [element('div', { class: 'split' }, list, content)];
}

function policiesPart({ policies, view }, findings) {
  const parts = policies.map(({ name, command, roles, using, check }) => {
    const broken = findings.filter(({ policy, object }) => policy === name || object?.startsWith(`policy "${name}" on `));
    const rules = [...new Set(broken.map(({ rule }) => rule))];
    const conditions = [using && `using ${using}`, check && `with check ${check}`].filter(Boolean).join('\n');
    return element(
      'div',
      { class: 'policy' },
      element('strong', {}, name),
      element('span', { class: 'dim' }, ` ${command}, to ${roles.join(', ')}`),
      ...rules.flatMap((rule) => [' ', element('a', { class: 'pill error', href: to('rule', rule) }, rule)]),
      element('pre', { tabindex: '0' }, conditions),
    );
  });
  const none = view ? 'A view has none: it has those of its tables where it is a security invoker.' : 'None.';
  return element(
    'div',
    {},
    element('h3', {}, 'Policies'),
    ...(parts.length > 0 ? parts : [element('p', { class: 'empty' }, none)]),
  );
}

/** What acting as users proved, or why there is no such proof. */
function provenPart(table, check, life) {
  const { report } = check;
  const verdict = report?.verdicts.find(({ name }) => name === `public.${table.name}`);
  const missing = () => {
    if (report === undefined) return undefined;
    const why = report.unproven?.message ?? 'no migration of this muse makes it.';
    return element('p', { class: 'warning' }, `Not proven: ${why}`);
  };
  const isFresh = check.isCurrent && report !== undefined;
  return element(
    'div',
    {},
    element('h3', {}, 'Proven'),
    isFresh ? undefined : checkBar(check, life).bar,
    verdict === undefined ? missing() : verdictPart(verdict),
  );
}

/** The findings about a table and its policies. */
function ofTable(table, { report }) {
  const name = `public.${table.name}`;
  return (report?.findings ?? []).filter(({ object }) => object === name || object?.endsWith(` on ${name}`));
}

function findingsOf(table, check, tables) {
  const own = ofTable(table, check);
  if (own.length === 0) return [];
  return [element('h3', {}, 'Findings'), ...own.map((finding) => findingPart(finding, tables))];
}
