// A server under measurement: started as a process of its own, asked and told what an operator asks and tells, and what
// it has cost so far. Without types of this tree's server, since it may be another's (beside-main.ts).

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const START_MS_MAX = 60_000;
export const PASSWORD = "only for this benchmark";
/** /proc counts in hundredths of a second (proc(5), sysconf(_SC_CLK_TCK)). */
const TICK_MS = 10;
const BYTES_PER_KIB = 1024;

/** User and system time of a process, all its threads, in milliseconds. */
export function cpuMsOf(processId: number): number {
  const fields = readFileSync(`/proc/${processId}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** What of its memory is in RAM. */
export function residentBytesOf(processId: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${processId}/status`, "utf8"))!;
  return Number(kib) * BYTES_PER_KIB;
}

/** The server's interface as a script uses it. */
export class Console {
  #cookie = "";
  constructor(readonly url: string) {}

  async call(method: string, path: string, body?: Uint8Array | object): Promise<Record<string, unknown>> {
    const isBinary = body instanceof Uint8Array;
    const response = await fetch(this.url + path, {
      method,
      headers: {
        cookie: this.#cookie,
        ...(body === undefined ? {} : { "content-type": isBinary ? "application/octet-stream" : "application/json" }),
      },
      ...(body === undefined ? {} : { body: isBinary ? Buffer.from(body) : JSON.stringify(body) }),
    });
    for (const cookie of response.headers.getSetCookie()) this.#cookie = cookie.split(";")[0]!;
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
  }

  /** An answer that goes on until it is no longer wanted. */
  async stream(path: string, signal: AbortSignal): Promise<Response> {
    const response = await fetch(this.url + path, { headers: { cookie: this.#cookie }, signal });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return response;
  }
}

export interface StartOptions {
  /** The repository whose server it is. */
  tree: string;
  /** Its data folder. */
  folder: string;
  /** The trust chain's file. */
  trustChain: string;
  /** More of its options. */
  options?: readonly string[];
  /** Options of Node, such as modules to load before the server. */
  nodeOptions?: readonly string[];
  /** It has run on these data before, and somebody has signed in. */
  again?: boolean;
}

export class ServerUnderMeasurement {
  private constructor(
    readonly child: ChildProcess,
    readonly url: string,
    readonly mqttUrl: string,
    /** Undefined: it is the operator's own already. */
    readonly password: string | undefined,
  ) {}

  /** The process has a channel to this one, and ends when that breaks. */
  static async start(given: StartOptions) {
    const { tree, folder, trustChain, options = [], nodeOptions = [], again = false } = given;
    const child = spawn(
      process.execPath,
      [
        ...["--import", "tsx", ...nodeOptions, join(tree, "apps/server/src/main.ts")],
        ...["--port", "0", "--mqtt-port", "0", "--data-dir", folder, "--trust-chain", trustChain],
        ...["--log-level", "warn", ...options],
      ],
      { stdio: ["ignore", "pipe", "inherit", "ipc"], cwd: tree },
    );
    let said = "";
    child.stdout!.on("data", (data: Buffer) => void (said += data.toString()));
    const deadline = performance.now() + START_MS_MAX;
    const isUp = again ? /console \S+, devices \S+\s/ : /one-time password \S+\s[^]*console \S+, devices \S+\s/;
    while (!isUp.test(said)) {
      if (performance.now() > deadline || child.exitCode !== null) {
        child.kill("SIGKILL");
        throw new Error(`the server of ${tree} did not start with ${again ? "its" : "an empty"} database:\n${said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const [, url, mqttUrl] = /console (\S+), devices (\S+)/.exec(said)!;
    const password = /one-time password (\S+)/.exec(said)?.[1];
    return new ServerUnderMeasurement(child, url!, mqttUrl!, password);
  }

  get cpuMs(): number {
    return cpuMsOf(this.child.pid!);
  }

  get residentBytes(): number {
    return residentBytesOf(this.child.pid!);
  }

  async signIn(): Promise<Console> {
    const console = new Console(this.url);
    await console.call("POST", "/api/v1/session", { userName: "admin", password: this.password ?? PASSWORD });
    if (this.password === undefined) return console;
    await console.call("POST", "/api/v1/session/password", { currentPassword: this.password, newPassword: PASSWORD });
    return console;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGTERM");
    await gone;
  }
}
