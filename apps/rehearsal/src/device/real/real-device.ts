// A device that is what ships: the boot loader's and the agent's .wasm on the Node host, on a simulated flash that
// power cuts tear, with the world's time, chance of the seed's, and a stream that ends in an MQTT front
// (mqtt-front.ts). What it runs and installs the judge is told from the flash's bytes.

import type { Duplex } from "node:stream";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { drawLeaves } from "@flipside/machine/faults/torn-operation";
import { VirtualDevice } from "@flipside/machine/node/virtual-device";
import { readChunk } from "@flipside/protocol/chunk-message";
import { offerMessage } from "@flipside/protocol/server-messages";
import type { DeviceLeaf, ServerLeaf } from "@flipside/protocol/topics";
import type { KnownImage } from "../../server/project.ts";
import type { Random } from "../../world/random.ts";
import type { DeviceWorld, FleetDevice, Holdings } from "../fleet-device.ts";
import { otherThan, type SlotName } from "../flash.ts";
import { isSignedPiece, offeredImage } from "../what-was-signed.ts";
import { type BootControl, begunIn, bootControlIn } from "./flash-contents.ts";
import { MqttFront } from "./mqtt-front.ts";
import { ScheduleClock } from "./schedule-clock.ts";
import type { Workshop } from "./workshop.ts";

/** A device that crashes again and again takes its time to start. */
const resetPauseMs = 500;
const wallClockS = 1_800_000_000;

export interface RealParts {
  workshop: Workshop;
  /** As it leaves the factory. */
  flash: Uint8Array;
  rootKey: Uint8Array;
}

export class RealDevice implements FleetDevice {
  readonly id: string;
  installations = 0;
  tornOperations = 0;
  readonly #world: DeviceWorld;
  readonly #workshop: Workshop;
  readonly #random: Random;
  readonly #device: VirtualDevice;
  readonly #bytesPerMs: number;
  #front: MqttFront | undefined;
  #isReachable = true;
  #isLost = false;
  #isProven = false;
  /** For so long power is gone at the operation that it is to fail at. */
  #cutForMs = 0;
  /** Of this run, as soon as the loader has settled what a cut has left; undefined until then. */
  #slot: SlotName | undefined;
  #seen: BootControl | undefined;

