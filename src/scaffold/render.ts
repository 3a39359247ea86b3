import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { quoteIdentifier } from '../shared/quote.ts';
import { textSql } from './literals.ts';
import type { ResolvedTable } from './model.ts';

const templates = new URL('../../templates/extension/', import.meta.url);
const folders = {
  extension: templates,
  preset: new URL('../../templates/presets/', import.meta.url),
  tenancy: new URL('../../templates/tenancy/', import.meta.url),
  app: new URL('../../templates/app/', import.meta.url),
};

type Named = { schema: string; name?: string; table?: string };

/** Makes any text safe inside a `--` comment. */
function line(text: unknown): string {
  return String(text)
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll(/\/\*|\*\//g, ' ')
    .trim();
}

/** The only ways to insert values into a template: as an identifier, a literal, or the text of a comment. */
const helpers = {
  id: (name: string) => quoteIdentifier(name),
  ids: (names: string[]) => names.map((name) => quoteIdentifier(name)).join(', '),
  lit: textSql,
  line,
  qualified: ({ schema, name, table }: Named) => `${quoteIdentifier(schema)}.${quoteIdentifier(name ?? table ?? '')}`,
  tableComment: (table: ResolvedTable) => table.comment ?? `Rows: ${table.whose}.`,
  pluck: (items: readonly Record<string, unknown>[], key: string) => items.map((item) => item[key]),
  reversed: <T>(list: readonly T[]) => list.toReversed(),
};

/** A template with LF line ends, however git checked it out. */
const read = async (url: URL): Promise<string> => (await readFile(fileURLToPath(url), 'utf8')).replaceAll('\r\n', '\n');

/**
 * Renders a template of templates/extension, templates/presets (inside another file), templates/tenancy or templates/app.
 * @param name file name without `.hbs`
 * @param more additional helpers
 */
export async function render(
  kind: keyof typeof folders,
  name: string,
  model: object,
  more: Record<string, (name: never, ...names: unknown[]) => unknown> = {},
): Promise<string> {
  const { default: handlebars } = await import('handlebars');
  const engine = handlebars.create();
  engine.registerHelper({ ...helpers, ...more });
  if (kind === 'extension' || kind === 'tenancy') {
    for (const partial of ['helpers', 'table', 'coreColumn', 'storage', 'dropPrivate']) {
      engine.registerPartial(
        partial,
        engine.compile(await read(new URL(`${partial}.hbs`, templates)), { noEscape: true, strict: true }),
      );
    }
  }
  const source = await read(new URL(`${name}.hbs`, folders[kind]));
  const text = engine.compile(source, { noEscape: true, strict: true })(model);
  return kind !== 'preset'
    ? `${text
        .replaceAll(/[ \t]+$/gm, '')
        .replaceAll(/\n{3,}/g, '\n\n')
        .trimEnd()}\n`
    : text.trimEnd();
}
