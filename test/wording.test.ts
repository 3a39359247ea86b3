import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

/** The checked files and folders. */
const checked = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'docs', 'bench', 'src', 'templates', 'test'];
/** Written from texts that are checked elsewhere. */
const generated = ['docs/rules'];
/** This file quotes the words. */
const self = 'test/wording.test.ts';
/** In tests only titles and comments are checked: the rest is code, and data such as SQL of kits. */
const isTest = (path: string): boolean => path.startsWith('test/');

/** Words to avoid, and what to write instead. */
const words: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\bmend(s|ed|ing)?\b/i, 'fix'],
  // The database's own table keeps its name.
  [/(?<!\b(muse|header)\.)\bledger\b(?!\?:)/i, 'migration history'],
  [/\bthrow-?away\b/i, 'shadow database'],
  [/\b(take|takes|took|taken|taking)( [\w.'’]+){0,3} back\b/i, 'roll back'],
  [/\b(the|a|no) ways? back\b/i, 'rollback'],
  [/\bstand-ins?\b/i, 'extension stub'],
  [/\btwins?\b/i, 'fake API'],
  // A quoted word is data, e.g. a type of property.
  [/(?<!")\b(room|house)\b/i, 'module, architecture, space'],
  [/\b(quiet|quieted) triggers?\b|\bknots?\b/i, 'silenced triggers, check group'],
  [/\b(mighty|mightier|mightiest)\b/i, 'privileged'],
  [/\bfellows?\b/i, 'co-member'],
  [
    /\b(raise(?! (exception|notice))|raises|promote|promotes)( \S+){0,2} (own )?(role|privileges|rights)\b/i,
    'escalate',
  ],
  [/\bwhoever\b/i, 'anyone'],
  [/\bsomebody\b/i, 'anyone, a signed-in user, an anonymous visitor'],
  [/\bneeded\(|(?<!-)\b(lazily|small|facts)\.ts\b/, 'required(), lazy.ts, what the file holds'],
  [/(?<!\bthere )\bis no (JSON|SQL|UTF-8|number|pair|git|repository|directory|file)\b/i, 'is not a valid …'],
  [/,? as eu-central-1\b/, 'e.g. eu-central-1'],
  [/\b(behind|in front of) (it|them|the (first|last|next|other|file|files|migration))\b/i, 'after, before'],
  [/\bspace chooses\b|\benter goes on\b/i, 'space to select, enter to continue'],
  [/\bgo(es|ing)? on\b/i, 'continue'],
  [
    /Look before the first step|Make it your own|Put the kit's own product aside|Put it in place|Commit and hand over/,
    'the step titles of STYLE',
  ],
  [/\beach row is its\b/i, 'rows are private to their owner'],
  [/\bwrite what the findings say\b/i, 'Fix the findings above'],
  [/\bbut a person\b/i, 'needs a manual fix'],
  [/\bas (its|their) names? says?\b/i, 'what it does'],
  // Kits may spell a table or column like this.
  [
    /(?<!public\.)\b(colour(s|ed)?|licence|recognise[ds]?|organisations?|neighbours?|behaviours?)\b(?!\.(ts|test)|: 'organization')/i,
    'American spelling',
  ],
  [/\bbeing run\b|\bis told so\b|\bill\b/, 'plain words'],
];

function filesOf(path: string): string[] {
  if (generated.includes(path) || path === self || (isTest(path) && /\.[a-z]+$/.test(path) && !/\.[jt]s$/.test(path)))
    return [];
  const full = join(root, path);
  return statSync(full).isDirectory() ? readdirSync(full).flatMap((name) => filesOf(`${path}/${name}`)) : [path];
}

/** Lines of a test file with a title or a comment. A long title is on a line of its own after `it(` or `describe(`. */
const titleOrComment = /^\s*(\/\/|\/?\*)|\/\*\*|\s\/\/ |\b(describe|it)(\.\w+)*\(|\]\)\(/;
const opensTitle = /(\b(describe|it)(\.\w+)*|\]\))\($/;

/** Blanks everything in a test file but titles and comments. */
function titlesAndComments(text: string): string {
  const lines = text.split('\n');
  return lines
    .map((line, index) => (titleOrComment.test(line) || opensTitle.test(lines[index - 1] ?? '') ? line : ''))
    .join('\n');
}

/** Each use of such a word in a text, as `line: "found" (instead)`. */
function usesIn(text: string): string[] {
  return text.split('\n').flatMap((line, index) =>
    words.flatMap(([pattern, instead]) => {
      const found = pattern.exec(line);
      return found === null ? [] : [`${index + 1}: "${found[0]}" (${instead})`];
    }),
  );
}

describe('plain English', () => {
  it.each(checked.flatMap(filesOf))('%s', (path) => {
    const text = readFileSync(join(root, path), 'utf8');
    expect(usesIn(isTest(path) ? titlesAndComments(text) : text)).toEqual([]);
  });

  it('checks titles and comments of tests, and not their data', () => {
    const text =
      "// mended\nit('mends', () => {\n  run('mended');\n});\nit.each([\n  ['mended'],\n])(\n  'is mended: %s',\n);";
    expect(usesIn(titlesAndComments(text)).map((use) => use.split(':')[0])).toEqual(['1', '2', '8']);
  });

  it('names only paths that exist', () => {
    expect([...checked, ...generated, self].filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it.each([
    ['what can be mended is mended', 1],
    ['an entry of the ledger', 1],
    ['takes the newest file back', 1],
    ['each row is its owner’s', 1],
    ['Go on?', 1],
    ['"x" is no JSON.', 1],
    ['RAISE EXCEPTION without recommending', 0],
    ["RAISE EXCEPTION 'The role is taken'", 0],
    ['insert into muse.ledger', 0],
    ['There is no repository', 0],
    ['"choices": ["house"]', 0],
    ['make room', 1],
    ['raise notice in a trigger; promotes the standby', 0],
    ['takes a backup and goes back', 0],
    ['roll it back; a background worker; behind a proxy', 0],
    ['see kit/recognize.ts', 0],
    ['recognises the layout in colour', 1],
    ['the amendment', 0],
  ])('%j has %i', (text, count) => {
    expect(usesIn(text)).toHaveLength(count);
  });
});
