/** Processes that stand for machines: where Linux allows it, each has a network and a host name of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';

const setUp = 'ip link set lo up && echo "$1" > /proc/sys/kernel/hostname';

/** Whether this machine lets us make namespaces for the network and the host name. */
export const hasNamespaces =
  process.platform === 'linux' &&
  spawnSync('unshare', ['--net', '--uts', 'sh', '-c', setUp, 'sh', 'probe'], { stdio: 'ignore' }).status === 0;

/** For titles of tests: what they run in. */
export const machinesNote = hasNamespaces
  ? 'in network namespaces'
  : 'without network namespaces, which this machine refuses';

/** A way out of a namespace for one port: what connects to it there is connected to it here. */
export interface Relay {
  port: number;
  /** The socket's file, which every namespace sees. */
  socket: string;
  close(): Promise<void>;
}

/** Opens the way for a port of this machine's loopback. */
export async function openRelay(port: number, folder: string): Promise<Relay> {
  const socket = join(folder, `${port}.socket`);
  const server: Server = createServer((far) => {
    const near = connect(port, '127.0.0.1');
    far.pipe(near).pipe(far);
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return { port, socket, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** Runs a Node script on a machine of its own, or beside this process where there are no namespaces. */
export function spawnOn(
  machine: string,
  script: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): ChildProcess {
  const node = [process.execPath, script, ...args];
  const [command, ...rest] = hasNamespaces
    ? ['unshare', '--net', '--uts', 'sh', '-c', `${setUp} && shift && exec "$@"`, 'sh', machine, ...node]
    : node;
  return spawn(command!, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] });
}
