// What the device's image and its RAM are made of, from the ELF file. Code is attributed by the names that the
// AssemblyScript compiler knows; what compiler and linker inlined into another function counts as that function.

import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describeImage } from "@flipside/image-format";
import { compilerOptions, compileWasm } from "../../apps/agent/build/compile-module.ts";
import { type LinkedProgram, sectionSizes, symbolsOf } from "../../apps/agent/build/link.ts";
import { agentSources, repositoryRoot } from "../../apps/agent/build/paths.ts";
import { runTool } from "../../apps/agent/build/run-tool.ts";
import { memoryPages } from "@flipside/machine/factory/targets";

export interface Part {
  name: string;
  bytes: number;
}

const RAM_BASE = 0x80000000;
const PAGE_BYTES = 4096;

// ---- names of the agent's functions
// ----------------------------------------------------------------------------------

/** Body of the section with this id. */
function wasmSection(wasm: Uint8Array, id: number): Uint8Array | undefined {
  for (let at = 8; at < wasm.length; ) {
    const found = wasm[at++];
    const [length, next] = leb128(wasm, at);
    if (found === id) return wasm.subarray(next, next + length);
    at = next + length;
  }
  return undefined;
}

function leb128(bytes: Uint8Array, at: number): [value: number, next: number] {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]!;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return [value, at];
  }
}

/** Names by function index, from the name section (WebAssembly core specification, appendix "Custom Sections"). */
function functionNames(wasm: Uint8Array<ArrayBuffer>): Map<number, string> {
  const names = new Map<number, string>();
  const sections = WebAssembly.Module.customSections(new WebAssembly.Module(wasm), "name");
  const bytes = new Uint8Array(sections[0] ?? new ArrayBuffer(0));
  for (let at = 0; at < bytes.length; ) {
    const id = bytes[at]!;
    const [length, body] = leb128(bytes, at + 1);
    if (id === 1) {
      let [count, p] = leb128(bytes, body);
      for (; count > 0; count--) {
        const [index, lengthAt] = leb128(bytes, p);
        const [nameBytes, nameAt] = leb128(bytes, lengthAt);
        names.set(index, new TextDecoder().decode(bytes.subarray(nameAt, nameAt + nameBytes)));
        p = nameAt + nameBytes;
      }
    }
    at = body + length;
  }
  return names;
}

/**
 * The agent is compiled once more with names; they hold for the module that was linked when both have the same code,
 * byte for byte. Undefined when they don't.
 */
async function namesOfAgent(): Promise<Map<number, string> | undefined> {
  const entry = join(agentSources, "agent/main.ts");
  const linked = readFileSync(await compileWasm({ name: "agent", entry, memoryPages: memoryPages.agent }));
  const { default: asc } = await import("assemblyscript/asc");
  let named: Uint8Array<ArrayBuffer> | undefined;
  const { error } = await asc.main(
    [
      relative(repositoryRoot, entry),
      "--baseDir",
      repositoryRoot,
      "--outFile",
      "named.wasm",
      "--debug",
      ...compilerOptions(memoryPages.agent),
    ],
    {
      writeFile: (name, contents) => {
        if (name === "named.wasm") named = new Uint8Array(contents as Uint8Array);
      },
    },
  );
  const code = (wasm: Uint8Array): Buffer => Buffer.from(wasmSection(wasm, 10) ?? []);
  if (error || !named || !code(linked).equals(code(named))) return undefined;
  return functionNames(named);
}

