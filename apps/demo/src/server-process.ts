// The fleet manager as a process of its own: started, killed, and started again.

import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { repositoryRoot } from "../../agent/build/paths.ts";

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

export interface ServerProcessOptions {
  folder: string;
  trustChainPath: string;
  /** Private JWK; without it the server gives no commands. */
  operationsKeyPath?: string;
  /** JSON file of claims that the server imports as it starts. */
  claimsPath: string;
  /** Of `buildServed`. Left out where nobody looks at it. */
  consoleDir?: string;
  /** Addresses to listen on, for HTTP and for MQTT. Default: this machine alone. */
  host?: string;
  mqttHost?: string;
  port: number;
  /** Where devices come by TLS with their own keys, or, if that is asked for, in clear. 0: any free one. */
  mqttPort: number;
  isMqttClear?: boolean;
  /** Beside MQTT in clear, TLS at this port. */
  mqttPskPort?: number;
  /** 0: any free one. Left out: nobody listens. */
  mqttWebSocketPort?: number;
  pollMs: number;
}

/** The server could not start; the message is its own, for people. */
export class ServerStartError extends Error {}

export class ServerProcess {
  readonly options: ServerProcessOptions;
  /** Of the last start. */
  url = "";
  mqttPort = 0;
  /** On the first start of a folder only. */
  firstPassword: string | undefined;
  #process: ChildProcess | undefined;
  #exited: Promise<number | null> = Promise.resolve(0);
  /** Called when the server ends and nobody asked for it. */
  onUnexpectedExit: (code: number | null) => void = () => {};

  constructor(options: ServerProcessOptions) {
    this.options = options;
    mkdirSync(options.folder, { recursive: true });
  }

  get logPath(): string {
    return join(this.options.folder, "server.ndjson");
  }

  get processId(): number | undefined {
    return this.#process?.pid;
  }

  /** Resolves when the server answers; rejects with its own words when it can't start. */
  async start(): Promise<void> {
    const { options } = this;
    const child = spawn(
      process.execPath,
      [
        "--import",
        "tsx",
        join(repositoryRoot, "apps/server/src/main.ts"),
        "--data-dir",
        options.folder,
        "--trust-chain",
        options.trustChainPath,
        "--claims-file",
        options.claimsPath,
        "--host",
        options.host ?? "127.0.0.1",
        "--mqtt-host",
        options.mqttHost ?? options.host ?? "127.0.0.1",
        "--port",
        String(options.port),
        options.isMqttClear ? "--mqtt-port" : "--mqtt-psk-port",
        String(options.mqttPort),
        ...(options.mqttPskPort === undefined ? [] : ["--mqtt-psk-port", String(options.mqttPskPort)]),
        "--poll-ms",
        String(options.pollMs),
        "--log-level",
        "info",
        ...(options.mqttWebSocketPort === undefined
          ? []
          : ["--mqtt-websocket-port", String(options.mqttWebSocketPort)]),
        ...(options.consoleDir === undefined ? [] : ["--console-dir", options.consoleDir]),
        ...(options.operationsKeyPath === undefined ? [] : ["--operations-key", options.operationsKeyPath]),
      ],
      // A process group of its own: Ctrl-C in the terminal stops the launcher, which then stops the server in order.
      // The channel is what the server ends by when this process is gone in a way that it could not answer.
      { cwd: repositoryRoot, stdio: ["ignore", "pipe", "pipe", "ipc"], detached: true },
    );
    this.#process = child;
    const log = createWriteStream(this.logPath, { flags: "a" });
    let lastErrors = "";
    child.stderr!.on("data", (text: Buffer) => {
      log.write(text);
      lastErrors = (lastErrors + text.toString()).slice(-2000);
    });
    let isUp = false;
    // What it said last may come after its end.
    child.once("close", () => log.end());
    this.#exited = new Promise((resolve) => {
      child.once("exit", (code) => {
        const unexpected = this.#process === child;
        if (unexpected) this.#process = undefined;
        resolve(code);
        if (unexpected && isUp) this.onUnexpectedExit(code);
      });
    });
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill("SIGKILL");
        reject(
          new ServerStartError(`the server did not come up in ${START_TIMEOUT_MS} ms; its log is ${this.logPath}`),
        );
      }, START_TIMEOUT_MS);
      createInterface({ input: child.stdout! }).on("line", (line) => {
        const password = /one-time password (\S+)/.exec(line);
        if (password) this.firstPassword = password[1];
        const up = /console (http:\S+), devices mqtts?:\/\/\S+:(\d+)/.exec(line);
        if (!up) return;
        this.url = up[1]!;
        this.mqttPort = Number(up[2]);
        isUp = true;
        clearTimeout(timer);
        resolve();
      });
      child.once("close", () => {
        clearTimeout(timer);
        // Once it is up this comes too late to count.
        reject(new ServerStartError(lastErrors.trim() || `the server ended as it started; its log is ${this.logPath}`));
      });
    });
  }

  /** SIGKILL: what a power cut is to a server. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    child?.kill("SIGKILL");
    await this.#exited;
  }

  /** At once, without waiting: for the end of this process. */
  killNow(): void {
    this.#process?.kill("SIGKILL");
  }

  /** In order; killed when that takes too long. */
  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child) return;
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  /** Resident set size in bytes (Linux alone has it in /proc). */
  residentBytes(): number {
    const pages = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.#process?.pid}/status`, "utf8"));
    return pages ? Number(pages[1]) * 1024 : 0;
  }
}
