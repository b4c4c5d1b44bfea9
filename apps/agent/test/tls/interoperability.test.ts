// The client against others' servers: OpenSSL's s_server, node:tls and Mosquitto, by a pre-shared key and by a pinned
// one. Both ends are real, over sockets.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server, type TlsOptions, type TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { connectPacket } from "@flipside/protocol/mqtt/write";
import { reservePort } from "../../../../packages/processes/test/reserved-port.ts";
import { SocketStreams } from "../mqtt/host-streams.ts";
import { compileModule } from "../text/assembly-module.ts";
import { type Certificate, selfSigned } from "./certificates.ts";
import {
  CLOSED_STATE,
  EXPORTER_LABEL,
  OPEN,
  PINNED_KEY,
  readAll,
  settled,
  TlsDevice,
  type TlsDeviceOptions,
  until,
  writeAll,
} from "./tls-device.ts";

const key = Buffer.from("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "hex");
const wrongKey = Buffer.alloc(32, 9);
const suite = "TLS_CHACHA20_POLY1305_SHA256";

let module: WebAssembly.Module;
let certificate: Certificate;
let folder: string;
beforeAll(() => {
  module = compileModule("tls", "interoperability");
  certificate = selfSigned("ed25519");
  folder = mkdtempSync(join(tmpdir(), "flipside-tls-"));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, "certificate.pem"), certificate.pem);
  writeFileSync(join(folder, "key.pem"), certificate.keyPem);
  writeFileSync(join(folder, "psk.txt"), `device-1:${key.toString("hex")}\n`);
  for (const name of ["certificate.pem", "key.pem", "psk.txt"]) chmodSync(join(folder, name), 0o644);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function deviceAt(port: number, options: Partial<TlsDeviceOptions> = {}): TlsDevice {
  const streams = new SocketStreams();
  closers.push(() => streams.destroy());
  const device = new TlsDevice(module, streams, { key, port, ...options });
  expect(device.open()).toBe(0);
  return device;
}

async function listen(options: TlsOptions, onSocket: (socket: TLSSocket) => void): Promise<number> {
  const server: Server = createServer(options, onSocket);
  const sockets = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => sockets.add(socket));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function start(command: string, args: string[], isUp: RegExp): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  closers.push(() => child.kill("SIGKILL"));
  let said = "";
  child.stdout.on("data", (text) => (said += String(text)));
  child.stderr.on("data", (text) => (said += String(text)));
  await until(`${command} is up; it said: ${said}`, () => (isUp.test(said) ? true : undefined));
  return child;
}

describe("node:tls", () => {
  const psk = { minVersion: "TLSv1.3", ciphers: suite } as const;

  it("by a pre-shared key: 300,000 bytes each way, the same exporter, no certificate", async () => {
    const identities: string[] = [];
    let accepted!: TLSSocket;
    const port = await listen(
      { ...psk, pskCallback: (_socket, identity) => (identities.push(identity), key) },
      (socket) => void (accepted = socket).pipe(socket),
    );
    const device = deviceAt(port);
    expect(await settled(device)).toBe(OPEN);
    const data = Buffer.alloc(300_000, "flipside ");
    const [back] = await Promise.all([readAll(device, data.length), writeAll(device, data)]);
    expect(back.equals(data)).toBe(true);
    expect(identities).toEqual(["device-1"]);
    expect([accepted.getProtocol(), accepted.getCipher().name, accepted.isSessionReused()]).toEqual([
      "TLSv1.3",
      suite,
      true,
    ]);
    const exported = accepted.exportKeyingMaterial(32, EXPORTER_LABEL, Buffer.alloc(0));
    expect(device.exported.equals(exported)).toBe(true);
  });

  it.each([
    ["another key", wrongKey],
    ["no key for the identity", null],
  ])("with %s on the server there is no connection", async (_name, its) => {
    const port = await listen({ ...psk, pskCallback: () => its }, (socket) => socket.destroy());
    const device = deviceAt(port);
    expect(await settled(device)).toBe(CLOSED_STATE);
    expect(device.failure).toMatchObject({ isPeers: true });
  });

  it("that knows the identity and has a certificate as well is taken by its key alone", async () => {
    const port = await listen(
      { ...psk, cert: certificate.pem, key: certificate.keyPem, pskCallback: () => null },
      (socket) => socket.destroy(),
    );
    const device = deviceAt(port);
    expect(await settled(device)).toBe(CLOSED_STATE);
    expect(device.guest.call.established()).toBe(0);
  });

  it.each([
    ["", {}],
    [", one that asks for the client's certificate", { requestCert: true, rejectUnauthorized: false }],
  ])("by the pinned key of its certificate%s", async (_name, more) => {
    const port = await listen({ cert: certificate.pem, key: certificate.keyPem, ...more }, (socket) =>
      socket.pipe(socket),
    );
    const device = deviceAt(port, { mode: PINNED_KEY, key: certificate.rawKey });
    expect(await settled(device)).toBe(OPEN);
    const data = Buffer.alloc(100_000, "pinned ");
    const [back] = await Promise.all([readAll(device, data.length), writeAll(device, data)]);
    expect(back.equals(data)).toBe(true);
  });

  it("with a certificate of another key, or of RSA or P-256, is not believed", async () => {
    for (const other of [selfSigned("ed25519"), selfSigned("p256")]) {
      const port = await listen({ cert: other.pem, key: other.keyPem }, (socket) => socket.destroy());
      const device = deviceAt(port, { mode: PINNED_KEY, key: certificate.rawKey });
      expect(await settled(device)).toBe(CLOSED_STATE);
    }
  });

  it("of TLS 1.2 alone is not spoken to", async () => {
    const port = await listen({ maxVersion: "TLSv1.2", cert: certificate.pem, key: certificate.keyPem }, (socket) =>
      socket.destroy(),
    );
    const device = deviceAt(port, { mode: PINNED_KEY, key: certificate.rawKey });
    expect(await settled(device)).toBe(CLOSED_STATE);
  });

  it("that closes in order, or is cut off, ends the stream, and the next connection is as good as the first", async () => {
    const port = await listen({ ...psk, pskCallback: () => key }, (socket) => {
      socket.on("error", () => {});
      socket.once("data", (data) => (String(data) === "end" ? socket.end("bye") : socket.destroy()));
    });
    const device = deviceAt(port);
    for (const word of ["end", "cut", "end"]) {
      expect(await settled(device)).toBe(OPEN);
      await writeAll(device, Buffer.from(word));
      if (word === "end") expect(await readAll(device, 3)).toEqual(Buffer.from("bye"));
      await until("the stream is closed", () => (device.state === CLOSED_STATE ? true : undefined));
      device.close();
      device.open();
    }
  });
});