const parts: [prefix: RegExp, part: string][] = [
  [/^packages\/image-format\/assembly\//, "agent: cryptography (SHA-2, Ed25519, strict verifier)"],
  [/^packages\/image-format\//, "agent: formats shared with the server"],
  [/^apps\/agent\/src\/net\//, "agent: network stack"],
  [/^apps\/agent\/src\/mqtt\//, "agent: MQTT"],
  [/^apps\/agent\/src\/(json|text)\//, "agent: JSON and text"],
];

// ---- the image
// -------------------------------------------------------------------------------------------------------

interface CodeSymbol {
  address: number;
  bytes: number;
  name: string;
}

async function codeSymbols(elfPath: string): Promise<CodeSymbol[]> {
  const byAddress = new Map<number, CodeSymbol>();
  for (const line of (await runTool("riscv64-unknown-elf-nm", ["-S", elfPath])).split("\n")) {
    const match = /^([0-9a-f]+) ([0-9a-f]+) [tT] (\S+)$/.exec(line);
    if (!match) continue;
    const symbol = { address: parseInt(match[1]!, 16), bytes: parseInt(match[2]!, 16), name: match[3]! };
    const known = byAddress.get(symbol.address);
    if (!known || known.bytes < symbol.bytes) byAddress.set(symbol.address, symbol);
  }
  // libgcc's register savers overlap one another: nothing is counted twice.
  const sorted = [...byAddress.values()].sort((a, b) => a.address - b.address);
  sorted.forEach((symbol, i) => {
    const next = sorted[i + 1];
    if (next) symbol.bytes = Math.min(symbol.bytes, next.address - symbol.address);
  });
  return sorted;
}

/** Address after the last instruction; padding to the end of its page follows. */
export async function codeEndOf(program: LinkedProgram): Promise<number> {
  const last = (await codeSymbols(program.elfPath)).at(-1)!;
  return last.address + last.bytes;
}

/** Bytes of a payload that are not padding. */
export async function usefulBytes(program: LinkedProgram): Promise<number> {
  const sizes = await sectionSizes(program.elfPath);
  const start = (await symbolsOf(program.elfPath)).get("__text_start")!;
  return (await codeEndOf(program)) - start + sizes.get(".rodata")! + sizes.get(".data")!;
}

/** Parts of the whole image file; they sum up to it. */
export async function imageParts(image: Uint8Array, program: LinkedProgram): Promise<Part[]> {
  const { headerBytes, signatureBlockBytes, tableOffset, payloadOffset } = await describeImage(image);
  const sizes = await sectionSizes(program.elfPath);
  const symbols = await codeSymbols(program.elfPath);
  const textStart = (await symbolsOf(program.elfPath)).get("__text_start")!;
  const names = await namesOfAgent();
  const bytesOf = new Map<string, number>();
  const add = (name: string, bytes: number): void => void bytesOf.set(name, (bytesOf.get(name) ?? 0) + bytes);

  for (const [, part] of parts) add(part, 0);
  for (const { name, bytes } of symbols) {
    const index = /^w2c_f(\d+)\b/.exec(name)?.[1];
    const source = index === undefined ? undefined : names?.get(Number(index));
    if (source !== undefined)
      add(parts.find(([prefix]) => prefix.test(source))?.[1] ?? "agent: session, update, trial and the rest", bytes);
    else if (index !== undefined || /^Z_(agent|app)/.test(name)) add("agent: code that names don't tell apart", bytes);
    else if (name.startsWith("kernel_main") || name.startsWith("init_memories"))
      add("main loop and start of modules, with agent and app code inlined", bytes);
    else add("exokernel and C library", bytes);
  }
  const codeEnd = (await codeEndOf(program)) - textStart;
  // assembly without sizes
  add("exokernel and C library", codeEnd - symbols.reduce((sum, { bytes }) => sum + bytes, 0));
  add("padding to the end of the code's last page", sizes.get(".text")! - codeEnd);
  add("read-only data", sizes.get(".rodata")!);
  add("initial data", sizes.get(".data")!);
  add("header", headerBytes);
  add("signatures", signatureBlockBytes);
  add("chunk table", payloadOffset - tableOffset);
  const inPayload = sizes.get(".text")! + sizes.get(".rodata")! + sizes.get(".data")!;
  add("alignment between sections", image.length - payloadOffset - inPayload);
  return [...bytesOf].map(([name, bytes]) => ({ name, bytes })).filter(({ bytes }) => bytes !== 0);
}

// ---- RAM
// -------------------------------------------------------------------------------------------------------------

/** Parts of the RAM that a running image has, from the start of RAM; they sum up to all of it. */
export async function ramParts(program: LinkedProgram): Promise<Part[]> {
  const symbols = await symbolsOf(program.elfPath);
  const at = (name: string): number => {
    const address = symbols.get(name);
    if (address === undefined) throw new Error(`the image has no symbol ${name}`);
    return address;
  };
  const agent = memoryPages.agent * 65536;
  const app = memoryPages.app * 65536;
  const emergency = at("__emergency_stack_top") - at("__emergency_stack");
  return [
    { name: "kept across resets (crash record, boot information)", bytes: at("__text_start") - RAM_BASE },
    { name: "code", bytes: at("__text_end") - at("__text_start") },
    { name: "read-only data", bytes: at("__data_start") - at("__text_end") },
    { name: "initial data", bytes: at("__payload_end") - at("__data_start") },
    {
      name: "stacks",
      bytes:
        at("__stack_top") -
        at("__stack_bottom") +
        at("__interrupt_stack_top") -
        at("__interrupt_stack_bottom") +
        emergency,
    },
    { name: "guard pages and alignment", bytes: 2 * PAGE_BYTES + at("app_memory") - at("__payload_end") },
    { name: "memory of the agent", bytes: agent },
    { name: "memory of the app", bytes: app },
    {
      name: "exokernel's variables, rings, alignment",
      bytes: at("__variables_end") - at("__stack_top") - emergency,
    },
  ];
}

export const sumOf = (parts: Part[]): number => parts.reduce((sum, { bytes }) => sum + bytes, 0);
