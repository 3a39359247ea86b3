import { moveEarlier } from './engine/fix/moves.ts';
import { dropBetween, endWith, place, short, titles } from './engine/references.ts';
import type { Rule } from './engine/rule.ts';

export const rule: Rule = {
  name: 'used-before-created',
  severity: 'error',
  found: ['static'],
  stops: true,
  means: 'something is used before a later statement or file creates it',
  doc: {
    why:
      'Migrations run in order. Using something before it is created fails on every fresh database, although it ' +
      'works on the one where the files were written.',
    bad:
      '-- Notes.\n' +
      'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, folder_id uuid REFERENCES folders (id));\n' +
      'CREATE TABLE IF NOT EXISTS folders (id uuid PRIMARY KEY);',
    good:
      '-- Notes.\n' +
      'CREATE TABLE IF NOT EXISTS folders (id uuid PRIMARY KEY);\n' +
      'CREATE TABLE IF NOT EXISTS notes (id uuid PRIMARY KEY, folder_id uuid REFERENCES folders (id));',
  },
  check: {
    end: endWith('used-before-created', (verdict, catalog) => {
      const { need, made } = verdict;
      const drop = dropBetween(catalog, verdict);
      return {
        message: `${titles[need.kind]} ${short(need.name)} is used here and created only later, in ${place(made!)}.`,
        suggestion:
          drop === undefined
            ? `Move the statement at ${place(made!)} before this one.`
            : `Move this statement after ${place(made!)}; or move that one before this one and remove the DROP at ` +
              `${place(drop)}, which would undo it.`,
      };
    }),
  },
  fix: {
    does: 'moves the statements that it needs before the first use',
    stage: 'order',
    apply: (situation) => moveEarlier(situation, 'used-before-created'),
  },
};
