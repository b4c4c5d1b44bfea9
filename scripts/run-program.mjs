// Starts a program of this repository with tsx, and makes sure of its end: the same signals, the same exit status, and
// no life longer than whoever asked for it.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./setup.mjs";

const LOOK_EVERY_MS = 500;
const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/** Name and parent of a process, where the system shows them (Linux); undefined: it is gone, or not to be seen. */
function look(processId) {
  try {
    // proc(5): the name stands in brackets, and may hold brackets itself.
    const [, name, rest] = /\((.*)\) . (\d+) /s.exec(readFileSync(`/proc/${processId}/stat`, "utf8"));
    return { name, parent: Number(rest) };
  } catch {
    return undefined;
  }
}

const parentOf = (processId) => look(processId)?.parent;

/**
 * Calls `gone` once when this process's parent is gone, or npm, which may have a shell between itself and this process.
 */
function whenParentIsGone(gone) {
  const parent = process.ppid;
  const isShell = process.env.npm_lifecycle_event !== undefined && /^(ba|da|a|z)?sh$/.test(look(parent)?.name ?? "");
  const grandparent = isShell ? parentOf(parent) : undefined;
  const timer = setInterval(() => {
    if (process.ppid === parent && (grandparent === undefined || parentOf(parent) === grandparent)) return;
    clearInterval(timer);
    gone();
  }, LOOK_EVERY_MS);
  timer.unref();
}

/** `program` is a path from the root. Never returns: this process ends as the program did. */
export function runProgram(program, args, options = {}) {
  // A terminal that is gone must not end this process before its program has stopped what it started.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const child = spawn(
    process.execPath,
    [
      "--import",
      "tsx",
      "--import",
      pathToFileURL(join(root, "scripts/end-with-launcher.mjs")).href,
      join(root, program),
      ...args,
    ],
    // The channel is what the program ends by when this process is killed (end-with-launcher.mjs).
    {
      cwd: options.cwd ?? root,
      env: { ...process.env, FLIPSIDE_LAUNCHER: String(process.pid) },
      stdio: ["inherit", "inherit", "inherit", "ipc"],
    },
  );
  // Ctrl-C reaches the child by itself (same terminal); a signal to this process alone does not.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  whenParentIsGone(() => child.connected && child.disconnect());
  child.on("error", (error) => {
    process.stderr.write(`${program} can't be started: ${error.message}\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (signalNumbers[signal] ?? 0)));
}
