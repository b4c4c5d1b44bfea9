// The HTTP server where it is meant to run: on the unikernel in QEMU, over its own TCP, asked by other people's
// clients.

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request, type RequestOptions } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Unikernel } from "@flipside/machine/qemu/unikernel";
import { reservePort } from "../../../../packages/processes/test/reserved-port.ts";
import { buildPayloads } from "../../build/build-release.ts";
import type { FeatureChoice } from "../../build/features.ts";
import { agentSources } from "../../build/paths.ts";
import { hasCommand, missingDeviceTools } from "../../build/run-tool.ts";
import { makeDevice } from "./made-device.ts";

const missing = missingDeviceTools();
if (missing.length > 0) console.log(`skipped, the unikernel can't be built or run here: ${missing.join(", ")}`);

const UP_TIMEOUT_MS = 60_000;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

interface Heard {
  status: number;
  body: Buffer;
}

class Site {
  constructor(
    readonly unikernel: Unikernel,
    readonly port: number,
  ) {}

  static async start(folder: string, deviceId: string, what: { agentEntry?: string; features?: FeatureChoice }) {
    const { unikernel: program } = await buildPayloads(what);
    const port = await reservePort();
    const unikernel = await makeDevice({
      folder,
      deviceId,
      payload: new Uint8Array(readFileSync(program.binaryPath)),
      options: { network: { kind: "user", forward: { hostPort: port, devicePort: 80 } } },
    });
    unikernel.powerOn();
    const site = new Site(unikernel, port);
    await site.#answers();
    return site;
  }

  /** Until the device has an address, QEMU takes a connection and nobody answers on it. */
  async #answers(): Promise<void> {
    const end = Date.now() + UP_TIMEOUT_MS;
    for (;;) {
      try {
        return void (await this.ask("GET", "/status.json", undefined, { timeout: 1_000 }));
      } catch (error) {
        if (Date.now() > end)
          throw new Error(`no answer: ${String(error)}\n${this.unikernel.console.slice(-10).join("\n")}`);
      }
    }
  }

  ask(method: string, path: string, body?: Uint8Array, options: RequestOptions = { agent }): Promise<Heard> {
    return new Promise((resolve, reject) => {
      const asked = request({ host: "127.0.0.1", port: this.port, method, path, ...options }, (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.on("end", () => resolve({ status: answer.statusCode!, body: Buffer.concat(parts) }));
        answer.on("error", reject);
      });
      asked.on("timeout", () => asked.destroy(new Error("nothing came")));
      asked.on("error", reject);
      if (body) asked.setHeader("Content-Length", body.length);
      asked.end(body);
    });
  }
}

describe.skipIf(missing.length > 0)("HTTP on the unikernel", () => {
  const folder = mkdtempSync(join(tmpdir(), "flipside-http-"));
  let site: Site;
  beforeAll(async () => {
    site = await Site.start(folder, "dev-http", { agentEntry: join(agentSources, "network-image/main.ts") });
  }, 400_000);
  afterAll(async () => {
    await site?.unikernel.cutPower();
    rmSync(folder, { recursive: true, force: true });
  });

  it("tells who it is, and where it runs", async () => {
    const { status, body } = await site.ask("GET", "/status.json");
    expect(status).toBe(200);
    expect(JSON.parse(body.toString())).toMatchObject({
      device: "dev-http",
      version: "1.0.0",
      slot: "a",
      trial: "none",
      boot: 1,
    });
  });

  it("keeps values of any bytes, to its bound, over one connection that stays", async () => {
    for (const length of [0, 1, 1460, 2047, 2048]) {
      const value = randomBytes(length);
      expect((await site.ask("PUT", "/kv/value", value)).status, `${length} bytes`).toBeLessThan(300);
      const { status, body } = await site.ask("GET", "/kv/value");
      expect(status).toBe(200);
      expect(body.equals(value), `${length} bytes`).toBe(true);
    }
    expect((await site.ask("PUT", "/kv/value", randomBytes(2049))).status).toBe(413);
  });

  it("serves as many clients at the same time as it has places, and further ones when those are idle", async () => {
    const agents = Array.from({ length: 4 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    const keys = agents.map((_, i) => `key-${i}`);
    await Promise.all(
      agents.map((own, i) => site.ask("PUT", `/kv/key-${i}`, Buffer.from(keys[i]!.repeat(20)), { agent: own })),
    );
    // Idle connections are kept as long as nobody needs their place.
    for (const key of keys) {
      const { body } = await site.ask("GET", `/kv/${key}`, undefined, { agent: false });
      expect(body.toString()).toBe(key.repeat(20));
    }
    for (const own of agents) own.destroy();
  });

  it("answers each of many requests that come in one piece, and what is wrong behind them", async () => {
    const text = `${"GET /kv/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(20)}GET / HTTP/1.1\r\n\r\n`;
    const heard = await new Promise<string>((resolve, reject) => {
      let said = "";
      const socket = connect(site.port, "127.0.0.1", () => socket.write(text));
      socket.on("data", (data) => (said += data.toString("latin1")));
      socket.on("error", reject);
      socket.on("close", () => resolve(said));
    });
    expect(heard.match(/HTTP\/1\.1 200 OK/g)?.length).toBe(20);
    expect(heard).toMatch(/HTTP\/1\.1 400 Bad Request[^]*Connection: close/);
  });

  it.skipIf(!hasCommand("curl"))("is understood by curl, which waits for 100 Continue", () => {
    const url = `http://127.0.0.1:${site.port}`;
    const curl = (...args: string[]): string => execFileSync("curl", ["-sS", "--max-time", "20", ...args]).toString();
    const value = "x".repeat(1500);
    const put = ["-X", "PUT", "-H", "Expect: 100-continue", "-H", "Host: localhost", "--data-binary", value];
    expect(curl(...put, "-w", "%{http_code}", `${url}/kv/curl`)).toBe("201");
    expect(curl(`${url}/kv/curl`)).toBe(value);
    expect(curl("-w", "%{http_code}", "-H", "Transfer-Encoding: chunked", "-T", "/dev/null", `${url}/kv/c`)).toMatch(
      /501$/,
    );
  });
});

describe.skipIf(missing.length > 0)("an agent that has http", () => {
  const folder = mkdtempSync(join(tmpdir(), "flipside-http-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("serves it beside everything else, also without dhcp and dns", { timeout: 400_000 }, async () => {
    const site = await Site.start(folder, "dev-agent", { features: { with: ["http"], without: ["dhcp", "dns"] } });
    try {
      expect((await site.ask("PUT", "/kv/key", Buffer.from("value"))).status).toBe(201);
      expect((await site.ask("GET", "/kv/key")).body.toString()).toBe("value");
      const { body } = await site.ask("GET", "/");
      expect(body.toString()).toContain("<bdi>dev-agent</bdi>");
      expect(site.unikernel.console.join("\n")).toMatch(/agent of dev-agent/);
    } finally {
      await site.unikernel.cutPower();
    }
  });
});
