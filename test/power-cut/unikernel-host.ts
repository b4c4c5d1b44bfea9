// A unikernel in QEMU on the rig: test builds of the real loader and image, a server on a port, and cuts that its flash
// driver makes. The flash is a file, read while the machine runs on; so what is seen of it may be newer than what is
// told.

import { closeSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BootReason } from "@flipside/machine/abi";
import { PAGE_BYTES, PAGE_WORDS } from "@flipside/machine/faults/flash-page";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { realClock } from "@flipside/machine/node/real-clock";
import type { DriverCut } from "@flipside/machine/qemu/fault-plan";
import type { RecordedOperation } from "@flipside/machine/qemu/operation-record";
import { Unikernel } from "@flipside/machine/qemu/unikernel";
import type { DeviceUnderTest, End, Watch } from "../../apps/power-cut/src/rig/device-under-test.ts";
import { FlashPages } from "../../apps/power-cut/src/rig/flash-pages.ts";
import { Rig } from "../../apps/power-cut/src/rig/rig.ts";
import type { UpdateImage } from "./images.ts";
import { ScriptedServer } from "./scripted-server.ts";
import { TcpFront } from "./tcp-front.ts";
import type { UnikernelWorkshop } from "./unikernel-images.ts";

/** A power-up without a cut takes 2 s; one that takes this long will never end. */
const POWER_UP_MS_MAX = 90_000;
const POLL_MS = 500;
const LOOK_MS = 10;
/** A machine's exit status is 16 + EXO_BOOT_* of the boot that follows, or 0 for the hardware watchdog. */
const REASONS_FROM = 16;

/** A flash, and the secrets that its device may have. */
export interface Snapshot {
  flash: Uint8Array;
  secrets: string[];
}

export class UnikernelHost implements DeviceUnderTest<DriverCut> {
  readonly unikernel: Unikernel;
  readonly #folder: string;
  readonly #factoryZone: Uint8Array;
  /** All zones; what lies behind them is never used. */
  readonly #usedBytes: number;
  #pages: FlashPages;
  /** Bits that read differently each time: as the last power-up left them, but for what was written over since. */
  #marginal: readonly { offset: number; mask: number }[] = [];
  #watch: Watch | undefined;
  #isInRecovery = false;
  #wasCut = false;
  #isOff = false;

