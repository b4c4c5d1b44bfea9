// Rewrites the C that wasm2c wrote so that loads and stores know their memory: exokernel/module_memory.h says how and
// why. Anything that doesn't have the expected form is an error, so a new wasm2c can't slip past the check unnoticed.

import { ToolError } from "./run-tool.ts";

/** A page: what the PMP denies behind the modules' memories (exokernel/image.ld, boot.ld). */
const GUARD_BYTES = 4096;

/** Where a module's memory is, in C: the end of RAM, for those that have it. */
function placeOf(name: string, memoryBytes: number): string[] {
  return [
    '#include "machine.h"',
    ...(name === "app"
      ? [`extern u8 app_memory[${memoryBytes}u];`, "#define MODULE_MEMORY app_memory"]
      : [`#define MODULE_MEMORY ((u8 *)${name.toUpperCase()}_MEMORY)`]),
    `#define MODULE_GUARD_BYTES ${GUARD_BYTES}u`,
  ];
}

/** `source`: the .c file of module `name`. */
export function specialiseMemory(source: string, name: string, memoryBytes: number): string {
  const definitions =
    /#define DEFINE_LOAD\(name, t1, t2, t3\)(?:.*\\\n)+.*\n|#define DEFINE_STORE\(name, t1, t2\)(?:.*\\\n)+.*\n/g;
  const removed = source.match(definitions)?.length ?? 0;
  // Both byte orders have a pair.
  if (removed !== 4)
    throw new ToolError(`wasm2c's definitions of loads and stores are not the known ones (${removed} of 4 found)`);
  const include = [
    ...placeOf(name, memoryBytes),
    `#define MODULE_MEMORY_BYTES ${memoryBytes}u`,
    '#include "module_memory.h"',
    "",
    "DEFINE_LOAD(i32_load, u32, u32, u32)",
  ].join("\n");
  let text = source.replace(definitions, "");
  text = text.replace("DEFINE_LOAD(i32_load, u32, u32, u32)", include);
  text = text.replace(
    /\(&instance->w2c_memory, \(u64\)\((w2c_\w+)\)(?: \+ (\d+)u?)?(?=[,)])/g,
    (_, base: string, offset = "0") => `(${base}, ${offset}u`,
  );
  const rest = /.*&instance->w2c_memory, \(u64\).*/.exec(text);
  if (rest) throw new ToolError(`wasm2c wrote an access in an unknown form: ${rest[0].trim()}`);
  return text;
}
