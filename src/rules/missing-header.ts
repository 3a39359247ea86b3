import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'missing-header',
  severity: 'warning',
  found: ['static'],
  means: 'no comment at the top says what the file adds',
  doc: {
    why: 'A year from now, a reader of the list of migrations wants to know what a file adds without reading its SQL.',
    bad: 'CREATE TABLE IF NOT EXISTS notes (id uuid);',
    good: '-- Notes that users write.\nCREATE TABLE IF NOT EXISTS notes (id uuid);',
  },
  check: {
    source(source, report) {
      const said = source.parsed.header.replaceAll(/^(?:--|\/\*)\s*muse:.*$/gm, '').replaceAll(/[-*/\s=#]/g, '');
      if (said !== '' || source.parsed.statements.length === 0) return;
      report({
        source,
        offset: 0,
        message: 'No comment at the top says what this file adds.',
        suggestion: '-- What this file adds, in a sentence.',
      });
    },
  },
};
