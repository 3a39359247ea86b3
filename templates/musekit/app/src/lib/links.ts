/** The whole address of a page of this app, for links in emails. */
export const pageUrl = (path: string): string => new URL(path, location.origin).href;

/** A link that remembers where its reader wanted to go, e.g. to an invitation. */
export const withNext = (path: string, next: string): string => `${path}?next=${encodeURIComponent(next)}`;

/** Where the reader of such a link continues: a page of this app, never another site. */
export function nextPath(search: string): string {
  const next = new URLSearchParams(search).get('next') ?? '/';
  return new URL(next, location.origin).origin === location.origin && /^\/(?![/\\])/.test(next) ? next : '/';
}
