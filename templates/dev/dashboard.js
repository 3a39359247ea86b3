// The dashboard of muse dev. What comes from the database is only ever set as text, never as markup.

const token = new URLSearchParams(location.search).get('t') ?? '';
const main = document.querySelector('#main');
const problem = document.querySelector('#problem');

/** An element with attributes and children; text stays text. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name, value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

async function ask(path) {
  const answer = await fetch(`/_muse/${path}`, { headers: { 'x-muse-token': token } });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message);
  return body;
}

/** A table that scrolls by itself; can be reached by the keyboard. */
function grid(label, head, rows, empty) {
  if (rows.length === 0) return element('p', { class: 'dim' }, empty);
  const cells = (tag, values) =>
    values.map((value) => {
      if (value instanceof Node) return element(tag, {}, value);
      return value === null ? element(tag, { class: 'dim' }, 'NULL') : element(tag, {}, String(value));
    });
  return element(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label },
    element(
      'table',
      {},
      element('thead', {}, element('tr', {}, ...cells('th', head))),
      element('tbody', {}, ...rows.map((row) => element('tr', {}, ...cells('td', row)))),
    ),
  );
}

const time = (text) => (text ? new Date(text).toLocaleString() : '');

async function showTables([id, who = 'service', page = '0']) {
  const [{ name, tables }, users] = await Promise.all([ask('tables'), ask('users')]);
  document.querySelector('#name').textContent = name;
  document.title = `${name} · muse dev`;
  const table = tables.find((one) => one.id === id) ?? tables[0];
  if (table === undefined) return [element('p', { class: 'dim' }, 'There are no tables yet: muse migrate.')];
  const to = (one, as = who, number = 0) => `#tables/${one.id}/${as}/${number}`;
  const list = element(
    'div',
    { class: 'list' },
    ...tables.map((one) =>
      element('a', { href: to(one), 'aria-current': one === table ? 'true' : undefined }, one.name),
    ),
  );
  return [element('div', { class: 'split' }, list, await showTable(table, who, Number(page), users, to))];
}

async function showTable(table, who, page, users, to) {
  const choice = (value, text) => element('option', { value, selected: value === who }, text);
  const select = element(
    'select',
    { id: 'as', change: () => (location.hash = to(table, select.value)) },
    choice('service', 'the server (bypasses policies)'),
    choice('anon', 'a visitor who is not signed in'),
    ...users.map(({ id, email }) => choice(id, email ?? id)),
  );
  const query = new URLSearchParams({ table: table.id, as: who, page });
  const rows = await ask(`rows?${query}`).then(
    (found) => ({
      part: grid(`Rows of ${table.name}`, found.columns, found.rows, 'No rows that they may see.'),
      more: found.more,
    }),
    (error) => ({ part: element('p', { class: 'bad' }, error.message), more: false }),
  );
  const policies = table.policies.map(({ name, command, roles, using, check }) =>
    element(
      'div',
      {},
      element('strong', {}, name),
      element('span', { class: 'dim' }, ` ${command}, to ${roles.join(', ')}`),
      element('pre', {}, [using && `using ${using}`, check && `with check ${check}`].filter(Boolean).join('\n')),
    ),
  );
  const state = table.view ? 'view' : table.rls ? 'row-level security is on' : 'row-level security is off';
  return element(
    'section',
    {},
    element('h2', {}, table.name),
    element('p', { class: table.view || table.rls ? 'dim' : 'bad' }, state),
    element('div', { class: 'bar' }, element('label', { for: 'as' }, 'See as'), select),
    rows.part,
    element(
      'div',
      { class: 'bar' },
      page > 0 ? element('a', { href: to(table, who, page - 1) }, 'Previous') : undefined,
      rows.more ? element('a', { href: to(table, who, page + 1) }, 'Next') : undefined,
    ),
    element('h3', {}, 'Policies'),
    ...(policies.length > 0 ? policies : [element('p', { class: 'dim' }, 'None.')]),
    element('h3', {}, 'In the app'),
    element('pre', {}, `const { data, error } = await supabase.from(${JSON.stringify(table.name)}).select();`),
  );
}

async function showMails() {
  const rows = (await ask('mails')).map(({ at, to, kind, code, link }) => {
    const opens = /^https?:\/\//.test(link);
    return [time(at), to, kind, code, opens ? element('a', { href: link, target: '_blank', rel: 'noopener' }, 'open the link') : link];
  });
  return [
    element('h2', {}, 'Mails'),
    element('p', { class: 'dim' }, 'Nothing is sent: what Auth would have sent is here until muse dev ends.'),
    grid('Mails', ['At', 'To', 'Kind', 'Code', 'Link'], rows, 'No mails yet.'),
  ];
}

async function showUsers() {
  const rows = (await ask('users')).map((user) => [user.email, user.id, time(user.created_at), time(user.last_sign_in_at)]);
  return [element('h2', {}, 'Users'), grid('Users', ['Email', 'Id', 'Created', 'Last sign-in'], rows, 'No users yet.')];
}

async function showRequests() {
  const rows = (await ask('requests')).map(({ at, method, path, status, role, user, ms }) => [
    time(at),
    element('span', { class: status >= 400 ? 'bad' : undefined }, String(status)),
    method,
    path,
    role ?? '',
    user ?? '',
    `${ms} ms`,
  ]);
  return [
    element('h2', {}, 'Requests'),
    grid('Requests', ['At', 'Status', 'Method', 'Path', 'Role', 'User', 'Time'], rows, 'No requests yet.'),
  ];
}

const pages = { tables: showTables, mails: showMails, users: showUsers, requests: showRequests };
let shown = 0;

async function show() {
  const mine = ++shown;
  const [name, ...rest] = (location.hash.slice(1) || 'tables').split('/');
  for (const link of document.querySelectorAll('nav a')) {
    if (link.hash === `#${name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  try {
    const content = await (pages[name] ?? showTables)(rest);
    if (mine !== shown) return;
    const focused = document.activeElement?.id;
    main.replaceChildren(...content);
    if (focused) document.getElementById(focused)?.focus();
    problem.hidden = true;
  } catch (error) {
    problem.textContent = error instanceof TypeError ? 'muse dev does not answer: has it ended?' : error.message;
    problem.hidden = false;
  }
}

addEventListener('hashchange', show);
// What others do shows up by itself where it is a list of what happened.
setInterval(() => {
  if (!document.hidden && ['#mails', '#requests'].includes(location.hash)) show();
}, 2000);
await show();
