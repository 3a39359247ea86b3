import { type FileToken, tokensOf } from './tokens.ts';

/** A statement's place in the text, without its `;`. */
export interface Place {
  start: number;
  end: number;
}

interface State {
  /** The text between semicolons: one statement, unless a body in it never closes. */
  pieces: Place[];
  open: boolean;
  /**
   * The first words in lower case, which identify rules and routines, the two statements that may contain semicolons.
   */
  words: string[];
  previous: string;
  parentheses: number;
  blocks: number;
}

const fresh = (): State => ({ pieces: [], open: false, words: [], previous: '', parentheses: 0, blocks: 0 });

/** A backslash where psql ends what stands before it: a command of its own, one that sends the query, or the last line of a COPY's rows. */
const ending = /\\(?:g\w*|crosstabview|\.[ \t]*(?=\r?$))/my;

/**
 * Splits tokens into statements at each `;`, except those inside a statement: in the parentheses of a `CREATE RULE … DO
 * (…; …)` and in the `BEGIN ATOMIC … END` of a routine, as psql does. A command of psql ends with its line.
 */
export function placesOf(tokens: Iterable<FileToken>, sql: string): Place[] {
  const places: Place[] = [];
  let state = fresh();
  let lineEnd = 0;
  for (const token of tokens) {
    // A quote in a command of psql does not end in SQL.
    if (token.start < lineEnd && token.end > lineEnd) return [...places, ...placesAfter(lineEnd, sql)];
    if (token.start < lineEnd || token.name.endsWith('_COMMENT')) continue;
    if (sql[token.start] === '\\' && (!state.open || endsQuery(sql, token.start))) {
      lineEnd = endOfLine(sql, token.start);
      if (!state.open) state.pieces.push({ start: token.start, end: lineEnd });
      state.pieces.at(-1)!.end = lineEnd;
      places.push(...(inside(state) ? state.pieces : merged(state)));
      state = fresh();
      continue;
    }
    const word = token.end - token.start <= 9 ? sql.slice(token.start, token.end).toLowerCase() : '';
    if (word === ';') {
      state.open = false;
      if (inside(state)) continue;
      places.push(...merged(state));
      state = fresh();
      continue;
    }
    if (!state.open) state.pieces.push({ start: token.start, end: token.end });
    state.open = true;
    state.pieces.at(-1)!.end = token.end;
    follow(state, word);
  }
  // The body never closes, so each of its semicolons ended a statement after all.
  places.push(...(inside(state) ? state.pieces : merged(state)));
  return places;
}

function placesAfter(offset: number, sql: string): Place[] {
  const rest = sql.slice(offset);
  return placesOf(tokensOf(rest), rest).map(({ start, end }) => ({ start: start + offset, end: end + offset }));
}

function endsQuery(sql: string, at: number): boolean {
  ending.lastIndex = at;
  return ending.test(sql);
}

/** Where the line ends, without the space before that. */
function endOfLine(sql: string, from: number): number {
  const next = sql.indexOf('\n', from);
  return from + sql.slice(from, next === -1 ? sql.length : next).trimEnd().length;
}

function merged({ pieces }: State): Place[] {
  return pieces.length === 0 ? [] : [{ start: pieces[0]!.start, end: pieces.at(-1)!.end }];
}

function inside(state: State): boolean {
  return state.blocks > 0 || (state.parentheses > 0 && creates(state, 'rule'));
}

function creates({ words }: State, ...kinds: string[]): boolean {
  const kind = words[1] === 'or' ? words[3] : words[1];
  return words[0] === 'create' && kind !== undefined && kinds.includes(kind);
}

function follow(state: State, word: string): void {
  if (state.words.length < 4) state.words.push(word);
  if (word === '(') state.parentheses += 1;
  else if (word === ')') state.parentheses -= 1;
  else if (state.blocks > 0 && word === 'case') state.blocks += 1;
  else if (state.blocks > 0 && word === 'end') state.blocks -= 1;
  else if (word === 'atomic' && state.previous === 'begin' && creates(state, 'function', 'procedure'))
    state.blocks += 1;
  state.previous = word;
}
