/**
 * The commands in this process, for tests of what they do and print: a process of its own spends most of its time on loading
 * and on compiling PostgreSQL. What only a process shows, such as signals, its arguments, a terminal, or what keeps it from
 * ending, is tested with `cli.ts`, which runs the same functions.
 */
import { setFlagsFromString } from 'node:v8';
import { main as mainOfCreateMuse } from '../../src/cli/create-muse.ts';
import { main as mainOfMuse } from '../../src/cli/muse.ts';
import { environment, type Finished, type RunOptions, withoutProgress } from './cli.ts';

type Main = (argv: string[]) => Promise<number>;
type Options = Omit<RunOptions, 'onOutput'>;

/** Ends with the last command that was started: a process has one working directory and one environment. */
let last: Promise<unknown> = Promise.resolve();

function run(main: Main, args: readonly string[], options: Options): Promise<Finished> {
  const finished = last.then(() => runAlone(main, args, options));
  last = finished.catch(() => undefined);
  return finished;
}

/** Runs a program with the working directory, environment and streams that a process of its own would have. */
async function runAlone(main: Main, args: readonly string[], { cwd, env }: Options): Promise<Finished> {
  const { title, env: variables } = process;
  const [directory, before] = [process.cwd(), { ...variables }];
  const listeners = process.stdout.listeners('error');
  const [stdout, stderr] = [record(process.stdout), record(process.stderr)];
  try {
    process.chdir(cwd);
    replaceVariables(environment(env));
    const code = await main([...args]);
    return { code, signal: null, stdout: stdout.text(), stderr: withoutProgress(stderr.text()) };
  } finally {
    stdout.end();
    stderr.end();
    for (const listener of process.stdout.listeners('error'))
      if (!listeners.includes(listener)) process.stdout.off('error', listener as () => void);
    process.chdir(directory);
    replaceVariables(before);
    process.title = title;
    // `create-muse` turns V8's optimizing compiler off, as it runs for seconds; this process runs for minutes.
    setFlagsFromString('--opt');
  }
}

/** In place: what was started by the system, such as `os.homedir`, reads the variables of the process itself. */
function replaceVariables(variables: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (variables[name] === undefined) delete process.env[name];
  for (const [name, value] of Object.entries(variables)) if (value !== undefined) process.env[name] = value;
}

/** Keeps what is written to a stream, until the end, instead of writing it. */
function record(stream: NodeJS.WriteStream): { text(): string; end(): void } {
  const { write } = stream;
  const parts: string[] = [];
  stream.write = (part: string | Uint8Array): boolean => parts.push(String(part)) > 0;
  return { text: () => parts.join(''), end: () => void (stream.write = write) };
}

/** Runs `create-muse`. */
export const createMuse = (args: readonly string[], options: Options): Promise<Finished> =>
  run(mainOfCreateMuse, args, options);

/** Runs `muse`. */
export const muse = (args: readonly string[], options: Options): Promise<Finished> => run(mainOfMuse, args, options);
