import { at, here } from './check.ts';
import type { Check } from './check.ts';

export const definerWithoutSearchPath: Check = {
  rule: 'definer-without-search-path',
  doc: {
    why: 'A SECURITY DEFINER function runs with its owner\'s rights and looks unqualified names up where its caller says. A caller who may create a table or function of the same name in a schema of theirs makes it run theirs, with the owner\'s rights.',
    bad: '-- Counts.\nCREATE OR REPLACE FUNCTION user_count() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT count(*) FROM auth.users $$;',
    good: '-- Counts.\nCREATE OR REPLACE FUNCTION user_count() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = \'\' AS $$ SELECT count(*) FROM auth.users $$;',
  },
  end(catalog, report) {
    for (const routine of [...catalog.routines.values()].flat()) {
      if (!routine.definer || routine.searchPath !== undefined || routine.site === undefined) continue;
      report({
        ...at(routine.site),
        object: `${routine.name}(${routine.arguments.join(', ')})`,
        message: `Function ${routine.name} runs with its owner's rights and its caller's search_path: the caller chooses what its names mean.`,
        suggestion: `ALTER FUNCTION ${routine.name}(${routine.arguments.join(', ')}) SET search_path = ''; -- with every name in it qualified`,
      });
    }
  },
};

export const enumType: Check = {
  rule: 'enum-type',
  doc: {
    why: 'A value can be added to an enum, but never taken out or renamed in a way that a rollback undoes, and a new value cannot be used in the transaction that adds it. Text with a CHECK does the same and can be changed.',
    bad: '-- Moods.\nDO $$ BEGIN CREATE TYPE mood AS ENUM (\'good\', \'bad\'); EXCEPTION WHEN duplicate_object THEN NULL; END $$;',
    good: '-- Moods.\nCREATE TABLE IF NOT EXISTS days (id uuid PRIMARY KEY, mood text NOT NULL CHECK (mood IN (\'good\', \'bad\')));',
  },
  piece(piece, _, report) {
    if (piece.type !== 'CreateEnumStmt' || piece.inside === 'routine') return;
    const names = piece.node['typeName'] as { String: { sval: string } }[];
    const values = (piece.node['vals'] as { String: { sval: string } }[] | undefined) ?? [];
    const name = names.map(({ String: { sval } }) => sval).join('.');
    report({
      ...here(piece),
      object: name,
      message: `Type ${name} is an enum; its values can never be taken out again.`,
      suggestion: `text CHECK (column IN (${values.map(({ String: { sval } }) => `'${sval.replaceAll('\'', '\'\'')}'`).join(', ')}))`,
    });
  },
};

export const rollbackMissing: Check = {
  rule: 'rollback-missing',
  doc: {
    why: 'An extension is what a product tries, changes and gives up. Without its rollback, going back means writing SQL by hand on a database that people use.',
  },
  source(source, report, run) {
    const { layer, file } = source.migration;
    if (layer !== 'extension' || run.rollbacks.has(file) || source.parsed.statements.length === 0) return;
    report({
      source,
      offset: 0,
      message: 'There is no rollback for this extension file.',
      suggestion: 'muse lint --fix writes it from the statements of the file.',
    });
  },
};

