/**
 * One text that a regular expression of PostgreSQL accepts, for the common constructs: literals, classes, groups, choices,
 * counts, anchors. What it gives is only a candidate: PostgreSQL itself says whether it fits.
 * @param pattern the expression
 * @param seed which of equally good characters to take, so that unique columns get different texts
 */
export function samplePattern(pattern: string, seed: number): string {
  const reader = { text: pattern, at: 0, seed };
  return readChoice(reader);
}

interface Reader {
  text: string;
  at: number;
  seed: number;
}

function readChoice(reader: Reader): string {
  let first: string | undefined;
  do {
    const sequence = readSequence(reader);
    first ??= sequence;
  } while (take(reader, '|'));
  return first;
}

function readSequence(reader: Reader): string {
  let sequence = '';
  while (reader.at < reader.text.length && !')|'.includes(reader.text[reader.at]!)) {
    const atom = readAtom(reader);
    const [least, most] = readCount(reader);
    // A little more than the least where that is allowed: some checks also want a minimal length.
    const times = Math.min(most, Math.max(least, Math.min(3, least + 2)));
    for (let count = 0; count < times; count += 1) sequence += atom(count);
  }
  return sequence;
}

function readAtom(reader: Reader): (index: number) => string {
  const character = reader.text[reader.at]!;
  reader.at += 1;
  if (character === '^' || character === '$') return () => '';
  if (character === '.') return pick('abc', reader.seed);
  if (character === '(') return readGroup(reader);
  if (character === '[') return readClass(reader);
  if (character === '\\') return readEscape(reader);
  return () => character;
}

function readGroup(reader: Reader): (index: number) => string {
  const isLook = /^\?(=|!|<=|<!)/.test(reader.text.slice(reader.at));
  if (take(reader, '?')) reader.at += reader.text[reader.at] === '<' ? 2 : 1;
  const inner = readChoice(reader);
  take(reader, ')');
  return () => (isLook ? '' : inner);
}

const escapes: Record<string, string> = { d: '0123456789', w: 'abcdefghijklmnopqrstuvwxyz', s: ' ', D: 'abc', W: '-', S: 'abc' };

function readEscape(reader: Reader): (index: number) => string {
  const character = reader.text[reader.at] ?? '';
  reader.at += 1;
  if ('AZmMyYbB'.includes(character) && character !== '') return () => '';
  const set = escapes[character];
  return set === undefined ? () => character : pick(set, reader.seed);
}

const namedClasses: Record<string, string> = {
  alpha: 'abcdefghij', alnum: 'abcdefghij', digit: '0123456789', lower: 'abcdefghij', upper: 'ABCDEFGHIJ', space: ' ', punct: '-',
};

function readClass(reader: Reader): (index: number) => string {
  const negated = take(reader, '^');
  let set = '';
  for (let first = true; reader.at < reader.text.length && (first || reader.text[reader.at] !== ']'); first = false) {
    const rest = reader.text.slice(reader.at);
    const named = /^\[:(\w+):\]/.exec(rest);
    const range = /^([^\\])-([^\]\\])/.exec(rest);
    if (named !== null) set += namedClasses[named[1]!] ?? '';
    else if (range !== null) set += between(range[1]!, range[2]!);
    else set += rest[0] === '\\' ? (escapes[rest[1]!] ?? rest[1]!) : rest[0];
    reader.at += named?.[0].length ?? (range === null ? (rest[0] === '\\' ? 2 : 1) : 3);
  }
  take(reader, ']');
  if (!negated) return pick(set, reader.seed);
  const others = [...'abcdefghij0123456789-_ ABC'].filter((character) => !set.includes(character)).join('');
  return pick(others, reader.seed);
}

function between(from: string, to: string): string {
  let set = '';
  for (let code = from.charCodeAt(0); code <= to.charCodeAt(0) && set.length < 26; code += 1) set += String.fromCharCode(code);
  return set;
}

function pick(set: string, seed: number): (index: number) => string {
  // Letters and digits before signs: a sign at the start or the end is what patterns forbid most.
  const ordered = set.replaceAll(/[^A-Za-z0-9]/g, '') || set;
  // One digit of the seed a character, so that even short texts of different rows differ.
  return (index) => ordered[Math.floor(seed / Math.max(2, ordered.length) ** (index % 6)) % Math.max(1, ordered.length)] ?? '';
}

function readCount(reader: Reader): [number, number] {
  const rest = reader.text.slice(reader.at);
  const braces = /^\{(\d+)(,(\d*))?\}/.exec(rest);
  const sign = /^[*+?]/.exec(rest);
  const length = braces?.[0].length ?? sign?.[0].length ?? 0;
  reader.at += length;
  if (length > 0) take(reader, '?');
  if (braces !== null) {
    const least = Number(braces[1]);
    return [least, braces[2] === undefined ? least : braces[3] === '' ? 1000 : Number(braces[3])];
  }
  return sign === null ? [1, 1] : sign[0] === '*' ? [0, 1000] : sign[0] === '+' ? [1, 1000] : [0, 1];
}

function take(reader: Reader, character: string): boolean {
  if (reader.text[reader.at] !== character) return false;
  reader.at += 1;
  return true;
}
