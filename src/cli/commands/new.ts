import { type DataCopy, newDataInMuse, newInMuse } from '../../muse/new.ts';
import { MuseError } from '../../shared/error.ts';
import { museOf } from '../muse-context.ts';
import { flagText, flagTexts, type ParsedArguments } from '../parse.ts';
import type { CommandContext, CommandResult } from '../run.ts';

/** `muse new <name>`: an extension migration with its rollback; `--data-from` makes it one that copies rows. */
export async function newCommand(parsed: ParsedArguments, context: CommandContext): Promise<CommandResult> {
  const copy = copyOf(parsed);
  const words = parsed.positionals.filter((word) => copy === undefined || !word.includes('='));
  const title = words.join(' ').trim() || (copy === undefined ? '' : `${copy.to} from ${copy.from}`);
  if (title === '') {
    throw new MuseError({
      code: 'bad-call',
      message: 'The name of the migration is missing.',
      suggestion: 'Say in a few words what it adds: muse new "price history"',
    });
  }
  const muse = await museOf(parsed, context);
  const files = copy === undefined ? await newInMuse(muse, title, flagTexts(parsed, 'table') ?? []) : await newDataInMuse(muse, title, copy);
  const { paint } = context.output;
  const next = copy === undefined ? 'Write it, then: muse rehearse' : 'Read it: it says what goes where, what stays behind, and what its rollback cannot do. Then: muse rehearse';
  return {
    json: { name: muse.museFile.name, directory: muse.directory, files },
    text: [...files.map((file) => `${paint('green', '✓')} ${file}`), '', next].join('\n'),
  };
}

/** The copy that was asked for, or undefined where none was. */
function copyOf(parsed: ParsedArguments): DataCopy | undefined {
  const [from, to] = [flagText(parsed, 'data-from'), flagText(parsed, 'to')];
  const maps = flagTexts(parsed, 'map');
  if (from === undefined && to === undefined && maps === undefined) return undefined;
  const call = 'muse new --data-from legacy_users --to profiles --map display_name=name';
  if (from === undefined || to === undefined) throw badCall(`${from === undefined ? '--data-from' : '--to'} is missing: a copy goes from one table to another.`, call);
  if (flagTexts(parsed, 'table') !== undefined) throw badCall('--table and --data-from make two different files.', 'Run muse new twice: first with --table, then with --data-from.');
  const pairs = [...(maps ?? []), ...parsed.positionals.filter((word) => word.includes('='))].flatMap((list) => list.split(','));
  return { from, to, map: pairs.map((pair) => pairOf(pair, call)) };
}

function pairOf(text: string, call: string): readonly [string, string] {
  const [target = '', source = '', ...more] = text.split('=').map((part) => part.trim());
  if (target === '' || source === '' || more.length > 0) throw badCall(`--map ${JSON.stringify(text.slice(0, 80))} is no pair of columns.`, `Write the column of the target, then that of the source: ${call}`);
  return [target, source];
}

function badCall(message: string, suggestion: string): MuseError {
  return new MuseError({ code: 'bad-call', message, suggestion });
}
