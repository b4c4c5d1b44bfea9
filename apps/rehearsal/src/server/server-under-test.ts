// The server of a rehearsal: the real one, started, killed in the middle of what it does, started anew from what it has
// left, or from a backup.

import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Database } from "@flipside/processes/sqlite";
import type { DeviceLink } from "../../../server/src/mqtt/device-link.ts";
import type { Logger } from "../../../server/src/logging.ts";
import type { RunningServer, ServerOptions } from "../../../server/src/server.ts";
import { databaseFileName, imagesFolderName } from "../../../server/src/storage/data-folder.ts";
import type { Machine, Process } from "../world/machine.ts";
import type { Network } from "../world/network.ts";
import { GivenUp, settled } from "../world/settled.ts";
import { type Answer, ask, type Asked } from "./ask.ts";
import type { Project } from "./project.ts";
import type { StartServer } from "./server-code.ts";

/** A check-in costs the rehearsal more than anything else. */
const pollMsDefault = 20_000;
const tickMsDefault = 5_000;
/** People sign in again after each restart, and their passwords are no secret here. */
const cheapPasswords = { N: 2 ** 8, r: 8, p: 1 };

const verifierPath = fileURLToPath(
  new URL("../../../../packages/image-format/dist/strict-verifier.wasm", import.meta.url),
);
let verifierWasm: Uint8Array | undefined;

export interface ServerSettings {
  project: Project;
  /** How often devices are to ask, in place of what suits some minutes of trouble. */
  pollMs?: number;
  /** How often deadlines are looked at; the same. */
  tickMs?: number;
}

/** What differs between the servers of two rehearsals. */
export interface ServerSizes {
  /** Devices of a rollout that are dealt with in one transaction. */
  pieceMax: number;
}

/** A logger of which only errors are heard. */
function loggerFor(onError: (text: string) => void): Logger {
  const silent = (): void => {};
  const error = (about: { err?: Error } | string, text?: string): void =>
    onError(typeof about === "string" ? about : `${text}: ${about.err?.stack ?? JSON.stringify(about)}`);
  return { trace: silent, debug: silent, info: silent, warn: silent, error, fatal: error } as unknown as Logger;
}

export function serverOptions(
  { project, pollMs = pollMsDefault, tickMs = tickMsDefault }: ServerSettings,
  run: {
    folder: string;
    machine: Machine;
    link: () => DeviceLink;
    onError: (text: string) => void;
    onStatement?: () => void;
    sizes?: ServerSizes;
  },
): ServerOptions {
  verifierWasm ??= readFileSync(verifierPath);
  const { machine } = run;
  return {
    dataDir: run.folder,
    trustChain: project.trustChain,
    port: null,
    link: run.link,
    logger: loggerFor(run.onError),
    pollMs,
    tickMs,
    consoleDir: run.folder,
    passwordCost: cheapPasswords,
    verifierWasm,
    clock: { wallMs: machine.wallMs, monotonicMs: machine.monotonicMs, bootId: machine.bootId },
    onStatement: run.onStatement,
    pieceMax: run.sizes?.pieceMax,
  };
}

export interface ServerHost {
  settings: ServerSettings & { startServer: StartServer };
  sizes: ServerSizes;
  machine: Machine;
  network: Network;
  /** Folders below are this server's. */
  root: string;
  onError(text: string): void;
  /** The process has ended by itself, in the middle of something. */
  onKilled(): void;
}

export class ServerUnderTest {
  readonly #host: ServerHost;
  #folder: string;
  #folders = 0;
  #server: RunningServer | undefined;
  #process: Process = { isAlive: false };
  /** Statements, or messages sent, until the process is killed there; undefined: it is not. */
  #fuse: { left: number; at: "statement" | "message" } | undefined;

