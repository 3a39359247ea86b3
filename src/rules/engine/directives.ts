import { ruleNames } from '../names.ts';
import type { RuleName } from '../names.ts';
import { nearest } from '../../shared/nearest.ts';
import type { Migration } from '../../sql/migration.ts';
import type { Comment, ParsedSql, Statement } from '../../sql/statement.ts';
import { tableOf } from '../../sql/names.ts';
import { fieldsOf, type Node, stringsOf } from '../../sql/nodes.ts';
import { parseSql } from '../../sql/split.ts';

/** A declaration of intent in a comment above a statement: `-- muse: …`. */
export type Meaning =
  | { kind: 'public-read' }
  | { kind: 'service-only' }
  | { kind: 'shared-with'; column: string }
  | { kind: 'staff'; claim: string }
  | { kind: 'ignore'; rule: RuleName; reason: string };

/** A declaration, with its place and what it applies to. */
export type Directive = Meaning & {
  file: string;
  /** Line of the comment, 1-based. */
  line: number;
  /** The table of the statement below it, as `schema.name`; `public` if the file names no schema. */
  table?: string;
  /** The policy that the statement below it creates or alters, or drops first. */
  policy?: string;
};

const forms: readonly { pattern: RegExp; read(parts: string[]): Meaning | undefined }[] = [
  { pattern: /^public-read$/, read: () => ({ kind: 'public-read' }) },
  { pattern: /^service-only$/, read: () => ({ kind: 'service-only' }) },
  { pattern: /^staff\s+(\S+)$/, read: ([, claim = '']) => ({ kind: 'staff', claim }) },
  { pattern: /^shared-with\s+"?([^\s"]+)"?$/, read: ([, column = '']) => ({ kind: 'shared-with', column }) },
  {
    pattern: /^ignore\s+(\S+)\s+because\s+(\S.*)$/,
    read: ([, rule = '', reason = '']) => {
      const known = ruleNames.find((name) => name === rule);
      return known === undefined ? undefined : { kind: 'ignore', rule: known, reason };
    },
  },
];

/** Parses one comment; undefined for a comment that is not a declaration, or not in a known form. */
export function meaningOf(comment: Comment): Meaning | undefined {
  const text = /^(?:--|\/\*)\s*muse:\s*([^]*?)\s*(?:\*\/)?$/.exec(comment.text)?.[1];
  if (text === undefined) return undefined;
  for (const { pattern, read } of forms) {
    const parts = pattern.exec(text);
    if (parts !== null) return read(parts);
  }
  return undefined;
}

/** `-- muse: ignore` of a rule that does not exist, and the one whose name is nearest. */
export interface Misspelled {
  kind: 'misspelled';
  rule: string;
  near: RuleName | undefined;
}

/** What a comment would silence if its rule existed; undefined for other comments. */
export function misspelledIn({ text }: Comment): Misspelled | undefined {
  const rule = /^(?:--|\/\*)\s*muse:\s*ignore\s+(\S+)/.exec(text)?.[1];
  if (rule === undefined || ruleNames.some((name) => name === rule)) return undefined;
  const near = nearest(rule, ruleNames);
  return { kind: 'misspelled', rule, near: ruleNames.find((name) => name === near) };
}

/** The meanings in the comments of one statement. */
export function meaningsOf(statement: Statement): Meaning[] {
  return statement.comments.map(meaningOf).filter((meaning) => meaning !== undefined);
}

/** Every `-- muse:` comment of the files, each with the table it applies to. `loadParser()` must have been awaited. */
export function readDirectives(migrations: readonly Migration[]): Directive[] {
  return migrations.flatMap(({ file, sql }) => (sql.includes('muse:') ? directivesOf(file, parseSql(sql)) : []));
}

/** The policy that a statement creates or alters, or drops to create it anew. */
function policyOf(tree: Node): string | undefined {
  const drop = fieldsOf(tree, 'DropStmt');
  if (drop !== undefined) return drop.removeType === 'OBJECT_POLICY' ? stringsOf(drop.objects[0]).at(-1) : undefined;
  return (fieldsOf(tree, 'CreatePolicyStmt') ?? fieldsOf(tree, 'AlterPolicyStmt'))?.policy_name;
}

function directivesOf(file: string, parsed: ParsedSql): Directive[] {
  const directives: Directive[] = [];
  const add = (comments: readonly Comment[], to: Pick<Directive, 'table' | 'policy'>): void => {
    for (const comment of comments) {
      const meaning = meaningOf(comment);
      if (meaning !== undefined) directives.push({ ...meaning, file, line: comment.line, ...to });
    }
  };
  for (const statement of parsed.statements) {
    const table = statement.tree === undefined ? undefined : tableOf(statement.tree);
    const policy = statement.tree === undefined ? undefined : policyOf(statement.tree);
    add(statement.comments, {
      ...(table === undefined ? {} : { table }),
      ...(policy === undefined ? {} : { policy }),
    });
  }
  add(parsed.trailing, {});
  return directives;
}
