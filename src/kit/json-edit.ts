/**
 * Changes or adds a value in a JSON file and leaves every other byte as it is: order, indent, blank lines, line ends.
 * Pure.
 */

interface Place {
  start: number;
  end: number;
}

/** Where a value is in the text, by its path of keys; undefined if there is no such path. */
function find(text: string, path: readonly string[]): Place | undefined {
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  const skipSpace = () => {
    while (/\s/.test(text[at] ?? '')) at += 1;
  };
  const readString = (): string => {
    const start = at;
    for (at += 1; text[at] !== '"'; at += 1) if (text[at] === '\\') at += 1;
    at += 1;
    return JSON.parse(text.slice(start, at)) as string;
  };
  const skipValue = () => {
    let depth = 0;
    do {
      skipSpace();
      const character = text[at];
      if (character === '"') readString();
      else {
        if (character === '{' || character === '[') depth += 1;
        if (character === '}' || character === ']') depth -= 1;
        at += 1;
        // A number or a word ends at the next punctuation.
        if (depth === 0 && !/[}\]]/.test(character ?? '')) while (/[^,}\]\s]/.test(text[at] ?? ',')) at += 1;
      }
    } while (depth > 0);
  };
  if (path.length === 0) {
    skipSpace();
    return { start: at, end: text.trimEnd().length };
  }
  for (const [level, wanted] of path.entries()) {
    skipSpace();
    if (text[at] !== '{') return undefined;
    at += 1;
    for (;;) {
      skipSpace();
      if (text[at] !== '"') return undefined;
      const key = readString();
      skipSpace();
      at += 1;
      skipSpace();
      if (key === wanted) break;
      skipValue();
      skipSpace();
      if (text[at] !== ',') return undefined;
      at += 1;
    }
    if (level < path.length - 1) continue;
    const start = at;
    skipValue();
    return { start, end: at };
  }
  return undefined;
}

/**
 * The JSON text with the value at `path` replaced; unchanged if there is none of the same type at that path.
 * @param text JSON; a byte order mark and any line ends are kept
 * @throws SyntaxError if it is not valid JSON
 */
export function setJsonValue(text: string, path: readonly string[], value: string | boolean): string {
  let current: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
  for (const key of path) {
    if (typeof current !== 'object' || current === null || Array.isArray(current) || !Object.hasOwn(current, key))
      return text;
    current = (current as Record<string, unknown>)[key];
  }
  const place = typeof current === typeof value ? find(text, path) : undefined;
  return place === undefined ? text : text.slice(0, place.start) + JSON.stringify(value) + text.slice(place.end);
}

type Json = string | { [key: string]: Json };

/**
 * The JSON text with a string at `path`: replaced, or added at the end of its object, which is made where it is
 * missing.
 * @param text JSON whose value is an object; a byte order mark and any line ends are kept
 * @returns undefined where something other than an object or a string is in the way
 * @throws SyntaxError if it is not valid JSON
 */
export function putJsonString(text: string, path: readonly string[], value: string): string | undefined {
  const root: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
  let depth = 0;
  let current = root;
  while (depth < path.length && isObject(current) && Object.hasOwn(current, path[depth]!))
    current = current[path[depth++]!];
  if (depth === path.length) return typeof current === 'string' ? setJsonValue(text, path, value) : undefined;
  const place = isObject(current) ? find(text, path.slice(0, depth)) : undefined;
  if (place === undefined) return undefined;
  const added = path.slice(depth + 1).reduceRight<Json>((inner, key) => ({ [key]: inner }), value);
  return addEntry(text, place, depth, path[depth]!, added);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text with an entry at the end of the object at `place`, written as the object's other entries are. */
function addEntry(text: string, { start, end }: Place, depth: number, key: string, value: Json): string {
  const inner = text.slice(start + 1, end - 1);
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const unit = /\n([ \t]+)"/.exec(text)?.[1];
  const isEmpty = inner.trim() === '';
  if (isEmpty ? unit === undefined : !inner.includes('\n')) {
    // All on one line.
    const gap = isEmpty || !/^\s|[:,] /.test(inner) ? '' : ' ';
    const entry = `${JSON.stringify(key)}:${gap}${JSON.stringify(value)}`;
    const at = start + 1 + inner.trimEnd().length;
    return `${text.slice(0, at)}${isEmpty ? '' : `,${gap}`}${entry}${text.slice(isEmpty ? end - 1 : at)}`;
  }
  const outer = isEmpty ? (unit ?? '').repeat(depth) : (/\n([ \t]*)$/.exec(inner)?.[1] ?? '');
  const own = isEmpty ? outer + (unit ?? '') : (/\n([ \t]*)"/.exec(inner)?.[1] ?? outer);
  const written = JSON.stringify(value, undefined, unit ?? '  ').replaceAll('\n', `${lineEnd}${own}`);
  const entry = `${lineEnd}${own}${JSON.stringify(key)}: ${written}`;
  if (isEmpty) return `${text.slice(0, start + 1)}${entry}${lineEnd}${outer}${text.slice(end - 1)}`;
  const at = start + 1 + inner.trimEnd().length;
  return `${text.slice(0, at)},${entry}${text.slice(at)}`;
}
