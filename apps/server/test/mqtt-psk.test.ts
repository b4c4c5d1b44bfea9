// MQTT over TLS by devices' own keys: who gets through the handshake, as whom they may speak then, and what is said to
// the rest. Clients are node:tls's; the device's own is tested against this door by test/end-to-end.

import { once } from "node:events";
import { connect as connectPlain, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { TLS_EXPORTER_LABEL } from "@flipside/image-format/portable/mac-labels";
import { tlsEnrolKey, tlsKey, tlsPassword } from "@flipside/protocol/macs";
import { connectPacket } from "@flipside/protocol/mqtt/write";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ConfigurationError, readConfiguration } from "../src/configuration.ts";
import { readPskClientHello } from "../src/mqtt/psk-client-hello.ts";
import { Fixture } from "./fixture.ts";
import type { ProtocolDevice } from "./protocol-device.ts";

const suite = "TLS_CHACHA20_POLY1305_SHA256";

let fixture: Fixture;
let device: ProtocolDevice;
beforeAll(async () => {
  fixture = await Fixture.start({ mqttPort: 0, mqttPskPort: 0 });
  device = await fixture.readyDevice();
});
afterAll(() => fixture.stop());

const sockets: { destroy(): void }[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

const port = (): number => fixture.server.mqttPskPort!;

interface Attempt {
  socket: TLSSocket;
  /** Why there is no connection; undefined: there is one. */
  error: string | undefined;
}

async function attempt(identity: string, key: Uint8Array, more: { ciphers?: string } = {}): Promise<Attempt> {
  const socket = connect({
    ...{ host: "127.0.0.1", port: port(), minVersion: "TLSv1.3", ciphers: suite, ...more },
    pskCallback: () => ({ psk: Buffer.from(key), identity }),
    checkServerIdentity: () => undefined,
  });
  sockets.push(socket);
  const error = await Promise.race([
    once(socket, "secureConnect").then(() => undefined),
    new Promise<string>((resolve) => socket.once("error", (each: NodeJS.ErrnoException) => resolve(each.code!))),
  ]);
  socket.on("error", () => {});
  return { socket, error };
}

const exportedBy = (socket: TLSSocket): string =>
  socket.exportKeyingMaterial(32, TLS_EXPORTER_LABEL, Buffer.alloc(0)).toString("base64url");

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

/** The return code of CONNACK (MQTT 3.1.1, table 3.1); "closed" where none comes. */
async function mqttConnect(socket: Socket, userName: string, password: string): Promise<number | "closed"> {
  const closed = once(socket, "close").then(() => "closed" as const);
  const answered = once(socket, "data").then(([data]) => (data as Buffer)[3]!);
  const hello = {
    clientId: userName,
    userName,
    password: Buffer.from(password),
    isCleanSession: true,
    keepAliveS: 30,
    will: undefined,
  };
  socket.write(connectPacket(hello));
  return Promise.race([answered, closed]);
}

const secretOf = (of: ProtocolDevice): Uint8Array => of.secret!;
const keyOf = (of: ProtocolDevice): Uint8Array => tlsKey(secretOf(of), of.id);

describe("a device with a secret", () => {
  it("comes in by the key that is made of it, and shows it by a MAC over the channel", async () => {
    const { socket, error } = await attempt(device.id, keyOf(device));
    expect(error).toBeUndefined();
    expect([socket.getProtocol(), socket.getCipher().name]).toEqual(["TLSv1.3", suite]);
    const password = base64url(tlsPassword(secretOf(device), device.id, exportedBy(socket)));
    expect(await mqttConnect(socket, device.id, password)).toBe(0);
  });

  it("is refused with the secret itself, with a MAC over another channel, and with none", async () => {
    const { socket: other } = await attempt(device.id, keyOf(device));
    for (const password of [
      base64url(secretOf(device)),
      base64url(tlsPassword(secretOf(device), device.id, exportedBy(other))),
      "",
    ]) {
      const { socket } = await attempt(device.id, keyOf(device));
      expect(await mqttConnect(socket, device.id, password)).toBe(4);
    }
  });

  it("that has proved to be one can't speak as another, nor enrol", async () => {
    const second = await fixture.readyDevice();
    for (const userName of [second.id, `enrol.${device.id}`, `enrol.${second.id}`]) {
      const { socket } = await attempt(device.id, keyOf(device));
      const password = base64url(tlsPassword(secretOf(second), second.id, exportedBy(socket)));
      expect(await mqttConnect(socket, userName, password)).toBe("closed");
    }
  });

  it("gets no handshake with a wrong key, and its MAC in clear is worth nothing", async () => {
    expect((await attempt(device.id, Buffer.alloc(32, 1))).error).toMatch(/HANDSHAKE_FAILURE/);
    const { socket } = await attempt(device.id, keyOf(device));
    const password = base64url(tlsPassword(secretOf(device), device.id, exportedBy(socket)));
    const clear = connectPlain(fixture.server.mqttPort!, "127.0.0.1");
    sockets.push(clear);
    expect(await mqttConnect(clear, device.id, password)).toBe(4);
  });

  it("that is revoked is told so, within the channel", async () => {
    const revoked = await fixture.readyDevice();
    await fixture.api.post(`/api/v1/devices/${revoked.id}/revoke`, {});
    const { socket, error } = await attempt(revoked.id, keyOf(revoked));
    expect(error).toBeUndefined();
    const password = base64url(tlsPassword(secretOf(revoked), revoked.id, exportedBy(socket)));
    expect(await mqttConnect(socket, revoked.id, password)).toBe(5);
  });
});

describe("who has none yet", () => {
  it("comes in to enrol by the key of its claim, and by no other", async () => {
    const newcomer = await fixture.newDevice();
    const userName = `enrol.${newcomer.id}`;
    const key = tlsEnrolKey(newcomer.claimSecret, newcomer.id);
    const { socket, error } = await attempt(userName, key);
    expect(error).toBeUndefined();
    expect(await mqttConnect(socket, userName, "enrol")).toBe(0);
    expect((await attempt(userName, tlsKey(newcomer.claimSecret, newcomer.id))).error).toMatch(/HANDSHAKE_FAILURE/);
    expect((await attempt(newcomer.id, key)).error).toMatch(/HANDSHAKE_FAILURE/);
  });

  it.each(["nobody", "enrol.nobody", "a name/with a slash", "x".repeat(120)])(
    "and is called %j gets no handshake",
    async (identity) => {
      expect((await attempt(identity, Buffer.alloc(32, 7))).error).toMatch(/HANDSHAKE_FAILURE/);
    },
  );
});

describe("at the door", () => {
  async function answerTo(bytes: Buffer, part = bytes.length): Promise<Buffer> {
    const socket = connectPlain(port(), "127.0.0.1");
    sockets.push(socket);
    const answers: Buffer[] = [];
    socket.on("data", (data) => answers.push(data as Buffer));
    socket.on("error", () => {});
    for (let at = 0; at < bytes.length; at += part) socket.write(bytes.subarray(at, at + part));
    await once(socket, "close");
    return Buffer.concat(answers);
  }
  const alert = Buffer.from([21, 3, 3, 0, 2, 2, 40]);

  it.each([
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
    ["MQTT in clear", Buffer.from("100c00044d5154540402003c0000", "hex")],
    ["a record that is too long", Buffer.from([22, 3, 1, 255, 255])],
    ["a ClientHello whose lengths are wrong", Buffer.from([22, 3, 1, 0, 8, 1, 0, 0, 4, 3, 3, 255, 255])],
    ["another handshake message", Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
    ["an empty ClientHello", Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0])],
  ])("%s is answered by an alert, and ends", async (_name, bytes) => {
    expect(await answerTo(bytes)).toEqual(alert);
  });

  it("another suite of TLS 1.3 comes to no connection", async () => {
    const { error } = await attempt(device.id, keyOf(device), { ciphers: "TLS_AES_128_GCM_SHA256" });
    expect(error).toMatch(/HANDSHAKE_FAILURE/);
  });

  it("a ClientHello with one bit changed anywhere comes to no connection, and none stops the door", async () => {
    const whole = await helloOf(device);
    expect(readPskClientHello(whole)).toMatchObject({ identity: device.id });
    for (let bit = 0; bit < 8 * whole.length; bit += 37) {
      const changed = Buffer.from(whole);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const read = readPskClientHello(changed);
      // More would be waited for, until the deadline.
      if (read === "more") continue;
      // Record version and what else is outside of the binder's transcript may be as they like; keys differ then.
      const socket = connectPlain(port(), "127.0.0.1");
      sockets.push(socket);
      socket.on("error", () => {});
      socket.end(changed);
      await once(socket.resume(), "close");
    }
    const { error } = await attempt(device.id, keyOf(device));
    expect(error).toBeUndefined();
  });

  it("a ClientHello may come byte by byte", async () => {
    const whole = await helloOf(device);
    for (let length = 0; length < whole.length; length++)
      expect(readPskClientHello(whole.subarray(0, length)), String(length)).toBe("more");
    const answer = answerTo(whole, 1);
    // ServerHello: the key was found. Nothing follows, and so the client's end is the connection's.
    const socket = sockets.at(-1)! as Socket;
    await once(socket, "data");
    socket.destroy();
    expect((await answer)[0]).toBe(22);
  });

  it("who leaves before it has said all, or says nothing more, is let go", async () => {
    const whole = await helloOf(device);
    for (const length of [0, 1, 5, 100]) {
      const socket = connectPlain(port(), "127.0.0.1");
      sockets.push(socket);
      socket.end(whole.subarray(0, length));
      await once(socket.resume(), "close");
    }
    const { error } = await attempt(device.id, keyOf(device));
    expect(error).toBeUndefined();
  });

  /** What node:tls sends first. */
  async function helloOf(of: ProtocolDevice): Promise<Buffer> {
    const { createServer } = await import("node:net");
    const catcher = createServer().listen(0, "127.0.0.1");
    await once(catcher, "listening");
    const client = connect({
      ...{ host: "127.0.0.1", port: (catcher.address() as { port: number }).port, ciphers: suite },
      minVersion: "TLSv1.3",
      pskCallback: () => ({ psk: Buffer.from(keyOf(of)), identity: of.id }),
      checkServerIdentity: () => undefined,
    });
    client.on("error", () => {});
    const [socket] = (await once(catcher, "connection")) as [Socket];
    const [bytes] = (await once(socket, "data")) as [Buffer];
    client.destroy();
    socket.destroy();
    catcher.close();
    return bytes;
  }
});

