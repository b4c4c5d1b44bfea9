// A RabbitMQ of a test's own: node, epmd, cookie, data and ports of its own, all on the loopback, and nothing of a
// RabbitMQ that the machine may run. Both processes end with the test.

import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blocksOf, withPlaces } from "../operations/document.ts";
import { freePorts, untilOpen } from "./ports.ts";

/** The script that Debian's own calls once it has become the user `rabbitmq`. */
const SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const START_MS = 60_000;

export const rabbitMqMissing: string | undefined =
  existsSync(SERVER) && existsSync("/usr/bin/epmd")
    ? undefined
    : "RabbitMQ is not installed (apt-get install -y rabbitmq-server)";

/**
 * As RabbitMQ stores a password (rabbit_password_hashing_sha256): four bytes of salt, and SHA-256 over salt and
 * password.
 */
function passwordHash(password: string): string {
  const salt = randomBytes(4);
  return Buffer.concat([salt, createHash("sha256").update(salt).update(password).digest()]).toString("base64");
}

export class RabbitMq {
  readonly user = "flipside";
  readonly password = randomBytes(16).toString("hex");

  private constructor(
    readonly folder: string,
    readonly mqttPort: number,
    readonly epmd: ChildProcess,
    readonly node: ChildProcess,
  ) {}

  /** The address for the fleet manager itself, whose user is in RabbitMQ's own database. */
  get serverUrl(): string {
    return `mqtt://${this.user}:${this.password}@127.0.0.1:${this.mqttPort}`;
  }

  /** `rightsUrl`: where the fleet manager answers who may do what. */
  static async start(rightsUrl: string): Promise<RabbitMq> {
    const folder = mkdtempSync(join(tmpdir(), "flipside-rabbitmq-"));
    const [mqttPort, epmdPort, distributionPort] = (await freePorts(3)) as [number, number, number];
    const epmd = spawn("/usr/bin/epmd", ["-port", String(epmdPort), "-address", "127.0.0.1"], {
      stdio: "ignore",
      env: { PATH: process.env["PATH"] },
    });
    writeFileSync(join(folder, ".erlang.cookie"), randomBytes(24).toString("hex"), { mode: 0o400 });
    for (const name of ["log", "mnesia"]) mkdirSync(join(folder, name));
    writeFileSync(join(folder, "enabled_plugins"), "[rabbitmq_mqtt,rabbitmq_auth_backend_http].\n");
    const node = spawn(SERVER, [], {
      stdio: "ignore",
      cwd: folder,
      env: {
        PATH: process.env["PATH"],
        HOME: folder,
        RABBITMQ_CONF_ENV_FILE: "/dev/null",
        RABBITMQ_NODENAME: `flipside-${process.pid}@localhost`,
        RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq.conf"),
        RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, "none.config"),
        RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "enabled_plugins"),
        RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
        RABBITMQ_LOG_BASE: join(folder, "log"),
        RABBITMQ_LOGS: join(folder, "log", "rabbit.log"),
        RABBITMQ_PID_FILE: join(folder, "rabbit.pid"),
        RABBITMQ_GENERATED_CONFIG_DIR: join(folder, "generated"),
        RABBITMQ_DIST_PORT: String(distributionPort),
        ERL_EPMD_PORT: String(epmdPort),
        ERL_EPMD_ADDRESS: "127.0.0.1",
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none",
        ERL_CRASH_DUMP: "/dev/null",
      },
    });
    const rabbit = new RabbitMq(folder, mqttPort, epmd, node);
    writeFileSync(join(folder, "rabbitmq.conf"), rabbit.#configuration(rightsUrl));
    writeFileSync(join(folder, "definitions.json"), JSON.stringify(rabbit.#definitions()));
    running.add(rabbit);
    try {
      await untilOpen(mqttPort, START_MS, () =>
        node.exitCode === null ? undefined : `RabbitMQ ended with status ${node.exitCode}`,
      );
    } catch (error) {
      const log = rabbit.log();
      await rabbit.stop();
      throw new Error(`${(error as Error).message}\n${log.split("\n").slice(-40).join("\n")}`);
    }
    return rabbit;
  }

  #configuration(rightsUrl: string): string {
    const settings = withPlaces(blocksOf("RabbitMQ")[2], {
      "0.0.0.0:1883": `127.0.0.1:${this.mqttPort}`,
      "http://127.0.0.1:8080/api/broker/SECRET": rightsUrl,
    });
    return [
      settings,
      "listeners.tcp = none",
      `load_definitions = ${join(this.folder, "definitions.json")}`,
      "log.file.level = info",
      "",
    ].join("\n");
  }

  #definitions(): object {
    // What step 2 gives by rabbitmqctl: the three patterns behind the user's name.
    const [queues, queuesAndTopics] = [...blocksOf("RabbitMQ")[1]!.matchAll(/'([^']+)'/g)].map(
      ([, pattern]) => pattern,
    );
    return {
      users: [
        {
          name: this.user,
          password_hash: passwordHash(this.password),
          hashing_algorithm: "rabbit_password_hashing_sha256",
          tags: "",
          limits: {},
        },
      ],
      vhosts: [{ name: "/" }],
      permissions: [{ user: this.user, vhost: "/", configure: queues, write: queuesAndTopics, read: queuesAndTopics }],
    };
  }

  log(): string {
    const path = join(this.folder, "log", "rabbit.log");
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  async stop(): Promise<void> {
    running.delete(this);
    for (const child of [this.node, this.epmd]) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      const timer = setTimeout(() => child.kill("SIGKILL"), 8_000);
      child.kill("SIGTERM");
      await ended;
      clearTimeout(timer);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whatever ends this process ends them. */
const running = new Set<RabbitMq>();
process.on("exit", () => {
  for (const { node, epmd } of running) {
    node.kill("SIGKILL");
    epmd.kill("SIGKILL");
  }
});
