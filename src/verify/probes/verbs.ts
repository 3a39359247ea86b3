import type { RuleName } from '../../rules/registry.ts';
import type { Model } from '../catalog/model.ts';
import type { Actor } from './actors.ts';
import {
  changeAllSql,
  changeSql,
  deleteSql,
  reassignSql,
  relinkSql,
  replacedInsertSql,
  upsertSql,
} from './change-sql.ts';
import { adjustSql, joinSql, ownRowSql } from './deciding-sql.ts';
import { escalateSql } from './escalate-sql.ts';
import {
  type Expects,
  expectChange,
  expectDelete,
  expectEscalation,
  expectInOwnName,
  expectLink,
  expectNever,
  expectNothing,
  expectRead,
} from './expected.ts';
import { aimedInsertSql, aimedUpdateSql, insertSql, returningSql } from './insert-sql.ts';
import { selectPublicSql, selectSql } from './select-sql.ts';
import type { Subject } from './subject.ts';

/**
 * The statements of a verb for an actor, tried one by one and each rolled back immediately. None if the verb makes no
 * sense for the actor.
 */
type SqlFor = (subject: Subject, actor: Actor, model: Model) => readonly (string | undefined)[];

/** One thing that the proof tries: a row of the table below. */
export interface VerbRow {
  /** The letter of the matrix under which it is shown: Select, Insert, Update, Delete, Reassign, eXecute. */
  letter: 'S' | 'I' | 'U' | 'D' | 'R' | 'X';
  /** The privilege without which PostgreSQL refuses the statement; none for a call, which is looked up for the function. */
  needs?: 'S' | 'I' | 'U' | 'D';
  /** The rule that it breaks where it is possible and must not be: by a signed-in user, by an anonymous visitor. */
  rule: { signedIn: RuleName; anonymous: RuleName };
  /** What an actor does, in a finding: "outsider *updates it*". */
  wording: string;
  /** The same as a step of a path, before the name of what is written: "a stranger *adds a row to* public.members". */
  step: string;
  sql: SqlFor;
  /** SQL that prepares for it, run as the role that runs the proof. */
  prepare?: (subject: Subject, model: Model) => string | undefined;
  /**
   * What the scope of the subject expects of it. Functions are judged by what they return and change: `expectNothing`.
   */
  expects: Expects;
  /** The source of its result: the labels that it returns, the number of new rows, or the changed rows. */
  result: 'labels' | 'added' | 'changed';
  /** It names no row, so it affects every row that the actor can reach, including its own. */
  withoutWhere?: true;
  /** The verb whose first statement meets the same rows and more: where that left A's row alone, this one does. */
  wider?: string;
  /** It is wrong whichever row it meets, the actor's own included. */
  anyRow?: true;
  /**
   * What is checked after it: everything that reads the rows that it wrote, or only what triggers did. Absent if
   * another verb covers that.
   */
  followed?: 'askers' | 'triggers';
  /** Tried again after a permitted write: because it may open more, or to see what has become possible. */
  tried?: 'opens' | 'harms';
  /** It adds the actor's own row under the key of A's row, so a constraint error says nothing about A's row. */
  underKeyOfA?: true;
  /** It links a row of the actor to rows of A. */
  linksToA?: true;
  /** It breaks no rule itself: the rows that it meets are not held against an actor who meets them by that other verb. */
  excuses?: string;
  /** Tried by those who are members of both organizations as well: always, or where policies ask for a member's role. */
  multiOrg?: 'always' | 'by-role';
  /** How the matrix shows it: `i` for the actor's own rows only; or not at all unless it breaks a rule. */
  shown?: 'own-only' | 'when-broken';
}

const reads = { signedIn: 'isolation-read', anonymous: 'anon-read' } as const;
const inserts = { signedIn: 'isolation-insert', anonymous: 'anon-write' } as const;
const writes = { signedIn: 'isolation-write', anonymous: 'anon-write' } as const;
const reassigns = { signedIn: 'isolation-reassign', anonymous: 'anon-write' } as const;

const noSql: SqlFor = () => [];

