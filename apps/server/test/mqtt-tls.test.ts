// The port for MQTT over TLS: who comes in there as elsewhere, what is refused, and what happens to its certificate.

import { once } from "node:events";
import { chmod, copyFile, readFile, rm, writeFile } from "node:fs/promises";
import { connect as connectPlain } from "node:net";
import { join } from "node:path";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { connectPacket, publishPacket } from "@flipside/protocol/mqtt/write";
import { topicPrefixOf } from "@flipside/protocol/topics";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ConfigurationError, readConfiguration } from "../src/configuration.ts";
import { createLogger } from "../src/logging.ts";
import type { ClientCertificate, DeviceLink, LinkHandlers } from "../src/mqtt/device-link.ts";
import { createEmbeddedBroker } from "../src/mqtt/embedded-broker.ts";
import { Handshakes } from "../src/mqtt/handshakes.ts";
import { startServer } from "../src/server.ts";
import { type ClientPair, makeClientPair, makeServerPair, type Pair } from "./certificates.ts";
import { Fixture, temporaryDirectory } from "./fixture.ts";
import { makeProject } from "./keys.ts";

let folder: string;
let server: Pair & { rootFile: string };
let root: Buffer;
let client: ClientPair;
beforeAll(async () => {
  folder = await temporaryDirectory();
  server = await makeServerPair(folder);
  root = await readFile(server.rootFile);
  client = await makeClientPair(folder, "client");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("a device of ours comes in by TLS as by any other way", async () => {
  const fixture = await Fixture.start({ mqttTls: { port: 0, ...server } });
  try {
    const device = await fixture.readyDevice(undefined, (each) => {
      each.mqttUrl = `mqtts://localhost:${fixture.server.mqttTlsPort}`;
      each.tls = { ca: root };
    });
    expect((await fixture.api.get(`/api/v1/devices/${device.id}`)).body).toMatchObject({ online: true });
    expect((device.client!.stream as TLSSocket).getProtocol()).toBe("TLSv1.3");
  } finally {
    await fixture.stop();
  }
});

describe("at the port", () => {
  let link: DeviceLink;
  const refused: string[] = [];
  const heard: Buffer[] = [];
  const shown: ClientCertificate[] = [];
  const sockets: { destroy(): void }[] = [];
  const handlers: LinkHandlers = {
    authenticate: async () => "accepted",
    channelKeys: async () => [],
    message: async ({ payload }) => {
      heard.push(Buffer.from(payload));
      return true;
    },
    closed: () => {},
    refused: (_, what) => void refused.push(what),
    things: {
      authenticate: async (_thing, certificate) => (shown.push(certificate), "accepted"),
      message: async () => true,
      connected: () => {},
      closed: () => {},
    },
  };
  async function open(files: Pair = server, more: Partial<LinkHandlers> = {}): Promise<void> {
    for (const list of [refused, heard, shown]) list.length = 0;
    const tls = { port: 0, lookEveryMs: 20, certificateFile: files.certificateFile, keyFile: files.keyFile };
    link = await createEmbeddedBroker({
      ...{ host: "127.0.0.1", port: 0, tls, nowMs: () => 0 },
      log: createLogger("silent"),
    });
    await link.open({ ...handlers, ...more });
  }
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await link.close();
  });

  async function secure(more: ConnectionOptions = {}): Promise<TLSSocket> {
    const socket = connect({ host: "localhost", port: link.tlsPort!, ca: root, ...more });
    sockets.push(socket);
    socket.on("error", () => {});
    await once(socket, "secureConnect");
    return socket;
  }
  const shows = async (pair: ClientPair): Promise<ConnectionOptions> => ({
    cert: pair.certificate,
    key: await readFile(pair.keyFile),
  });
  const hello = (socket: TLSSocket, id: string): void =>
    void socket.write(
      connectPacket({
        ...{ clientId: id, userName: id, password: Buffer.from("secret"), will: undefined },
        ...{ isCleanSession: true, keepAliveS: 300 },
      }),
    );
  const accepted = async (socket: TLSSocket): Promise<void> =>
    expect((await once(socket, "data"))[0]).toEqual(Buffer.of(0x20, 2, 0, 0));

  it.each(["TLSv1.2", "TLSv1.3"] as const)("%s is spoken, and nothing older", async (version) => {
    await open();
    const socket = await secure({ minVersion: version, maxVersion: version });
    hello(socket, "dev-1");
    await accepted(socket);
    const old = secure({ minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" });
    await expect(old).rejects.toThrow();
    await expect.poll(() => refused.join()).toMatch(/a TLS handshake failed/);
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)("a certificate is told as it was shown, over %s", async (version) => {
    await open();
    const socket = await secure({ ...(await shows(client)), minVersion: version, maxVersion: version });
    hello(socket, "Thing_1");
    await accepted(socket);
    expect(shown).toHaveLength(1);
    expect(shown[0]!.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(shown[0]!.validToMs).toBeGreaterThan(shown[0]!.validFromMs);
  });

  it("who shows a certificate is not let in by a password in its place", async () => {
    await open(server, { things: undefined });
    const socket = await secure(await shows(client));
    hello(socket, "dev-1");
    await once(socket.resume(), "close");
    expect(refused.join()).toMatch(/with a certificate, and no things/);
  });

  it("what is decrypted is read as what comes in clear: whole, and no packet that is too large", async () => {
    await open();
    const socket = await secure();
    hello(socket, "dev-1");
    await accepted(socket);
    const topic = `${topicPrefixOf("dev-1")}telemetry`;
    const bytes = Buffer.concat([0, 1, 2].map((i) => publishPacket(topic, Buffer.alloc(i === 1 ? 8_000 : 40, i))));
    for (let at = 0; at < bytes.length; at += 1_000) socket.write(bytes.subarray(at, at + 1_000));
    await expect.poll(() => heard.map(({ length }) => length)).toEqual([40, 8_000, 40]);
    socket.write(publishPacket(topic, Buffer.alloc(10_000)));
    await once(socket.resume(), "close");
    expect(refused.join()).toMatch(/a packet of more than/);
  });

  it("who floods is read no further than it may say", async () => {
    await open();
    const [bad, good] = [await secure(), await secure()];
    for (const [socket, id] of [
      [bad, "bad"],
      [good, "good"],
    ] as const) {
      hello(socket, id);
      await accepted(socket);
    }
    const says = (id: string): Uint8Array => publishPacket(`${topicPrefixOf(id)}telemetry`, Buffer.from(id));
    const countOf = (id: string): number => heard.filter((each) => each.toString() === id).length;
    bad.write(Buffer.concat(Array.from({ length: 1_000 }, () => says("bad"))));
    // Of 400 tokens a connection takes 20 and a message 5; some are read ahead of their cost. The clock stands still.
    const most = (400 - 20) / 5 + 8;
    await expect.poll(() => countOf("bad"), { timeout: 10_000 }).toBeGreaterThanOrEqual(most - 16);
    for (let i = 1; i <= 20; i++) {
      good.write(says("good"));
      await expect.poll(() => countOf("good"), { timeout: 10_000, interval: 1 }).toBe(i);
    }
    expect(countOf("bad")).toBeLessThanOrEqual(most);
    expect(refused.join()).toMatch(/sends more than it may/);
  });

  it("a new certificate is taken without a restart; one that can't be used is not", async () => {
    const files = { certificateFile: join(folder, "live.crt"), keyFile: join(folder, "live.key") };
    const put = async (pair: Pair): Promise<void> => {
      await copyFile(pair.keyFile, files.keyFile);
      await copyFile(pair.certificateFile, files.certificateFile);
      await chmod(files.keyFile, 0o600);
    };
    await put(server);
    await open(files);
    const served = async (): Promise<string> => {
      const socket = await secure();
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const before = await served();
    await writeFile(files.certificateFile, "nothing of the kind");
    const other = await makeServerPair(folder, "other");
    expect(await served()).toBe(before);
    await put(other);
    await expect.poll(served, { timeout: 10_000 }).not.toBe(before);
  });

  it("it is closed though a handshake has not come to its end", { timeout: 8_000 }, async () => {
    await open();
    const silent = connectPlain(link.tlsPort!, "127.0.0.1");
    sockets.push(silent);
    await once(silent, "connect");
    const ended = once(silent, "close");
    await link.close();
    await ended;
    await open();
  });
});

it("of handshakes that are under way the oldest gives way", () => {
  const handshakes = new Handshakes(2);
  const destroyed: number[] = [];
  const socketOf = (remotePort: number) =>
    ({ remoteAddress: "::1", remotePort, once: () => {}, destroy: () => destroyed.push(remotePort) }) as never;
  for (const port of [1, 2]) handshakes.begun(socketOf(port));
  handshakes.done(socketOf(1));
  for (const port of [3, 4]) handshakes.begun(socketOf(port));
  expect(destroyed).toEqual([2]);
  expect(handshakes.size).toBe(2);
});

describe("a start says what is wrong", () => {
  const start = async (files: Pair): Promise<unknown> => {
    const dataDir = await temporaryDirectory();
    const { trustChain } = await makeProject();
    const started = startServer({ dataDir, trustChain, port: 0, mqttPort: 0, mqttTls: { port: 0, ...files } });
    return started.finally(() => rm(dataDir, { recursive: true, force: true }));
  };
  const { certificateFile, keyFile } = { certificateFile: "server.crt", keyFile: "server.key" };
  it("with a file that is not there, or holds something else", async () => {
    await expect(start({ ...server, certificateFile: join(folder, "none") })).rejects.toThrow(/cannot be read: ENOENT/);
    await expect(start({ ...server, certificateFile: server.keyFile })).rejects.toThrow(/holds no certificate in PEM/);
    const key = join(folder, "no.key");
    await writeFile(key, "nothing", { mode: 0o600 });
    await expect(start({ ...server, keyFile: key })).rejects.toThrow(/holds no private key/);
  });

  it("with a key that others may read, or of another certificate", async () => {
    const open = join(folder, "open.key");
    await copyFile(server.keyFile, open);
    await chmod(open, 0o644);
    await expect(start({ ...server, keyFile: open })).rejects.toThrow(/chmod 600/);
    await expect(start({ ...server, keyFile: client.keyFile })).rejects.toThrow(/is not that of the certificate/);
  });

  it("with a part of the options alone, or beside another broker", () => {
    const read = (...args: string[]): unknown => readConfiguration(["--trust-chain", "chain", ...args], {});
    expect(() => read("--mqtt-tls-port", "8883")).toThrow(ConfigurationError);
    const all = ["--mqtt-tls-port", "8883", "--mqtt-tls-cert", certificateFile, "--mqtt-tls-key", keyFile];
    expect(read(...all, "--mqtt-psk-port", "8884")).toMatchObject({ mqttTlsPort: 8883 });
    expect(() => read(...all, "--mqtt-url", "mqtt://broker")).toThrow(/a port of its own/);
  });
});
