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
import { insertSql, returningSql } from './insert-sql.ts';
import { selectPublicSql, selectSql } from './select-sql.ts';
import type { Subject } from './subject.ts';

/** The statements of a verb for an actor: tried one by one, each taken back at once. None where the verb makes no sense for them. */
type SqlFor = (subject: Subject, actor: Actor, model: Model) => readonly (string | undefined)[];

/** One thing that the proof tries: a row of the table below. */
export interface VerbRow {
  /** The letter of the matrix under which it is shown: Select, Insert, Update, Delete, Reassign, eXecute. */
  letter: 'S' | 'I' | 'U' | 'D' | 'R' | 'X';
  /** The rule that it breaks where it is possible and must not be: by a signed-in user, by an anonymous visitor. */
  rule: { signedIn: RuleName; anonymous: RuleName };
  /** What an actor does, as a finding says it: "outsider *updates it*". */
  wording: string;
  /** The same as a step of a story, before the name of what is written: "a stranger *adds a row to* public.members". */
  step: string;
  sql: SqlFor;
  /** SQL that makes room for it, as the one who asked for the proof. */
  prepare?: (subject: Subject, model: Model) => string | undefined;
  /** What the scope of the subject says of it. Functions are judged by what they return and change: `expectNothing`. */
  expects: Expects;
  /** What its result is read from: the labels it returns, the count of new rows, the rows that are not as they were. */
  result: 'labels' | 'added' | 'changed';
  /** It names no row: it meets whatever the actor can reach, the actor's own rows as well. */
  withoutWhere?: true;
  /** It is wrong whichever row it meets, the actor's own included. */
  anyRow?: true;
  /** What is looked at after it: all that asks the rows that it wrote, or only what triggers did by the way. Nothing: another verb stands for it. */
  followed?: 'askers' | 'triggers';
  /** Tried again after a permitted write: since it may open more, or to see what harm can be done then. */
  tried?: 'opens' | 'harms';
  /** It adds a row of the actor's own under the key of A's: that a constraint stops it says nothing of A's row. */
  underKeyOfA?: true;
  /** It points a row of the actor's at rows of A's. */
  linksToA?: true;
  /** It breaks nothing itself: the rows that it meets are not held against an actor who meets them by that other verb. */
  excuses?: string;
  /** Tried by those who are members of both organizations as well. */
  multiOrg?: true;
  /** What the matrix shows of it: `i`, a row of the actor's own only; or nothing unless it breaks a rule. */
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
    letter: 'S',
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
    letter: 'I',
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
    rule: inserts,
    wording: 'inserts rows in the name of another',
    step: 'adds a row to',
    followed: 'askers',
    tried: 'harms',
    result: 'added',
    expects: expectNever,
    sql: (...of) => [insertSql(...of, 'forged')],
  },
  'insert-as': {
    letter: 'I',
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
  update: {
    letter: 'U',
    rule: writes,
    wording: 'updates it',
    step: 'changes a row of',
    followed: 'triggers',
    result: 'changed',
    expects: expectChange,
    sql: (...of) => [changeSql(...of)],
  },
  'update-all': {
    letter: 'U',
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
    letter: 'U',
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
    letter: 'D',
    rule: writes,
    wording: 'deletes it',
    step: 'deletes a row of',
    followed: 'askers',
    result: 'changed',
    expects: expectDelete,
    sql: (...of) => [deleteSql(...of, true)],
  },
  'delete-all': {
    letter: 'D',
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
    rule: reassigns,
    wording: 'hands it to another',
    step: 'gives away a row of',
    result: 'changed',
    expects: expectNever,
    multiOrg: true,
    sql: (...of) => [reassignSql(...of, 'give', true)],
  },
  'give-all': {
    letter: 'R',
    rule: reassigns,
    wording: 'hands it to another without WHERE',
    step: 'gives away rows of',
    result: 'changed',
    expects: expectNever,
    multiOrg: true,
    withoutWhere: true,
    anyRow: true,
    sql: (...of) => [reassignSql(...of, 'give', false)],
  },
  take: {
    letter: 'R',
    rule: reassigns,
    wording: 'takes it over',
    step: 'takes a row of',
    result: 'changed',
    expects: expectNever,
    sql: (...of) => [reassignSql(...of, 'take', true)],
  },
  'take-all': {
    letter: 'R',
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
    rule: reassigns,
    wording: 'links it to rows of others',
    step: 'links a row of',
    result: 'changed',
    expects: expectLink,
    shown: 'when-broken',
    sql: (...of) => [relinkSql(...of, true)],
  },
  'relink-all': {
    letter: 'R',
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

/** What is known of each verb. */
export const verbs: Readonly<Record<Verb, VerbRow>> = table;
