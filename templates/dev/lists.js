// Mails, users and requests.

import { ask, element, grid, time } from './page.js';

export async function showMails() {
  const rows = (await ask('mails')).map(({ at, to, kind, code, link }) => {
    const opens = /^https?:\/\//.test(link);
    const opened = opens ? element('a', { href: link, target: '_blank', rel: 'noopener' }, 'open the link') : link;
    return [time(at), to, kind, code, opened];
  });
  return [
    element('h2', {}, 'Mails'),
    element('p', { class: 'dim' }, 'Nothing is sent: what Auth would have sent is here until muse dev ends.'),
    grid('Mails', ['At', 'To', 'Kind', 'Code', 'Link'], rows, 'No mails yet.'),
  ];
}

export async function showUsers() {
  const users = await ask('users');
  const rows = users.map((user) => [user.email, user.id, time(user.created_at), time(user.last_sign_in_at)]);
  return [
    element('h2', {}, 'Users'),
    grid('Users', ['Email', 'Id', 'Created', 'Last sign-in'], rows, 'No users yet.'),
  ];
}

export async function showRequests() {
  const rows = (await ask('requests')).map(({ at, method, path, status, role, user, ms }) => [
    time(at),
    element('span', { class: `pill ${status >= 400 ? 'error' : 'good'}` }, String(status)),
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
