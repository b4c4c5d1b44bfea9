// Several servers as processes of their own, on one PostgreSQL database, with HAProxy in front.

import { query } from "../postgres/query.ts";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { generateSigningKey } from "@flipside/image-format";
import { expect } from "vitest";
import { buildStrictVerifier } from "../../../../packages/image-format/assembly/build-strict-verifier.ts";
import { reservePort } from "../../../../packages/processes/test/reserved-port.ts";
import { newPostgresDatabase } from "../database.ts";
import { ApiClient, mainPath, password, temporaryDirectory } from "../fixture.ts";
import { makeProject, type Project } from "../keys.ts";
import { ProtocolDevice } from "../protocol-device.ts";
import { type Backend, Haproxy } from "./haproxy.ts";

const startMsMax = 60_000;
const checkedInMsMax = 20_000;

/** One of them. */
export class Member implements Backend {
  child!: ChildProcess;
  httpPort = 0;
  mqttPort = 0;
  lines: string[] = [];
  /** What it has logged. */
  log: string[] = [];

  constructor(
    readonly name: string,
    readonly dataDir: string,
    readonly args: string[],
  ) {}

  /** Also anew, at the same ports. */
  async start(): Promise<void> {
    await mkdir(this.dataDir, { recursive: true });
    this.lines = [];
    this.httpPort ||= await reservePort();
    this.mqttPort ||= await reservePort();
    this.child = spawn(
      process.execPath,
      [
        ...["--import", "tsx", mainPath, "--member", this.name, "--data-dir", this.dataDir],
        ...["--port", String(this.httpPort), "--mqtt-port", String(this.mqttPort), "--trust-proxy", "1"],
        ...this.args,
      ],
      { stdio: ["ignore", "pipe", "pipe", "ipc"] },
    );
    const { child } = this;
    createInterface({ input: child.stderr! }).on("line", (line) => void this.log.push(line));
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`member ${this.name} did not start:\n${this.said()}`)),
        startMsMax,
      );
      child.once("close", (code) => reject(new Error(`member ${this.name} ended with ${code}:\n${this.said()}`)));
      createInterface({ input: child.stdout! }).on("line", (line) => {
        this.lines.push(line);
        if (!line.startsWith("Open to:")) return;
        clearTimeout(timer);
        resolve();
      });
    });
  }

  said(): string {
    return [...this.lines, ...this.log.slice(-30)].join("\n");
  }

  get url(): string {
    return `http://127.0.0.1:${this.httpPort}`;
  }

  get mqttUrl(): string {
    return `mqtt://127.0.0.1:${this.mqttPort}`;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** SIGKILL: at once, without a word. SIGTERM: in order. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    if (!this.isRunning) return;
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGCONT");
    this.child.kill(signal);
    await gone;
  }
}

interface Options {
  names?: string[];
  /** The address of the database as this member has it. */
  urlOf?: (name: string, databaseUrl: string) => Promise<string>;
  /** That of a broker that is not its own. */
  brokerUrlOf?: (name: string) => string;
  args?: string[];
  /** HAProxy's for people; by default any. */
  httpPort?: number | undefined;
}

export class SeveralServers {
  readonly devices: ProtocolDevice[] = [];
  /** Signed in through HAProxy. */
  readonly api: ApiClient;
  private constructor(
    readonly project: Project,
    readonly folder: string,
    readonly databaseUrl: string,
    readonly members: Member[],
    readonly haproxy: Haproxy,
    readonly argsOf: (name: string) => Promise<string[]>,
  ) {
    this.api = new ApiClient(haproxy.url);
  }

