// A module whose conditionals a host may invert, one at a time: what a glitch of supply or clock does to a processor
// that an attacker has in hand, at the grain at which it hurts, a branch that goes the other way.

import binaryen from "binaryen";

/** The import that every condition goes through. */
const FAULT = "fault";
const CONDITION = "condition";

/** What such a module imports besides: `condition` hears each condition and says which way to go (0 or not). */
export const faultImports = (condition: (value: number) => number): WebAssembly.Imports => ({
  [FAULT]: { [CONDITION]: condition },
});

/** What its types leave out. */
const { If, Break, Select } = binaryen as unknown as Record<
  "If" | "Break" | "Select",
  { setCondition(expression: Reference, condition: Reference): void }
>;

type Reference = number;

/** Of each kind of expression that has others in it: under which names. Others have none, or are not made by asc. */
const parts = new Map<number, readonly string[]>([
  [binaryen.BlockId, ["children"]],
  [binaryen.IfId, ["condition", "ifTrue", "ifFalse"]],
  [binaryen.LoopId, ["body"]],
  [binaryen.BreakId, ["condition", "value"]],
  [binaryen.SwitchId, ["condition", "value"]],
  [binaryen.CallId, ["operands"]],
  [binaryen.CallIndirectId, ["target", "operands"]],
  [binaryen.LocalSetId, ["value"]],
  [binaryen.GlobalSetId, ["value"]],
  [binaryen.LoadId, ["ptr"]],
  [binaryen.StoreId, ["ptr", "value"]],
  [binaryen.UnaryId, ["value"]],
  [binaryen.BinaryId, ["left", "right"]],
  [binaryen.SelectId, ["condition", "ifTrue", "ifFalse"]],
  [binaryen.DropId, ["value"]],
  [binaryen.ReturnId, ["value"]],
  [binaryen.MemoryGrowId, ["delta"]],
  [binaryen.MemoryCopyId, ["dest", "source", "size"]],
  [binaryen.MemoryFillId, ["dest", "value", "size"]],
]);
const leaves = new Set<number>([
  ...[binaryen.ConstId, binaryen.LocalGetId, binaryen.GlobalGetId, binaryen.NopId, binaryen.UnreachableId],
  binaryen.MemorySizeId,
]);

/** `wasm` with each `if`, `br_if` and `select` asking the host which way to go: `fault.condition(i32): i32`. */
export function withConditionals(wasm: Uint8Array): Uint8Array<ArrayBuffer> {
  const module = binaryen.readBinary(wasm);
  module.setFeatures(binaryen.Features.All);
  try {
    module.addFunctionImport(CONDITION, FAULT, CONDITION, binaryen.i32, binaryen.i32);
    const asked = (condition: Reference): Reference => module.call(CONDITION, [condition], binaryen.i32);
    for (let i = 0; i < module.getNumFunctions(); i++) {
      const info = binaryen.getFunctionInfo(module.getFunctionByIndex(i));
      // Imports have no body.
      if (info.module !== "") continue;
      visit(info.body, asked);
    }
    if (!module.validate()) throw new Error("the module with conditionals that can be inverted is none");
    return new Uint8Array(module.emitBinary());
  } finally {
    module.dispose();
  }
}

function visit(expression: Reference, asked: (condition: Reference) => Reference): void {
  if (!expression) return;
  const id = binaryen.getExpressionId(expression);
  if (leaves.has(id)) return;
  const names = parts.get(id);
  // What is not known may have a conditional in it, which would never be inverted.
  if (names === undefined) throw new Error(`an expression of kind ${id} is not known here`);
  const info = binaryen.getExpressionInfo(expression) as unknown as Record<string, Reference | Reference[]>;
  for (const part of names.flatMap((name) => info[name]!)) visit(part, asked);
  const condition = info["condition"] as Reference | undefined;
  if (!condition) return;
  if (id === binaryen.IfId) If.setCondition(expression, asked(condition));
  if (id === binaryen.BreakId) Break.setCondition(expression, asked(condition));
  if (id === binaryen.SelectId) Select.setCondition(expression, asked(condition));
}
