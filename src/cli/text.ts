/** At most `width` characters, ending with … after a whole word where something was left out. */
export function shorten(text: string, width: number): string {
  if (text.length <= width) return text;
  const kept = text.slice(0, Math.max(0, width - 1));
  const end = kept.lastIndexOf(' ');
  return `${end > 0 && text[kept.length] !== ' ' ? kept.slice(0, end) : kept}…`;
}

/** Tables and the rows they have more than before, one line each. */
export function addedLines(added: Readonly<Record<string, number>>): string[] {
  const width = Math.max(0, ...Object.keys(added).map((table) => table.length));
  return Object.entries(added).map(([table, rows]) => `  ${table.padEnd(width)}  ${rows > 0 ? '+' : ''}${rows}`);
}

/** Who can sign in after seeding, and which file says with what password; nothing where the seeds make no users. */
export function loginLines(logins: readonly { email: string; file: string }[] = []): string[] {
  if (logins.length === 0) return [];
  const files = [...new Set(logins.map(({ file }) => file))];
  return ['Sign in as:', ...logins.map(({ email }) => `  ${email}`), `Passwords: ${files.join(', ')}`];
}

/** Columns to write in: the terminal's, from 40 to 200; 80 where there is none. */
export function columnsOf(stream: { columns?: number }): number {
  return Math.min(200, Math.max(40, stream.columns ?? 80));
}
