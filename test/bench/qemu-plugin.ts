// Plugins of QEMU's translator, compiled for this machine, and a QEMU that loads one.

import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { runTool } from "../../apps/agent/build/run-tool.ts";

/** The plugin's path. @param source below test/bench @param folder exists; the plugin lies there */
export async function buildPlugin(source: string, folder: string): Promise<string> {
  const path = join(folder, `${source.replace(/^.*\/|\.c$/g, "")}.so`);
  const flags = ["-shared", "-fPIC", "-O2", "-fvisibility=hidden", "-Wall", "-Wextra"];
  await runTool("cc", [...flags, join(repositoryRoot, "test/bench", source), "-o", path]);
  return path;
}

/** Writes a program that is `qemu` with this plugin. @param options of the plugin's: name=value */
export function writeQemuWith(path: string, qemu: string, plugin: string, options: readonly string[]): void {
  writeFileSync(path, `#!/bin/sh\nexec ${qemu} "$@" -plugin "${[plugin, ...options].join(",")}"\n`);
  chmodSync(path, 0o755);
}
