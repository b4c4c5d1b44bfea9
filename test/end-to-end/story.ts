// The whole story, unattended (docs/architecture.md, "How we know"): every device updates, everything that should be
// refused is refused, everything that should fall back does, and nothing that is done to power, server or network in
// the middle of an update leaves a device behind.

import { join } from "node:path";
import { ProblemError } from "@flipside/api/problem";
import type { Device, Rollout } from "@flipside/api/types";
import {
  appendTrustLink,
  buildImage,
  errorName,
  generateSigningKey,
  toHex,
  sha256,
  ErrorCode,
  type ImageFields,
  splitTrustChain,
} from "@flipside/image-format";
import { PRODUCT, unikernelTarget, virtualTarget } from "@flipside/machine/factory/targets";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import { tears } from "@flipside/machine/faults/torn-operation";
import { unikernelId } from "../../apps/demo/src/demo-fleet.ts";
import { fileOf, hostileCases, type HostileCase, type OfferedImage } from "./hostile-images.ts";
import { storePastTheServer } from "./past-the-server.ts";
import { storyDeadlines, StoryWorld } from "./story-world.ts";

export interface StoryOptions {
  virtualDevices: number;
  seed?: number | undefined;
  powerCuts?: number;
  /** Letters of the chapters to run after a and b; default: all of them. */
  chapters?: string;
  /** MQTT as it is, and not over TLS. */
  isMqttClear?: boolean;
  /** Keep the folder. It is kept in any case when something did not hold. */
  keep?: boolean;
  say: (text: string) => void;
}

export interface StorySummary {
  ok: boolean;
  devices: number;
  confirmed: number;
  refused: Record<string, number>;
  rolledBack: number;
  powerCuts: number;
  bricked: number;
  seed: number;
  seconds: number;
  error?: string;
}

const faultyImages = join(repositoryRoot, "test/end-to-end/faulty-images");

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(`did not hold: ${what}`);
}

export async function runStory(options: StoryOptions): Promise<StorySummary> {
  const seed = options.seed ?? seedOfRun();
  const random = new SeededRandom(seed);
  const started = Date.now();
  const summary: StorySummary = {
    ok: false,
    devices: options.virtualDevices + 1,
    confirmed: 0,
    refused: {},
    rolledBack: 0,
    powerCuts: 0,
    bricked: 0,
    seed,
    seconds: 0,
  };
  const chapter = (name: string): void => options.say(`[${Math.round((Date.now() - started) / 1000)} s] ${name}`);
  options.say(`seed ${seed}`);
  let world: StoryWorld | undefined;
  try {
    world = await StoryWorld.create({
      virtualDevices: options.virtualDevices,
      isMqttClear: options.isMqttClear ?? false,
      say: options.say,
    });
    const story = new Story(world, random, summary, chapter);
    await story.everyDeviceEnrols();
    await story.everyDeviceTakesV2();
    const wanted = (letter: string): boolean => (options.chapters ?? "cdefgh").includes(letter);
    if (wanted("c")) await story.hostileImagesAreRefused();
    if (wanted("d")) await story.faultyImagesFallBack();
    if (wanted("e")) await story.powerIsCut(options.powerCuts ?? 30);
    if (wanted("f")) await story.serverIsKilled();
    if (wanted("f")) await story.serverIsAwayDuringTheTrial();
    if (wanted("g")) await story.connectionDrops();
    if (wanted("h")) await story.keysAreReplaced();
    summary.ok = summary.bricked === 0 && summary.confirmed === summary.devices;
  } catch (error) {
    summary.error = (error as Error).message.split("\n")[0]!;
    options.say((error as Error).stack ?? String(error));
    if (world) options.say(`what is left is in ${world.folder}`);
  } finally {
    summary.seconds = Math.round((Date.now() - started) / 1000);
    await world?.close(options.keep === true || !summary.ok);
  }
  return summary;
}

class Story {
  /** Digests of v2, by hardware. */
  #current = new Map<string, string>();
  #sequence = 100;

  constructor(
    readonly world: StoryWorld,
    readonly random: SeededRandom,
    readonly summary: StorySummary,
    readonly chapter: (name: string) => void,
  ) {}

  #digestOf = (device: Device): string => this.#current.get(device.hardware!)!;

