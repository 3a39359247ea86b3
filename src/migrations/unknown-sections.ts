/**
 * Up and down sections in files of a folder that is not known to belong to the tool which writes them. Whatever runs such a
 * file whole undoes its own work. The markers are comments for PostgreSQL's own scanner, never text in a string or a body.
 */
import { createdBy, keyOf, type Kind } from '../sql/created.ts';
import type { Migration } from '../sql/migration.ts';
import { allOf, type Node, open, stringsOf } from '../sql/nodes.ts';
import { loadParser } from '../sql/parser.ts';
import { parseSql } from '../sql/split.ts';
import type { Statement } from '../sql/statement.ts';
import { type FileToken, tokensOf } from '../sql/tokens.ts';
import { cutAt, type Sections, sectionMarkers } from './sections.ts';

/** How a tool that no layout is for marks its sections. */
interface Markers {
  /** Absent where a file starts with its up section. */
  up?: RegExp;
  down: RegExp;
}

/** By the name that people know the tool by; the markers are those of its documentation. */
const others: Readonly<Record<string, Markers>> = {
  tern: { down: /^----\s*create above \/ drop below\s*----$/ },
  micrate: { up: /^--\s*\+micrate\s+up\b/i, down: /^--\s*\+micrate\s+down\b/i },
  rambler: { up: /^--\s*rambler\s+up\b/i, down: /^--\s*rambler\s+down\b/i },
  shmig: { up: /^--\s*=+\s*up\s*=+$/i, down: /^--\s*=+\s*down\s*=+$/i },
  'Play Evolutions': { up: /^--\s*-*\s*!Ups\b/, down: /^--\s*-*\s*!Downs\b/ },
  'MyBatis Migrations': { down: /^--\s*\/\/\s*@UNDO\b/i },
};

/** The sections of a file with their markers. */
export type UnknownSections = Sections & Required<Pick<Migration, 'unknownSections'>>;

/** Words of a comment that only names the part of the file below it. */
const naming = new Set(
  'and back change changes down end migrate migration migrations part revert roll rollback script section sql the undo'.split(
    ' ',
  ),
);
const undoing = /\b(?:down|revert|roll ?back|undo)\b/;

/** The sections of such a file, and their markers; undefined for a file without them. */
export async function unknownSections(text: string): Promise<UnknownSections | undefined> {
  await loadParser();
  const lines = [...tokensOf(text)].filter((token) => token.name === 'SQL_COMMENT' && startsLine(text, token));
  const said = ({ start, end }: FileToken): string => text.slice(start, end).trimEnd();
  const first = (marker: RegExp | undefined): FileToken | undefined =>
    marker === undefined ? undefined : lines.find((line) => marker.test(said(line)));
  const cut = (tool: string | undefined, up: FileToken | undefined, down: FileToken) => ({
    ...cutAt(text, up?.start ?? 0, down.start),
    unknownSections: { tool, up: up === undefined ? undefined : said(up), down: said(down) },
  });
  for (const [tool, markers] of Object.entries<Markers>({ ...sectionMarkers, ...others })) {
    const [up, down] = [first(markers.up), first(markers.down)];
    if (down !== undefined && (up !== undefined || markers.up === undefined)) return cut(tool, up, down);
  }
  const down = lines.find((line) => isUndoing(said(line)));
  return down === undefined || !undoes(text, down) ? undefined : cut(undefined, undefined, down);
}

function startsLine(text: string, { start }: FileToken): boolean {
  return text.slice(text.lastIndexOf('\n', start - 1) + 1, start).trim() === '';
}

/** Whether a comment says nothing but that what is below it undoes what is above. */
function isUndoing(comment: string): boolean {
  const said = comment
    .toLowerCase()
    .replaceAll(/[^a-z]+/g, ' ')
    .trim();
  return undoing.test(said) && said.split(' ').every((word) => naming.has(word));
}

/** Whether the statements below a place drop something that those above it create, and create nothing. */
function undoes(text: string, { start }: FileToken): boolean {
  const { statements } = parseSql(text);
  const above = new Set(statements.filter((each) => each.start < start).flatMap((each) => createdBy(each)));
  const below = statements.filter((each) => each.start > start);
  return (
    below.every((each) => createdBy(each).length === 0) &&
    below.some((each) => droppedBy(each).some((key) => above.has(key)))
  );
}

const kinds: Readonly<Record<string, Kind>> = {
  OBJECT_TABLE: 'relation',
  OBJECT_VIEW: 'relation',
  OBJECT_MATVIEW: 'relation',
  OBJECT_SEQUENCE: 'relation',
  OBJECT_INDEX: 'relation',
  OBJECT_FUNCTION: 'function',
  OBJECT_TYPE: 'type',
  OBJECT_DOMAIN: 'type',
  OBJECT_SCHEMA: 'schema',
};

/** Keys of what a statement drops. */
function droppedBy({ tree }: Statement): string[] {
  if (tree === undefined) return [];
  const [type, fields] = open(tree);
  if (type === 'AlterTableStmt') {
    const { schemaname, relname } = fields.relation;
    const table = schemaname === undefined ? [relname] : [schemaname, relname];
    return allOf(fields.cmds, 'AlterTableCmd').flatMap(({ subtype, name }) =>
      subtype === 'AT_DropColumn' && name !== undefined ? [keyOf('column', [...table, name])] : [],
    );
  }
  const kind = type === 'DropStmt' ? kinds[fields.removeType ?? ''] : undefined;
  if (kind === undefined || type !== 'DropStmt') return [];
  return (fields.objects ?? []).map((object) => keyOf(kind, namesOf(object)));
}

/** The name of a dropped object: a list, a type, a function with its arguments, or one word. */
function namesOf(object: Node): string[] {
  const [type, fields] = open(object);
  if (type === 'List') return stringsOf(fields.items);
  if (type === 'TypeName') return stringsOf(fields.names);
  if (type === 'ObjectWithArgs') return stringsOf(fields.objname);
  return stringsOf([object]);
}