describe("OpenSSL's s_server", () => {
  const reverse = (port: number): string[] => ["s_server", "-accept", `127.0.0.1:${port}`, "-tls1_3", "-rev"];

  it("by a pre-shared key", async () => {
    const port = await reservePort();
    const args = ["-nocert", "-psk_identity", "device-1", "-psk", key.toString("hex"), "-ciphersuites", suite];
    await start("openssl", [...reverse(port), ...args], /ACCEPT/);
    const device = deviceAt(port);
    expect(await settled(device)).toBe(OPEN);
    await writeAll(device, Buffer.from("flipside\n"));
    expect(String(await readAll(device, 9))).toBe("edispilf\n");
  });

  it("that wants new keys in the middle of it all", async () => {
    const port = await reservePort();
    const args = ["-nocert", "-psk_identity", "device-1", "-psk", key.toString("hex"), "-ciphersuites", suite];
    const server = await start("openssl", ["s_server", "-accept", `127.0.0.1:${port}`, "-tls1_3", ...args], /ACCEPT/);
    const device = deviceAt(port);
    expect(await settled(device)).toBe(OPEN);
    let heard = "";
    server.stdout!.on("data", (text) => (heard += String(text)));
    const { streams } = device;
    if (!(streams instanceof SocketStreams)) throw new TypeError("no sockets");
    server.stdin!.write("first\n");
    expect(String(await readAll(device, 6))).toBe("first\n");
    // s_server's commands: K asks for new keys of the client's, too; k changes its own.
    for (const command of ["K", "k"]) {
      // Tickets have come by then, and nothing else comes by itself.
      const { readBytes } = streams;
      server.stdin!.write(`${command}\n`);
      // What is written before the command was read would be read with it, and be lost.
      await until(`what ${command} brings`, () => (device.state, streams.readBytes > readBytes ? true : undefined));
      server.stdin!.write(`after ${command}\n`);
      expect(String(await readAll(device, 8))).toBe(`after ${command}\n`);
      await writeAll(device, Buffer.from(`device after ${command}\n`));
      await until(`"device after ${command}" in: ${heard}`, () =>
        heard.includes(`device after ${command}`) ? true : undefined,
      );
    }
  });

  it("by the pinned key of its certificate", async () => {
    const port = await reservePort();
    const files = ["-cert", join(folder, "certificate.pem"), "-key", join(folder, "key.pem")];
    await start("openssl", [...reverse(port), ...files], /ACCEPT/);
    const device = deviceAt(port, { mode: PINNED_KEY, key: certificate.rawKey });
    expect(await settled(device)).toBe(OPEN);
    await writeAll(device, Buffer.from("flipside\n"));
    expect(String(await readAll(device, 9))).toBe("edispilf\n");
  });
});

describe("Mosquitto", () => {
  async function mosquitto(lines: string[]): Promise<number> {
    const port = await reservePort();
    const file = join(folder, `mosquitto-${port}.conf`);
    writeFileSync(file, [`listener ${port} 127.0.0.1`, "allow_anonymous true", ...lines, ""].join("\n"));
    await start("mosquitto", ["-c", file], /mosquitto version .* running/);
    return port;
  }
  async function expectConnack(device: TlsDevice): Promise<void> {
    expect(await settled(device)).toBe(OPEN);
    const hello = {
      clientId: "device-1",
      userName: "device-1",
      password: undefined,
      isCleanSession: true,
      keepAliveS: 60,
      will: undefined,
    };
    await writeAll(device, connectPacket(hello));
    expect([...(await readAll(device, 4))]).toEqual([0x20, 2, 0, 0]);
  }

  it("by psk_file, the identity being the user name", async () => {
    const port = await mosquitto([
      `psk_file ${join(folder, "psk.txt")}`,
      "psk_hint flipside",
      "use_identity_as_username true",
      "tls_version tlsv1.3",
    ]);
    await expectConnack(deviceAt(port));
    const other = deviceAt(port, { key: wrongKey });
    expect(await settled(other)).toBe(CLOSED_STATE);
    const stranger = deviceAt(port, { identity: "device-2" });
    expect(await settled(stranger)).toBe(CLOSED_STATE);
  });

  it("by the pinned key of its certificate", async () => {
    const files = [`certfile ${join(folder, "certificate.pem")}`, `keyfile ${join(folder, "key.pem")}`];
    const port = await mosquitto(files);
    await expectConnack(deviceAt(port, { mode: PINNED_KEY, key: certificate.rawKey }));
  });
});