  async #remember(images: { unikernelImage?: Uint8Array; virtualImage?: Uint8Array }): Promise<void> {
    if (images.unikernelImage)
      this.#current.set(unikernelTarget.hardwareName, await digestOfFile(images.unikernelImage));
    if (images.virtualImage) this.#current.set(virtualTarget.hardwareName, await digestOfFile(images.virtualImage));
  }

  /** a. Every device enrols, proves its session, checks in on v1. */
  async everyDeviceEnrols(): Promise<void> {
    this.chapter("a: every device enrols, proves its session and checks in on v1");
    const { world } = this;
    await world.fleet.start();
    await world.until("all devices to check in on 1.0.0", 90_000, async () => {
      const devices = await world.client.devices();
      const there = devices.filter(
        (device) => device.online && device.running?.version === "1.0.0" && device.running.state === "confirmed",
      );
      return there.length === this.summary.devices ? true : undefined;
    });
  }

  /** b. v2 is built, signed, uploaded, rolled out in two waves; every device ends confirmed, as check-ins say. */
  async everyDeviceTakesV2(): Promise<void> {
    this.chapter("b: v2 in two waves");
    const { world } = this;
    const release = await world.publish({ version: "2.0.0", releaseSequence: 2 });
    const rollout = await world.rollOut("v2", release.releaseId, "all", [{ percent: 20 }, { percent: 100 }]);
    const done = await world.untilOver(rollout.id, 120_000);
    check(done.waves.length === 2, "the rollout has two waves");
    check(
      done.counts["confirmed"] === this.summary.devices,
      `every device is confirmed on v2: ${JSON.stringify(done.counts)}`,
    );
    await this.#remember(release);
    await world.expectRunning(world.fleet.deviceIds, this.#digestOf);
    this.summary.confirmed = done.counts["confirmed"]!;
  }

  /** c. Refused by the device, each with its own code, device still on v2 and still online. */
  async hostileImagesAreRefused(): Promise<void> {
    this.chapter("c: what must be refused");
    const { world } = this;
    const { release } = world.prepared.keys;
    const devices = [unikernelId, ...(world.fleet.virtual.devices.size > 0 ? ["virtual-01"] : [])];
    const casesFor = (target: typeof unikernelTarget, payload: Uint8Array): Promise<HostileCase[]> =>
      hostileCases(world.fieldsFor(target, "2.5.0", 50), payload, release.privateJwk, release.publicKey);
    const unikernelCases = await casesFor(unikernelTarget, world.payloads.unikernelPayload);
    const virtualCases = await casesFor(virtualTarget, world.payloads.virtualPayload);

    for (const [i, hostile] of unikernelCases.entries()) {
      if (hostile.visibleAtUpload) {
        const refusal = await world.client.uploadRelease(fileOf(hostile.image)).then(
          () => undefined,
          (error: unknown) => (error instanceof ProblemError ? error : undefined),
        );
        check(
          refusal?.code === errorName(hostile.code),
          `the server refuses ${hostile.name} with ${errorName(hostile.code)}, not ${refusal?.code}`,
        );
      }
      const releaseId = await storePastTheServer(
        world.server.options.folder,
        { product: PRODUCT, version: `2.5.${i}`, releaseSequence: 50 },
        [
          { hardware: unikernelTarget.hardwareName, image: this.#asItArrives(hostile) },
          { hardware: virtualTarget.hardwareName, image: this.#asItArrives(virtualCases[i]!) },
        ],
      );
      if (hostile.inTransit && world.isMqttClear) world.proxy.faults = { flipPayloadBits: true };
      const rollout = await world.rollOut(hostile.name, releaseId, devices, [{ percent: 100 }], true);
      const done = await world.untilOver(rollout.id, 60_000);
      world.proxy.faults = {};
      for (const deployment of done.deployments) {
        check(
          deployment.state === "rejected" && deployment.code === hostile.code,
          `${deployment.deviceId} rejects ${hostile.name} with ${errorName(hostile.code)}, not ${deployment.state} ${deployment.codeName}`,
        );
        const name = errorName(hostile.code);
        this.summary.refused[name] = (this.summary.refused[name] ?? 0) + 1;
      }
      await world.expectRunning(devices, this.#digestOf);
    }
  }

  /** Over TLS nobody on the way can harm it: the server, or its disk, has to. */
  #asItArrives({ image, inTransit = false }: HostileCase): OfferedImage {
    if (!inTransit || this.world.isMqttClear) return image;
    const payload = image.payload.slice();
    payload[payload.length >> 1]! ^= 0x10;
    return { ...image, payload };
  }

  /** d. A crash, a hang with interrupts off, a broken network, an unhealthy app: back on v2 by itself, and says why. */
  async faultyImagesFallBack(): Promise<void> {
    this.chapter("d: four images that must not stay");
    const { world } = this;
    const devices = [unikernelId, ...(world.fleet.virtual.devices.size > 1 ? ["virtual-02"] : [])];
    const faults: {
      name: string;
      version: string;
      code: ErrorCode;
      appEntry?: string;
      agentEntry?: string;
      deadlines: Partial<ImageFields>;
    }[] = [
      {
        name: "v3 crashes at start",
        version: "3.0.0",
        code: ErrorCode.Crashed,
        appEntry: "app-crash.ts",
        deadlines: { tries: 2 },
      },
      {
        name: "v4 hangs with interrupts off",
        version: "4.0.0",
        code: ErrorCode.WatchdogExpired,
        appEntry: "app-hang.ts",
        deadlines: { tries: 1, watchdogMs: 6_000 },
      },
      {
        name: "v5 has a broken network",
        version: "5.0.0",
        code: ErrorCode.NoContact,
        agentEntry: "agent-broken-network.ts",
        deadlines: { confirmDeadlineMs: 4_000, contactDeadlineMs: 6_000 },
      },
      {
        name: "v6 has an unhealthy app",
        version: "6.0.0",
        code: ErrorCode.AppUnhealthy,
        appEntry: "app-unhealthy.ts",
        deadlines: {},
      },
    ];
    for (const fault of faults) {
      const release = await world.publish({
        version: fault.version,
        releaseSequence: ++this.#sequence,
        ...(fault.appEntry ? { appEntry: join(faultyImages, fault.appEntry) } : {}),
        ...(fault.agentEntry ? { agentEntry: join(faultyImages, fault.agentEntry) } : {}),
        deadlines: { ...storyDeadlines, ...fault.deadlines },
      });
      const firstLine = world.lines.length;
      const rollout = await world.rollOut(fault.name, release.releaseId, devices);
      const done = await world.untilOver(rollout.id, 120_000);
      for (const deployment of done.deployments) {
        check(
          deployment.state === "rolled-back" && deployment.code === fault.code,
          `${fault.name}: ${deployment.deviceId} is rolled back with ${errorName(fault.code)}, not ${deployment.state} ${deployment.codeName}`,
        );
      }
      await world.expectRunning(devices, this.#digestOf);
      for (const deviceId of devices) {
        const installed = world.installations(deviceId, firstLine);
        check(
          installed === 1,
          `${fault.name}: ${deviceId} installed it once and did not take it up again (${installed} times)`,
        );
      }
      this.summary.rolledBack++;
    }
  }

  /** e. The unikernel loses power in the middle of updates, each time at a flash operation that the seed chose. */
  async powerIsCut(cuts: number): Promise<void> {
    this.chapter(`e: ${cuts} power cuts in the middle of updates`);
    const { world, random } = this;
    const { unikernel } = world.fleet;
    const operations = await this.#operationsOfAnUpdate();
    for (let cut = 1; cut <= cuts; cut++) {
      const operation = 1 + random.below(operations);
      const tear = random.pick(tears);
      const { image, rollout } = await this.#offerNextTo(unikernelId);
      await unikernel.cutPower();
      const wasCut = new Promise<void>((resolve) => unikernel.once("cut", () => resolve()));
      unikernel.armCut({ operation, tear, random, addresses: world.flashOperations });
      unikernel.powerOn();
      await withDeadline(
        wasCut,
        60_000,
        () =>
          `power cut ${cut} at operation ${operation} of ${operations} did not come; last lines:\n${unikernel.console.slice(-12).join("\n")}`,
      );
      this.summary.powerCuts++;
      unikernel.powerOn();
      const done = await world.untilOver(rollout.id, 60_000).catch((error: unknown) => {
        this.summary.bricked++;
        throw new Error(`after power cut ${cut} (operation ${operation}, tear ${tear}): ${(error as Error).message}`);
      });
      check(
        done.counts["confirmed"] === 1,
        `after power cut ${cut} (operation ${operation}, tear ${tear}) the update is confirmed: ${JSON.stringify(done.deployments[0])}`,
      );
      await this.#remember({ unikernelImage: image });
      await world.expectRunning([unikernelId], this.#digestOf);
    }
  }

  /** How many flash operations an update makes from its first to its confirmation, with no cut. */
  async #operationsOfAnUpdate(): Promise<number> {
    const { world } = this;
    const { unikernel } = world.fleet;
    const { image, rollout } = await this.#offerNextTo(unikernelId);
    await unikernel.cutPower();
    unikernel.armCut({
      operation: Number.MAX_SAFE_INTEGER,
      tear: "nothing",
      random: this.random,
      addresses: world.flashOperations,
    });
    unikernel.powerOn();
    const done = await world.untilOver(rollout.id, 60_000);
    check(done.counts["confirmed"] === 1, "an update under the eyes of the debugger is confirmed");
    const operations = unikernel.operations;
    check(operations > 20, `an update makes more than 20 flash operations (${operations})`);
    await unikernel.cutPower();
    unikernel.armCut(undefined);
    unikernel.powerOn();
    await this.#remember({ unikernelImage: image });
    await world.expectRunning([unikernelId], this.#digestOf);
    return operations;
  }

  /** A rollout to one device while it is away is offered when it comes back. */
  async #offerNextTo(deviceId: string): Promise<{ image: Uint8Array; rollout: Rollout }> {
    const { world } = this;
    const releaseSequence = ++this.#sequence;
    const version = `7.0.${releaseSequence}`;
    const image = await world.imageFor(unikernelTarget, { version, releaseSequence });
    const release = await world.client.uploadRelease(image);
    return { image, rollout: await world.rollOut(`power cut ${version}`, release.id, [deviceId]) };
  }

  /** f. The server is killed in the middle of a rollout and started again: nothing is lost, nothing installed twice. */
  async serverIsKilled(): Promise<void> {
    this.chapter("f: the server is killed in the middle of a rollout");
    const { world } = this;
    const release = await world.publish({ version: "8.0.0", releaseSequence: ++this.#sequence });
    world.proxy.faults = { bytesPerSecond: 60_000 };
    const firstLine = world.lines.length;
    const rollout = await world.rollOut("v8", release.releaseId, "all", [{ percent: 50 }, { percent: 100 }]);
    await world.until("a download to be under way", 30_000, async () => {
      const { deployments } = await world.client.rollout(rollout.id);
      return deployments.some((deployment) => deployment.state === "downloading") ? true : undefined;
    });
    await world.server.kill();
    world.proxy.faults = {};
    await world.server.start();
    const done = await world.untilOver(rollout.id, 150_000);
    check(
      done.counts["confirmed"] === this.summary.devices,
      `every device is confirmed on v8: ${JSON.stringify(done.counts)}`,
    );
    await this.#remember(release);
    await world.expectRunning(world.fleet.deviceIds, this.#digestOf, 40_000);
    for (const deviceId of world.fleet.deviceIds) {
      const installed = world.installations(deviceId, firstLine);
      check(installed === 1, `${deviceId} installed v8 once, not ${installed} times`);
    }
  }

  /** f, second half. With the server away for a whole confirm period, no healthy image is marked failed. */
  async serverIsAwayDuringTheTrial(): Promise<void> {
    this.chapter("f: the server is away for a whole confirm period");
    const { world } = this;
    const devices = world.fleet.deviceIds.slice(0, 4);
    const release = await world.publish({ version: "9.0.0", releaseSequence: ++this.#sequence });
    const firstLine = world.lines.length;
    const rollout = await world.rollOut("v9", release.releaseId, devices);
    await world.until("every device to reset into its candidate", 60_000, () => {
      const resetting = new Set(
        world.lines
          .slice(firstLine)
          .filter(({ line }) => line.includes("resetting into the candidate"))
          .map(({ deviceId }) => deviceId),
      );
      return resetting.size > 0 ? true : undefined;
    });
    await world.server.kill();
    await new Promise((resolve) => setTimeout(resolve, storyDeadlines.confirmDeadlineMs + 2_000));
    await world.server.start();
    const done = await world.untilOver(rollout.id, 150_000);
    check(
      done.counts["confirmed"] === devices.length,
      `every healthy image is confirmed after the outage: ${JSON.stringify(done.counts)}`,
    );
    const failed = world.lines
      .slice(firstLine)
      .filter(({ line }) => /does not stay|image failed|falling back/.test(line));
    check(
      failed.length === 0,
      `no healthy image is marked failed: ${failed.map(({ deviceId, line }) => `${deviceId} ${line}`).join("; ")}`,
    );
    await this.#remember(release);
    await world.expectRunning(devices, this.#digestOf, 40_000);
  }

  /** g. The connection drops every few seconds: the update goes on where it was. */
  async connectionDrops(): Promise<void> {
    this.chapter("g: the connection drops every few seconds");
    const { world } = this;
    const releaseSequence = ++this.#sequence;
    const image = await world.imageFor(unikernelTarget, { version: "10.0.0", releaseSequence });
    const release = await world.client.uploadRelease(image);
    world.proxy.resetCounters();
    // Slow enough that the download outlives several connections.
    world.proxy.faults = { dropAfterMs: 3_000, bytesPerSecond: 16_000 };
    const rollout = await world.rollOut("v10", release.id, [unikernelId]);
    await world.fleet.unikernel.cutPower();
    world.fleet.unikernel.powerOn();
    const done = await world.untilOver(rollout.id, 180_000);
    world.proxy.faults = {};
    check(done.counts["confirmed"] === 1, `the update is confirmed: ${JSON.stringify(done.counts)}`);
    check(
      world.proxy.connections >= 4,
      `the connection dropped several times (${world.proxy.connections} connections)`,
    );
    // Over TLS nobody sees the chunks, but what starts over with each connection never ends at this pace.
    const first = world.isMqttClear ? (world.proxy.chunks.get(`${unikernelId}:0`) ?? 0) : 1;
    check(first === 1, `the download went on and did not start over (the first chunk was sent ${first} times)`);
    await this.#remember({ unikernelImage: image });
    await world.expectRunning([unikernelId], this.#digestOf, 40_000);
  }

  /**
   * h. The release key is stolen: a new one is named, the fleet moves to it, the old one is revoked, and opens nothing
   * more.
   */
  async keysAreReplaced(): Promise<void> {
    this.chapter("h: the release key and the root are replaced");
    const { world } = this;
    const stolen = world.prepared.keys.release;
    const release = await generateSigningKey();
    const root = await generateSigningKey();
    const everyDeviceHas = (version: number): Promise<true> =>
      world.until(`every device to have trust record ${version}`, 60_000, async () =>
        (await world.client.devices()).every((device) => device.trustVersion === version) ? true : undefined,
      );

    const first = world.prepared.keys.trustChain;
    const { keys } = splitTrustChain(first).at(-1)!;
    const second = await appendTrustLink(
      first,
      { ...keys, trustVersion: 2, releaseKeys: [...keys.releaseKeys, release.publicKey] },
      [world.prepared.keys.root.privateJwk],
    );
    check((await world.client.uploadTrust(second)).version === 2, "the server takes record 2");
    await everyDeviceHas(2);

    const built = await world.publish({
      version: "11.0.0",
      releaseSequence: ++this.#sequence,
      signingKeys: [release.privateJwk],
    });
    const done = await world.untilOver((await world.rollOut("v11", built.releaseId, "all")).id, 150_000);
    check(
      done.counts["confirmed"] === this.summary.devices,
      `every device is confirmed on an image of the new key: ${JSON.stringify(done.counts)}`,
    );
    await this.#remember(built);

    const third = await appendTrustLink(
      second,
      { ...keys, trustVersion: 3, rootKeys: [root.publicKey], releaseKeys: [release.publicKey] },
      [world.prepared.keys.root.privateJwk],
    );
    check((await world.client.uploadTrust(third)).version === 3, "the server takes record 3");
    await everyDeviceHas(3);

    const fields = (target: typeof unikernelTarget): ImageFields => world.fieldsFor(target, "12.0.0", ++this.#sequence);
    const image = await buildImage({
      fields: fields(unikernelTarget),
      payload: world.payloads.unikernelPayload,
      signingKeys: [stolen.privateJwk],
    });
    const refusal = await world.client.uploadRelease(image).then(
      () => undefined,
      (error: unknown) => (error instanceof ProblemError ? error.code : String(error)),
    );
    check(
      refusal === errorName(ErrorCode.SignatureUnknownKey),
      `the server refuses an image of the revoked key: ${refusal}`,
    );
    const fork = await appendTrustLink(first, { ...keys, trustVersion: 2 }, [world.prepared.keys.root.privateJwk]);
    const longer = await appendTrustLink(
      await appendTrustLink(fork, { ...keys, trustVersion: 3 }, [world.prepared.keys.root.privateJwk]),
      { ...keys, trustVersion: 4 },
      [world.prepared.keys.root.privateJwk],
    );
    const forked = await world.client.uploadTrust(longer).then(
      () => undefined,
      (error: unknown) => (error instanceof ProblemError ? error.code : String(error)),
    );
    check(forked === errorName(ErrorCode.TrustForked), `the server refuses a line of the revoked root's: ${forked}`);

    // The unikernel's loader judges by the new record too: it starts what the new key signed.
    await world.fleet.unikernel.cutPower();
    world.fleet.unikernel.powerOn();
    await world.expectRunning(world.fleet.deviceIds, this.#digestOf, 40_000);
    await everyDeviceHas(3);
  }
}

async function digestOfFile(image: Uint8Array): Promise<string> {
  const headerBytes = new DataView(image.buffer, image.byteOffset).getUint16(6, true);
  return toHex(await sha256(image.subarray(0, headerBytes)));
}

function withDeadline<T>(promise: Promise<T>, timeoutMs: number, what: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(what())), timeoutMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
