import { defaultExpressions, type ColumnSpecification, type TableSpecification } from './table.ts';
import { nearest } from '../shared/nearest.ts';
import { type Fail, type Token, TokenCursor } from './tokens.ts';
import { suggestType, takesModifiers, typeName } from './types.ts';

const scopeWords: Readonly<Record<string, TableSpecification['scope']>> = {
  organization: 'organization',
  organisation: 'organization',
  public: 'public-read',
  'public-read': 'public-read',
  'service-only': 'service-only',
};

/** Words that are written where a column has its type, and say who owns the row. */
const whose = ['user', 'organization'];

const example = 'Write it as "notes: title text!, body text, owner user".';

/** Reads the tokens of one `--table` specification, from left to right, and remembers the position of each part. */
export class TableReader {
  readonly #cursor: TokenCursor;
  readonly #fail: Fail;
  readonly #places = new Map<string, number>();
  #scope: TableSpecification['scope'] | undefined;
  #scopedBy: 'owner' | 'organization' | undefined;
  #scopeColumn: string | undefined;

  /** @param fail makes the error for a place: offset, what is wrong, what to write */
  constructor(text: string, fail: Fail) {
    this.#cursor = new TokenCursor(text, fail);
    this.#fail = fail;
  }

  /** Where the part at this path, or what it is in, was written; offset in the text. */
  positionOf(path: readonly (string | number)[]): number {
    for (let length = path.length; length > 0; length--) {
      const start = this.#places.get(path.slice(0, length).join('.'));
      if (start !== undefined) return start;
    }
    return 0;
  }

