/** The verbs whose statements are written apart: what a stranger puts under rows of others, and writes about itself. */
import { expectNothing } from './expected.ts';
import { inserts, noSql, reassigns, type VerbRow, writes } from './verb-row.ts';

/** A part of the table of verbs. */
export const furtherVerbs = {
  'insert-moved': {
    letter: 'I',
    needs: 'I',
    rule: inserts,
    wording: 'inserts rows linked to a row of others',
    step: 'adds a row to',
    result: 'added',
    expects: expectNothing,
    shown: 'when-broken',
    sql: noSql,
  },
  'insert-unseen': {
    letter: 'I',
    needs: 'I',
    rule: inserts,
    wording: 'inserts rows linked to rows of others and reads them back',
    step: 'adds a row to',
    result: 'added',
    expects: expectNothing,
    shown: 'when-broken',
    sql: noSql,
  },
  move: {
    letter: 'U',
    needs: 'U',
    rule: reassigns,
    wording: 'moves its own row under a row of others',
    step: 'moves its own row under one of others in',
    followed: 'askers',
    result: 'added',
    expects: expectNothing,
    shown: 'when-broken',
    linksToA: true,
    sql: noSql,
  },
  'sign-up': {
    letter: 'I',
    rule: inserts,
    wording: 'signs up with metadata of its choice',
    step: 'signs up with metadata of its choice in',
    followed: 'askers',
    result: 'added',
    expects: expectNothing,
    linksToA: true,
    sql: noSql,
  },
  'set-metadata': {
    letter: 'U',
    rule: writes,
    wording: 'changes its own metadata',
    step: 'changes its own metadata in',
    followed: 'askers',
    result: 'added',
    expects: expectNothing,
    linksToA: true,
    sql: noSql,
  },
} as const satisfies Record<string, VerbRow>;
