import { decodeText } from '../shared/decode.ts';
import type { Finding } from '../shared/finding.ts';
import { lineText } from '../shared/text.ts';

/** An SQL file's text, or the `unreadable-file` that says why it has none. */
export type DecodedSql = { sql: string } | { finding: Finding };

/** The bytes of a migration, a rollback or a seed as text; see {@link decodeText}. */
export function decodeSql(bytes: Uint8Array, file: string): DecodedSql {
  const decoded = decodeText(bytes);
  if ('text' in decoded) return { sql: decoded.text };
  const { why, suggestion, position, before, isOther } = decoded;
  return {
    finding: {
      rule: 'unreadable-file',
      severity: 'error',
      file,
      ...position,
      message: `${why.charAt(0).toUpperCase()}${why.slice(1)}${isOther === true ? '' : ', and PostgreSQL reads UTF-8'}. It is not run.`,
      suggestion,
      snippet: lineText(before, position.line),
    },
  };
}
