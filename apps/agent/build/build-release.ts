// From TypeScript to a signed release: modules, payloads for both targets, headers, signatures, one file.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { JWK } from "jose";
import {
  buildImage,
  buildRelease,
  type ImageFields,
  TRIAL_DEADLINE_MS_MIN,
  watchdogMsMin,
} from "@flipside/image-format";
import { compileWasm, type SourcePatch, translateToC } from "./compile-module.ts";
import { linkProgram, type LinkedProgram, type LinkOptions } from "./link.ts";
import { type FeatureChoice, featureTexts } from "./features.ts";
import { type HeaderOptions, imageFields } from "./image-fields.ts";
import { agentSources } from "./paths.ts";
import { memoryPages, type Target, unikernelTarget, virtualTarget } from "@flipside/machine/factory/targets";
import { buildBundle } from "@flipside/machine/wasm-bundle";

export interface ReleaseOptions extends HeaderOptions {
  /** Entry of the app module; default: the example in src/app. */
  appEntry?: string;
  /** Entry of the agent module; default: src/agent/main.ts. */
  agentEntry?: string;
  /** What the image has besides the default, or has not. */
  features?: FeatureChoice;
  signingKeys: JWK[];
  /** Told before each step. */
  onProgress?: (step: string) => void;
}

export interface BuiltPayloads {
  unikernel: LinkedProgram;
  unikernelPayload: Uint8Array;
  virtualPayload: Uint8Array;
}

interface CompiledModules {
  agentWasm: string;
  appWasm: string;
}

async function compileModules(
  options: Pick<ReleaseOptions, "appEntry" | "agentEntry" | "features" | "onProgress"> & {
    patches?: readonly SourcePatch[];
  },
): Promise<CompiledModules> {
  const texts = featureTexts("image", options.features);
  options.onProgress?.("compiling the agent (AssemblyScript)");
  const agentWasm = await compileWasm({
    name: "agent",
    entry: options.agentEntry ?? join(agentSources, "agent/main.ts"),
    memoryPages: memoryPages.agent,
    texts,
    patches: options.patches ?? [],
  });
  options.onProgress?.("compiling the app (AssemblyScript)");
  const appWasm = await compileWasm({
    name: "app",
    entry: options.appEntry ?? join(agentSources, "app/main.ts"),
    memoryPages: memoryPages.app,
  });
  return { agentWasm, appWasm };
}

const virtualPayloadOf = ({ agentWasm, appWasm }: CompiledModules): Uint8Array =>
  buildBundle(readFileSync(agentWasm), readFileSync(appWasm));

/** Compiles both modules and links them for both targets. */
export async function buildPayloads(
  options: Pick<ReleaseOptions, "appEntry" | "agentEntry" | "features" | "onProgress"> &
    Pick<LinkOptions, "flashFaults" | "extraFiles" | "pathProbe" | "slice"> & { patches?: readonly SourcePatch[] },
): Promise<BuiltPayloads> {
  const progress = options.onProgress ?? (() => {});
  const compiled = await compileModules(options);
  const { agentWasm, appWasm } = compiled;
  progress("translating WebAssembly to C");
  const modules = [
    {
      name: "agent",
      folder: await translateToC("agent", agentWasm, memoryPages.agent),
      memoryPages: memoryPages.agent,
    },
    { name: "app", folder: await translateToC("app", appWasm, memoryPages.app), memoryPages: memoryPages.app },
  ];
  progress("linking the unikernel (RV32)");
  const unikernel = await linkProgram("image", modules, {
    flashFaults: options.flashFaults ?? false,
    extraFiles: options.extraFiles ?? [],
    ...(options.slice === undefined ? {} : { slice: options.slice }),
    ...(options.pathProbe === undefined ? {} : { pathProbe: options.pathProbe }),
  });
  return {
    unikernel,
    unikernelPayload: new Uint8Array(readFileSync(unikernel.binaryPath)),
    virtualPayload: virtualPayloadOf(compiled),
  };
}

/**
 * A header may say what no device of this hardware can meet. The device arms and waits for longer then; a release that
 * says so is refused where it is built, since whoever wrote it meant something else.
 */
export function checkTimes(target: Target, { watchdogMs, confirmDeadlineMs, contactDeadlineMs }: ImageFields): void {
  const refuse = (what: string, least: number, why: string): never => {
    throw new RangeError(`${what} for ${target.hardwareName} is too short: ${why}; at least ${least} ms`);
  };
  const watchdogLeast = watchdogMsMin(target.flashEraseMsMax);
  if (watchdogMs < watchdogLeast)
    refuse(
      `a watchdog of ${watchdogMs} ms`,
      watchdogLeast,
      `one erase of its flash may take ${target.flashEraseMsMax} ms`,
    );
  const why = "an app's first word comes with its first tick, a second after the start";
  if (confirmDeadlineMs < TRIAL_DEADLINE_MS_MIN)
    refuse(`a confirm deadline of ${confirmDeadlineMs} ms`, TRIAL_DEADLINE_MS_MIN, why);
  if (contactDeadlineMs < TRIAL_DEADLINE_MS_MIN)
    refuse(`a contact deadline of ${contactDeadlineMs} ms`, TRIAL_DEADLINE_MS_MIN, why);
}

export interface BuiltRelease {
  file: Uint8Array;
  unikernelImage: Uint8Array;
  virtualImage: Uint8Array;
  unikernel: LinkedProgram;
}

/** A signed release of both targets. The same sources, options and keys give the same bytes. */
export async function buildSignedRelease(options: ReleaseOptions): Promise<BuiltRelease> {
  for (const target of [unikernelTarget, virtualTarget]) checkTimes(target, imageFields(target, options));
  const payloads = await buildPayloads(options);
  options.onProgress?.("signing");
  const unikernelImage = await buildImage({
    fields: imageFields(unikernelTarget, options),
    payload: payloads.unikernelPayload,
    signingKeys: options.signingKeys,
  });
  const virtualImage = await buildImage({
    fields: imageFields(virtualTarget, options),
    payload: payloads.virtualPayload,
    signingKeys: options.signingKeys,
  });
  return {
    file: buildRelease([unikernelImage, virtualImage]),
    unikernelImage,
    virtualImage,
    unikernel: payloads.unikernel,
  };
}

export type VirtualRelease = Pick<BuiltRelease, "file" | "virtualImage">;

/** A signed release for virtual devices alone: npm packages build it, without a cross compiler. */
export async function buildVirtualRelease(options: ReleaseOptions): Promise<VirtualRelease> {
  const payload = virtualPayloadOf(await compileModules(options));
  options.onProgress?.("signing");
  const virtualImage = await buildImage({
    fields: imageFields(virtualTarget, options),
    payload,
    signingKeys: options.signingKeys,
  });
  return { file: buildRelease([virtualImage]), virtualImage };
}
