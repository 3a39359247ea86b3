// The dashboard of muse dev: which page is shown, and the keys.

import { ask, element } from './page.js';
import { showDiagram } from './diagram.js';
import { showFindings, showRule } from './findings.js';
import { showMails, showRequests, showUsers } from './lists.js';
import { showStorage } from './storage.js';
import { showTables } from './tables.js';

const main = document.querySelector('#main');
const problem = document.querySelector('#problem');
const keys = document.querySelector('#keys');

const pages = {
  tables: showTables,
  findings: showFindings,
  rule: showRule,
  diagram: showDiagram,
  storage: showStorage,
  users: showUsers,
  mails: showMails,
  requests: showRequests,
};
let shown = 0;
/** What the page on the screen still does; ended when another is shown. */
let living = new AbortController();

async function show() {
  const mine = ++shown;
  const [name, ...rest] = parts(location.hash.slice(1));
  const wanted = Object.hasOwn(pages, name) ? name : 'tables';
  const life = new AbortController();
  for (const link of document.querySelectorAll('header nav a')) {
    const isHere = link.hash === `#${wanted}` || (wanted === 'rule' && link.hash === '#findings');
    if (isHere) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  main.setAttribute('aria-busy', 'true');
  try {
    const content = await pages[wanted](rest, { again: show, signal: life.signal });
    if (mine !== shown) return life.abort();
    living.abort();
    living = life;
    put(content);
    problem.hidden = true;
  } catch (error) {
    if (mine !== shown) return;
    problem.textContent = error instanceof TypeError ? 'muse dev does not answer: has it ended?' : error.message;
    problem.hidden = false;
  }
  main.removeAttribute('aria-busy');
}

/** The page and what it is about, from the address. */
function parts(hash) {
  try {
    return hash.split('/').map(decodeURIComponent);
  } catch {
    return [];
  }
}

/** Replaces the content; the focus, the filter and how far the list is scrolled stay. */
function put(content) {
  const focused = document.activeElement;
  const [id, href] = [focused?.id, main.contains(focused) ? focused.getAttribute('href') : null];
  const filter = document.getElementById('filter')?.value;
  const scrolled = document.querySelector('.list')?.scrollTop;
  main.replaceChildren(...content.filter((part) => part !== undefined));
  const field = document.getElementById('filter');
  if (field !== null && filter) {
    field.value = filter;
    field.dispatchEvent(new Event('input'));
  }
  const list = document.querySelector('.list');
  if (list !== null && scrolled) list.scrollTop = scrolled;
  list?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
  if (id) document.getElementById(id)?.focus();
  else if (href !== null) main.querySelector(`a[href="${CSS.escape(href)}"]`)?.focus();
}

addEventListener('hashchange', show);
addEventListener('keydown', (event) => {
  const isTyped = event.target.closest?.('input, select, textarea') !== null;
  if (isTyped || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === '?') keys.showModal();
  if (event.key === '/') {
    document.getElementById('filter')?.focus();
    event.preventDefault();
  }
});
document.querySelector('#show-keys').addEventListener('click', () => keys.showModal());
document.querySelector('#close-keys').addEventListener('click', () => keys.close());
document.querySelector('#skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});

// What others do shows up by itself where it is a list of what happened.
setInterval(() => {
  if (!document.hidden && ['#mails', '#requests'].includes(location.hash)) show();
}, 2000);

const about = await ask('about').catch(() => undefined);
if (about !== undefined) {
  document.querySelector('#name').textContent = about.name;
  document.title = `${about.name} · muse dev`;
  document.querySelector('#environment').textContent = about.environment;
  // On a database that is served elsewhere, there are no mails and requests to see.
  for (const link of document.querySelectorAll('[data-services]')) link.hidden = !about.services;
  document.documentElement.toggleAttribute('data-alone', !about.services);
}
main.replaceChildren(element('p', { class: 'empty' }, 'Loading…'));
await show();
