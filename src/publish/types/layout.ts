/** The layout of generated TypeScript: no semicolons, two spaces, and short objects on one line of 80 columns, as the Supabase CLI formats it. */

export const lineWidth = 80;

/**
 * One member of a type.
 * @param form `quoted` for names from the database, `optional` for those that may be missing, `plain` for our own
 */
export function member(name: string, type: string, form: 'quoted' | 'optional' | 'plain' = 'quoted'): string {
  const key = form === 'plain' || /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
  return `${key}${form === 'optional' ? '?' : ''}:${type.startsWith('\n') ? indent(type) : ` ${type}`}`;
}

/**
 * An object type.
 * @param space columns that there are for it on one line; default: each member has its own
 */
export function block(members: readonly string[], space = 0): string {
  const line = `{ ${members.join('; ')} }`;
  return line.length <= space && !line.includes('\n') ? line : `{\n  ${members.map(indent).join('\n  ')}\n}`;
}

/** A list of types. */
export function tuple(items: readonly string[]): string {
  return items.length === 0 ? '[]' : `[\n  ${items.map((item) => `${indent(item)},`).join('\n  ')}\n]`;
}

export const indent = (text: string): string => text.replaceAll('\n', '\n  ');