/** Everything that the proof tries, in order. */
const table = {
  select: {
    multiOrg: 'by-role',
    letter: 'S',
    needs: 'S',
    rule: reads,
    wording: 'reads it',
    step: 'reads',
    result: 'labels',
    expects: expectRead,
    sql: (...of) => [selectSql(...of)],
  },
  'select-public': {
    letter: 'S',
    rule: reads,
    wording: 'reads what is declared to be public',
    step: 'reads',
    result: 'labels',
    expects: expectNothing,
    excuses: 'select',
    sql: (...of) => [selectPublicSql(...of)],
  },
  insert: {
    multiOrg: 'by-role',
    letter: 'I',
    needs: 'I',
    rule: inserts,
    wording: 'inserts rows',
    step: 'adds a row to',
    followed: 'askers',
    result: 'added',
    expects: expectInOwnName,
    shown: 'own-only',
    sql: (...of) => [insertSql(...of, 'own'), insertSql(...of, 'least'), insertSql(...of, 'newcomer')],
  },
  'insert-returning': {
    letter: 'I',
    needs: 'I',
    rule: inserts,
    wording: 'inserts rows and reads them back',
    step: 'adds a row to',
    result: 'added',
    expects: expectInOwnName,
    shown: 'own-only',
    sql: (...of) => [returningSql(...of)],
  },
  'insert-forged': {
    letter: 'I',
    needs: 'I',
    rule: inserts,
    wording: 'inserts rows on behalf of another',
    step: 'adds a row to',
    followed: 'askers',
    tried: 'harms',
    result: 'added',
    expects: expectNever,
    sql: (...of) => [insertSql(...of, 'forged')],
  },
  'insert-as': {
    multiOrg: 'by-role',
    letter: 'I',
    needs: 'I',
    rule: inserts,
    wording: 'inserts rows as another user',
    step: 'adds a row to',
    followed: 'askers',
    result: 'added',
    expects: expectInOwnName,
    shown: 'when-broken',
    sql: (...of) => [insertSql(...of, 'as')],
  },
  'insert-cross': {
    letter: 'I',
    needs: 'I',
    rule: inserts,
    wording: 'inserts rows linked to rows of others',
    step: 'adds a row to',
    followed: 'askers',
    result: 'added',
    expects: expectLink,
    shown: 'when-broken',
    linksToA: true,
    sql: (...of) => [insertSql(...of, 'cross')],
  },
  'insert-aimed': {
    letter: 'I',
    needs: 'I',
    rule: inserts,
    wording: 'inserts rows that name rows of others',
    step: 'adds a row that names one of others to',
    followed: 'askers',
    result: 'added',
    expects: expectNothing,
    shown: 'when-broken',
    linksToA: true,
    sql: aimedInsertSql,
    prepare: ({ prepareAims }) => prepareAims,
  },
  'update-aimed': {
    letter: 'U',
    needs: 'U',
    rule: writes,
    wording: 'lets its own row name rows of others',
    step: 'lets its own row name one of others in',
    followed: 'askers',
    result: 'added',
    expects: expectNothing,
    shown: 'when-broken',
    linksToA: true,
    sql: aimedUpdateSql,
    prepare: ({ prepareAims }) => prepareAims,
  },
  update: {
    multiOrg: 'by-role',
    letter: 'U',
    needs: 'U',
    rule: writes,
    wording: 'updates it',
    step: 'changes a row of',
    followed: 'triggers',
    result: 'changed',
    wider: 'update-all',
    expects: expectChange,
    sql: (...of) => [changeSql(...of)],
  },
  'update-all': {
    letter: 'U',
    needs: 'U',
    rule: writes,
    wording: 'updates it without WHERE',
    step: 'changes rows of',
    followed: 'triggers',
    tried: 'harms',
    result: 'changed',
    expects: expectChange,
    withoutWhere: true,
    sql: changeAllSql,
  },
  upsert: {
    letter: 'U',
    needs: 'I',
    rule: writes,
    wording: 'changes it by INSERT … ON CONFLICT',
    step: 'adds or changes a row of',
    followed: 'askers',
    result: 'changed',
    expects: expectChange,
    underKeyOfA: true,
    sql: (...of) => [upsertSql(...of)],
  },
  'insert-replaced': {
    letter: 'U',
    needs: 'I',
    rule: writes,
    wording: 'changes it by INSERT',
    step: 'adds a row to',
    followed: 'triggers',
    result: 'changed',
    expects: expectChange,
    underKeyOfA: true,
    sql: (...of) => [replacedInsertSql(...of)],
  },
  escalate: {
    multiOrg: 'by-role',
    letter: 'U',
    needs: 'U',
    rule: writes,
    wording: 'gives itself a more privileged role',
    step: 'gives itself a role in',
    followed: 'askers',
    result: 'added',
    expects: expectEscalation,
    sql: (...of) => [escalateSql(...of)],
  },
  join: {
    letter: 'I',
    needs: 'I',
    rule: inserts,
    wording: 'adds itself to rows of others',
    step: 'adds itself to',
    followed: 'askers',
    tried: 'opens',
    result: 'added',
    expects: expectNothing,
    shown: 'when-broken',
    linksToA: true,
    sql: joinSql,
    prepare: ownRowSql,
  },
  adjust: {
    letter: 'U',
    needs: 'U',
    rule: writes,
    wording: 'changes what policies ask in its own row',
    step: 'changes its own row of',
    followed: 'askers',
    tried: 'opens',
    result: 'added',
    expects: expectNothing,
    shown: 'when-broken',
    sql: adjustSql,
  },
  delete: {
    multiOrg: 'by-role',
    letter: 'D',
    needs: 'D',
    rule: writes,
    wording: 'deletes it',
    step: 'deletes a row of',
    followed: 'askers',
    result: 'changed',
    wider: 'delete-all',
    expects: expectDelete,
    sql: (...of) => [deleteSql(...of, true)],
  },
  'delete-all': {
    letter: 'D',
    needs: 'D',
    rule: writes,
    wording: 'deletes it without WHERE',
    step: 'deletes rows of',
    followed: 'askers',
    tried: 'harms',
    result: 'changed',
    expects: expectDelete,
    withoutWhere: true,
    sql: (...of) => [deleteSql(...of, false)],
  },
  give: {
    letter: 'R',
    needs: 'U',
    rule: reassigns,
    wording: 'hands it to another',
    step: 'gives away a row of',
    result: 'changed',
    wider: 'give-all',
    expects: expectNever,
    multiOrg: 'always',
    sql: (...of) => [reassignSql(...of, 'give', true)],
  },
  'give-all': {
    letter: 'R',
    needs: 'U',
    rule: reassigns,
    wording: 'hands it to another without WHERE',
    step: 'gives away rows of',
    result: 'changed',
    expects: expectNever,
    multiOrg: 'always',
    withoutWhere: true,
    anyRow: true,
    sql: (...of) => [reassignSql(...of, 'give', false)],
  },
  take: {
    letter: 'R',
    needs: 'U',
    rule: reassigns,
    wording: 'takes it over',
    step: 'takes a row of',
    result: 'changed',
    wider: 'take-all',
    expects: expectNever,
    sql: (...of) => [reassignSql(...of, 'take', true)],
  },
  'take-all': {
    letter: 'R',
    needs: 'U',
    rule: reassigns,
    wording: 'takes it over without WHERE',
    step: 'takes rows of',
    result: 'changed',
    expects: expectNever,
    withoutWhere: true,
    sql: (...of) => [reassignSql(...of, 'take', false)],
  },
  relink: {
    letter: 'R',
    needs: 'U',
    rule: reassigns,
    wording: 'links it to rows of others',
    step: 'links a row of',
    result: 'changed',
    wider: 'relink-all',
    expects: expectLink,
    shown: 'when-broken',
    sql: (...of) => [relinkSql(...of, true)],
  },
  'relink-all': {
    letter: 'R',
    needs: 'U',
    rule: reassigns,
    wording: 'links it to rows of others without WHERE',
    step: 'links rows of',
    result: 'changed',
    expects: expectLink,
    withoutWhere: true,
    shown: 'when-broken',
    sql: (...of) => [relinkSql(...of, false)],
  },
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

export type Verb = keyof typeof table;

/** The table row of each verb. */
export const verbs: Readonly<Record<Verb, VerbRow>> = table;
