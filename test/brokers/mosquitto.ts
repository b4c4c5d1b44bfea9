// A Mosquitto of a test's own, with its dynamic security plugin, set up by the blocks of docs/operations.md themselves.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blocksOf, runShell, withPlaces } from "../operations/document.ts";
import { reservePort } from "../../packages/processes/test/reserved-port.ts";
import { untilOpen } from "./until-open.ts";

const MOSQUITTO = "/usr/sbin/mosquitto";
const CONTROL = "/usr/bin/mosquitto_ctrl";
const PLUGIN = `/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu/mosquitto_dynamic_security.so`;
const START_MS = 10_000;

export const mosquittoMissing: string | undefined = [MOSQUITTO, CONTROL, PLUGIN].every((path) => existsSync(path))
  ? undefined
  : "Mosquitto with its dynamic security plugin is not installed (apt-get install -y mosquitto)";

export class Mosquitto {
  readonly user = "flipside";

  private constructor(
    readonly folder: string,
    readonly password: string,
    readonly administrator: string,
    readonly mqttPort: number,
    readonly process: ChildProcess,
  ) {}

  /** The address for the fleet manager itself, which may administer the plugin. */
  get serverUrl(): string {
    return `mqtt://${this.user}:${this.password}@127.0.0.1:${this.mqttPort}`;
  }

  static async start(): Promise<Mosquitto> {
    const folder = mkdtempSync(join(tmpdir(), "flipside-mosquitto-"));
    const mqttPort = await reservePort();
    const password = randomBytes(16).toString("hex");
    const _accounts = join(folder, "dynamic-security.json");
    const administrator = randomBytes(16).toString("hex");
    const [makeFile, settings, makeUser] = blocksOf("Mosquitto");
    // The account `mosquitto` comes with Debian's package; who is not root can't give a file away, and needn't.
    const giveAway: Record<string, string> = process.getuid?.() === 0 ? {} : { "chown mosquitto: ": ": " };
    runShell(withPlaces(makeFile, { "/var/lib/mosquitto": folder, ADMIN_PASSWORD: administrator, ...giveAway }), {
      cwd: folder,
    });
    const configuration = join(folder, "mosquitto.conf");
    writeFileSync(
      configuration,
      [
        withPlaces(settings, {
          "listener 1883": `listener ${mqttPort} 127.0.0.1`,
          "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so": PLUGIN,
          "/var/lib/mosquitto": folder,
        }),
        "persistence false",
        // Else it becomes the user `mosquitto`, who may not read this folder.
        ...(process.getuid?.() === 0 ? ["user root"] : []),
        `log_dest file ${join(folder, "mosquitto.log")}`,
        "",
      ].join("\n"),
    );
    const child = spawn(MOSQUITTO, ["-c", configuration], { stdio: "ignore", cwd: folder });
    const broker = new Mosquitto(folder, password, administrator, mqttPort, child);
    running.add(broker);
    try {
      await untilOpen(mqttPort, START_MS, () =>
        child.exitCode === null ? undefined : `Mosquitto ended with status ${child.exitCode}`,
      );
      broker.#control(makeUser);
    } catch (error) {
      const log = broker.log();
      await broker.stop();
      throw new Error(`${(error as Error).message}\n${log}`);
    }
    return broker;
  }

  #control(block: string | undefined, places: Record<string, string> = {}): void {
    const ours = {
      "mosquitto_ctrl ": `mosquitto_ctrl -h 127.0.0.1 -p ${this.mqttPort} `,
      ADMIN_PASSWORD: this.administrator,
      "-p PASSWORD": `-p ${this.password}`,
      ...places,
    };
    runShell(withPlaces(block, ours), { cwd: this.folder });
  }

  /** A user for another of several servers; its address for that one. */
  addServer(name: string): string {
    this.#control(blocksOf("Several servers at one broker")[0], { "flipside-b": `${this.user}-${name}` });
    return this.serverUrl.replace(`${this.user}:`, `${this.user}-${name}:`);
  }

  /** Ends the connections of a user, and lets it in no more. */
  disable(user: string): void {
    this.#dynsec("disableClient", user);
  }

  enable(user: string): void {
    this.#dynsec("enableClient", user);
  }

  #dynsec(...command: string[]): void {
    const admin = ["-u", "admin", "-P", this.administrator];
    execFileSync(CONTROL, ["-h", "127.0.0.1", "-p", String(this.mqttPort), ...admin, "dynsec", ...command], {
      stdio: "ignore",
      timeout: START_MS,
    });
  }

  /** A device's password becomes another, as where the plugin's file was restored from a backup. */
  spoilPassword(deviceId: string): void {
    this.#dynsec("setClientPassword", deviceId, "of-the-backup");
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