  constructor(host: ServerHost, template: string) {
    this.#host = host;
    this.#folder = this.#newFolder();
    copyData(template, this.#folder);
  }

  /** Throws when there is none. */
  get internals(): RunningServer["internals"] {
    if (this.#server === undefined) throw new Error("the server is not running");
    return this.#server.internals;
  }

  get isRunning(): boolean {
    return this.#server !== undefined;
  }

  #newFolder(): string {
    const folder = join(this.#host.root, `data-${++this.#folders}`);
    mkdirSync(folder);
    return folder;
  }

  async start(): Promise<void> {
    const { settings, sizes, machine, network, onError } = this.#host;
    const process: Process = { isAlive: true };
    this.#process = machine.process = process;
    this.#fuse = undefined;
    const link = this.#watched(network.linkFor(process), process);
    const options = serverOptions(settings, {
      folder: this.#folder,
      machine,
      link: () => link,
      onError: (text) => process.isAlive && onError(text),
      onStatement: () => this.#burn("statement", process),
      sizes,
    });
    const server = await settled(settings.startServer(options));
    if (process.isAlive) this.#server = server;
    else await settled(server.internals.storage.close());
  }

  /** A message that is about to leave may be where the process dies. */
  #watched(link: DeviceLink, process: Process): DeviceLink {
    return Object.assign(Object.create(link) as DeviceLink, {
      publish: (...[deviceId, messages]: Parameters<DeviceLink["publish"]>) => {
        for (const _ of messages) this.#burn("message", process);
        return link.publish(deviceId, messages);
      },
    });
  }

  #burn(at: "statement" | "message", process: Process): void {
    if (!process.isAlive || process !== this.#process || this.#fuse?.at !== at || --this.#fuse.left > 0) return;
    this.#crash();
    this.#host.onKilled();
  }

  /** Kills the process after so many statements, or messages sent, whatever it is doing then. */
  lightFuse(at: "statement" | "message", count: number): void {
    this.#fuse = { at, left: count };
  }

  /** Kills the process now. */
  kill(): void {
    this.#crash();
  }

  /**
   * What a killed process leaves is what it has written to its files: they are copied as they are. The rest of what it
   * was doing goes on in the old folder, and nobody hears of it.
   */
  #crash(): void {
    this.#process.isAlive = false;
    this.#fuse = undefined;
    const before = this.#folder;
    this.#folder = this.#newFolder();
    copyData(before, this.#folder);
    this.#host.network.serverGone();
    const server = this.#server;
    this.#server = undefined;
    this.#ended.push(server);
  }

  /** Runs that are over, whose files are to be closed. */
  readonly #ended: (RunningServer | undefined)[] = [];

  /** Closes what killed processes had open; when nothing of them is under way any more. */
  async bury(): Promise<void> {
    for (const server of this.#ended.splice(0))
      if (server !== undefined) await settled(server.internals.storage.close());
  }

  /** Ends in order; resolves when it is done, for which simulated time may have to go on. */
  async stop(): Promise<void> {
    const server = this.#server;
    const process = this.#process;
    this.#server = undefined;
    await server?.close();
    process.isAlive = false;
  }

  /** As `flipside backup` does it: SQLite's own copy, and the images beside it. Returns its folder. */
  backUp(): string {
    const folder = this.#newFolder();
    const database = new Database(join(this.#folder, databaseFileName), { readonly: true });
    database.prepare("vacuum into ?").run(join(folder, databaseFileName));
    database.close();
    linkImages(this.#folder, folder);
    return folder;
  }

  /** The next start is from this backup. */
  restore(backup: string): void {
    this.#folder = this.#newFolder();
    copyData(backup, this.#folder);
  }

  /** Undefined: there is no server, or it was killed before it answered. */
  async ask(asked: Asked): Promise<Answer | undefined> {
    const server = this.#server;
    const process = this.#process;
    if (server === undefined) return undefined;
    try {
      return await settled(ask(server.internals.http, asked), { isInVain: () => !process.isAlive });
    } catch (error) {
      if (error instanceof GivenUp) return undefined;
      throw error;
    }
  }
}

function linkImages(from: string, to: string): void {
  mkdirSync(join(to, imagesFolderName), { mode: 0o700 });
  for (const name of readdirSync(join(from, imagesFolderName)))
    linkSync(join(from, imagesFolderName, name), join(to, imagesFolderName, name));
}

/** The database as it lies there, with what was committed to its log; images never change. */
function copyData(from: string, to: string): void {
  for (const name of [databaseFileName, `${databaseFileName}-wal`])
    if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name));
  linkImages(from, to);
}