describe("the options", () => {
  const read = (...args: string[]) => readConfiguration(["--trust-chain", "x", ...args], {});

  it("open TLS at 8883 and nothing in clear, unless that is asked for", () => {
    expect(read()).toMatchObject({ mqttPskPort: 8883 });
    expect(read()).toMatchObject({ mqttPort: undefined });
    expect(read("--mqtt-port", "1883")).toMatchObject({ mqttPort: 1883, mqttPskPort: undefined });
    expect(read("--mqtt-port", "1883", "--mqtt-psk-port", "8884")).toMatchObject({ mqttPort: 1883, mqttPskPort: 8884 });
    expect(read("--mqtt-url", "mqtt://broker:1883")).toMatchObject({ mqttPskPort: undefined });
  });

  it("say what can't go together", () => {
    const tls = ["--mqtt-tls-port", "8883", "--mqtt-tls-cert", "c", "--mqtt-tls-key", "k"];
    expect(() => read(...tls)).toThrow(ConfigurationError);
    expect(() => read(...tls)).toThrow(/8883/);
    expect(read(...tls, "--mqtt-psk-port", "8884")).toMatchObject({ mqttTlsPort: 8883, mqttPskPort: 8884 });
    expect(() => read("--mqtt-url", "mqtt://broker:1883", "--mqtt-psk-port", "8883")).toThrow(/not with --mqtt-url/);
  });
});

it("says of each device how it came, in clear or by TLS", async () => {
  const { body } = await fixture.api.get(`/api/v1/devices/${device.id}`);
  expect(body).toMatchObject({ channel: "clear" });
  const found = await fixture.api.get(`/api/v1/devices?filter=${encodeURIComponent("channel = clear")}`);
  expect(found.body.devices.map(({ id }: { id: string }) => id)).toContain(device.id);
});
