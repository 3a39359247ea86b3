import { quoteLiteral } from '../shared/quote.ts';
import { here } from './engine/check.ts';
import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'enum-type',
  severity: 'warning',
  found: ['static'],
  means: 'an enum type, where text with a CHECK is the rule',
  doc: {
    why:
      'A value can be added to an enum, but never removed again by a rollback, and a new value cannot be used in ' +
      'the transaction that adds it. Text with a CHECK does the same and can be changed.',
    bad: "-- Moods.\nDO $$ BEGIN CREATE TYPE mood AS ENUM ('good', 'bad'); EXCEPTION WHEN duplicate_object THEN NULL; END $$;",
    good: "-- Moods.\nCREATE TABLE IF NOT EXISTS days (id uuid PRIMARY KEY, mood text NOT NULL CHECK (mood IN ('good', 'bad')));",
  },
  check: {
    piece(piece, _, report) {
      if (piece.type !== 'CreateEnumStmt' || piece.inside === 'routine') return;
      const names = piece.node['typeName'] as { String: { sval: string } }[];
      const values = (piece.node['vals'] as { String: { sval: string } }[] | undefined) ?? [];
      const name = names.map(({ String: { sval } }) => sval).join('.');
      report({
        ...here(piece),
        object: name,
        message: `Type ${name} is an enum; its values can never be removed again.`,
        suggestion: `text CHECK (column IN (${values.map(({ String: { sval } }) => quoteLiteral(sval)).join(', ')}))`,
      });
    },
  },
};
