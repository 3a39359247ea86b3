import { MuseError } from '../../shared/error.ts';
import type { MuseCommand } from '../muse-command.ts';
import { environmentFields } from '../muse-context.ts';

/** `muse psql`: the database of an environment in a SQL shell, or the result of a statement. */
export const command: MuseCommand = {
  section: 'Development',
  about: 'open psql on the database, or run a statement',
  usage: ['[-c <sql>] [--env <name>]'],
  flags: [
    {
      name: 'command',
      short: 'c',
      type: 'string',
      value: '<sql>',
      about: 'run this and print the result; works without psql, too',
      group: 'Command',
    },
  ],
  async run(context) {
    const { runPsql, runStatements } = await import('../../dev/psql.ts');
    const { typed, output, environmentName: environment, environment: variables, hooks } = context;
    const muse = await context.openMuse();
    const options = { environment, variables, signal: hooks.signal, onNote: hooks.onNote };
    const statement = typed.text('command');
    const isTyped = statement === undefined && process.stdin.isTTY === true;
    if (!output.json) {
      // Of a file or a pipe, psql would report success whatever fails in it.
      const args = statement !== undefined ? ['-c', statement] : isTyped ? [] : ['-v', 'ON_ERROR_STOP=1'];
      const takeBack = context.leaveCtrlC();
      const code = await runPsql(muse, args, options).finally(takeBack);
      if (code !== undefined) return { json: {}, exitCode: code === 0 ? 0 : 1 };
    }
    if (isTyped) throw output.json ? nothingToRun() : noShell();
    const results = await runStatements(muse, statement ?? (await readInput()), options);
    const { formatTable } = await import('../format-table.ts');
    return {
      json: { ...environmentFields(muse, context), results },
      text: results.map(formatTable).join('\n'),
      verbatim: true,
    };
  },
};

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const noShell = (): MuseError =>
  new MuseError({
    code: 'psql-missing',
    message: 'muse psql opens the psql of this machine, and found none that can connect.',
    detail: 'psql is not on the PATH, or the environment has no database URL (Supabase).',
    suggestion: 'Run single statements: muse psql -c "select 1". Or install the client of PostgreSQL.',
  });

const nothingToRun = (): MuseError =>
  new MuseError({
    code: 'bad-call',
    message: 'With --json, muse psql runs a statement, and none was given.',
    suggestion: 'Give one: muse psql -c "select 1" --json',
  });
