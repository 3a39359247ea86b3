import type { WebSocket } from 'ws';
import { Channel, type ChannelParts, Refused, type Reply } from './channel.ts';
import { decodeMessage, encodeBroadcast, encodeMessage, type Message, type Version } from './protocol.ts';
import type { Bearer } from './tokens.ts';

/** How many channels one socket may be in, as on Supabase. */
const mostChannels = 100;

/** How long a client may say nothing, heartbeats included, in ms. */
const silenceMs = 60_000;

const prefix = 'realtime:';

/** Speaks with one client until its socket closes. */
export function serveConnection(socket: WebSocket, version: Version, bearer: Bearer, parts: ChannelParts): void {
  const channels = new Map<string, { channel: Channel; joinRef: string | null }>();
  // What comes is done in its order: a broadcast may follow a join at once.
  let last: Promise<void> = Promise.resolve();
  let open = true;

  const send = (data: string | Buffer | undefined): void => {
    if (open && data !== undefined) socket.send(data);
  };
  const reply = ({ topic, ref, joinRef }: Message, answer: Reply): void => {
    if (answer === undefined) return;
    send(encodeMessage(version, { joinRef, ref, topic, event: 'phx_reply' }, JSON.stringify(answer)));
  };

  async function join(message: Message): Promise<void> {
    const { topic, joinRef, payload } = message;
    if (!topic.startsWith(prefix) || topic === prefix) throw new Refused('You must provide a topic name');
    leave(topic);
    if (channels.size >= mostChannels) throw new Refused('ChannelRateLimitReached: Too many channels');
    const push = (event: string, text: string): void => {
      send(encodeMessage(version, { joinRef, ref: null, topic, event }, text));
    };
    const channelSocket = {
      bearer,
      push,
      pushBroadcast: (broadcast: Parameters<typeof encodeBroadcast>[2]) => {
        send(encodeBroadcast(version, topic, broadcast));
      },
      closed: () => {
        channels.delete(topic);
        push('phx_close', '{}');
      },
    };
    const {
      channel,
      reply: answer,
      started,
    } = await Channel.join(parts, channelSocket, topic.slice(prefix.length), payload);
    if (!open) {
      channel.leave();
      return;
    }
    channels.set(topic, { channel, joinRef });
    reply(message, answer);
    started();
  }

  /** Leaves a channel that is joined. */
  function leave(topic: string): void {
    const joined = channels.get(topic);
    if (joined === undefined) return;
    joined.channel.leave();
    channels.delete(topic);
    send(encodeMessage(version, { joinRef: joined.joinRef, ref: null, topic, event: 'phx_close' }, '{}'));
  }

  async function handle(message: Message): Promise<void> {
    try {
      if (message.event === 'phx_join') {
        await join(message);
        return;
      }
      if (message.event === 'phx_leave') {
        reply(message, { status: 'ok', response: {} });
        leave(message.topic);
        return;
      }
      const joined = channels.get(message.topic);
      if (joined === undefined) throw new Refused('unmatched topic');
      reply(message, await joined.channel.handle(message));
    } catch (error) {
      const reason = error instanceof Refused ? error.message : `UnknownErrorOnChannel: ${(error as Error).message}`;
      reply(message, { status: 'error', response: { reason } });
    }
  }

  const silence = setTimeout(() => {
    socket.close(1000);
  }, silenceMs).unref();

  socket.on('message', (data: Buffer, binary) => {
    silence.refresh();
    let message: Message;
    try {
      message = decodeMessage(version, data, binary);
    } catch {
      // Who does not speak the protocol is not answered.
      socket.close(1011);
      return;
    }
    if (message.event === 'heartbeat') {
      reply(message, { status: 'ok', response: {} });
      return;
    }
    last = last.then(() => handle(message));
  });
  socket.on('close', () => {
    open = false;
    clearTimeout(silence);
    for (const { channel } of channels.values()) channel.leave();
    channels.clear();
  });
  // A broken frame closes the socket; there is nobody to tell.
  socket.on('error', () => {
    socket.terminate();
  });
}
