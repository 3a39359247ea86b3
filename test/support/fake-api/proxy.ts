/**
 * The connections to a project's database: a pooler for all projects, with users named `postgres.<ref>`, and a direct
 * port for each, with the user `postgres`. Each project has its own password, and all are databases of one server.
 */
import { readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ProjectDatabases } from './databases.ts';
import type { Conditions, FaultList, WireFault } from './faults.ts';
import { startScram } from './scram.ts';
import type { FakeProject, FakeState } from './state.ts';
import { askPassword, makeFramer, readStartup, writeMessage, writeRefusal, writeSasl, writeStartup } from './wire.ts';

/** The backend server, and the credentials of `postgres` there. */
export interface Backend {
  host: string;
  port: number;
  password: string;
  databases: Pick<ProjectDatabases, 'databaseOf' | 'ensure'>;
}

const pair = (key: string, cert: string): { key: Buffer; cert: Buffer } => ({
  key: readFileSync(new URL(key, import.meta.url)),
  cert: readFileSync(new URL(cert, import.meta.url)),
});
const signed = '../certificates/';
const certificates: Record<Conditions['certificate'], ReturnType<typeof pair>> = {
  // Self-signed: like a project's own certificate, it chains to no public root.
  own: pair('key.pem', 'certificate.pem'),
  signed: pair(`${signed}server.key.pem`, `${signed}server.pem`),
  elsewhere: pair(`${signed}server.key.pem`, `${signed}elsewhere.pem`),
};

interface ProxySide {
  state: FakeState;
  conditions: Conditions;
  faults: FaultList<WireFault>;
  backend: Backend;
}

export interface Proxy {
  port: number;
  close: () => Promise<void>;
}

/** @param ref the project of a direct port; undefined for the pooler */
export async function startProxy(side: ProxySide, ref?: string): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    greet(side, socket, ref);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

function greet(side: ProxySide, socket: Socket, ref: string | undefined): void {
  const onStart = (packet: Buffer): void => {
    if (packet.length < 8) return void socket.destroy();
    const parameters = readStartup(packet);
    if (!parameters) {
      // A TLS request. For anything else (a cancel), close the connection.
      if (packet.readInt32BE(4) !== 80_877_103) return void socket.destroy();
      socket.write('S');
      const secure = new TLSSocket(socket, { isServer: true, ...certificates[side.conditions.certificate] });
      secure.on('error', () => socket.destroy());
      return greet(side, secure, ref);
    }
    const project = projectFor(side, parameters['user'] ?? '', ref);
    if (!project) return void socket.end(writeRefusal('XX000', 'Tenant or user not found'));
    socket.once('data', (answer: Buffer) => {
      const given = answer.subarray(5).toString('utf8').replace(/\0$/, '');
      const wrong = side.conditions.passwordRefused > 0 || given !== project.password;
      side.conditions.passwordRefused -= side.conditions.passwordRefused > 0 ? 1 : 0;
      if (wrong) return void socket.end(writeRefusal('28P01', 'password authentication failed for user "postgres"'));
      side.backend.databases.ensure(project.ref).then(
        () => relay(side, socket, project, parameters),
        () => socket.destroy(),
      );
    });
    socket.write(askPassword);
  };
  socket.once('data', onStart);
}

function projectFor(side: ProxySide, user: string, ref: string | undefined): FakeProject | undefined {
  if (ref !== undefined) return user === 'postgres' ? side.state.projects.get(ref) : undefined;
  if (side.conditions.tenantNotFound > 0) {
    side.conditions.tenantNotFound -= 1;
    return undefined;
  }
  const match = /^postgres\.([a-z]{20})$/.exec(user);
  return side.state.projects.get(match?.[1] ?? '');
}

/** Signs in to the backend as `postgres`, then forwards messages both ways and applies connection faults. */
function relay(side: ProxySide, socket: Socket, project: FakeProject, parameters: Record<string, string>): void {
  const { backend } = side;
  const behind = connect({ port: backend.port, host: backend.host, noDelay: true });
  const cut = (): void => {
    if (socket instanceof TLSSocket) socket.destroy();
    else socket.resetAndDestroy();
    behind.destroy();
  };
  behind.on('error', () => socket.destroy());
  behind.on('close', () => socket.destroy());
  socket.on('close', () => behind.destroy());

  const scram = startScram(backend.password);
  let signedIn = false;
  let fault: WireFault | undefined;
  const fromServer = makeFramer((type, message) => {
    if (!signedIn && type === 'R') {
      const kind = message.readInt32BE(5);
      if (kind === 10) return void behind.write(writeSasl(scram.first));
      if (kind === 11) return void behind.write(writeMessage('p', scram.final(message.subarray(9).toString('utf8'))));
      if (kind === 12) return undefined;
      if (kind !== 0)
        return void socket.end(writeRefusal('08P01', `the fake API cannot sign in behind (method ${kind})`));
      signedIn = true;
    }
    // The client gets no response to BEGIN or COMMIT.
    if (fault !== undefined && type === 'Z') return cut();
    if (fault === undefined) socket.write(message);
  });
  const fromClient = makeFramer((type, message) => {
    if (type === 'Q' || type === 'P') {
      const sql = message.toString('utf8');
      const taken = side.faults.take((on) => sql.includes(on));
      if (taken === 'cut-before') return cut();
      if (taken === 'cut-during') setTimeout(cut, 5);
      fault = taken ?? fault;
    }
    behind.write(message);
    return undefined;
  });
  behind.on('data', fromServer);
  socket.on('data', fromClient);
  behind.once('connect', () =>
    behind.write(
      writeStartup({ ...parameters, user: 'postgres', database: backend.databases.databaseOf(project.ref) }),
    ),
  );
}
