// The world of the story: server, proxy, fleet and console, in a folder of its own, and waiting for what must come.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Device, Rollout } from "@flipside/api/types";
import { buildTrustChain, buildImage, type ImageFields } from "@flipside/image-format";
import {
  type BuiltPayloads,
  type BuiltRelease,
  buildPayloads,
  buildSignedRelease,
  type ReleaseOptions,
} from "../../apps/agent/build/build-release.ts";
import { imageFields } from "../../apps/agent/build/image-fields.ts";
import { symbolsOf } from "../../apps/agent/build/link.ts";
import { projectKeys } from "../../apps/agent/build/project-keys.ts";
import { unikernelTarget, type virtualTarget } from "@flipside/machine/factory/targets";
import type { FlashOperationAddresses } from "@flipside/machine/qemu/unikernel";
import { DemoFleet, unikernelId } from "../../apps/demo/src/demo-fleet.ts";
import { type Prepared, prepare } from "../../apps/demo/src/prepare.ts";
import { ServerProcess } from "../../apps/demo/src/server-process.ts";
import { buildConsole } from "../../apps/web/build/build-console.ts";
import { reservePort } from "../../packages/processes/test/reserved-port.ts";
import { ConsoleClient } from "./console-client.ts";
import { smallOrderKey } from "./hostile-images.ts";
import { MqttProxy } from "./mqtt-proxy.ts";

/** Short, so that the story doesn't wait long; the contact deadline outlasts the outages that it makes. */
export const storyDeadlines = { confirmDeadlineMs: 6_000, contactDeadlineMs: 60_000, tries: 3, watchdogMs: 8_000 };
const POLL_MS = 1_000;

export class StoryWorld {
  client!: ConsoleClient;
  fleet!: DemoFleet;
  /** Console lines of all devices, newest last. */
  readonly lines: { deviceId: string; line: string }[] = [];

  private constructor(
    readonly folder: string,
    readonly prepared: Prepared,
    readonly payloads: BuiltPayloads,
    readonly server: ServerProcess,
    readonly proxy: MqttProxy,
    readonly flashOperations: FlashOperationAddresses,
    readonly isMqttClear: boolean,
    readonly say: (text: string) => void,
  ) {}

  static async create(options: {
    virtualDevices: number;
    isMqttClear: boolean;
    say: (text: string) => void;
  }): Promise<StoryWorld> {
    const { isMqttClear } = options;
    const folder = mkdtempSync(join(tmpdir(), "flipside-story-"));
    await makeTrustWithSmallOrderKey(join(folder, "keys"));
    const progress = (step: string): void => options.say(`building: ${step}`);
    const prepared = await prepare(folder, progress);
    const consoleDir = await buildConsole(() => progress("console (React, Vite)"));
    const first = await buildSignedRelease({
      version: "1.0.0",
      releaseSequence: 1,
      signingKeys: [prepared.keys.release.privateJwk],
      deadlines: storyDeadlines,
      onProgress: progress,
    });
    const payloads = await buildPayloads({});
    const loader = (await symbolsOf(prepared.loader.elfPath)).get("flash_operation");
    const image = (await symbolsOf(payloads.unikernel.elfPath)).get("flash_operation");
    if (loader === undefined || image === undefined)
      throw new Error("the symbol flash_operation is missing in loader or image");

    const claimsPath = join(folder, "claims.json");
    const server = new ServerProcess({
      folder: join(folder, "server"),
      trustChainPath: prepared.keys.trustChainPath,
      claimsPath,
      consoleDir,
      // They stay, so that console and proxy find the server again after it was killed.
      port: await reservePort(),
      mqttPort: await reservePort(),
      isMqttClear,
      pollMs: POLL_MS,
    });
    const proxy = new MqttProxy(() => server.mqttPort);
    await proxy.listen();
    const world = new StoryWorld(
      folder,
      prepared,
      payloads,
      server,
      proxy,
      { loader, image },
      isMqttClear,
      options.say,
    );
    try {
      world.fleet = await DemoFleet.open({
        folder: join(folder, "fleet"),
        prepared,
        release: first,
        virtualDevices: options.virtualDevices,
        mqttPort: proxy.port,
        isMqttClear,
      });
      world.fleet.writeClaims(claimsPath);
      world.#listen();
      await server.start();
      world.client = new ConsoleClient(`http://127.0.0.1:${server.options.port}`);
      await world.client.signIn("admin", server.firstPassword!, "a password for the story");
      return world;
    } catch (error) {
      await world.close(true);
      throw error;
    }
  }