  constructor(world: DeviceWorld, id: string, { workshop, flash, rootKey }: RealParts, random: Random) {
    this.id = id;
    this.#world = world;
    this.#workshop = workshop;
    this.#random = random;
    this.#bytesPerMs = random.pick([2, 8, 100]);
    const entropy = new SeededRandom(random.below(2 ** 32));
    this.#device = new VirtualDevice({
      deviceId: id,
      layout: workshop.layout,
      flash: { bytes: flash },
      bootWasm: workshop.bootWasm,
      rootKeys: [rootKey],
      isolation: "in-process",
      resetPauseMs,
      surroundings: {
        clock: new ScheduleClock(world.schedule),
        wallClockS: () => wallClockS,
        entropy: (target) => target.forEach((_, i) => (target[i] = entropy.below(256))),
        connect: () => this.#connect() as unknown as Duplex,
      },
    });
    // Memory of unstable bits, which outlives runs, comes with the first cut that is armed.
    this.#device.armCut({ operation: 1, leaves: drawLeaves(entropy), seed: 0 });
    this.#device.armCut(undefined);
    this.#listen();
  }

  #log(what: string): void {
    this.#world.log(this.id, what);
  }

  #violated = (what: string): void => this.#world.violated("what devices are told", `${this.id}: ${what}`);

  #listen(): void {
    this.#device.on("line", (line) => this.#onLine(line));
    this.#device.on("reset", () => this.#runEnded(false));
    this.#device.on("recovery", () =>
      this.#world.violated("there is always an image to run", `${this.id} found none, and is in recovery`),
    );
    this.#device.on("cut", (operation) => {
      if (operation === undefined) return;
      this.#log(`power cut in the middle of a flash operation (${operation.kind} at ${operation.offset})`);
      this.tornOperations++;
      this.#runEnded(true);
      this.#world.schedule.after(this.#cutForMs, () => this.powerOn());
    });
  }

  // ---- power -------------------------------------------------------------------------------------------------------

  powerOn(): void {
    if (!this.#device.running && !this.#isLost) this.#device.powerOn();
  }

  powerOff(): void {
    if (!this.#device.running) return;
    this.#log("power cut");
    this.#runEnded(true);
    void this.#device.cutPower();
  }

  cutAtOperation = (operation: number, forMs: number): void => {
    this.#cutForMs = forMs;
    const random = new SeededRandom(this.#random.below(2 ** 32));
    const cut = { operation, leaves: drawLeaves(random), seed: random.next() };
    if (this.#device.flashCells === undefined) this.#device.armCut(cut);
    else this.#device.flashCells.armCut(cut);
  };

  #runEnded(silently: boolean): void {
    if (!silently) this.#observe();
    this.#slot = undefined;
    this.#front?.cut(silently);
    this.#front = undefined;
    this.#isProven = false;
  }

  loseWay(forMs: number, silently: boolean): void {
    this.#log(`unreachable for ${Math.round(forMs)} ms`);
    this.#isReachable = false;
    this.#isProven = false;
    this.#front?.cut(silently);
    this.#world.schedule.after(forMs, () => (this.#isReachable = true));
  }

  calmDown(): void {
    this.#isReachable = true;
    this.#device.armCut(undefined);
    this.#device.flashCells?.armCut(undefined);
    this.powerOn();
  }

  lose(): void {
    this.powerOff();
    this.#isLost = true;
  }

  // ---- the connection ----------------------------------------------------------------------------------------------

  #connect(): MqttFront {
    const { network, schedule } = this.#world;
    this.#isProven = false;
    this.#front = new MqttFront({
      id: this.id,
      network,
      schedule,
      bytesPerMs: this.#bytesPerMs,
      isReachable: () => this.#isReachable,
      published: (leaf, payload) => this.#published(leaf, payload),
      received: (leaf, payload) => this.#received(leaf, payload),
      violated: this.#violated,
    });
    return this.#front;
  }

  #published(leaf: DeviceLeaf, payload: string): void {
    if (leaf === "hello") this.#isProven = false;
    this.#observe();
    if (leaf !== "state") return;
    const { state, code } = JSON.parse(payload) as { state: string; code: number };
    if (state === "rejected") this.#violated(`it has to refuse what it is offered (${code})`);
  }

  #received(leaf: ServerLeaf, payload: Buffer): void {
    if (leaf === "offer") this.#onOffer(payload);
    if (leaf === "chunk") this.#onChunk(payload);
  }

  #onOffer(payload: Buffer): void {
    const parsed = offerMessage.safeParse(JSON.parse(payload.toString()));
    if (!parsed.success) return this.#violated(`an offer that no device can read: ${payload.toString()}`);
    const offer = parsed.data;
    if (offer.deployment !== undefined && offeredImage(this.#world.project, offer) === undefined)
      this.#violated(`deployment ${offer.deployment} is offered an image that was never signed`);
  }

  #onChunk(payload: Buffer): void {
    const chunk = readChunk(payload);
    if (chunk === undefined) return this.#violated("a message on chunk that holds none");
    const image = this.#world.project.realImages.find(({ digest }) => digest.startsWith(chunk.digest));
    if (image === undefined || !isSignedPiece(image, chunk))
      this.#violated(`piece ${chunk.index} of part ${chunk.part} of ${image?.version} is not what was signed`);
  }

  // ---- what it holds -----------------------------------------------------------------------------------------------

  #onLine(line: string): void {
    this.#log(line);
    const start = /verified [0-9a-f]+, starting slot ([ab])/.exec(line);
    if (start !== null) this.#slot = start[1] as SlotName;
    if (line.endsWith("] session proven")) this.#isProven = true;
    this.#observe();
  }

  /** Tells the judge what has changed in the flash. Only while the loader has settled what a cut has left. */
  #observe(): void {
    if (this.#slot === undefined) return;
    const { layout } = this.#workshop;
    const before = this.#seen?.slots;
    this.#seen = bootControlIn(layout, this.#device.flashBytes);
    if (this.#seen === undefined) return;
    for (const name of ["a", "b"] as const) {
      const { digest, state } = this.#seen.slots[name];
      if (before?.[name].digest === digest && before[name].state === state) continue;
      if (state === "confirmed") this.#world.confirmed(this, this.#imageOf(digest));
      if (state === "candidate") this.#installed(name, digest);
    }
  }

  #installed(slot: SlotName, digest: string): void {
    this.installations++;
    const begun = begunIn(this.#workshop.layout, this.#device.flashBytes);
    if (begun === undefined) return this.#violated(`it installs ${digest}, for no deployment`);
    const from = this.#seen!.slots[otherThan(slot)].digest;
    this.#world.installed(this, begun, this.#imageOf(from), this.#imageOf(digest));
  }

  #imageOf(digest: string): KnownImage {
    const image = this.#world.project.imageOf(digest);
    if (image === undefined) throw new Error(`${this.id} holds an image that was never signed: ${digest}`);
    return image;
  }

  get isSettled(): boolean {
    const slot = this.#slot;
    if (slot === undefined || !this.#isProven || !this.#front?.isOpen) return false;
    this.#observe();
    return this.#seen!.slots[slot].state !== "candidate" && !this.#seen!.isContactFallback;
  }

  get holdings(): Holdings {
    const { layout } = this.#workshop;
    const flash = this.#device.flashBytes;
    const { slots } = bootControlIn(layout, flash)!;
    const slot = this.#slot ?? "a";
    return {
      running: { image: this.#imageOf(slots[slot].digest), state: slots[slot].state },
      otherState: slots[otherThan(slot)].state,
      begun: begunIn(layout, flash),
    };
  }
}
