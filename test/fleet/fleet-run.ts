// What each measurement of a fleet stands on: a project and its image, servers, and devices in processes of their own.
// Each puts the parts together as it needs them; `close` takes all of it down again.

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildRelease } from "@flipside/image-format";
import { imageFields, makeImage, makeProject, payloadOf } from "../../apps/server/test/keys.ts";
import { buildStrictVerifier } from "../../packages/image-format/assembly/build-strict-verifier.ts";
import type { Console } from "../bench/server-process.ts";
import type { ShareOfDevices } from "./generator-messages.ts";
import { Generator } from "./generator.ts";
import { type FleetCounts, noCounts } from "./load-device.ts";

const LOOK_EVERY_MS = 200;
/** Sessions of the first connections. */
const PROVEN_MS_MAX = 300_000;

export interface Product {
  trustChain: string;
  trustDigest: string;
  /** The image's file, and what is in it. */
  imagePath: string;
  payload: Uint8Array;
  /** To upload. */
  release: Uint8Array;
}

export class FleetRun {
  readonly folder = mkdtempSync(join(tmpdir(), "flipside-fleet-"));
  readonly generators: Generator[] = [];
  readonly #undo: (() => Promise<void> | void)[] = [];
  #saidMs = performance.now();

  /** However this process ends; generators and servers end by themselves when it is gone. */
  readonly #remove = (): void => rmSync(this.folder, { recursive: true, force: true });

  constructor(readonly say: (text: string) => void) {
    process.once("exit", this.#remove);
  }

  /** To be done at the end, what was given last first. */
  undo(work: () => Promise<void> | void): void {
    this.#undo.push(work);
  }

  async makeProduct(imageBytes: number): Promise<Product> {
    await buildStrictVerifier();
    const project = await makeProject();
    const trustChain = join(this.folder, "trust-chain.bin");
    writeFileSync(trustChain, project.trustChain);
    const payload = payloadOf(imageBytes);
    const image = await makeImage(project, {}, payload);
    const imagePath = join(this.folder, "image.bin");
    writeFileSync(imagePath, image);
    const trustDigest = createHash("sha256").update(project.trustChain).digest("hex");
    return { trustChain, trustDigest, imagePath, payload, release: await buildRelease([image]) };
  }

  /** All of them made and claimed, in so many processes; they are not enrolled yet. Returns their names. */
  async addDevices(
    operator: Console,
    product: Product,
    given: ShareOfDevices & { mqttUrl: string; generators: number; isFlooding?: boolean },
  ): Promise<string[]> {
    const { hostname: host, port } = new URL(given.mqttUrl);
    const { version, releaseSequence } = imageFields();
    const { imagePath, trustDigest } = product;
    const { isFlooding = false } = given;
    const share = Math.ceil(given.count / given.generators);
    const end = given.firstIndex + given.count;
    const names: string[] = [];
    for (let { firstIndex } = given; firstIndex < end; firstIndex += share) {
      const generator = new Generator();
      this.generators.push(generator);
      const what = { firstIndex, count: Math.min(share, end - firstIndex), isFlooding };
      const where = { host, port: Number(port) };
      const claims = await generator.makeDevices({
        ...{ ...what, ...where, imagePath, version, releaseSequence, trustDigest },
      });
      await operator.call("POST", "/api/v1/claims", { claims });
      names.push(...claims.map(({ deviceId }) => deviceId));
    }
    return names;
  }

  /**
   * All enrolled, connected and proven, and known by a check-in that was answered: a rollout leaves out whom it doesn't
   * know yet. Resolves to how many are proven, which may be fewer.
   */
  async bringUp(): Promise<number> {
    this.say("the devices enrol");
    await Promise.all(this.generators.map((generator) => generator.enrol()));
    this.say("they connect and prove their sessions");
    const counts = await Promise.all(this.generators.map((generator) => generator.powerOn()));
    const all = counts.reduce((sum, count) => sum + count, 0);
    const areAll = ({ proven, known }: { proven: number; known: number }): boolean => proven === all && known === all;
    await this.until(() => areAll(this.counts()), PROVEN_MS_MAX);
    const { proven, known } = this.counts();
    return Math.min(proven, known);
  }

  counts(): Omit<FleetCounts, "lastFault"> & { faults: string[] } {
    const { lastFault: _, ...sum } = noCounts();
    const faults: string[] = [];
    for (const { counts } of this.generators) {
      if (counts === undefined) continue;
      for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += counts[name];
      if (counts.lastFault !== undefined) faults.push(counts.lastFault);
    }
    return { ...sum, faults };
  }

  /** Says now and then how far it has come. */
  sayCounts(): void {
    if (performance.now() - this.#saidMs < 5_000) return;
    this.#saidMs = performance.now();
    const { confirmed, dropped, piecesReAsked, faults } = this.counts();
    const last = faults.length > 0 ? `; the last connection ended by: ${faults.join(", ")}` : "";
    this.say(`${confirmed} confirmed, ${piecesReAsked} pieces asked for again, ${dropped} dropped${last}`);
  }

  /** Looks until it holds; false: it did not in that time. */
  async until(holds: () => boolean | Promise<boolean>, msMax: number): Promise<boolean> {
    const deadline = performance.now() + msMax;
    while (!(await holds())) {
      if (performance.now() > deadline) return false;
      await pause(LOOK_EVERY_MS);
    }
    return true;
  }

  async close(): Promise<void> {
    for (const generator of this.generators) generator.stop();
    for (const work of this.#undo.reverse()) await work();
    process.removeListener("exit", this.#remove);
    this.#remove();
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The value below which such a part of the sorted ones is; 0 of none. */
export const share = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;

/** Whether the rollout of this id is completed. */
export async function isCompleted(operator: Console, rolloutId: string): Promise<boolean> {
  const { state } = await operator.call("GET", `/api/v1/rollouts/${rolloutId}`);
  return state === "completed";
}