  read(): TableSpecification {
    const name = this.#word('the name of the table', example, ['name']);
    this.#cursor.sign(':', `a colon after ${JSON.stringify(name)}`, example);
    const columns: ColumnSpecification[] = [];
    const unique: string[][] = [];
    const indexes: string[][] = [];
    do {
      if (this.#cursor.peek().kind === 'end' && columns.length > 0) break;
      this.#item(columns, unique, indexes);
    } while (this.#cursor.take(','));
    const rest = this.#cursor.peek();
    if (rest.kind === 'word') this.#refuseMisspelled(rest, ['unique', 'on delete', 'cascade', 'restrict']);
    if (rest.kind !== 'end')
      throw this.#cursor.unexpected(
        rest,
        'a comma or the end',
        'After a type you can write !, unique and = default; then a comma.',
      );
    const scope = this.#scope ?? this.#scopedBy ?? 'owner';
    return {
      name,
      columns,
      scope,
      ...(this.#scopeColumn !== undefined && { scopeColumn: this.#scopeColumn }),
      ...(scope !== 'owner' &&
        scope !== 'organization' &&
        this.#scopedBy !== undefined && { scopedBy: this.#scopedBy }),
      ...(unique.length > 0 && { unique }),
      ...(indexes.length > 0 && { indexes }),
    };
  }

  #item(columns: ColumnSpecification[], unique: string[][], indexes: string[][]): void {
    const first = this.#cursor.peek();
    const next = this.#cursor.peek(1);
    const alone = next.kind === 'end' || next.text === ',';
    if (first.kind === 'word' && first.quoted !== true) {
      const scope = alone && Object.hasOwn(scopeWords, first.text) ? scopeWords[first.text] : undefined;
      if (scope !== undefined) return this.#scopeWord(scope, first);
      this.#refuseMisspelled(first, alone ? Object.keys(scopeWords) : next.text === '(' ? ['unique', 'index'] : []);
      if (next.text === '(' && (first.text === 'unique' || first.text === 'index')) {
        const lists = first.text === 'unique' ? unique : indexes;
        this.#places.set(`${first.text === 'unique' ? 'unique' : 'indexes'}.${lists.length}`, first.start);
        this.#cursor.skip();
        lists.push(this.#names());
        return;
      }
    }
    const path = ['columns', columns.length];
    const name = this.#word('a column', example, [...path, 'name']);
    const kind = this.#cursor.peek();
    if (kind.kind === 'word' && kind.quoted !== true && (kind.text === 'user' || kind.text === 'organization'))
      return this.#whose(name, first, kind);
    columns.push(this.#cursor.take('->') ? this.#reference(name, path) : this.#column(name, path));
  }

  /** Refuses a word that is none of those that may stand here, where it is nearly one of them. */
  #refuseMisspelled(token: Token, words: readonly string[]): void {
    const near = words.includes(token.text) ? undefined : nearest(token.text, words);
    if (near !== undefined)
      throw this.#fail(token.start, `${JSON.stringify(token.text.slice(0, 60))} has no meaning here`, `Write ${near}.`);
  }

  #scopeWord(scope: TableSpecification['scope'], token: Token): void {
    this.#cursor.skip();
    if (scope === 'organization') return this.#setScope('organization', 'organization_id', token);
    if (this.#scope !== undefined)
      throw this.#fail(token.start, 'a table can only have one scope', 'Remove one of the two.');
    this.#scope = scope;
  }

  #whose(name: string, first: Token, kind: Token): void {
    this.#cursor.skip();
    this.#setScope(kind.text === 'user' ? 'owner' : 'organization', withId(name), first);
  }

  #setScope(scopedBy: 'owner' | 'organization', column: string, token: Token): void {
    if (this.#scopedBy !== undefined) {
      throw this.#fail(
        token.start,
        'the table already has a column for the owner of its rows',
        `To reference another user, write ${column.replace(/_id$/, '')} -> user.`,
      );
    }
    [this.#scopedBy, this.#scopeColumn] = [scopedBy, column];
    this.#places.set('scopeColumn', token.start);
  }

  #reference(name: string, path: (string | number)[]): ColumnSpecification {
    let target = this.#word('a table after ->', `Write ${name} -> profiles.`, [...path, 'references']);
    if (this.#cursor.take('.')) target += `.${this.#word('a table after the dot', `Write ${name} -> auth.users.`)}`;
    const column: ColumnSpecification = { name: withId(name), type: 'uuid', references: target };
    for (;;) {
      const token = this.#cursor.peek();
      if (this.#cursor.take('!')) column.required = true;
      else if (this.#cursor.take('unique')) column.unique = true;
      else if (this.#cursor.take('on')) {
        if (!this.#cursor.take('delete'))
          throw this.#cursor.unexpected(this.#cursor.peek(), 'delete', 'Write on delete cascade.');
      } else if (this.#cursor.take('cascade')) column.onDelete = 'cascade';
      else if (this.#cursor.take('restrict')) column.onDelete = 'restrict';
      else if (token.text === 'set' && this.#cursor.peek(1).text === 'null') {
        this.#cursor.skip(2);
        column.onDelete = 'set null';
      } else return column;
      this.#places.set([...path, 'onDelete'].join('.'), token.start);
    }
  }

  #column(name: string, path: (string | number)[]): ColumnSpecification {
    this.#places.set([...path, 'type'].join('.'), this.#cursor.peek().start);
    const column: ColumnSpecification = { name, type: this.#typeWords(name) };
    if (this.#cursor.take('(')) {
      if (this.#cursor.peek().kind === 'number' && takesModifiers(column.type)) column.type += `(${this.#modifiers()})`;
      else {
        this.#places.set([...path, 'choices'].join('.'), this.#cursor.peek().start);
        column.choices = this.#choices(name);
      }
    }
    if (this.#cursor.take('[')) {
      this.#cursor.sign(']', ']', `Write ${name} ${column.type}[].`);
      column.type += '[]';
    }
    for (;;) {
      const token = this.#cursor.peek();
      if (this.#cursor.take('!')) column.required = true;
      else if (this.#cursor.take('unique')) {
        column.unique = true;
        this.#places.set([...path, 'unique'].join('.'), token.start);
      } else if (this.#cursor.take('=')) {
        this.#places.set([...path, 'default'].join('.'), this.#cursor.peek().start);
        this.#default(column);
      } else if (token.text === '->') {
        throw this.#fail(
          token.start,
          'a foreign key gets the type of the key that it references',
          `Write ${name} -> ${this.#cursor.peek(1).text || 'profiles'}.`,
        );
      } else return column;
    }
  }

  #typeWords(name: string): string {
    const token = this.#cursor.peek();
    if (token.kind !== 'word')
      throw this.#cursor.unexpected(token, `a type after ${JSON.stringify(name)}`, `Write ${name} text.`);
    for (let count = 4; count > 0; count--) {
      const words = Array.from({ length: count }, (_, index) => this.#cursor.peek(index));
      const known = words.every((word) => word.kind === 'word')
        ? typeName(words.map((word) => word.text).join(' '))
        : undefined;
      if (known === undefined) continue;
      this.#cursor.skip(count);
      return known;
    }
    const meant = suggestType(token.text, whose);
    throw this.#fail(
      token.start,
      `${JSON.stringify(token.text.slice(0, 60))} is not a type`,
      `Write ${name} ${meant ?? 'text'}.`,
    );
  }

  #modifiers(): string {
    const numbers = [];
    do numbers.push(this.#cursor.literal('a number').raw);
    while (this.#cursor.take(','));
    this.#cursor.sign(')', 'a closing parenthesis', 'Write numeric(12,2).');
    return numbers.join(',');
  }

  #choices(name: string): string[] {
    const choices = [];
    do choices.push(this.#cursor.literal('a choice').raw);
    while (this.#cursor.take('|') || this.#cursor.take(','));
    this.#cursor.sign(')', '| or a closing parenthesis', `Write ${name} text(one|two).`);
    return choices;
  }

  #default(column: ColumnSpecification): void {
    const expression = defaultExpressions.find((known) => known.replace('()', '') === this.#cursor.peek().text);
    if (expression !== undefined && this.#cursor.peek().kind === 'word') {
      this.#cursor.skip();
      if (this.#cursor.take('(')) this.#cursor.sign(')', 'a closing parenthesis', `Write = ${expression}.`);
      column.defaultExpression = expression;
      return;
    }
    const token = this.#cursor.literal('a value after =');
    const number = Number(token.text);
    const words: Record<string, boolean | null> = { true: true, false: false, null: null };
    if (token.kind === 'number')
      column.default = Number.isInteger(number) && !Number.isSafeInteger(number) ? token.text : number;
    else if (token.kind === 'word' && token.quoted !== true && Object.hasOwn(words, token.text))
      column.default = words[token.text] ?? null;
    else column.default = token.raw;
  }

  #names(): string[] {
    this.#cursor.sign('(', 'a parenthesis', 'Write unique(first, second).');
    const names = [];
    do names.push(this.#word('a column', 'Write unique(first, second).'));
    while (this.#cursor.take(','));
    this.#cursor.sign(')', 'a closing parenthesis', 'Write unique(first, second).');
    return names;
  }

  #word(expected: string, suggestion: string, path?: (string | number)[]): string {
    if (path !== undefined) this.#places.set(path.join('.'), this.#cursor.peek().start);
    return this.#cursor.word(expected, suggestion);
  }
}

function withId(name: string): string {
  return /(^|_)id$/.test(name) ? name : `${name}_id`;
}