  private constructor(
    readonly workshop: UnikernelWorkshop,
    readonly front: TcpFront,
    factory: Uint8Array,
  ) {
    const { offsetBytes, sizeBytes } = workshop.layout.zones.factory;
    this.#factoryZone = factory.slice(offsetBytes, offsetBytes + sizeBytes);
    this.#usedBytes = Math.max(
      ...Object.values(workshop.layout.zones).map((zone) => zone.offsetBytes + zone.sizeBytes),
    );
    this.#pages = new FlashPages(this.#usedBytes);
    this.#folder = mkdtempSync(join(tmpdir(), "flipside-power-cut-"));
    this.unikernel = new Unikernel({ folder: this.#folder, network: { kind: "user" }, flashFaults: true });
    this.unikernel.manufacture(workshop.bootBank, factory);
    this.unikernel.on("line", (line) => {
      const start = /verified ([0-9a-f]+), starting slot ([ab])/.exec(line);
      if (start) this.#watch?.imageStarts(start[2] === "a" ? 0 : 1, start[1]!);
    });
    this.unikernel.on("operation", (operation) => {
      this.#watch?.operation(operation);
      const end = operation.offset + operation.length;
      this.#marginal = this.#marginal.filter(({ offset }) => offset < operation.offset || offset >= end);
    });
    this.unikernel.on("reset", (status) =>
      this.#watch?.loaderBegins(status === 0 ? BootReason.Watchdog : status - REASONS_FROM),
    );
    this.unikernel.on("recovery", () => (this.#isInRecovery = true));
    this.unikernel.on("cut", () => (this.#wasCut = true));
    this.unikernel.on("stopped", () => (this.#isOff = true));
  }

  static async open(workshop: UnikernelWorkshop): Promise<UnikernelHost> {
    const front = await TcpFront.listen();
    return new UnikernelHost(workshop, front, await workshop.factory(front.port));
  }

  async close(): Promise<void> {
    await this.unikernel.cutPower();
    await this.front.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Its flash holds this from now on, as if it had been made for this host's server: the factory record says where. */
  async replaceFlash(flash: Uint8Array): Promise<void> {
    await this.unikernel.cutPower();
    const copy = flash.slice(0, this.#usedBytes);
    copy.set(this.#factoryZone, this.workshop.layout.zones.factory.offsetBytes);
    this.unikernel.replaceFlash(copy);
    this.#pages = new FlashPages(this.#usedBytes);
    this.#marginal = [];
  }

  flashBytes(): Uint8Array {
    const bytes = new Uint8Array(this.#usedBytes);
    const file = openSync(this.unikernel.flashPath, "r");
    try {
      if (readSync(file, bytes, 0, bytes.length, 0) !== bytes.length) throw new Error("the flash file is too short");
    } finally {
      closeSync(file);
    }
    return bytes;
  }

  readFlash(): FlashPages {
    const marginal = new Map<number, Uint32Array>();
    for (const { offset, mask } of this.#marginal) {
      const page = Math.floor(offset / PAGE_BYTES);
      const words = marginal.get(page) ?? new Uint32Array(PAGE_WORDS);
      marginal.set(page, words);
      new Uint8Array(words.buffer)[offset % PAGE_BYTES] = mask;
    }
    return this.#pages.take(this.flashBytes(), (page) => marginal.get(page));
  }

  get operations(): RecordedOperation[] {
    return this.unikernel.recordedOperations;
  }

  async powerUp(cut: DriverCut | undefined, isSettled: () => boolean, watch: Watch): Promise<End> {
    this.#watch = watch;
    this.#isInRecovery = this.#wasCut = this.#isOff = false;
    this.unikernel.armDriverCut(cut);
    watch.loaderBegins(BootReason.PowerOn);
    this.unikernel.powerOn();
    const deadline = Date.now() + POWER_UP_MS_MAX;
    while (!this.#isOff && !isSettled() && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const end = this.#endOf(isSettled());
    await this.unikernel.cutPower();
    this.#marginal = this.unikernel.marginalBits;
    this.#watch = undefined;
    this.front.hangUp();
    return end;
  }

  #endOf(isSettled: boolean): End {
    if (this.#wasCut) return "cut";
    if (this.#isInRecovery) return "recovery";
    if (isSettled) return "settled";
    return this.#isOff ? "off" : "late";
  }
}

/** The rig with a unikernel on it, beside the scripted server on a port. */
export class UnikernelRig extends Rig<DriverCut> {
  private constructor(
    override readonly host: UnikernelHost,
    readonly server: ScriptedServer,
  ) {
    super(host, server, host.workshop.workpiece);
  }

  /** Puts a device on the rig that holds this, beside a server that wants it to run `image`. */
  static async insert(
    host: UnikernelHost,
    snapshot: Snapshot,
    image: UpdateImage | undefined,
    seed: number,
  ): Promise<UnikernelRig> {
    await host.replaceFlash(snapshot.flash);
    const { deviceId: id, claimSecret } = host.workshop.identity;
    const server = new ScriptedServer(realClock, new SeededRandom(seed), { id, claimSecret }, [...snapshot.secrets]);
    server.pollMs = POLL_MS;
    if (image) server.deployment = { id: image.digest.slice(0, 20), attempt: 1, image };
    const rig = new UnikernelRig(host, server);
    server.onCheckIn = (checkIn) => rig.checksIn(checkIn);
    host.front.server = server;
    return rig;
  }

  override async powerUp(cut: DriverCut | undefined, settled: () => boolean): Promise<End> {
    const end = await super.powerUp(cut, settled);
    const malformed = this.host.front.malformed.splice(0);
    if (malformed.length > 0) this.violations.push(`sent what is no MQTT: ${malformed.join(", ")}`);
    return end;
  }

  get snapshot(): Snapshot {
    return { flash: this.host.flashBytes(), secrets: [...this.server.secrets] };
  }
}
