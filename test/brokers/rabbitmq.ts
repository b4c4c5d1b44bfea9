// A RabbitMQ cluster of a test's own, of two nodes: with an epmd, a cookie, data and ports of their own, all on the
// loopback, and nothing of a RabbitMQ that the machine may run. It is set up by the commands and settings of
// docs/operations.md. All processes end with the test.

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blocksOf, runShell, withPlaces } from "../operations/document.ts";
import { reservePort, reservePorts } from "../../packages/processes/test/reserved-port.ts";
import { untilOpen } from "./until-open.ts";

/** The scripts that Debian's own call once they have become the user `rabbitmq`. */
const PROGRAMS = "/usr/lib/rabbitmq/bin";
const START_MS = 60_000;
const STOP_MS = 8_000;

export const rabbitMqMissing: string | undefined =
  existsSync(join(PROGRAMS, "rabbitmq-server")) && existsSync("/usr/bin/epmd")
    ? undefined
    : "RabbitMQ is not installed (apt-get install -y rabbitmq-server)";

interface Node {
  /** As Erlang knows it. */
  name: string;
  mqttPort: number;
  environment: NodeJS.ProcessEnv;
  process: ChildProcess;
  log(): string;
}

interface Common {
  folder: string;
  epmdPort: number;
  rightsUrl: string;
}

async function startNode(which: string, { folder: home, epmdPort, rightsUrl }: Common): Promise<Node> {
  const [mqttPort, distributionPort] = (await reservePorts(2)) as [number, number];
  const folder = join(home, which);
  for (const name of ["", "log", "mnesia"]) mkdirSync(join(folder, name));
  const name = `${which}-${process.pid}@localhost`;
  const environment = {
    PATH: `${PROGRAMS}:${process.env["PATH"]}`,
    HOME: home,
    RABBITMQ_CONF_ENV_FILE: "/dev/null",
    RABBITMQ_NODENAME: name,
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
  };
  const [, plugins, , settings] = blocksOf("RabbitMQ");
  runShell(plugins!, { cwd: folder, environment });
  writeFileSync(
    join(folder, "rabbitmq.conf"),
    [
      withPlaces(settings, {
        "0.0.0.0:1883": `127.0.0.1:${mqttPort}`,
        "http://127.0.0.1:8080/api/v1/broker/SECRET": rightsUrl,
      }),
      "listeners.tcp = none",
      "log.file.level = info",
      "",
    ].join("\n"),
  );
  const child = spawn(join(PROGRAMS, "rabbitmq-server"), [], { stdio: "ignore", cwd: folder, env: environment });
  running.add(child);
  const log = (): string => {
    const path = join(folder, "log", "rabbit.log");
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  };
  const node: Node = { name, mqttPort, environment, process: child, log };
  await untilOpen(mqttPort, START_MS, () =>
    child.exitCode === null ? undefined : `RabbitMQ ended with status ${child.exitCode}`,
  ).catch((error: Error) => {
    throw new Error(`${error.message}\n${log().split("\n").slice(-40).join("\n")}`);
  });
  return node;
}

async function end(child: ChildProcess): Promise<void> {
  running.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  child.kill("SIGTERM");
  await ended;
  clearTimeout(timer);
}

export class RabbitMqCluster {
  readonly #password = randomBytes(16).toString("hex");
  readonly #nodes: Node[] = [];
  readonly #folder: string;
  readonly #epmd: ChildProcess;

  private constructor(folder: string, epmd: ChildProcess) {
    this.#folder = folder;
    this.#epmd = epmd;
  }

  /** The address for the fleet manager itself, whose user is in RabbitMQ's own database: of the first node. */
  get serverUrl(): string {
    return this.serverUrls[0]!;
  }

  /** The same of each node. */
  get serverUrls(): string[] {
    return this.mqttPorts.map((port) => `mqtt://flipside:${this.#password}@127.0.0.1:${port}`);
  }

  get mqttPorts(): number[] {
    return this.#nodes.map(({ mqttPort }) => mqttPort);
  }

  /** For devices: the second node's, so that whatever is said goes from one node to the other. */
  get mqttPort(): number {
    return this.mqttPorts[1]!;
  }

  /** `rightsUrl`: where the fleet manager answers who may do what. */
  static async start(rightsUrl: string): Promise<RabbitMqCluster> {
    const folder = mkdtempSync(join(tmpdir(), "flipside-rabbitmq-"));
    const epmdPort = await reservePort();
    const epmd = spawn("/usr/bin/epmd", ["-port", String(epmdPort), "-address", "127.0.0.1"], {
      stdio: "ignore",
      env: { PATH: process.env["PATH"] },
    });
    running.add(epmd);
    // One for both: it is what makes them believe each other.
    writeFileSync(join(folder, ".erlang.cookie"), randomBytes(24).toString("hex"), { mode: 0o400 });
    const cluster = new RabbitMqCluster(folder, epmd);
    try {
      for (const which of ["one", "two"]) cluster.#nodes.push(await startNode(which, { folder, epmdPort, rightsUrl }));
      cluster.#giveRights();
      cluster.#join();
      const { mqttPort, process } = cluster.#nodes[1]!;
      await untilOpen(mqttPort, START_MS, () =>
        process.exitCode === null ? undefined : `the second node ended with status ${process.exitCode}`,
      );
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  #giveRights(): void {
    const block = withPlaces(blocksOf("RabbitMQ")[2], { PASSWORD: this.#password });
    runShell(block, { cwd: this.#folder, environment: this.#nodes[0]!.environment });
  }

  #join(): void {
    const [one, two] = this.#nodes as [Node, Node];
    const block = withPlaces(blocksOf("RabbitMQ on several nodes")[0], { "rabbit@one": one.name });
    runShell(block, { cwd: this.#folder, environment: two.environment });
  }

  log(): string {
    return this.#nodes.map((node) => node.log()).join("\n");
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => end(node.process)));
    await end(this.#epmd);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Whatever ends this process ends them. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
