// What every page of the dashboard is made of. What comes from the database is only ever set as text, never as markup.

const token = new URLSearchParams(location.search).get('t') ?? '';

/** An element with attributes and children; text stays text. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name, value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

async function request(path, method) {
  const answer = await fetch(`/_muse/${path}`, { method, headers: { 'x-muse-token': token } });
  if (answer.ok) return answer;
  throw new Error((await answer.json()).message);
}

/** What the server knows, as JSON. */
export const ask = async (path) => (await request(path, 'GET')).json();

/** Has the server do something. */
export const tell = async (path) => (await request(path, 'POST')).json();

/** A file's content. */
export const load = async (path) => (await request(path, 'GET')).blob();

/** A table that scrolls by itself; can be reached by the keyboard. */
export function grid(label, head, rows, empty) {
  if (rows.length === 0) return element('p', { class: 'empty' }, empty);
  const cell = (tag, value) => {
    if (value instanceof Node) return element(tag, {}, value);
    return value === null ? element(tag, { class: 'null' }, 'NULL') : element(tag, {}, String(value));
  };
  return element(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label },
    element(
      'table',
      {},
      element('thead', {}, element('tr', {}, ...head.map((value) => cell('th', value)))),
      element('tbody', {}, ...rows.map((row) => element('tr', {}, ...row.map((value) => cell('td', value))))),
    ),
  );
}

export const time = (text) => (text ? new Date(text).toLocaleString() : '');

export const counted = (count, word) => `${count.toLocaleString('en-US')} ${word}${count === 1 ? '' : 's'}`;

/** The path of a page: `#tables/16385/anon/2`. */
export const to = (...parts) => `#${parts.map((part) => encodeURIComponent(part)).join('/')}`;

/** A list to choose from, with a field that narrows it; the arrow keys move in it. */
export function chooser(label, entries) {
  const links = entries.map(({ name, href, current, note, warning }) =>
    element(
      'a',
      { href, 'aria-current': current ? 'true' : undefined },
      element('span', { class: 'label' }, name),
      note === undefined ? undefined : element('small', { class: warning ? 'warning' : undefined }, note),
    ),
  );
  const narrow = () => {
    const wanted = field.value.toLowerCase();
    for (const link of links) link.hidden = !link.textContent.toLowerCase().includes(wanted);
  };
  const field = element('input', {
    type: 'search',
    id: 'filter',
    placeholder: 'Filter',
    'aria-label': `Filter ${label.toLowerCase()}`,
    input: narrow,
  });
  const move = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    const shown = links.filter(({ hidden }) => !hidden);
    const at = shown.indexOf(document.activeElement);
    const next = at === -1 ? shown[0] : shown[at + step];
    if (next === undefined && at + step < 0) field.focus();
    else next?.focus();
    event.preventDefault();
  };
  const list = element('div', { class: 'list' }, ...links);
  return element(
    'nav',
    { class: 'chooser', 'aria-label': label, keydown: move },
    entries.length > 7 ? field : undefined,
    list,
  );
}

/** Whom to see as: the server, a visitor, or a user. */
export function seeAs(who, users, choose) {
  const choice = (value, text) => element('option', { value, selected: value === who }, text);
  const known = ['service', 'anon', ...users.map(({ id }) => id)].includes(who);
  const select = element(
    'select',
    { id: 'as', change: () => choose(select.value) },
    choice('service', 'the server (bypasses policies)'),
    choice('anon', 'a visitor who is not signed in'),
    ...users.map(({ id, email }) => choice(id, email ?? id)),
    known ? undefined : choice(who, who),
  );
  return [element('label', { for: 'as' }, 'See as'), select];
}

/** Text to copy, with a button that does. */
export function copyable(text) {
  const button = element(
    'button',
    {
      type: 'button',
      class: 'copy',
      click: async () => {
        await navigator.clipboard.writeText(text);
        button.textContent = 'Copied';
      },
    },
    'Copy',
  );
  return element('div', { class: 'copyable' }, element('pre', { tabindex: '0' }, text), button);
}

/** A text with `code` in it, as of a rule's page. */
export function inline(text) {
  return text.split(/(`[^`]+`)/).map((part) => (part.startsWith('`') ? element('code', {}, part.slice(1, -1)) : part));
}

/** The Markdown that a rule's page has: headings, paragraphs and blocks of code. */
export function markdown(text) {
  return text.split(/(^```[a-z]*\n[\s\S]*?^```$)|\n{2,}/m).flatMap((block) => {
    const part = block?.trim() ?? '';
    if (part === '') return [];
    if (part.startsWith('```')) return [element('pre', { tabindex: '0' }, part.replace(/^```.*\n|\n```$/g, ''))];
    const [, marks, title] = /^(#{1,3}) (.*)$/.exec(part) ?? [];
    return [marks === undefined ? element('p', {}, ...inline(part)) : element(`h${marks.length + 1}`, {}, title)];
  });
}
