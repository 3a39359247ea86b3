import type { Rule } from './engine/rule.ts';
import { templateSign } from './engine/templates.ts';

export const rule: Rule = {
  name: 'template-file',
  severity: 'error',
  found: ['static'],
  stops: 'all',
  means: 'a template (Go, Jinja, ERB, placeholders) or the marks of an unfinished merge, not SQL yet',
  doc: {
    why:
      'The tool that renders the template knows what to put in its place; PostgreSQL reads the marks and refuses the file. ' +
      'It is reported once for each folder, since the other files of it are most likely templates as well.',
    bad: '-- Notes.\nCREATE TABLE IF NOT EXISTS {{ .Prefix }}notes (id uuid PRIMARY KEY);',
    good: '-- Notes.\nCREATE TABLE IF NOT EXISTS app_notes (id uuid PRIMARY KEY);',
  },
  check: {
    source(source, report) {
      const sign = source.parsed.statements.map(templateSign).find((one) => one !== undefined);
      if (sign === undefined) return;
      report({
        source,
        offset: sign.offset,
        message: `This is ${sign.what} (${sign.mark}), not SQL: PostgreSQL cannot read it.`,
        suggestion: sign.instead,
      });
    },
  },
};
