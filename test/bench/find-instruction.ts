// Addresses in linked code for which the linker leaves no name.

import { runTool } from "../../apps/agent/build/run-tool.ts";

/**
 * The one instruction whose disassembly starts with `text`, in a function whose name matches. Throws when it is not
 * one.
 */
export async function findInstruction(elfPath: string, text: RegExp, inFunction: RegExp): Promise<number> {
  let owner = "";
  const found: number[] = [];
  for (const line of (await runTool("riscv64-unknown-elf-objdump", ["-d", elfPath])).split("\n")) {
    owner = /^[0-9a-f]+ <(.+)>:$/.exec(line)?.[1] ?? owner;
    const [, address, instruction] = /^\s*([0-9a-f]+):\s+[0-9a-f]+\s+(.*)$/.exec(line) ?? [];
    if (address !== undefined && text.test(instruction!) && inFunction.test(owner)) found.push(parseInt(address, 16));
  }
  if (found.length !== 1)
    throw new Error(
      `${found.length} instructions match ${text} in functions ${inFunction}; this benchmark expects one`,
    );
  return found[0]!;
}
