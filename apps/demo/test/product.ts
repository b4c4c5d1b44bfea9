// `npm start` for tests, as a person starts it: npm, its shell, launcher, demo, server, QEMU and its watcher, esbuild.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { connect } from "node:net";
import { repositoryRoot } from "../../agent/build/paths.ts";

/** The first start of a fresh clone builds everything. */
const START_TIMEOUT_MS = 240_000;
const END_TIMEOUT_MS = 15_000;

export interface StartOptions {
  args: string[];
  environment?: NodeJS.ProcessEnv;
  /** In a terminal of its own (`script`), of which `child` is the other end. */
  inTerminal?: boolean;
}

export class Product {
  readonly child: ChildProcess;
  output = "";
  /** Fulfilled with the exit status when what was started is gone. */
  readonly ended: Promise<number | null>;
  /** Whether it is gone, and all that it has said is in `output`: the last of it may come after its end. */
  #isOver = false;

  constructor({ args, environment = {}, inTerminal = false }: StartOptions) {
    const command = ["npm", "start", "--silent", "--", ...args];
    const [program, ...rest] = inTerminal ? ["script", "-qefc", command.join(" "), "/dev/null"] : command;
    this.child = spawn(program!, rest, {
      cwd: repositoryRoot,
      // Packages and tools are what the tests themselves run with.
      env: { ...process.env, FLIPSIDE_SETUP: "no", ...environment },
      stdio: ["pipe", "pipe", "pipe"],
      // A group of its own, so that it can be signalled as a terminal or a service manager does.
      detached: true,
    });
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.on("data", (text: Buffer) => (this.output += text.toString()));
    this.ended = new Promise((resolve) => this.child.once("exit", (code) => resolve(code)));
    this.child.once("close", () => (this.#isOver = true));
  }

  /** Until the summary that ends with Ctrl-C's line. */
  async up(): Promise<this> {
    await until("npm start to be up", START_TIMEOUT_MS, () => {
      if (this.#isOver) throw new Error(`npm start ended with ${this.child.exitCode}:\n${this.output}`);
      return this.output.includes("Ctrl-C stops everything");
    }).catch((error: Error) => {
      throw new Error(`${error.message}; it said:\n${this.output}`);
    });
    return this;
  }

  get url(): string {
    return /Flipside is up: (\S+)/.exec(this.output)![1]!;
  }

  /** All process ids of the tree, this process's child first. */
  tree(): Map<number, string> {
    const processes = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" })
      .split("\n")
      .flatMap((line) => {
        const match = /^ *(\d+) +(\d+) (.*)$/.exec(line);
        return match ? [{ id: Number(match[1]), parent: Number(match[2]), command: match[3]! }] : [];
      });
    const found = new Map<number, string>([[this.child.pid!, "what was started"]]);
    for (let size = 0; size !== found.size; ) {
      size = found.size;
      for (const { id, parent, command } of processes) if (found.has(parent)) found.set(id, command);
    }
    return found;
  }
}

/** Those of `tree` that still run; a zombie that nobody has waited for yet runs no more. */
function left(tree: Map<number, string>): string[] {
  const states = execFileSync("ps", ["-eo", "pid=,stat="], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().split(/ +/));
  return states
    .filter(([id, state]) => tree.has(Number(id)) && !state!.startsWith("Z"))
    .map(([id]) => `${id} ${tree.get(Number(id))}`);
}

/** Waits until nothing of the tree runs. */
export async function gone(tree: Map<number, string>): Promise<void> {
  let still: string[] = [];
  await until(`the end of the whole tree`, END_TIMEOUT_MS, () => (still = left(tree)).length === 0).catch(
    (error: Error) => {
      throw new Error(`${error.message}; still there:\n${still.join("\n")}`);
    },
  );
}

export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

export async function until(what: string, timeoutMs: number, look: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
