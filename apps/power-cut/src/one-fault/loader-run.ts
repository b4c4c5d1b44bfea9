// One start of the boot loader on a flash, with one of its conditionals going the other way, or none.

import type { FlashLayout } from "@flipside/machine/factory/flash-layout";
import { virtualTarget } from "@flipside/machine/factory/targets";
import { bootGrants } from "@flipside/machine/grants";
import { BootReason, Exo, Phase } from "@flipside/machine/abi";
import { Board, runEnds, type Surroundings } from "../device/board.ts";
import { rememberedCryptoOf } from "../device/loaded-modules.ts";
import { ModuleInstance } from "../device/module-instance.ts";
import { PageStore } from "../device/page-store.ts";
import { bankRoots } from "../stories/images.ts";
import { faultImports } from "./invert.ts";

const IMAGE_WINDOW_BYTES = 64 * 1024;

/** Of recovery, which tries the images again now and then. */
const RECOVERY_STEPS = 3;
const RECOVERY_STEP_US = 31_000_000;

/** A run that takes so many times as long as it should will never end: the watchdog's, or a person's, matter. */
const LONGER_MAX = 20;

const hangs = { name: "hangs" };

export interface LoaderRun {
  /** Digest of the image that was started, 64 hex digits; undefined: none was. */
  started: string | undefined;
  conditionals: number;
  /** Of these, the ones before boot control was read and a fresh record appended. */
  beforeImages: number;
}

export class LoaderUnderFault {
  readonly #board: Board;
  readonly #pages = new PageStore();
  readonly #boot: ModuleInstance;
  #count = 0;
  #beforeImages = 0;
  #fault = 0;
  #most = Number.POSITIVE_INFINITY;

  /** `boot`: with conditionals that can be inverted, and crypto from outside. `agent`: whose crypto is asked. */
  constructor(layout: FlashLayout, boot: WebAssembly.Module, agent: WebAssembly.Module) {
    const { imageType, loadAddress } = virtualTarget;
    const imageWindow = { imageType, address: loadAddress, sizeBytes: IMAGE_WINDOW_BYTES };
    this.#board = new Board({ layout, pages: this.#pages, rootKeys: bankRoots, imageWindow });
    this.#board.surroundings = {
      ...surroundings,
      onPhase: (phase) => {
        if (phase === Phase.LogAppended) this.#beforeImages = this.#count;
      },
    };
    const crypto = rememberedCryptoOf(agent);
    this.#boot = new ModuleInstance(
      boot,
      (instance) => ({ exo: this.#board.calls(instance, bootGrants), crypto: crypto.calls(instance) }),
      faultImports((value) => this.#condition(value)),
    );
  }

  #condition(value: number): number {
    if (++this.#count > this.#most) throw hangs;
    return this.#count === this.#fault ? Number(value === 0) : value;
  }

  /** `fault`: which conditional goes the other way, counted from 1 from power-on; 0: none. */
  run(flash: Int32Array, fault = 0, conditionalsUsually?: number): LoaderRun {
    this.#board.load(flash);
    this.#board.powerOn("as-new", 1);
    this.#board.beginRun(BootReason.PowerOn);
    this.#boot.reset();
    this.#count = 0;
    this.#beforeImages = 0;
    this.#fault = fault;
    this.#most = conditionalsUsually === undefined ? Number.POSITIVE_INFINITY : conditionalsUsually * LONGER_MAX;
    try {
      this.#boot.exports["boot"]!();
      for (let step = 0; step < RECOVERY_STEPS; step++) {
        this.#board.nowUs += RECOVERY_STEP_US;
        this.#boot.exports["recover"]!();
      }
    } catch (end) {
      if (end === runEnds.imageStarted) return this.#told(this.#startedDigest());
      // A trap of the module's is a reset, and nothing was started.
      if (
        end !== hangs &&
        end !== runEnds.reset &&
        !(end instanceof WebAssembly.RuntimeError) &&
        !(end instanceof RangeError)
      )
        throw end;
    }
    return this.#told(undefined);
  }

  #told(started: string | undefined): LoaderRun {
    return { started, conditionals: this.#count, beforeImages: this.#beforeImages };
  }

  intern(flash: Uint8Array): Int32Array {
    return this.#pages.internFlash(flash);
  }

  /** As the last run has left it. */
  flash(): Uint8Array {
    return Uint8Array.from(this.#board.flash);
  }

  #startedDigest(): string {
    const { bootInfo } = this.#board;
    return Buffer.from(bootInfo.buffer, bootInfo.byteOffset + 24, 32).toString("hex");
  }
}

const nothing = (): void => {};

const surroundings: Surroundings = {
  onOperation: () => Exo.Ok,
  stream: new Proxy({}, { get: () => () => Exo.Absent }) as Surroundings["stream"],
  passesSelfTest: () => true,
  appHealth: () => 0,
  onConsole: nothing,
  onPhase: nothing,
  onDenied: nothing,
};
