/** The whole address of a page of this app, for links in emails. */
export const pageUrl = (path: string): string => new URL(path, location.origin).href;
