// The processes of a campaign, one a core: jobs go to whoever is free, the longest first.

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Job, JobReport } from "./jobs.ts";
import type { Subject } from "./subject.ts";

interface FromWorker {
  kind: "open" | "progress" | "done" | "failed";
  scenarios?: number;
  result?: JobReport;
  message?: string;
}

export interface PoolOptions {
  subject: Subject;
  jobs: Job[];
  processes: number;
  onProgress(done: { scenarios: number; jobsLeft: number }): void;
  onReport(report: JobReport): void;
  /** Stop handing out jobs from then on (performance.now()). */
  deadlineMs?: number;
}

/** Runs the jobs. Resolves with those that were left when the deadline came. */
export async function runJobs(options: PoolOptions): Promise<Job[]> {
  const queue = [...options.jobs];
  const progress = new Map<ChildProcess, number>();
  let finished = 0;
  let jobsLeft = queue.length;
  const tell = (): void =>
    options.onProgress({ scenarios: finished + [...progress.values()].reduce((sum, each) => sum + each, 0), jobsLeft });
  const isLate = (): boolean => options.deadlineMs !== undefined && performance.now() > options.deadlineMs;

  const runWorker = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = fork(fileURLToPath(new URL("./worker-main.ts", import.meta.url)), {
        execArgv: ["--import", "tsx"],
        stdio: ["ignore", "inherit", "inherit", "ipc"],
      });
      const next = (): void => {
        const job = isLate() ? undefined : queue.shift();
        if (!job) return void child.disconnect();
        child.send({ kind: "job", job });
      };
      child.on("message", (message: FromWorker) => {
        if (message.kind === "open") next();
        else if (message.kind === "progress") {
          progress.set(child, message.scenarios!);
          tell();
        } else if (message.kind === "done") {
          progress.delete(child);
          const { result } = message;
          finished += result!.report.scenarios;
          jobsLeft--;
          options.onReport(result!);
          tell();
          next();
        } else {
          child.kill();
          reject(new Error(`a process of the campaign failed: ${message.message}`));
        }
      });
      child.once("error", reject);
      child.once("exit", (code, signal) =>
        code === 0 ? resolve() : reject(new Error(`a process of the campaign ended with ${signal ?? code}`)),
      );
      child.send({ kind: "open", subject: options.subject });
    });

  await Promise.all(Array.from({ length: Math.max(1, Math.min(options.processes, queue.length)) }, runWorker));
  return queue;
}
