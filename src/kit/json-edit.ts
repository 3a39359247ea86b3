/** Changes a text in a JSON file and leaves every other byte as it is: order, indent, blank lines, line ends. Pure. */

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
 * The JSON text with the string at `path` replaced; unchanged if there is no string at that path.
 * @param text JSON; a byte order mark and any line ends are kept
 * @throws SyntaxError if it is not valid JSON
 */
export function setJsonString(text: string, path: readonly string[], value: string): string {
  let current: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
  for (const key of path) {
    if (typeof current !== 'object' || current === null || Array.isArray(current) || !Object.hasOwn(current, key))
      return text;
    current = (current as Record<string, unknown>)[key];
  }
  const place = typeof current === 'string' ? find(text, path) : undefined;
  return place === undefined ? text : text.slice(0, place.start) + JSON.stringify(value) + text.slice(place.end);
}
