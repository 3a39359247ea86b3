import { at } from './engine/check.ts';
import { problemsOf } from './engine/fix/fix.ts';
import type { Edit, FixResult, Situation } from './engine/fix/fix.ts';
import { placed } from './engine/fix/place.ts';
import type { Texts } from './engine/fix/place.ts';
import { addOptions, searchPathFor } from './engine/fix/routine-options.ts';
import { qualifiedName, relation } from './engine/live/catalog.ts';
import type { Rule } from './engine/rule.ts';

/** Sets a search path on each SECURITY DEFINER routine: an empty one if all names in its body are qualified. */
function apply(situation: Situation): FixResult {
  const edits: Edit[] = [];
  const texts: Texts = new Map();
  const wanted = new Set(problemsOf(situation, 'definer-without-search-path').map(({ object }) => object));
  for (const routine of [...situation.catalog.routines.values()].flat()) {
    if (!wanted.has(`${routine.name}(${routine.arguments.join(', ')})`)) continue;
    edits.push(
      ...addOptions(situation, routine, `SET search_path = ${searchPathFor(routine, situation.catalog)}`, texts),
    );
  }
  const late = placed(situation, texts);
  return { ...late, edits: [...edits, ...late.edits] };
}

export const rule: Rule = {
  name: 'definer-without-search-path',
  severity: 'error',
  found: ['static', 'live'],
  means: "a SECURITY DEFINER function takes its caller's search_path",
  doc: {
    why:
      "A SECURITY DEFINER function runs with its owner's rights and looks up unqualified names along its caller's " +
      'search_path. A caller who can create a table or function of the same name in a schema of their own makes it ' +
      "use that one, with the owner's rights.",
    bad:
      '-- Counts.\n' +
      'CREATE OR REPLACE FUNCTION user_count() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT count(*) ' +
      'FROM auth.users $$;',
    good:
      '-- Counts.\n' +
      "CREATE OR REPLACE FUNCTION user_count() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = '' " +
      'AS $$ SELECT count(*) FROM auth.users $$;',
  },
  check: {
    end(catalog, report) {
      for (const routine of [...catalog.routines.values()].flat()) {
        if (!routine.definer || routine.searchPath !== undefined || routine.site === undefined) continue;
        report({
          ...at(routine.site),
          object: `${routine.name}(${routine.arguments.join(', ')})`,
          message:
            `Function ${routine.name} runs with its owner's rights and its caller's search_path: the caller ` +
            'chooses what its names mean.',
          suggestion:
            `ALTER FUNCTION ${routine.name}(${routine.arguments.join(', ')}) SET search_path = ''; -- with every ` +
            'name in it qualified',
        });
      }
    },
  },
  live: {
    routine(routine, _, report) {
      if (!routine.definer || routine.settings.some((setting) => setting.startsWith('search_path='))) return;
      const types = routine.arguments.join(', ');
      const object = `${qualifiedName(routine)}(${types})`;
      report({
        object,
        message: `Function ${object} runs with its owner's rights and its caller's search_path: the caller chooses what its names mean.`,
        suggestion: `ALTER FUNCTION ${relation(routine)}(${types}) SET search_path = ''; -- with every name in it qualified`,
      });
    },
  },
  fix: {
    does: "SET search_path = '' where names are qualified, else = pg_catalog, public, extensions",
    stage: 'details',
    apply,
  },
};
