import type { Layer, Migration } from '../migration.ts';
import type { Source } from '../parse/piece.ts';
import { parseSql } from '../parse/split.ts';
import { append } from './plan.ts';
import type { Mended, Situation } from './plan.ts';

/** Statements to be added behind what a file holds. */
export type Texts = Map<Source, string[]>;

/** Notes a text for the end of a file. */
export function noteText(texts: Texts, source: Source, text: string): void {
  texts.set(source, [...(texts.get(source) ?? []), text]);
}

/** Says whether the file may be edited: no database has it yet. */
export function mayEdit({ applied }: Situation, { migration }: Source): boolean {
  return !applied.has(migration.file);
}

/** The file that mends what applied files leave wrong: one a layer, behind all others of it. */
function repairFile({ migrations, applied }: Situation, layer: Layer): { known: Migration | undefined; path: string; number: string } {
  const own = migrations.filter((migration) => migration.layer === layer);
  const known = own.find(({ file }) => file.endsWith('_repair.sql') && !applied.has(file));
  const last = own.at(-1);
  const number = String(BigInt(last?.number || '0') + 1n).padStart(last?.number.length ?? 3, '0');
  const folder = last?.file.slice(0, last.file.lastIndexOf('/')) ?? `migrations/${layer}`;
  return { known, path: known?.file ?? `${folder}/${number}_repair.sql`, number: known?.number ?? number };
}

/** Puts texts where they belong: at the end of their file, or, where that is applied, into a new migration. */
export function placed(situation: Situation, texts: Texts): Pick<Mended, 'edits' | 'newFiles'> {
  const edits: Mended['edits'] = [];
  const late = new Map<Layer, string[]>();
  for (const [source, parts] of texts) {
    const { migration, parsed } = source;
    if (mayEdit(situation, source)) edits.push(...append(migration, parsed.statements, parts.join('\n')));
    else late.set(migration.layer, [...(late.get(migration.layer) ?? []), ...parts]);
  }
  const newFiles = [...late].flatMap(([layer, parts]): NonNullable<Mended['newFiles']> => {
    const { known, path, number } = repairFile(situation, layer);
    if (known !== undefined) {
      edits.push(...append(known, parseSql(known.sql).statements, parts.join('\n')));
      return [];
    }
    const sql = `-- Mends what migrations that are applied already left wrong.\n\n${parts.join('\n').trimEnd()}\n`;
    return [{ path, sql, migration: { layer, file: path, number, checksum: '', sql }, last: true }];
  });
  return { edits, newFiles };
}
