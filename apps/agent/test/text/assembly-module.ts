// Compiles a test's AssemblyScript module the way the device's modules are compiled, and starts it on Node.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const agentFolder = fileURLToPath(new URL("../..", import.meta.url));

/** An exported function; i64 is bigint, everything else number (bool: 0 or 1). */
export type Exports<Names extends string> = Record<Names, (...values: (number | bigint)[]) => number> & {
  memory: WebAssembly.Memory;
  SPACE: WebAssembly.Global;
};

/** `folder` is the test's, `name` the compiled file's: test files that run at the same time take different ones. */
export function compileModule(folder: string, name: string): WebAssembly.Module {
  const asc = path.join(
    path.dirname(createRequire(import.meta.url).resolve("assemblyscript/package.json")),
    "bin/asc.js",
  );
  const entry = `test/${folder}/assembly/module`;
  const output = `test/${folder}/dist/${name}.wasm`;
  mkdirSync(path.join(agentFolder, `test/${folder}/dist`), { recursive: true });
  // biome-ignore format: a table, row by row
  execFileSync(process.execPath, [
    asc, `${entry}.ts`, "--outFile", output,
    "--runtime", "stub", "-O3", "--shrinkLevel", "1", "--use", `abort=${entry}/trap`,
  ], { cwd: agentFolder, stdio: ["ignore", "inherit", "inherit"] });
  return new WebAssembly.Module(readFileSync(path.join(agentFolder, output)));
}

/** A module's exports with byte-array access to its memory. */
export class Guest<Names extends string> {
  readonly call: Exports<Names>;
  readonly space: number;

  constructor(module: WebAssembly.Module, imports: WebAssembly.Imports = {}) {
    this.call = new WebAssembly.Instance(module, imports).exports as unknown as Exports<Names>;
    this.space = this.call.SPACE?.value ?? 0;
  }

  bytes(ptr: number, length: number): Buffer {
    return Buffer.from(this.call.memory.buffer, ptr, length);
  }

  /** Copies bytes into the test's space and returns their address. */
  put(data: string | Uint8Array, offset = 0): number {
    const bytes = Buffer.from(data as string);
    Buffer.from(this.call.memory.buffer).set(bytes, this.space + offset);
    return this.space + offset;
  }
}
