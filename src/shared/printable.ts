/**
 * Text to show. That of others (names, SQL, what git and services say) is made safe: what acts on a terminal or hides is
 * spelled out.
 */

/**
 * Characters that do something other than show themselves: controls except tab and line feed, marks that change the
 * direction of text (https://trojansource.codes), line and paragraph separators, byte order marks, invisible tags,
 * noncharacters and half surrogate pairs.
 */
const acting =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFDD0-\uFDEF\uFEFF\p{Surrogate}\u{E0000}-\u{E007F}]/gu;

/** A text of one or several lines with such characters as `\x1b`, `\u202e` or `\u{e0041}`; CRLF is one line end. */
export function printable(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll(acting, escaped);
}

/** {@link printable}, on one line: a line feed becomes `\n`, so that a name cannot begin a line of its own. */
export function printableLine(text: string): string {
  return printable(text)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\t', ' ');
}

/** JSON, as `JSON.stringify` gives it, with such characters inside its strings as `\u009b`: it stays the same JSON. */
export function printableJson(json: string): string {
  return json.replaceAll(acting, (character) =>
    character
      .split('')
      .map((unit) => String.raw`\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!;
  const hex = code.toString(16);
  if (code < 0x100) return String.raw`\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? String.raw`\u${hex.padStart(4, '0')}` : String.raw`\u{${hex}}`;
}

/** A text of others in HTML or XML: in one line, and nothing in it is markup. */
export function escapeMarkup(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return printableLine(text).replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** A number of things: `1 file`, `3 files`. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}
