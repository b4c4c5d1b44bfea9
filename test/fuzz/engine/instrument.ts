// Rewrites a WebAssembly module so that it can be fuzzed: every basic block and every arm of a `select` leaves a mark,
// every pair of blocks that follow each other does (AFL's edges), and every loop and call takes fuel, so that a hang
// ends in a trap (what is spent is counted up to 2^31, so that the module's start function has enough). All of it lies
// below the module's own data, where asc's --memoryBase leaves room. Module semantics stay the same.
//
//   offset in memory    0 nothing      16 u32 spent     20 u32 previous block      24 u32 a new edge was seen
//                    1024 u8 per block: was run         65536 u8 per edge: was seen        131072 the module's data
//
// WebAssembly Core Specification 2.0, section 5 (binary format); the operators are those that asc emits for the device.

export const FUEL = 16;
export const PREVIOUS = 20;
export const NEWS = 24;
export const BLOCKS = 1024;
export const EDGES = 65536;
export const EDGES_BYTES = 65536;
/** Where the module's own data may begin. */
export const MODULE_BASE = 131072;
const BLOCKS_MAX = EDGES - BLOCKS;

export interface Instrumented {
  wasm: Uint8Array<ArrayBuffer>;
  blockCount: number;
  /** Exports that give the module's mutable globals, for snapshots. */
  globals: string[];
}

const enum Section {
  Custom = 0,
  Type = 1,
  Import = 2,
  Function = 3,
  Global = 6,
  Export = 7,
  Code = 10,
}
const enum Op {
  Unreachable = 0x00,
  Block = 0x02,
  Loop = 0x03,
  If = 0x04,
  Else = 0x05,
  End = 0x0b,
  Br = 0x0c,
  BrIf = 0x0d,
  BrTable = 0x0e,
  Call = 0x10,
  CallIndirect = 0x11,
  Select = 0x1b,
  SelectTyped = 0x1c,
  LocalGet = 0x20,
  LocalSet = 0x21,
  LocalTee = 0x22,
  TableSet = 0x26,
  I32Load = 0x28,
  I32Load8U = 0x2d,
  I32Store = 0x36,
  I32Store8 = 0x3a,
  MemoryGrow = 0x40,
  I32Const = 0x41,
  I64Const = 0x42,
  F32Const = 0x43,
  F64Const = 0x44,
  I32Eqz = 0x45,
  I32Ne = 0x47,
  I32LtS = 0x48,
  I32Add = 0x6a,
  I32Xor = 0x73,
  RefNull = 0xd0,
  RefFunc = 0xd2,
  Prefix = 0xfc,
}
const I32 = 0x7f;
const VOID = 0x40;

class Reader {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}

  u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new RangeError("the module ends too early");
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
  }
  /** Signed or unsigned, of any width. */
  skipLeb(): void {
    while (this.bytes[this.at++]! >= 128);
  }
  name(): string {
    const length = this.u32();
    this.at += length;
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }
  take(length: number): Uint8Array {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

const leb = (value: number): number[] => {
  const out: number[] = [];
  for (; value > 127; value >>>= 7) out.push((value & 127) | 128);
  return [...out, value];
};

/** i32.const of a value that is not negative. */
const constant = (value: number): number[] => {
  const out: number[] = [Op.I32Const];
  for (; value > 63; value >>>= 7) out.push((value & 127) | 128);
  return [...out, value];
};

interface RawSection {
  id: number;
  body: Uint8Array;
}

function sectionsOf(wasm: Uint8Array): RawSection[] {
  const module = new Reader(wasm);
  module.at = 8;
  const sections: RawSection[] = [];
  while (module.at < wasm.length) {
    const id = module.bytes[module.at++]!;
    sections.push({ id, body: module.take(module.u32()) });
  }
  return sections;
}

/** What has to be known of a module before it is rewritten. */
class Layout {
  /** How many, by type. */
  readonly parameters: number[] = [];
  readonly functionTypes: number[] = [];
  readonly mutableGlobals: number[] = [];
  importedFunctions = 0;
  names = new Map<number, string>();
  #importedGlobals = 0;

  constructor(sections: readonly RawSection[]) {
    for (const { id, body } of sections) this.#read(id, new Reader(body));
  }

  #read(id: number, r: Reader): void {
    if (id === Section.Type) this.#readTypes(r);
    else if (id === Section.Import) this.#readImports(r);
    else if (id === Section.Function) for (let n = r.u32(); n > 0; n--) this.functionTypes.push(r.u32());
    else if (id === Section.Global) this.#readGlobals(r);
    else if (id === Section.Custom && r.name() === "name") this.names = functionNames(r);
  }

  #readTypes(r: Reader): void {
    for (let n = r.u32(); n > 0; n--) {
      r.at++; // 0x60
      const count = r.u32();
      this.parameters.push(count);
      r.at += count;
      r.take(r.u32());
    }
  }

  #readImports(r: Reader): void {
    for (let n = r.u32(); n > 0; n--) {
      r.name();
      r.name();
      const kind = r.bytes[r.at++]!;
      if (kind === 0) {
        r.u32();
        this.importedFunctions++;
      } else if (kind === 3) {
        r.at += 2;
        this.#importedGlobals++;
      } else throw new Error(`an import of kind ${kind} is not known here`);
    }
  }

  #readGlobals(r: Reader): void {
    const count = r.u32();
    for (let i = 0; i < count; i++) {
      r.at++;
      if (r.bytes[r.at++] === 1) this.mutableGlobals.push(this.#importedGlobals + i);
      while (r.bytes[r.at] !== Op.End) skipInstruction(r);
      r.at++;
    }
  }
}

