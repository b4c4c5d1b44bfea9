// `npm run rehearse`, as a process of its own: whoever plays a rehearsal leaves the real machine for good.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../src/rehearsal-main.ts", import.meta.url));
const outputBytesMax = 1 << 26;

export function rehearseCommand(...args: string[]): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ["--import", "tsx", program, ...args],
      { maxBuffer: outputBytesMax },
      (error, stdout, stderr) =>
        resolve({ code: error ? (typeof error.code === "number" ? error.code : -1) : 0, out: stdout + stderr }),
    );
  });
}
