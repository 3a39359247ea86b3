import { MuseError } from '../shared/error.ts';
import { nearest } from '../shared/nearest.ts';

/** @throws MuseError `bad-command`, always, with the nearest one that there is */
export function unknownCommand(name: string | undefined, commands: readonly { name: string }[]): never {
  const near = nearest(
    name ?? '',
    commands.map((command) => command.name),
  );
  throw new MuseError({
    code: 'bad-command',
    message: name === undefined ? 'muse needs a command.' : `There is no command "${name}".`,
    suggestion: near === undefined ? 'muse --help lists them.' : `Did you mean muse ${near}? muse --help lists them all.`,
  });
}