/** The export section with these globals more. */
function exportsWith(body: Uint8Array, names: readonly string[], indices: readonly number[]): number[] {
  const r = new Reader(body);
  const count = r.u32();
  const added = names.flatMap((name, i) => [...leb(name.length), ...Buffer.from(name), 3, ...leb(indices[i]!)]);
  return [...leb(count + names.length), ...body.subarray(r.at), ...added];
}

/**
 * @param marked says by a function's name (asc --debug) whether it leaves marks; all take fuel. Cryptography doesn't:
 * every
 *   block of it runs for every input, and it would cost most of the time.
 */
export function instrument(wasm: Uint8Array, marked: (functionName: string) => boolean): Instrumented {
  const sections = sectionsOf(wasm);
  const { parameters, functionTypes, mutableGlobals, importedFunctions, names } = new Layout(sections);
  const globals = mutableGlobals.map((index) => `fuzz.global.${index}`);
  const marks = new Marks();
  const out: number[][] = [[...wasm.subarray(0, 8)]];
  for (const { id, body } of sections) {
    if (id === Section.Custom) continue;
    let bytes: ArrayLike<number> = body;
    if (id === Section.Export) bytes = exportsWith(body, globals, mutableGlobals);
    if (id === Section.Code)
      bytes = rewriteCode(body, marks, (index) => ({
        parameters: parameters[functionTypes[index]!]!,
        isMarked: marked(names.get(importedFunctions + index) ?? ""),
      }));
    out.push([id, ...leb(bytes.length)], Array.from(bytes));
  }
  if (marks.count > BLOCKS_MAX) throw new Error(`${marks.count} blocks, more than ${BLOCKS_MAX}`);
  return { wasm: joined(out), blockCount: marks.count, globals };
}

function joined(parts: readonly (readonly number[])[]): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

class Marks {
  count = 0;
  #state = 1;

