// HAProxy in front of several servers: one address for people, one for devices.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { reservePort } from "../../../../packages/processes/test/reserved-port.ts";

const inPath = (name: string): boolean =>
  [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin"].some((folder) => existsSync(join(folder, name)));

export const haproxyMissing: string | undefined = inPath("haproxy")
  ? undefined
  : "HAProxy is not installed (apt-get install -y haproxy)";

const program = (): string => (existsSync("/usr/sbin/haproxy") ? "/usr/sbin/haproxy" : "haproxy");

export interface Backend {
  name: string;
  httpPort: number;
  mqttPort: number;
}

/** As docs/scaling.md has it, with ports of the test's. */
export function configOf(backends: readonly Backend[], { httpPort, mqttPort }: Omit<Backend, "name">): string {
  const servers = (portOf: (backend: Backend) => number): string =>
    backends
      .map(
        (backend) =>
          `    server ${backend.name} 127.0.0.1:${portOf(backend)} check port ${backend.httpPort} inter 500ms fall 2 rise 2 on-marked-down shutdown-sessions`,
      )
      .join("\n");
  return `global
    maxconn 4000

defaults
    timeout connect 2s
    timeout client 330s
    timeout server 330s
    option redispatch
    retries 3

frontend people
    mode http
    bind 127.0.0.1:${httpPort}
    option forwardfor
    default_backend consoles

backend consoles
    mode http
    balance roundrobin
    option httpchk GET /api/v1/health
${servers((backend) => backend.httpPort)}

frontend devices
    mode tcp
    bind 127.0.0.1:${mqttPort}
    option clitcpka
    default_backend brokers

backend brokers
    mode tcp
    balance leastconn
    option httpchk GET /api/v1/health
${servers((backend) => backend.mqttPort)}
`;
}

export class Haproxy {
  private constructor(
    readonly child: ChildProcess,
    readonly url: string,
    readonly mqttUrl: string,
  ) {}

  /** `httpPort`: where somebody expects it already. */
  static async start(folder: string, backends: readonly Backend[], httpPort?: number): Promise<Haproxy> {
    httpPort ??= await reservePort();
    const mqttPort = await reservePort();
    const file = join(folder, "haproxy.cfg");
    await writeFile(file, configOf(backends, { httpPort, mqttPort }));
    execFileSync(program(), ["-c", "-q", "-f", file], { stdio: "pipe" });
    // In the foreground (-db), so that it ends with its process.
    const child = spawn(program(), ["-db", "-q", "-f", file], { stdio: "ignore" });
    const url = `http://127.0.0.1:${httpPort}`;
    for (const deadline = Date.now() + 10_000; ; ) {
      const isUp = await fetch(`${url}/api/v1/health`).then(
        (response) => response.ok,
        () => false,
      );
      if (isUp) return new Haproxy(child, url, `mqtt://127.0.0.1:${mqttPort}`);
      if (Date.now() > deadline || child.exitCode !== null) {
        child.kill("SIGKILL");
        throw new Error(`HAProxy did not start: ${child.exitCode}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    await gone;
  }
}
