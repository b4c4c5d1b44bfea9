// The edge calls (assembly/edges) on each backend that implements exokernel.h, and what each of them answered.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { IMAGE_TYPE_WASM_BUNDLE } from "@flipside/image-format";
import { BootReason, Exo, StreamState, Zone } from "@flipside/machine/abi";
import { layoutOf } from "@flipside/machine/factory/flash-layout";
import { memoryPages } from "@flipside/machine/factory/targets";
import { agentGrants, appGrants, bootGrants, type Grants } from "@flipside/machine/grants";
import { demoGeometry } from "@flipside/machine/node/manufacture";
import type { ByteStream } from "@flipside/machine/one-stream";
import { Board, type Surroundings } from "../../../power-cut/src/device/board.ts";
import { type Calls, ModuleInstance } from "../../../power-cut/src/device/module-instance.ts";
import { PageStore } from "../../../power-cut/src/device/page-store.ts";
import { DeviceHost } from "../../../../test/fuzz/targets/device-host.ts";
import { compileWasm } from "../../build/compile-module.ts";
import { type ContractPrograms, type Outcome, runInQemu, runOnNode } from "./hosts.ts";

export type ModuleName = "boot" | "agent" | "app";
/** Of one module: call and case, with the zone where there is one, to what came back. */
export type Answers = Map<string, number>;

export interface Backend {
  name: string;
  answers(module: ModuleName): Promise<Answers>;
}

const grants: Record<ModuleName, Grants> = { boot: bootGrants, agent: agentGrants, app: appGrants };

function answersIn(lines: string[]): Answers {
  const answers: Answers = new Map();
  for (const line of lines) {
    const found = /^= (.*): (-?\d+)$/.exec(line);
    if (!found) continue;
    if (answers.has(found[1]!)) throw new Error(`two cases are called ${found[1]}`);
    answers.set(found[1]!, Number(found[2]));
  }
  return answers;
}

/** Loader, app and agent write to one console, one after the other. */
export function answersOf(outcome: Outcome, module: ModuleName): Answers {
  const names = { boot: "the boot loader", agent: "the agent", app: "the app" };
  const from = outcome.lines.indexOf(`edges of ${names[module]}`);
  const to = outcome.lines.indexOf(`end of ${names[module]}'s edges`);
  const last = outcome.lines.slice(-20).join("\n");
  if (from < 0 || to < 0) throw new Error(`${names[module]} did not come to its end:\n${last}`);
  return answersIn(outcome.lines.slice(from, to));
}

const LOADER_ENDS = /^recovery: no image on this device can be started/;
const IMAGE_ENDS = /^end of the agent's edges/;

/** The host with a machine of its own, whose loader starts the image with agent and app. */
type Run = (which: "loader" | "contractLoader", end: RegExp) => Promise<Outcome>;

function machineBackend(name: string, run: Run): Backend {
  const outcomes = new Map<string, Promise<Outcome>>();
  return {
    name,
    async answers(module) {
      const which = module === "boot" ? "contractLoader" : "loader";
      if (!outcomes.has(which)) outcomes.set(which, run(which, module === "boot" ? LOADER_ENDS : IMAGE_ENDS));
      return answersOf(await outcomes.get(which)!, module);
    },
  };
}

const wasmOf = async (module: ModuleName): Promise<WebAssembly.Module> => {
  const entry = fileURLToPath(new URL(`assembly/edges/${module}.ts`, import.meta.url));
  const path = await compileWasm({ name: module, entry, memoryPages: memoryPages[module] });
  return new WebAssembly.Module(readFileSync(path));
};

/** A host that runs single modules, each on a board of its own. */
type CallsOf = (module: ModuleName, instance: () => ModuleInstance, onConsole: (bytes: Uint8Array) => void) => Calls;

function boardBackend(name: string, calls: CallsOf): Backend {
  return {
    name,
    async answers(module) {
      let text = "";
      const told = (bytes: Uint8Array): void => void (text += Buffer.from(bytes).toString("latin1"));
      const wasm = await wasmOf(module);
      const instance = new ModuleInstance(wasm, (itself) => ({ exo: calls(module, itself, told), crypto: {} }));
      if (module !== "boot") instance.exports.start!();
      else {
        instance.exports.boot!();
        instance.exports.recover!();
      }
      return answersIn(text.split("\n"));
    },
  };
}

/** A connection that comes to nothing. */
const connecting: ByteStream = {
  open: () => {},
  state: () => StreamState.Connecting,
  read: () => Exo.Again,
  write: () => Exo.Again,
  close: () => {},
};
const imageWindow = { imageType: IMAGE_TYPE_WASM_BUNDLE, address: 0, sizeBytes: 2 * 1024 * 1024 };
const layout = layoutOf(demoGeometry);
const rootKeys = [new Uint8Array(32).fill(7)];

const surroundings = (onConsole: (bytes: Uint8Array) => void): Surroundings => ({
  onOperation: () => Exo.Ok,
  stream: connecting,
  passesSelfTest: () => true,
  appHealth: () => 0,
  onConsole,
  onPhase: () => {},
  onDenied: () => {},
});

const powerCut = (): Backend =>
  boardBackend("power-cut", (module, instance, onConsole) => {
    const board = new Board({ layout, pages: new PageStore(), rootKeys, imageWindow });
    board.surroundings = surroundings(onConsole);
    board.beginRun(BootReason.PowerOn);
    if (module !== "boot") board.runningSlotZone = Zone.SlotA;
    return board.calls(instance, grants[module]);
  });

const fuzzers = (): Backend =>
  boardBackend("fuzzers", (module, instance, onConsole) => {
    const host = new DeviceHost(layout, instance, grants[module]);
    host.onConsole = onConsole;
    // An edge call is no fault of the module's.
    host.refuse = () => {};
    host.rootKeys = rootKeys;
    host.stream = connecting;
    host.serial = new Uint8Array(0);
    if (module !== "boot") host.runningSlot = Zone.SlotA;
    return host.imports as Calls;
  });

export const backends = (programs: ContractPrograms): Record<"c" | "node" | "powerCut" | "fuzzers", Backend> => ({
  c: machineBackend("C in QEMU", (which, end) => runInQemu(programs, which, end)),
  node: machineBackend("Node", (which, end) => runOnNode(programs, which, "in-process", end)),
  powerCut: powerCut(),
  fuzzers: fuzzers(),
});