  /** The block's number, and its place among the edges: even, since a select's arms are the two places from there. */
  next(arms: 1 | 2): { block: number; place: number } {
    const block = this.count;
    this.count += arms;
    this.#state = Math.imul(this.#state, 0x9e3779b1) + 0x7f4a7c15;
    return { block, place: ((this.#state >>> 15) & (EDGES_BYTES - 2)) >>> 0 };
  }
}

function functionNames(r: Reader): Map<number, string> {
  const names = new Map<number, string>();
  while (r.at < r.bytes.length) {
    const id = r.bytes[r.at++]!;
    const end = r.u32() + r.at;
    if (id === 1) {
      for (let n = r.u32(); n > 0; n--) {
        const index = r.u32();
        names.set(index, r.name());
      }
    }
    r.at = end;
  }
  return names;
}

function rewriteCode(
  body: Uint8Array,
  marks: Marks,
  about: (index: number) => { parameters: number; isMarked: boolean },
): number[] {
  const r = new Reader(body);
  const count = r.u32();
  const out = leb(count);
  for (let index = 0; index < count; index++) {
    const length = r.u32();
    const end = r.at + length;
    const { parameters, isMarked } = about(index);
    const rewritten = rewriteFunction(r, end, parameters, isMarked ? marks : undefined);
    out.push(...leb(rewritten.length));
    for (const byte of rewritten) out.push(byte);
  }
  return out;
}

function rewriteFunction(r: Reader, end: number, parameters: number, marks: Marks | undefined): number[] {
  const groups = r.u32();
  const localsStart = r.at;
  let locals = parameters;
  for (let i = 0; i < groups; i++) {
    locals += r.u32();
    r.at++;
  }
  // Two more: t for our own reckoning, u for a condition on its way to select.
  const t = locals;
  const u = locals + 1;
  const out = [...leb(groups + 1), ...r.bytes.subarray(localsStart, r.at), 2, I32];
  const put = (...bytes: number[]): void => void out.push(...bytes);

  const fuel = (): void => {
    put(
      ...constant(0),
      ...constant(0),
      Op.I32Load,
      2,
      ...leb(FUEL),
      ...constant(1),
      Op.I32Add,
      Op.LocalTee,
      ...leb(t),
      Op.I32Store,
      2,
      ...leb(FUEL),
    );
    put(Op.LocalGet, ...leb(t), ...constant(0), Op.I32LtS, Op.If, VOID, Op.Unreachable, Op.End);
  };
  /** The edge from the block before to the place on the stack. */
  const edge = (place: number): void => {
    put(Op.LocalTee, ...leb(t), Op.I32Load8U, 0, ...leb(EDGES), Op.I32Eqz, Op.If, VOID);
    put(
      Op.LocalGet,
      ...leb(t),
      ...constant(1),
      Op.I32Store8,
      0,
      ...leb(EDGES),
      ...constant(0),
      ...constant(1),
      Op.I32Store,
      2,
      ...leb(NEWS),
      Op.End,
    );
    put(...constant(0), ...constant(place >>> 1), Op.I32Store, 2, ...leb(PREVIOUS));
  };
  const mark = (): void => {
    if (!marks) return;
    const { block, place } = marks.next(1);
    put(...constant(block), ...constant(1), Op.I32Store8, 0, ...leb(BLOCKS));
    put(...constant(0), Op.I32Load, 2, ...leb(PREVIOUS), ...constant(place), Op.I32Xor);
    edge(place);
  };
  const markSelect = (): void => {
    if (!marks) return;
    const { block, place } = marks.next(2);
    put(
      Op.LocalTee,
      ...leb(u),
      ...constant(0),
      Op.I32Ne,
      Op.LocalTee,
      ...leb(t),
      ...constant(1),
      Op.I32Store8,
      0,
      ...leb(BLOCKS + block),
    );
    put(
      ...constant(0),
      Op.I32Load,
      2,
      ...leb(PREVIOUS),
      ...constant(place),
      Op.I32Xor,
      Op.LocalGet,
      ...leb(t),
      Op.I32Xor,
    );
    edge(place);
    put(Op.LocalGet, ...leb(u));
  };

  fuel();
  mark();
  while (r.at < end) {
    const from = r.at;
    const op = r.bytes[from]!;
    if (op === Op.Select || op === Op.SelectTyped) markSelect();
    skipInstruction(r);
    for (let i = from; i < r.at; i++) out.push(r.bytes[i]!);
    if (r.at >= end) break;
    if (op === Op.Loop) fuel();
    if (op === Op.Loop || op === Op.If || op === Op.Else || op === Op.End || op === Op.BrIf) mark();
  }
  return out;
}

function skipInstruction(r: Reader): void {
  const op = r.bytes[r.at++]!;
  if (op === Op.Block || op === Op.Loop || op === Op.If) return r.skipLeb();
  if (
    op === Op.Br ||
    op === Op.BrIf ||
    op === Op.Call ||
    op === Op.RefFunc ||
    op === Op.RefNull ||
    op === Op.I32Const ||
    op === Op.I64Const
  )
    return r.skipLeb();
  if (op === Op.BrTable) {
    for (let n = r.u32() + 1; n > 0; n--) r.u32();
  } else if (op === Op.CallIndirect) {
    r.u32();
    r.u32();
  } else if (op === Op.SelectTyped) {
    r.take(r.u32());
  } else if (op >= Op.LocalGet && op <= Op.TableSet) r.u32();
  else if (op >= Op.I32Load && op <= 0x3e) {
    r.u32();
    r.u32();
  } else if (op === 0x3f || op === Op.MemoryGrow) r.at++;
  else if (op === Op.F32Const) r.at += 4;
  else if (op === Op.F64Const) r.at += 8;
  else if (op === Op.Prefix) {
    const sub = r.u32();
    const immediates = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1][sub];
    if (immediates === undefined) throw new Error(`operator 0xfc ${sub} is not known here`);
    for (let i = 0; i < immediates; i++) r.u32();
  } else if (
    !(
      op <= 1 ||
      op === Op.Else ||
      op === Op.End ||
      op === 0x0f ||
      op === 0x1a ||
      op === Op.Select ||
      (op >= Op.I32Eqz && op <= 0xc4) ||
      op === 0xd1
    )
  ) {
    throw new Error(`operator 0x${op.toString(16)} is not known here`);
  }
}
