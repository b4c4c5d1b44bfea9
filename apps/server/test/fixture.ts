// A running server for a test, its API client, and devices that have enrolled at it.

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateSigningKey } from "@flipside/image-format";
import { afterAll, afterEach } from "vitest";
import { buildStrictVerifier } from "../../../packages/image-format/assembly/build-strict-verifier.ts";
import { type ClockSource, systemClock } from "../src/clock.ts";
import { type RunningServer, type ServerOptions, startServer } from "../src/server.ts";
import { expectAnswersToFit, problemOf } from "./answers.ts";
import { databaseOf, dropDatabaseOf } from "./database.ts";
import { makeProject, type Project } from "./keys.ts";
import { ProtocolDevice } from "./protocol-device.ts";

afterEach(expectAnswersToFit);
afterAll(expectAnswersToFit);

export const password = "a password of my own";

export interface Answer {
  status: number;
  // Tests look into answers of many shapes; what is not there fails the expectation.
  body: any;
  headers: Headers;
}

/** A signed-in client of the REST interface. */
export class ApiClient {
  url: string;
  cookie = "";

  constructor(url: string) {
    this.url = url;
  }

  async request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const isBytes = body instanceof Uint8Array;
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(this.cookie ? { cookie: this.cookie } : {}),
        ...(body === undefined ? {} : { "content-type": isBytes ? "application/octet-stream" : "application/json" }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: isBytes || typeof body === "string" ? (body as BodyInit) : JSON.stringify(body) }),
    });
    for (const cookie of response.headers.getSetCookie()) this.cookie = cookie.split(";")[0]!;
    const text = await response.text();
    let parsed: unknown = text;
    try {
      parsed = JSON.parse(text);
    } catch {
      // not JSON
    }
    // Of a server in this process, answers.ts has seen it already; this one may be another's.
    const why = problemOf({
      method,
      url: path,
      status: response.status,
      contentType: response.headers.get("content-type") ?? "",
      body: text,
    });
    if (why !== undefined) throw new Error(why);
    return { status: response.status, body: parsed, headers: response.headers };
  }

  get = (path: string): Promise<Answer> => this.request("GET", path);
  post = (path: string, body?: unknown): Promise<Answer> => this.request("POST", path, body);

  /** Whatever its version and sequence. */
  async upload(release: Uint8Array): Promise<any> {
    const answer = await this.post("/api/v1/releases?confirmSequence=true", release);
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
    return answer.body;
  }

  async rollOut(
    releaseId: string,
    devices: readonly Pick<ProtocolDevice, "id">[],
    more: Record<string, unknown> = {},
  ): Promise<any> {
    const answer = await this.post("/api/v1/rollouts", {
      name: "test",
      releaseId,
      target: { deviceIds: devices.map((device) => device.id) },
      waves: [{ percent: 100 }],
      ...more,
    });
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
    return answer.body;
  }

  /** Asks again until `fits`; fails after half a minute, as what is polled does elsewhere, with the last answer. */
  async until(path: string, fits: (body: any) => boolean): Promise<any> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const { body } = await this.get(path);
      if (fits(body)) return body;
      if (Date.now() > deadline) throw new Error(`GET ${path} never became so: ${JSON.stringify(body).slice(0, 2000)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

export async function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), "flipside-server-"));
}

/** A fixture hashes five passwords: half of the time of these tests, were they as dear as in the field. */
const cheapPasswords = { N: 2 ** 8, r: 8, p: 1 };

export class Fixture {
  readonly project: Project;
  readonly dataDir: string;
  server: RunningServer;
  readonly api: ApiClient;
  readonly devices: ProtocolDevice[] = [];
  readonly #options: ServerOptions;

  private constructor(project: Project, options: ServerOptions, server: RunningServer) {
    this.project = project;
    this.#options = options;
    this.dataDir = options.dataDir;
    this.server = server;
    this.api = new ApiClient(server.url);
  }

  /** Starts a server and signs in; the first password is changed. */
  static async start(options: Partial<ServerOptions> = {}, project?: Project): Promise<Fixture> {
    await buildStrictVerifier();
    const made = project ?? (await makeProject());
    const dataDir = options.dataDir ?? (await temporaryDirectory());
    const all: ServerOptions = {
      dataDir,
      ...(await databaseOf(dataDir)),
      trustChain: made.trustChain,
      port: 0,
      mqttPort: 0,
      logLevel: "silent",
      tickMs: 50,
      passwordCost: cheapPasswords,
      ...options,
    };
    const server = await startServer(all);
    const fixture = new Fixture(made, all, server);
    await fixture.signIn(server.firstAdministrator!.password);
    return fixture;
  }

  /** Starts a server on a data directory that another fixture has left. */
  static async goOn(options: Partial<ServerOptions> & { dataDir: string }, project: Project): Promise<Fixture> {
    const all: ServerOptions = {
      ...(await databaseOf(options.dataDir)),
      trustChain: project.trustChain,
      port: 0,
      mqttPort: 0,
      logLevel: "silent",
      tickMs: 50,
      passwordCost: cheapPasswords,
      ...options,
    };
    const fixture = new Fixture(project, all, await startServer(all));
    await fixture.api.post("/api/v1/session", { userName: "admin", password });
    return fixture;
  }

  async signIn(oneTimePassword: string): Promise<void> {
    const signedIn = await this.api.post("/api/v1/session", { userName: "admin", password: oneTimePassword });
    if (signedIn.status !== 200) throw new Error(JSON.stringify(signedIn.body));
    const changed = await this.api.post("/api/v1/session/password", {
      currentPassword: oneTimePassword,
      newPassword: password,
    });
    if (changed.status !== 200) throw new Error(JSON.stringify(changed.body));
  }

  /** The same data directory under a new server. */
  async restart(change: Partial<ServerOptions> = {}): Promise<void> {
    await this.server.close();
    this.server = await startServer({ ...this.#options, ...change });
    this.api.url = this.server.url;
    for (const device of this.devices) device.mqttUrl = this.mqttUrl;
  }

  get mqttUrl(): string {
    const { mqttUrl, mqttWebSocketPort: webSocketPort } = this.server;
    return this.#options.mqttUrl ?? (webSocketPort === null ? mqttUrl : `ws://127.0.0.1:${webSocketPort}/mqtt`);
  }

  async newDevice(id = `dev-${randomBytes(4).toString("hex")}`): Promise<ProtocolDevice> {
    const device = new ProtocolDevice(id, await generateSigningKey(), this.mqttUrl);
    this.devices.push(device);
    const imported = await this.api.post("/api/v1/claims", { claims: [device.claim] });
    if (imported.status !== 201) throw new Error(JSON.stringify(imported.body));
    return device;
  }

  /** Enrolled, connected, proven and checked in. */
  async readyDevice(id?: string, change: (device: ProtocolDevice) => void = () => {}): Promise<ProtocolDevice> {
    const device = await this.newDevice(id);
    change(device);
    const enrolled = await device.enrol();
    if (enrolled["ok"] !== true) throw new Error(JSON.stringify(enrolled));
    await device.connect();
    await device.prove();
    await device.checkIn();
    return device;
  }

  /** Whatever its version and sequence. */
  upload = (release: Uint8Array): Promise<any> => this.api.upload(release);

  rollOut = (releaseId: string, devices: readonly ProtocolDevice[], more: Record<string, unknown> = {}): Promise<any> =>
    this.api.rollOut(releaseId, devices, more);

  async stop(): Promise<void> {
    for (const device of this.devices) await device.close();
    await this.server.close();
    await dropDatabaseOf(this.dataDir);
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

/** Clocks on which this much more time has passed. */
export const passing = (extraMs: () => number): Partial<ClockSource> => ({
  wallMs: () => Date.now() + extraMs(),
  monotonicMs: () => systemClock.monotonicMs() + extraMs(),
});

export const mainPath = fileURLToPath(new URL("../src/main.ts", import.meta.url));
