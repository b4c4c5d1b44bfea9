// A Mosquitto of a test's own, with its dynamic security plugin, set up as docs/operations.md says.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, untilOpen } from "./ports.ts";

const MOSQUITTO = "/usr/sbin/mosquitto";
const CONTROL = "/usr/bin/mosquitto_ctrl";
const PLUGIN = `/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu/mosquitto_dynamic_security.so`;
const START_MS = 10_000;

export const mosquittoMissing: string | undefined = [MOSQUITTO, CONTROL, PLUGIN].every((path) => existsSync(path)) ? undefined : "Mosquitto with its dynamic security plugin is not installed (apt-get install -y mosquitto)";

export class Mosquitto {
  readonly user = "flipside";

  private constructor(readonly folder: string, readonly password: string, readonly mqttPort: number, readonly process: ChildProcess) {}

  /** The address for the fleet manager itself, which may administer the plugin. */
  get serverUrl(): string {
    return `mqtt://${this.user}:${this.password}@127.0.0.1:${this.mqttPort}`;
  }

  static async start(): Promise<Mosquitto> {
    const folder = mkdtempSync(join(tmpdir(), "flipside-mosquitto-"));
    const [mqttPort] = (await freePorts(1)) as [number];
    const password = randomBytes(16).toString("hex");
    const accounts = join(folder, "dynamic-security.json");
    const administrator = randomBytes(16).toString("hex");
    execFileSync(CONTROL, ["dynsec", "init", accounts, "admin", administrator], { stdio: "ignore", timeout: START_MS });
    const configuration = join(folder, "mosquitto.conf");
    writeFileSync(
      configuration,
      [
        `listener ${mqttPort} 127.0.0.1`,
        "allow_anonymous false",
        "use_username_as_clientid true",
        `plugin ${PLUGIN}`,
        `plugin_opt_config_file ${accounts}`,
        "persistence false",
        // Else it becomes the user `mosquitto`, who may not read this folder.
        ...(process.getuid?.() === 0 ? ["user root"] : []),
        `log_dest file ${join(folder, "mosquitto.log")}`,
        "",
      ].join("\n"),
    );
    const child = spawn(MOSQUITTO, ["-c", configuration], { stdio: "ignore", cwd: folder });
    const broker = new Mosquitto(folder, password, mqttPort, child);
    running.add(broker);
    try {
      await untilOpen(mqttPort, START_MS, () => (child.exitCode === null ? undefined : `Mosquitto ended with status ${child.exitCode}`));
      const steps = [
        ["createRole", "flipside"],
        ["addRoleACL", "flipside", "publishClientSend", "flipside/v1/#", "allow"],
        ["createClient", "flipside", "-p", password],
        ["addClientRole", "flipside", "flipside"],
        ["addClientRole", "flipside", "admin"],
      ];
      for (const step of steps) {
        execFileSync(CONTROL, ["-h", "127.0.0.1", "-p", String(mqttPort), "-u", "admin", "-P", administrator, "dynsec", ...step], { stdio: "ignore", timeout: START_MS });
      }
    } catch (error) {
      const log = broker.log();
      await broker.stop();
      throw new Error(`${(error as Error).message}\n${log}`);
    }
    return broker;
  }

  log(): string {
    const path = join(this.folder, "mosquitto.log");
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  async stop(): Promise<void> {
    running.delete(this);
    const child = this.process;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      const timer = setTimeout(() => child.kill("SIGKILL"), 3_000);
      child.kill("SIGTERM");
      await ended;
      clearTimeout(timer);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whatever ends this process ends them. */
const running = new Set<Mosquitto>();
process.on("exit", () => {
  for (const broker of running) broker.process.kill("SIGKILL");
});
