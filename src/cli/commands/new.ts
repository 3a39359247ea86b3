import type { DataCopy } from '../../muse/new.ts';
import { MuseError } from '../../shared/error.ts';
import type { MuseCommand } from '../muse-command.ts';
import { type MuseContext, museFields } from '../muse-context.ts';
import type { ParsedArguments } from '../parse.ts';

const group = 'Command';

/** `muse new <name>`: an extension migration with its rollback; `--data-from` makes it one that copies rows. */
export const command: MuseCommand = {
  section: 'Migrations',
  about: 'create an extension migration with its rollback',
  usage: ['<name> [--table <spec>]', '[name] --data-from <table> --to <table> [--map <to=from>]'],
  takesWords: true,
  flags: [
    {
      name: 'table',
      type: 'string',
      value: '<spec>',
      multiple: true,
      about: 'a table to create: "name: column type!, …"; repeatable',
      group,
    },
    {
      name: 'data-from',
      type: 'string',
      value: '<table>',
      about: 'copy the rows of this table, in batches; safe to run again',
      group,
    },
    { name: 'to', type: 'string', value: '<table>', about: 'the table to copy the rows to', group },
    {
      name: 'map',
      type: 'string',
      value: '<to=from>',
      multiple: true,
      about: 'target column=source column; repeatable; equal names are mapped already',
      group,
    },
  ],
  async run(context) {
    const { typed, output } = context;
    const copy = copyOf(typed);
    const words = typed.positionals.filter((word) => copy === undefined || !word.includes('='));
    const title =
      words.join(' ').trim() || (copy === undefined ? await askTitle(context) : `${copy.to} from ${copy.from}`);
    if (title === '') {
      throw new MuseError({
        code: 'bad-call',
        message: 'The name of the migration is missing.',
        suggestion: 'Describe in a few words what it adds: muse new "price history"',
      });
    }
    const { newDataInMuse, newInMuse } = await import('../../muse/new.ts');
    const muse = await context.openMuse();
    const files =
      copy === undefined
        ? await newInMuse(muse, title, typed.texts('table') ?? [])
        : await newDataInMuse(muse, title, copy);
    const next =
      copy === undefined
        ? 'Next: edit the migration, then run muse rehearse'
        : 'Next: read the migration. It says which columns are copied, which are not, and what its rollback cannot ' +
          'undo. Then run muse rehearse';
    return {
      json: { ...museFields(muse), files },
      text: [...files.map((file) => `${output.paint('green', '✓')} ${file}`), '', next].join('\n'),
    };
  },
};

/** What the person at the terminal says the migration adds; nothing without one. */
async function askTitle({ ask, typed }: MuseContext): Promise<string> {
  const terminal = typed.positionals.length === 0 ? await ask?.() : undefined;
  return (
    (await terminal?.text('What does it add, e.g. price history:', {
      check: (text) => text.trim() !== '' || 'Say it in a few words: they name the file.',
    })) ?? ''
  );
}

/** The copy that was asked for, or undefined where none was. */
function copyOf(typed: ParsedArguments): DataCopy | undefined {
  const [from, to, maps] = [typed.text('data-from'), typed.text('to'), typed.texts('map')];
  if (from === undefined && to === undefined && maps === undefined) return undefined;
  const call = 'muse new --data-from legacy_users --to profiles --map display_name=name';
  if (from === undefined || to === undefined)
    throw badCall(
      `${from === undefined ? '--data-from' : '--to'} is missing: a copy needs both tables.`,
      `For example: ${call}`,
    );
  if (typed.texts('table') !== undefined) {
    throw badCall(
      '--table and --data-from cannot be combined: each makes a file of its own.',
      'Run muse new twice: first with --table, then with --data-from.',
    );
  }
  const pairs = [...(maps ?? []), ...typed.positionals.filter((word) => word.includes('='))].flatMap((list) =>
    list.split(','),
  );
  return { from, to, map: pairs.map((pair) => pairOf(pair, call)) };
}

function pairOf(text: string, call: string): readonly [string, string] {
  const [target = '', source = '', ...more] = text.split('=').map((part) => part.trim());
  if (target === '' || source === '' || more.length > 0) {
    throw badCall(
      `--map ${JSON.stringify(text.slice(0, 80))} is not a pair of columns.`,
      `Write the target's column, then the source's: ${call}`,
    );
  }
  return [target, source];
}

function badCall(message: string, suggestion: string): MuseError {
  return new MuseError({ code: 'bad-call', message, suggestion });
}