  #listen(): void {
    const add = (deviceId: string, line: string): void => {
      this.lines.push({ deviceId, line });
    };
    this.fleet.unikernel.on("line", (line) => add(unikernelId, line));
    this.fleet.virtual.on("line", add);
  }

  /** How often a device has made a candidate of an image, by its console since line `firstLine`. */
  installations(deviceId: string, firstLine: number): number {
    return this.lines
      .slice(firstLine)
      .filter((entry) => entry.deviceId === deviceId && / installed [0-9a-f]/.test(entry.line)).length;
  }

  async close(keep: boolean): Promise<void> {
    await this.fleet?.stop();
    await this.server.stop();
    await this.proxy.close();
    writeFileSync(
      join(this.folder, "devices.log"),
      this.lines.map(({ deviceId, line }) => `${deviceId} ${line}\n`).join(""),
    );
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }

  /** A release of both targets from the good sources, and its upload. */
  async publish(
    options: Omit<ReleaseOptions, "signingKeys" | "deadlines"> &
      Partial<Pick<ReleaseOptions, "deadlines" | "signingKeys">>,
  ): Promise<BuiltRelease & { releaseId: string }> {
    const built = await buildSignedRelease({
      deadlines: storyDeadlines,
      signingKeys: [this.prepared.keys.release.privateJwk],
      ...options,
    });
    const release = await this.client.uploadRelease(built.file);
    return { ...built, releaseId: release.id };
  }

  /** One image for one target from the good sources: cheap, since only the header differs. */
  async imageFor(
    target: typeof unikernelTarget,
    change: Partial<ImageFields> & { version: string; releaseSequence: number },
  ): Promise<Uint8Array> {
    const base = imageFields(target, {
      version: change.version,
      releaseSequence: change.releaseSequence,
      deadlines: storyDeadlines,
    });
    const payload = target === unikernelTarget ? this.payloads.unikernelPayload : this.payloads.virtualPayload;
    return buildImage({
      fields: { ...base, ...change },
      payload,
      signingKeys: [this.prepared.keys.release.privateJwk],
    });
  }

  fieldsFor(target: typeof virtualTarget, version: string, releaseSequence: number): ImageFields {
    return imageFields(target, { version, releaseSequence, deadlines: storyDeadlines });
  }

  /**
   * Once all of its devices are there: who is away is left out of a wave, and may come back only after half a minute
   * where connections were lost one after the other.
   */
  async rollOut(
    name: string,
    releaseId: string,
    deviceIds: string[] | "all",
    waves: ({ percent: number } | { count: number })[] = [{ percent: 100 }],
    allowOlder = false,
  ): Promise<Rollout> {
    const target = deviceIds === "all" ? { all: true as const } : { deviceIds };
    await this.until("the rollout's devices to be online", 90_000, async () => {
      const devices = await this.client.devices();
      const away = devices.filter(({ id, online }) => !online && (deviceIds === "all" || deviceIds.includes(id)));
      if (away.length > 0) throw new Error(`away: ${away.map(({ id }) => id).join(", ")}`);
      return true;
    });
    return this.client.createRollout({ name, releaseId, target, waves, failureThresholdPercent: 100, allowOlder });
  }

  /** Waits until `look` returns something; the error says what was waited for and what was there last. */
  async until<T>(what: string, timeoutMs: number, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    let lastError = "";
    for (;;) {
      try {
        const found = await look();
        if (found !== undefined) return found;
      } catch (error) {
        lastError = `; the last look failed: ${(error as Error).message}`;
      }
      if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}${lastError}`);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  }

  /** Waits until every deployment of the rollout is over. */
  async untilOver(rolloutId: string, timeoutMs: number): Promise<Rollout> {
    let last: Rollout | undefined;
    try {
      return await this.until(`the rollout to end`, timeoutMs, async () => {
        last = await this.client.rollout(rolloutId);
        return last.state === "running" ? undefined : last;
      });
    } catch (error) {
      const states = last?.deployments
        .map((d) => `${d.deviceId} ${d.state} ${d.done}/${d.total} ${d.codeName ?? ""}`)
        .join("\n  ");
      throw new Error(
        `${(error as Error).message} (${last?.name}, ${last?.state}):\n  ${states}\nlast lines of the unikernel:\n${this.fleet.unikernel.console.slice(-15).join("\n")}`,
      );
    }
  }

  /** Throws unless every named device runs this digest, confirmed, and is online. */
  async expectRunning(deviceIds: string[], digestOf: (device: Device) => string, timeoutMs = 20_000): Promise<void> {
    await this.until(`${deviceIds.length} devices to be online and confirmed on their image`, timeoutMs, async () => {
      const devices = await this.client.devices();
      const wrong = deviceIds.filter((id) => {
        const device = devices.find((candidate) => candidate.id === id);
        return !device?.online || device.running?.state !== "confirmed" || device.running.digest !== digestOf(device);
      });
      if (wrong.length > 0) throw new Error(`not so: ${wrong.join(", ")}`);
      return true;
    });
  }
}

/**
 * The story's project has made a mistake: a key of small order is among its release keys, under which anybody can
 * forge. Devices and server must refuse it all the same.
 */
async function makeTrustWithSmallOrderKey(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const keys = await projectKeys(folder);
  const chain = await buildTrustChain([
    {
      trust: {
        trustVersion: 1,
        rootThreshold: 1,
        rootKeys: [keys.root.publicKey],
        releaseKeys: [keys.release.publicKey, smallOrderKey],
        operationsKeys: [keys.operations.publicKey],
      },
      signedBy: [keys.root.privateJwk],
    },
  ]);
  writeFileSync(join(folder, "trust-chain.bin"), chain);
}
