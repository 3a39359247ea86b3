import { MuseError } from '../shared/error.ts';
import { hasCode } from '../shared/files.ts';

/** How many ports after the wanted one are tried. */
const tries = 50;

/**
 * Listens on the wanted port, or on the next one that is free.
 * @param listen listens on one port, 0 for any, and returns which it is
 * @param onNote gets a line where it is not the wanted one
 * @throws MuseError `bad-port` where none is free, or this user may not listen there
 */
export async function listenFrom(
  wanted: number,
  listen: (port: number) => Promise<number>,
  onNote?: (text: string) => void,
): Promise<number> {
  const last = Math.min(65_535, wanted + tries);
  for (let port = wanted; ; port += 1) {
    try {
      const found = await listen(port);
      if (port !== wanted) onNote?.(`Port ${wanted} is in use, so this is on port ${found}.`);
      return found;
    } catch (error) {
      const isTaken = hasCode(error, 'EADDRINUSE');
      if (!isTaken && !hasCode(error, 'EACCES')) throw error;
      if (isTaken && port < last) continue;
      throw new MuseError({
        code: 'bad-port',
        message: isTaken ? `No port from ${wanted} to ${last} is free.` : `This user may not listen on port ${port}.`,
        suggestion: 'Choose another one: --port <number>, --db-port <number>.',
        cause: error,
      });
    }
  }
}
