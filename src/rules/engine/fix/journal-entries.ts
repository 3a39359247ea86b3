/** Edits entries of Drizzle's journal and leaves every other byte unchanged. */
import { entriesOf } from '../../../migrations/drizzle-journal.ts';
import type { JournalEntry } from '../../../migrations/drizzle-journal.ts';

/** The position of the entry with a tag in the text, braces included. */
function entryAt(text: string, tag: string): { start: number; end: number } | undefined {
  const at = text.search(new RegExp(String.raw`"tag"\s*:\s*${escaped(JSON.stringify(tag))}`));
  if (at === -1) return undefined;
  const start = text.lastIndexOf('{', at);
  const end = text.indexOf('}', at);
  return start === -1 || end === -1 ? undefined : { start, end: end + 1 };
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);

/** The text, if it still is a valid journal with exactly these entries. */
function checked(text: string, expected: readonly JournalEntry[]): string | undefined {
  const brief = (entries: readonly JournalEntry[] | undefined): string =>
    JSON.stringify(entries?.map(({ idx, tag, when }) => [idx, tag, when]));
  return brief(entriesOf(text)) === brief(expected) ? text : undefined;
}

/** The journal with another tag for one entry; undefined if the entry cannot be edited. */
export function renameTag(text: string, from: string, to: string): string | undefined {
  const entries = entriesOf(text);
  const place = entryAt(text, from);
  if (entries === undefined || place === undefined) return undefined;
  const entry = text
    .slice(place.start, place.end)
    .replace(/("tag"\s*:\s*)"(?:[^"\\]|\\.)*"/, (_, key: string) => key + JSON.stringify(to));
  return checked(
    text.slice(0, place.start) + entry + text.slice(place.end),
    entries.map((each) => (each.tag === from ? { ...each, tag: to } : each)),
  );
}

/** The journal with one more entry, in the format of the last one; undefined if it cannot be added. */
export function listTag(text: string, tag: string): string | undefined {
  const entries = entriesOf(text);
  const last = entries?.at(-1);
  const place = last === undefined ? undefined : entryAt(text, last.tag);
  if (entries === undefined || last === undefined || place === undefined) return undefined;
  const added: JournalEntry = { ...last, idx: Math.max(...entries.map(({ idx }) => idx)) + 1, tag };
  if (last.when !== undefined) added.when = Math.max(...entries.map(({ when = 0 }) => when)) + 1;
  const entry = text
    .slice(place.start, place.end)
    .replace(/("tag"\s*:\s*)"(?:[^"\\]|\\.)*"/, (_, key: string) => key + JSON.stringify(tag))
    .replace(/("idx"\s*:\s*)-?\d+/, `$1${added.idx}`)
    .replace(/("when"\s*:\s*)\d+/, `$1${added.when}`);
  const gap = /\s*$/.exec(text.slice(0, place.start))![0];
  return checked(`${text.slice(0, place.end)},${gap}${entry}${text.slice(place.end)}`, [...entries, added]);
}
