// The link through a broker of the operator's own. Who may connect and use which topic is that broker's configuration:
// each device its own prefix, by the secrets that it was given; docs/operations.md says how that is set up.

import { connectAsync, type MqttClient } from "mqtt";
import { CONTROL_MESSAGE_BYTES_MAX, TOPIC_ROOT } from "@flipside/image-format";
import type { Logger } from "../logging.ts";
import { Allowances, leafTokens, PACKET_TOKENS, SENDS_TOO_MUCH } from "./allowance.ts";
import type { BrokerAccounts, Connection, DeviceLink, LinkHandlers } from "./device-link.ts";
import { openMosquittoAccounts } from "./mosquitto-accounts.ts";
import type { ServerMessage } from "@flipside/protocol/server-messages";
import { deviceLeaves, isDeviceLeaf, parseTopic, qosOf, shardNamedBy, topicOf } from "@flipside/protocol/topics";

/**
 * Messages of one device that wait to be dealt with; what comes on top is dropped, and asked for again by its sender.
 */
const waitingMax = 32;
/** A broker that has just been started, on a machine that is busy, listens seconds before it answers. */
const connectTimeoutMs = 30_000;
/** A broker whose machine is gone without a word is noticed by this, in up to twice the time. */
const keepAliveSeconds = 15;
/** A connection that is lost for so long is no blip. */
const downAfterMs = 2_000;

interface Peer {
  waiting: number;
  tail: Promise<void>;
}

/** Rejects when the broker cannot be reached at the start; later losses are mended by reconnecting. */
export async function connectExternalBroker(options: {
  url: string;
  accounts?: "mosquitto" | undefined;
  /** Of several servers, each of which is handed all that devices say: whether those of a shard are this one's now. */
  serves?: ((shard: string) => boolean) | undefined;
  log: Logger;
  /** Of a clock that only goes forward. */
  nowMs: () => number;
}): Promise<DeviceLink> {
  const { log, serves = () => true } = options;
  const allowances = new Allowances(options.nowMs);
  /** Nothing is subscribed to before it is opened. */
  let handlers: LinkHandlers;
  const peers = new Map<string, Peer>();
  // The broker knows connections, this side doesn't: sessions are told apart by their ids alone.
  const connection: Connection = {};
  const underWay = new Set<(sent: boolean) => void>();
  let closing = false;
  let lostMs: number | undefined;
  const client: MqttClient = await connectAsync(
    options.url,
    {
      protocolVersion: 4,
      clean: true,
      keepalive: keepAliveSeconds,
      reconnectPeriod: 1_000,
      connectTimeout: connectTimeoutMs,
      resubscribe: true,
      queueQoSZero: false,
      // As one does that is just starting, or whose own accounts are elsewhere.
      reconnectOnConnackError: true,
    },
    false,
  );
  const { host } = new URL(options.url);
  client.on("error", (error) => log.warn({ reason: error.message }, "MQTT broker"));
  client.on("close", () => {
    lostMs ??= performance.now();
    giveUp();
    if (!closing) log.warn({ broker: host }, "connection to the MQTT broker lost; reconnecting");
  });
  client.on("connect", () => {
    lostMs = undefined;
    log.info({ broker: host }, "connected to the MQTT broker");
  });
  client.on("message", (topic, payload, { retain }) => {
    if (topic.startsWith("$")) return;
    // Before anything else is done for it: of several servers' messages most are another's.
    const shard = shardNamedBy(topic);
    if (!serves(shard)) return;
    const parsed = parseTopic(topic);
    if (parsed === undefined || !isDeviceLeaf(parsed.leaf)) {
      handlers.refused(undefined, "a message came on a topic that is no device's");
      return;
    }
    const { deviceId, leaf } = parsed;
    if (retain) {
      // Kept by the broker from before this connection: of no session that there is.
      handlers.refused(deviceId, `a retained message on ${leaf}, which was ignored`);
      return;
    }
    if (payload.length > CONTROL_MESSAGE_BYTES_MAX) {
      handlers.refused(deviceId, `sent ${payload.length} bytes on ${leaf}`);
      return;
    }
    // Its messages come with everybody's, so they can't be left unread.
    const allowance = allowances.of(deviceId);
    if (allowance.waitMs > 0) {
      if (allowance.sayPaced()) handlers.refused(deviceId, `${SENDS_TOO_MUCH}; what is beyond is dropped`);
      return;
    }
    allowance.spend(PACKET_TOKENS + leafTokens(leaf));
    const peer = peers.get(deviceId) ?? { waiting: 0, tail: Promise.resolve() };
    if (peer.waiting >= waitingMax) {
      handlers.refused(deviceId, `sends faster than its messages are dealt with; one on ${leaf} was dropped`);
      return;
    }
    peers.set(deviceId, peer);
    peer.waiting++;
    peer.tail = peer.tail
      .then(async () => {
        // It may have become another's while this one waited.
        if (!serves(shard)) return;
        await handlers.message({
          deviceId,
          leaf,
          payload,
          connection,
          enrolling: false,
          channel: "broker",
          reply: async (answer) => void (await publish(deviceId, [answer])),
        });
      })
      .finally(() => {
        // Kept only while something waits: unknown names must not fill memory.
        if (--peer.waiting === 0) peers.delete(deviceId);
      });
  });

  async function publish(deviceId: string, messages: readonly ServerMessage[]): Promise<boolean> {
    const sent = await Promise.all(messages.map((message) => publishOne(deviceId, message)));
    return sent.every((isSent) => isSent);
  }

  function publishOne(deviceId: string, { leaf, payload }: ServerMessage): Promise<boolean> {
    if (!client.connected) return Promise.resolve(false);
    const bytes =
      typeof payload === "string" ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    return new Promise((resolve) => {
      const done = (sent: boolean): void => {
        underWay.delete(done);
        resolve(sent);
      };
      underWay.add(done);
      client.publish(topicOf(deviceId, leaf), bytes, { qos: qosOf(leaf) }, (error) => done(!error));
    });
  }

  // mqtt.js keeps callbacks of what was not acknowledged until it is connected again, or for ever when it is closed.
  function giveUp(): void {
    for (const done of [...underWay]) done(false);
  }

  let accounts: BrokerAccounts | undefined;
  try {
    if (options.accounts === "mosquitto") accounts = await openMosquittoAccounts(client, log);
  } catch (error) {
    closing = true;
    await client.endAsync(true);
    throw error;
  }

  return {
    async open(given) {
      handlers = given;
      await client.subscribeAsync(
        deviceLeaves.map((leaf) => `${TOPIC_ROOT}+/+/${leaf}`),
        { qos: 1 },
      );
    },
    checksCredentials: false,
    accounts,
    ...{ port: null, pskPort: null, webSocketPort: null, tlsPort: null, publishToThing: async () => false },
    get isUp() {
      return lostMs === undefined || performance.now() - lostMs < downAfterMs;
    },
    address: `mqtt://${host}`,
    publish,
    bufferedBytes: () => (client.stream as { writableLength?: number }).writableLength ?? 0,
    // Its connections are the broker's.
    disconnect() {},
    async close() {
      closing = true;
      giveUp();
      await client.endAsync(true);
    },
  };
}
