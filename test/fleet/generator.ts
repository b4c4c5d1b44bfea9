// A generator process (generator-main.ts) as the command sees it.

import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { FromGenerator, GeneratorTask, PeerTask, ToGenerator } from "./generator-messages.ts";
import type { FleetCounts } from "./load-device.ts";

type Kind = FromGenerator["kind"];
type Said<K extends Kind> = Extract<FromGenerator, { kind: K }>;

/** Several thousand devices make their keys in it. */
const STARTED_MS_MAX = 120_000;

export class Generator {
  readonly #child: ChildProcess;
  readonly #waiters: { kind: Kind; resolve: (message: FromGenerator) => void; reject: (error: Error) => void }[] = [];
  counts: FleetCounts | undefined;
  #devices = 0;
  #isUp = false;

  constructor() {
    this.#child = fork(join(import.meta.dirname, "generator-main.ts"), { execArgv: ["--import", "tsx"] });
    this.#child.on("message", (message: FromGenerator) => this.#heard(message));
    this.#child.once("exit", () => this.#fail("a generator process has ended"));
  }

  async makeDevices(task: GeneratorTask): Promise<Said<"claims">["claims"]> {
    this.#devices = task.count;
    // Its first answer: a process that never comes up would be waited for without end.
    const timer = setTimeout(() => this.#fail(this.#whyLate()), STARTED_MS_MAX);
    try {
      return (await this.#ask({ kind: "make-devices", task }, "claims")).claims;
    } finally {
      clearTimeout(timer);
    }
  }

  async enrol(): Promise<void> {
    await this.#ask({ kind: "enrol" }, "done");
  }

  /** Resolves to how many there are, when all have been told. */
  async powerOn(): Promise<number> {
    await this.#ask({ kind: "power-on" }, "done");
    return this.#devices;
  }

  async flood(isOn: boolean): Promise<void> {
    await this.#ask({ kind: "flood", isOn }, "done");
  }

  /** Its devices say so many metrics a second, together; 0: no more. */
  async tell(aSecond: number): Promise<void> {
    await this.#ask({ kind: "tell", aSecond }, "done");
  }

  /** From check-ins to their answers, in milliseconds, since it was asked last. */
  async takeAnswers(): Promise<number[]> {
    return (await this.#ask({ kind: "take-answers" }, "answers")).answersMs;
  }

  /** What its devices have been through. */
  async past(): Promise<Said<"past">> {
    return this.#ask({ kind: "take-past" }, "past");
  }

  async powerOff(): Promise<void> {
    await this.#ask({ kind: "power-off" }, "done");
  }

  async connectPeers(task: PeerTask): Promise<void> {
    await this.#ask({ kind: "connect-peers", task }, "done");
  }

  /** Resolves to how many bytes of chunks have come. */
  async downloadPeers(): Promise<number> {
    return (await this.#ask({ kind: "download-peers" }, "peers-done")).bytes;
  }

  stop(): void {
    this.#child.removeAllListeners("exit");
    this.#child.kill("SIGKILL");
  }

  /** One question at a time. */
  #ask<K extends Kind>(question: ToGenerator, kind: K): Promise<Said<K>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ kind, resolve: (message) => resolve(message as Said<K>), reject });
      this.#child.send(question);
    });
  }

  /** Seen once in some hundred runs, and not understood: which of the two it was is to be known next time. */
  #whyLate(): string {
    const within = `within ${STARTED_MS_MAX / 1000} s`;
    return this.#isUp
      ? `a generator process is up, and did not make ${this.#devices} devices ${within}`
      : `a generator process (pid ${this.#child.pid}) did not come up ${within}`;
  }

  #heard(message: FromGenerator): void {
    if (message.kind === "up") this.#isUp = true;
    if (message.kind === "counts") this.counts = message.counts;
    if (message.kind === "failed") return this.#fail(message.message);
    const at = this.#waiters.findIndex(({ kind }) => kind === message.kind);
    if (at >= 0) this.#waiters.splice(at, 1)[0]!.resolve(message);
  }

  #fail(why: string): void {
    for (const { reject } of this.#waiters.splice(0)) reject(new Error(why));
  }
}
