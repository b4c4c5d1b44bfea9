// One shell in which block after block is run, as in a terminal: what a block has set, the next one has.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";

export class Shell {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #output = "";
  /** Whether it has ended, and all that it said is in `#output`: the last of it may come after its end. */
  #isOver = false;
  #heard: () => void = () => {};

  constructor(environment: NodeJS.ProcessEnv = {}) {
    this.#child = spawn("/bin/bash", ["-eu", "-o", "pipefail"], {
      cwd: repositoryRoot,
      env: { ...process.env, ...environment },
      stdio: ["pipe", "pipe", "pipe"],
      // A group of its own, so that what it waits for ends with it.
      detached: true,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on("data", (text: Buffer) => {
        this.#output += text.toString();
        this.#heard();
      });
    this.#child.stdin.on("error", () => {});
    this.#child.once("close", () => {
      this.#isOver = true;
      this.#heard();
    });
  }

  /** What the block has said. Throws with that when one of its commands fails, or it takes longer than `timeoutMs`. */
  async run(block: string, timeoutMs: number): Promise<string> {
    const mark = `end of block ${randomUUID()}`;
    this.#output = "";
    this.#child.stdin.write(`${block}\necho\necho '${mark}'\n`);
    const deadline = performance.now() + timeoutMs;
    while (!this.#output.includes(mark)) {
      const what = this.#isOver
        ? `a command failed with status ${this.#child.exitCode}`
        : performance.now() > deadline
          ? `it was not done after ${timeoutMs} ms`
          : undefined;
      if (what !== undefined) throw new Error(`${what}:\n${block}\nIt said:\n${this.#output}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000);
        this.#heard = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#output.slice(0, this.#output.indexOf(mark));
  }

  end(): void {
    if (this.#child.exitCode === null) process.kill(-this.#child.pid!, "SIGKILL");
  }
}