  static async start({
    names = ["a", "b"],
    urlOf = async (_name, url) => url,
    brokerUrlOf,
    args = [],
    httpPort,
  }: Options = {}): Promise<SeveralServers> {
    await buildStrictVerifier();
    const project = await makeProject();
    const folder = await temporaryDirectory();
    const databaseUrl = await newPostgresDatabase();
    const trustChain = join(folder, "trust-chain.bin");
    await writeFile(trustChain, project.trustChain);
    const operationsKey = join(folder, "operations.jwk");
    await writeFile(operationsKey, JSON.stringify(project.operations.privateJwk), { mode: 0o600 });
    const argsOf = async (name: string): Promise<string[]> => [
      ...["--database-url", await urlOf(name, databaseUrl), "--images-dir", join(folder, "images")],
      ...["--trust-chain", trustChain, "--operations-key", operationsKey],
      ...["--log-level", "info", "--poll-ms", "500"],
      ...(brokerUrlOf === undefined ? [] : ["--mqtt-url", brokerUrlOf(name)]),
      ...args,
    ];
    const members: Member[] = [];
    let haproxy: Haproxy | undefined;
    try {
      for (const name of names) {
        const member = new Member(name, join(folder, name), await argsOf(name));
        members.push(member);
        await member.start();
      }
      haproxy = await Haproxy.start(folder, members, httpPort);
      const several = new SeveralServers(project, folder, databaseUrl, members, haproxy, argsOf);
      const [, first] = /one-time password (\S+)/.exec(members[0]!.lines.join("\n"))!;
      await several.api.post("/api/v1/session", { userName: "admin", password: first });
      const changed = await several.api.post("/api/v1/session/password", {
        currentPassword: first,
        newPassword: password,
      });
      if (changed.status !== 200) throw new Error(JSON.stringify(changed.body));
      return several;
    } catch (error) {
      await haproxy?.stop();
      for (const member of members) await member.end("SIGKILL");
      throw error;
    }
  }

  /** Another one, to which HAProxy sends nobody. */
  async add(name: string): Promise<Member> {
    const member = new Member(name, join(this.folder, name), await this.argsOf(name));
    this.members.push(member);
    await member.start();
    return member;
  }

  query(text: string): Promise<Record<string, unknown>[]> {
    return query(this.databaseUrl, text);
  }

  /**
   * Waits until so many have had a check-in stored: a session that is proven, and so an owner, says nothing yet of what
   * the device is, and a rollout takes none that it doesn't know.
   */
  async haveCheckedIn(devices: number): Promise<void> {
    const known = async (): Promise<number> =>
      (await this.query("select id from devices where hardware is not null")).length;
    await expect.poll(known, { timeout: checkedInMsMax }).toBe(devices);
  }

  /** A client of one member, with the same cookie. */
  at(member: Member): ApiClient {
    const client = new ApiClient(member.url);
    client.cookie = this.api.cookie;
    return client;
  }

  /** Claimed and enrolled; where it connects is `mqttUrl`. */
  async newDevice(id: string, mqttUrl = this.haproxy.mqttUrl): Promise<ProtocolDevice> {
    const device = new ProtocolDevice(id, await generateSigningKey(), mqttUrl);
    this.devices.push(device);
    const imported = await this.api.post("/api/v1/claims", { claims: [device.claim] });
    if (imported.status !== 201) throw new Error(JSON.stringify(imported.body));
    const enrolled = await device.enrol();
    if (enrolled["ok"] !== true) throw new Error(JSON.stringify(enrolled));
    return device;
  }

  async readyDevice(id: string, mqttUrl?: string): Promise<ProtocolDevice> {
    const device = await this.newDevice(id, mqttUrl);
    await goOn(device);
    return device;
  }

  async stop(): Promise<void> {
    for (const device of this.devices) device.cut();
    await this.haproxy.stop();
    await Promise.all(this.members.map((member) => member.end("SIGKILL")));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Another body of the same device: the same secrets and the same past, and a connection of its own. */
export function sameDevice(device: ProtocolDevice, mqttUrl: string): ProtocolDevice {
  const same = new ProtocolDevice(device.id, device.key, mqttUrl, device.claimSecret);
  const { secret, boot, sequence, running, other } = device;
  return Object.assign(same, { secret, boot, sequence: sequence + 100, running, other });
}

/** Connects, proves its session and checks in. */
export async function goOn(device: ProtocolDevice): Promise<void> {
  await device.connect();
  await device.prove();
  await device.checkIn();
}
