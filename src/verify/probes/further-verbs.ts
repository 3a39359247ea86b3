/**
 * The verbs whose statements are written apart: what a stranger puts under rows of others, and writes about itself; calls of
 * functions.
 */
import { expectNothing } from './expected.ts';
import { inserts, noSql, reads, reassigns, type VerbRow, writes } from './verb-row.ts';

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
  'renew-token': {
    letter: 'U',
    rule: writes,
    wording: 'gets a new token',
    step: 'gets a new token by',
    followed: 'askers',
    result: 'added',
    expects: expectNothing,
    sql: noSql,
  },
} as const satisfies Record<string, VerbRow>;

/** Calls of functions, whose statements are written by function: the last part of the table. */
export const callVerbs = {
  call: {
    letter: 'X',
    rule: reads,
    wording: 'gets rows of others from it',
    step: 'calls',
    followed: 'askers',
    result: 'labels',
    expects: expectNothing,
    sql: noSql,
  },
  'call-changes': {
    letter: 'X',
    rule: writes,
    wording: 'changes rows of others by it',
    step: 'calls',
    followed: 'askers',
    result: 'changed',
    expects: expectNothing,
    sql: noSql,
  },
  'call-as': {
    letter: 'X',
    rule: inserts,
    wording: 'acts by it as another user',
    step: 'calls',
    result: 'added',
    expects: expectNothing,
    sql: noSql,
  },
  'call-privileged': {
    letter: 'X',
    rule: { signedIn: 'isolation-write', anonymous: 'anon-read' },
    wording: 'has it give a privileged role',
    step: 'calls',
    followed: 'askers',
    result: 'labels',
    expects: expectNothing,
    sql: noSql,
  },
} as const satisfies Record<string, VerbRow>;
