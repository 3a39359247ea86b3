import { extensionStubs, preinstalled } from '../database/extension-stubs/stubs.ts';
import { here } from './engine/check.ts';
import type { Rule } from './engine/rule.ts';

const notes = new Map(extensionStubs.map(({ extension, note }) => [extension, note]));

export const rule: Rule = {
  name: 'extension-unavailable',
  severity: 'warning',
  unless: 'an error where neither the embedded database, nor Supabase, nor the target has the extension',
  found: ['static', 'rehearsal'],
  stops: true,
  means: 'the embedded database lacks the extension; a stub stands for it, or nothing does',
  doc: {
    why:
      'The embedded database has PostGIS and the extensions of PGlite, and stubs of all others that Supabase offers: CREATE EXTENSION ' +
      'works, and what a stub lacks was not rehearsed. Of an extension that only the target has, nothing is rehearsed: the ' +
      'statements that need it are named, and the proof says that they were not tried. One that neither has stops the file, here ' +
      'and there.',
    bad: '-- Search.\nCREATE EXTENSION IF NOT EXISTS pgroonga;',
    good: '-- Search.\nCREATE EXTENSION IF NOT EXISTS pg_trgm;',
  },
  check: {
    piece(piece, _, report) {
      if (piece.type !== 'CreateExtensionStmt') return;
      const name = piece.node.extname ?? '';
      const note = notes.get(name);
      if (note === undefined || preinstalled.includes(name)) return;
      report({
        ...here(piece),
        object: name,
        message: `The embedded database has only a stub of ${name} (${note}): what needs more of it is not rehearsed here.`,
        suggestion:
          `Rehearse what uses ${name} on a server that has it, or say that you know: ` +
          '-- muse: ignore extension-unavailable because …',
      });
    },
  },
};
