// Runs a tool of the build with a deadline and an error that says what failed.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

export class ToolError extends Error {
  override name = "ToolError";
}

/** Standard output. Throws ToolError with the tool's own words, or what to install when it is missing. */
export function runTool(
  command: string,
  args: string[],
  options: { cwd?: string; timeoutMs?: number } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      command,
      args,
      { cwd: options.cwd, timeout: options.timeoutMs ?? 180_000, maxBuffer: 16 << 20 },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout);
        if ((error as NodeJS.ErrnoException).code === "ENOENT") {
          return reject(
            new ToolError(
              `${command} is not installed. Run: npm run setup (or apt-get install -y ${debianPackages.join(" ")})`,
            ),
          );
        }
        reject(
          new ToolError(
            `${command} failed${error.killed ? " (timed out)" : ""}:\n${stderr || stdout || error.message}`,
          ),
        );
      },
    );
  });
}

/** Debian packages that hold the tools. */
export const debianPackages = ["qemu-system-misc", "gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf", "wabt"];

const PICOLIBC = "/usr/lib/picolibc/riscv64-unknown-elf";

/**
 * Whether a person who types it gets a program. (scripts/setup.mjs has its own: it runs before anything is installed.)
 */
export const hasCommand = (command: string): boolean =>
  (process.env["PATH"] ?? "").split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, command)));

/** Of what builds and runs the unikernel, what this machine does not have; empty: all is there. */
export function missingDeviceTools(): string[] {
  const missing = ["bash", "qemu-system-riscv32", "riscv64-unknown-elf-gcc", "wasm2c"].filter(
    (command) => !hasCommand(command),
  );
  return existsSync(PICOLIBC) ? missing : [...missing, "picolibc"];
}
