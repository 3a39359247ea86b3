import { resolve } from 'node:path';
import { MuseError } from '../../shared/error.ts';
import type { MuseCommand } from '../muse-command.ts';
import { environmentFields } from '../muse-context.ts';

const group = 'Command';

/** `muse types`: TypeScript types of the database. */
export const command: MuseCommand = {
  section: 'Project',
  about: 'write TypeScript types of the database, as supabase gen types does',
  usage: ['[--out <file>] [--schema <name>] [--check] [--env <name>]'],
  flags: [
    {
      name: 'out',
      type: 'string',
      value: '<file>',
      about: 'where to write; - for stdout; default: app/src/database.types.ts, or database.types.ts without an app',
      group,
    },
    {
      name: 'schema',
      type: 'string',
      value: '<name>',
      multiple: true,
      about: 'a schema that the Data API serves; repeatable; default: public',
      group,
    },
    { name: 'check', type: 'boolean', about: 'write nothing; exit with 3 if the file is not up to date', group },
  ],
  async run(context) {
    const { museTypes } = await import('../../muse/types.ts');
    const { typed, environmentName, environment, hooks, output } = context;
    const muse = await context.openMuse();
    const [check, schemas, out] = [typed.has('check'), typed.texts('schema'), typed.text('out')];
    const { file, changed, types } = await museTypes(muse, environmentName, environment, {
      ...hooks,
      check,
      out: out === undefined || out === '-' ? out : resolve(context.directory, out),
      ...(schemas === undefined ? {} : { schemas }),
    });
    const json = {
      ...environmentFields(muse, context),
      ...(file === undefined ? { types } : { file }),
      changed,
    };
    if (file === undefined) return { json, text: types.trimEnd() };
    if (check && changed) return { json, error: stale(file) };
    return {
      json,
      text: changed ? `${output.paint('green', '✓')} Wrote ${file}.` : `${file} is up to date.`,
    };
  },
};

function stale(file: string): MuseError {
  return new MuseError({
    code: 'findings',
    message: `${file} is not up to date with the database.`,
    suggestion: 'Write it again: muse types',
  });
}
