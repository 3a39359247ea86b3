// The check of the muse's files: how far it is, and what it proved of a table.

import { ask, element, tell, time, to } from './page.js';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Says whether there is a check, and starts one. While it runs, it says how far it is; at its end the page is shown again.
 * @param state what the server said of the check when the page was made
 */
export function checkBar(state, { again, signal }) {
  const text = element('span', { role: 'status' });
  const button = element('button', { type: 'button', id: 'check', click: () => start() }, 'Check now');
  const bar = element('div', { class: 'bar check' }, button, text);
  const say = ({ running, progress, report, isCurrent, problem }) => {
    button.disabled = running;
    bar.classList.toggle('running', running);
    if (running) text.textContent = `Checking: ${progress ?? 'starting'}`;
    else if (problem !== undefined) text.textContent = `${problem.message} ${problem.suggestion}`;
    else if (report === undefined) text.textContent = 'Not checked yet. It takes some seconds, on a database of its own.';
    else if (isCurrent) text.textContent = `Checked at ${time(report.at)}; no file has changed since.`;
    else text.textContent = `Checked at ${time(report.at)}. Files have changed since: what is below is about the old ones.`;
  };
  async function follow() {
    for (;;) {
      await pause(300);
      if (signal.aborted) return;
      // A server that has ended is told by the page itself.
      const now = await ask('check').catch(() => undefined);
      if (now === undefined || !now.running) return again();
      say(now);
    }
  }
  async function start() {
    say(await tell('check'));
    await follow();
  }
  say(state);
  if (state.running) follow();
  return { bar, start };
}

/** Who a user of the proof is, for people. */
export function actorName(name) {
  const known = {
    anon: 'a visitor',
    owner: 'the owner of the row',
    outsider: 'a member of another organization',
    other: 'another signed-in user',
    guest: 'someone the owner let in',
    member: 'a member, same organization',
  };
  if (Object.hasOwn(known, name)) return known[name];
  return name.startsWith('member:') ? `${name.slice(7)}, same organization` : name;
}

const verbs = ['Read', 'Insert', 'Update', 'Delete', 'Reassign'];

/** A letter of the proof's matrix, in words. */
function said(letter) {
  if (letter === '.') return element('span', { class: 'no' }, 'no');
  if (letter === '?') return element('span', { class: 'warning' }, 'not proven');
  if (letter === 'E') return element('span', { class: 'broken' }, 'error');
  if (letter === 'i') return element('span', { class: 'yes' }, 'own rows');
  return element('span', { class: 'yes' }, 'yes');
}

const ruleLink = (rule) => element('a', { href: to('rule', rule) }, rule);

/** What was proven of a table, view, function or bucket: who can do what. */
export function verdictPart(verdict) {
  const heads = verdict.kind === 'function' ? ['Call'] : verbs;
  const rows = verdict.actors
    .filter(({ cell }) => cell !== '')
    .map(({ name, cell, rules }) => {
      const cells = [...cell].map((letter) => element('td', {}, said(letter)));
      const attributes = rules.length === 0 ? {} : { class: 'breaks', title: `Breaks ${rules.join(', ')}` };
      const mark = rules.length === 0 ? '' : ' !';
      return element('tr', attributes, element('th', { scope: 'row' }, `${actorName(name)}${mark}`), ...cells);
    });
  const broken = [...new Set(verdict.actors.flatMap(({ rules }) => rules))];
  const head = [element('th', {}, 'Who'), ...heads.map((verb) => element('th', {}, verb))];
  return element(
    'div',
    {},
    badge(verdict),
    element('p', { class: 'dim' }, `Rows belong to: ${verdict.scope}. For everyone else, these are rows of others.`),
    broken.length === 0
      ? undefined
      : element('p', { class: 'broken-rules' }, '! breaks ', ...broken.flatMap((rule, at) => [at === 0 ? '' : ', ', ruleLink(rule)])),
    ...verdict.notProven.map((reason) => element('p', { class: 'warning' }, `Not proven: ${reason}`)),
    element(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `Who can do what with ${verdict.name}` },
      element('table', { class: 'matrix' }, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...rows)),
    ),
  );
}

/** The verdict in a word. */
export function badge({ actors, notProven }) {
  if (actors.some(({ rules }) => rules.length > 0)) return element('span', { class: 'pill error' }, 'breaks rules');
  if (notProven.length > 0) return element('span', { class: 'pill warning' }, 'not proven');
  return element('span', { class: 'pill good' }, 'proven');
}
