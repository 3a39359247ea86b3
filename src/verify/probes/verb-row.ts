import type { RuleName } from '../../rules/registry.ts';
import type { Model } from '../catalog/model.ts';
import type { Actor } from './actors.ts';
import type { Expects } from './expected.ts';
import type { Subject } from './subject.ts';

/**
 * The statements of a verb for an actor, tried one by one and each rolled back immediately. None if the verb makes no
 * sense for the actor.
 */
export type SqlFor = (subject: Subject, actor: Actor, model: Model) => readonly (string | Statement | undefined)[];

/** A statement that is one of many. */
export interface Statement {
  sql: string;
  variant?: Variant;
  /** SQL that prepares for it, beside what prepares for all of the verb. */
  prepare?: string;
}

/** What makes one statement of a verb another one than the simplest. */
export interface Variant {
  /** The columns that it sets to other values, with those. */
  sets: readonly (readonly [column: string, value: string])[];
  /** The same text for statements that do not differ in anything else. */
  of: string;
}

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
  /** A stranger tries it after another write where it was refused before, and it is followed in turn, although it reaches nothing of others by itself. */
  leads?: true;
  /** Tried again after a permitted write: because it may open more, or to see what has become possible. */
  tried?: 'opens' | 'harms';
  /** It adds the actor's own row under the key of A's row, so a constraint error says nothing about A's row. */
  underKeyOfA?: true;
  /** It links a row of the actor to rows of A. */
  linksToA?: true;
  /** Each of its statements is about something else, so it counts how many are let through. */
  counted?: true;
  /** It breaks no rule itself: the rows that it meets are not held against an actor who meets them by that other verb. */
  excuses?: string;
  /** Tried by those who are members of both organizations as well: always, or where policies ask for a member's role. */
  multiOrg?: 'always' | 'by-role';
  /** Verbs of which a member with the same role must be let do one, for a member of both organizations to do this: itself where absent. */
  heldTo?: readonly string[];
  /** How the matrix shows it: `i` for the actor's own rows only; or not at all unless it breaks a rule. */
  shown?: 'own-only' | 'when-broken';
}

/** The rules of what is found, by who does it. */
export const reads = { signedIn: 'isolation-read', anonymous: 'anon-read' } as const;
export const inserts = { signedIn: 'isolation-insert', anonymous: 'anon-write' } as const;
export const writes = { signedIn: 'isolation-write', anonymous: 'anon-write' } as const;
export const reassigns = { signedIn: 'isolation-reassign', anonymous: 'anon-write' } as const;

/** Of a verb whose statements are not written by subject. */
export const noSql: SqlFor = () => [];
