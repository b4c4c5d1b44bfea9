// C and assembly to an ELF file and its flat binary.

import { readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { cached, filesBelow, hashOf, hashOfFiles } from "./cache.ts";
import { exokernelSources, repositoryRoot } from "./paths.ts";
import { runTool } from "./run-tool.ts";

const prefix = "riscv64-unknown-elf-";

const compileFlags = [
  // RV32IMAC with Zicsr and Zifencei: in version 2.2 of the specification those are part of I, and only under this name
  // does gcc 12 find its RV32 libraries.
  "-march=rv32imac",
  "-misa-spec=2.2",
  "-mabi=ilp32",
  "--specs=picolibc.specs",
  // Of the combinations measured (docs/decisions/0009-flags-for-size-and-copies-by-words.md), small and fast: without
  // -mno-strict-align (which needs a -mtune that allows it) gcc loads every word of a module's memory byte by byte.
  "-Os",
  "-msave-restore",
  "-mtune=thead-c906",
  "-mno-strict-align",
  // What is worth inlining Binaryen has inlined before: what gcc adds by itself is 8 KB at -O2, and a boot takes 4 %
  // longer.
  "-fno-inline-functions",
  "-flto",
  "-ffunction-sections",
  "-fdata-sections",
  "-fno-strict-aliasing",
  "-msmall-data-limit=0",
  "-std=gnu11",
  // The stack's end is a locked guard page, so that no call has to count its depth.
  "-DWASM_RT_USE_STACK_DEPTH_COUNT=0",
  "-DNDEBUG",
];

/** Exokernel files that every program has, and those that only one kind has. */
const commonFiles = [
  "start.S",
  "memory.S",
  "trap_entry.S",
  "trap.c",
  "uart.c",
  "clock.c",
  "flash_cfi.c",
  "flash_zones.c",
  "pmp.c",
  "plic.c",
  "reset.c",
  "root_keys.c",
  "image_window.c",
  "watchdog_i6300esb.c",
  "wasm_runtime.c",
];
const loaderFiles = [...commonFiles, "main_boot.c", "image_loader.c"];
const imageFiles = [
  ...commonFiles,
  "main_image.c",
  "app_slice.c",
  "app_configuration.c",
  "console_log.c",
  "virtqueue.c",
  "virtio_net.c",
  "virtio_rng.c",
  "streams_absent.c",
];

/**
 * What a test build has besides (exokernel/flash_faults.h): power cuts in the flash driver, and a record of its
 * operations.
 */
const faultFiles = ["flash_faults.c"];
const faultFlags = ["-DFLASH_FAULTS"];

/** And one that shows what a request costs (exokernel/path_probe.h): when it comes and goes, or how much it copies. */
const probeFiles = ["path_probe.c"];
const probeFlags = ["-DPATH_PROBE"];
/** In C of the exokernel and of modules; the word-sized copies that wasm2c writes for loads are memcpy. */
const copyFlags = {
  exokernel: ["-Dmemcpy=path_probe_memcpy", "-Dmemmove=path_probe_memmove"],
  module: ["-Dmemmove=path_probe_memmove"],
};

/** Where the app's slice is reserved (exokernel/slice_budget.h). */
const sliceFiles = ["slice_budget.c", "slice_entry.S"];

export interface LinkOptions {
  /** C files that are added (the isolation tests' images). */
  extraFiles?: string[];
  /** A test build whose flash driver can cut power; never for images that ship. */
  flashFaults?: boolean;
  /** A test build that tells when a request comes and its answer goes, or how many bytes are copied; the same. */
  pathProbe?: "marks" | "copies";
  /** The app's tick so often, and stopped where it takes longer than its budget: half of the period at most. */
  slice?: { periodUs: number; budgetUs: number };
}

export interface LinkedProgram {
  elfPath: string;
  binaryPath: string;
  mapPath: string;
}

export interface ModuleCode {
  name: string;
  /** From translateToC. */
  folder: string;
  memoryPages: number;
}

/** Object files of sources, in `target`. */
async function compile(sources: string[], includes: string[], flags: string[], target: string): Promise<string[]> {
  await runTool(
    `${prefix}gcc`,
    [...compileFlags, ...flags, ...includes.map((folder) => `-I${folder}`), "-c", ...sources],
    { cwd: target },
  );
  return sources.map((path) => join(target, basename(path).replace(/\.[cS]$/, ".o")));
}

/** The object of a module's translated C. Generated code: its warnings are nobody's to mend. */
async function compileModule(module: ModuleCode, flags: string[]): Promise<string> {
  const source = join(module.folder, `${module.name}.c`);
  const headers = ["module_memory.h", "module_data.h", "machine.h"].map((name) =>
    readFileSync(join(exokernelSources, name)),
  );
  const hash = hashOf([...compileFlags, ...flags, module.name, readFileSync(source), ...headers]);
  const folder = await cached("object", hash, async (target) => {
    await compile([source], [module.folder, exokernelSources], ["-w", ...flags], target);
  });
  return join(folder, `${module.name}.o`);
}

function importsNothing(module: ModuleCode): boolean {
  return !readFileSync(join(module.folder, `${module.name}.h`), "utf8").includes("struct Z_exo_instance_t");
}

/** Links a program of the exokernel with its modules. */
export async function linkProgram(
  kind: "loader" | "image",
  modules: ModuleCode[],
  options: LinkOptions = {},
): Promise<LinkedProgram> {
  const script = kind === "loader" ? "boot.ld" : "image.ld";
  const { extraFiles = [], flashFaults = false, pathProbe, slice } = options;
  const files = [
    ...(kind === "loader" ? loaderFiles : imageFiles),
    ...(flashFaults ? faultFiles : []),
    ...(pathProbe ? probeFiles : []),
    ...(slice ? sliceFiles : []),
  ].map((name) => join(exokernelSources, name));
  const counted = pathProbe === "copies";
  const flags = [
    ...(flashFaults ? faultFlags : []),
    ...(pathProbe ? probeFlags : []),
    ...(counted ? copyFlags.exokernel : []),
    ...(slice ? [`-DSLICE_PERIOD_US=${slice.periodUs}u`, `-DSLICE_BUDGET_US=${slice.budgetUs}u`] : []),
  ];
  const version = await runTool(`${prefix}gcc`, ["--version"]);
  const hash = hashOf([
    version,
    ...compileFlags,
    ...flags,
    kind,
    hashOfFiles(filesBelow(exokernelSources, [".c", ".h", ".S", ".ld"]), repositoryRoot),
    ...extraFiles.map((path) => readFileSync(path)),
    ...modules.flatMap((m) => [m.name, String(m.memoryPages), readFileSync(join(m.folder, `${m.name}.c`))]),
  ]);
  const folder = await cached(kind, hash, async (target) => {
    const moduleFlags = counted ? copyFlags.module : [];
    const moduleObjects = await Promise.all(modules.map((module) => compileModule(module, moduleFlags)));
    const objects = await compile(
      [...files, ...extraFiles],
      [exokernelSources, ...modules.map((m) => m.folder)],
      [
        "-Wall",
        "-Wextra",
        ...flags,
        ...modules.filter(importsNothing).map((m) => `-D${m.name.toUpperCase()}_IMPORTS_NOTHING`),
        `-ffile-prefix-map=${repositoryRoot}=.`,
        ...modules.map((m) => `-D${m.name.toUpperCase()}_MEMORY_BYTES=${m.memoryPages * 65536}`),
      ],
      target,
    );
    await runTool(
      `${prefix}gcc`,
      [
        ...compileFlags,
        "-frandom-seed=flipside",
        "-nostartfiles",
        "-Wl,--gc-sections",
        "-Wl,--no-warn-rwx-segments",
        `-T${join(exokernelSources, script)}`,
        "-Wl,-Map=program.map",
        ...objects,
        ...moduleObjects,
        "-o",
        "program.elf",
      ],
      { cwd: target },
    );
    await runTool(`${prefix}objcopy`, ["-O", "binary", "program.elf", "program.bin"], { cwd: target });
    for (const object of objects) rmSync(object);
  });
  return {
    elfPath: join(folder, "program.elf"),
    binaryPath: join(folder, "program.bin"),
    mapPath: join(folder, "program.map"),
  };
}

/** Addresses of symbols in an ELF file. */
export async function symbolsOf(elfPath: string): Promise<Map<string, number>> {
  const symbols = new Map<string, number>();
  for (const line of (await runTool(`${prefix}nm`, [elfPath])).split("\n")) {
    const match = /^([0-9a-f]+) \w (\S+)$/.exec(line);
    if (match) symbols.set(match[2]!, parseInt(match[1]!, 16));
  }
  return symbols;
}

/** Bytes of sections by name. */
export async function sectionSizes(elfPath: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const line of (await runTool(`${prefix}size`, ["-A", elfPath])).split("\n")) {
    const match = /^(\.\S+)\s+(\d+)\s+\d+/.exec(line);
    if (match) sizes.set(match[1]!, Number(match[2]));
  }
  return sizes;
}
