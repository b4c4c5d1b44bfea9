// The two hardware targets of the demo product, and what of an image differs between them.

import { IMAGE_TYPE_UNIKERNEL, IMAGE_TYPE_WASM_BUNDLE } from "@flipside/image-format";

export const PRODUCT = "flipside-demo";

export interface Target {
  hardwareName: string;
  revision: number;
  imageType: number;
  loadAddress: number;
  entryAddress: number;
  /** The longest that one erase of its flash may take, as the host's exo_flash_timing says. */
  flashEraseMsMax: number;
}

/** The unikernel on QEMU virt. The address is IMAGE_WINDOW of exokernel/machine.h. */
export const unikernelTarget: Target = {
  hardwareName: "virt-rv32",
  revision: 1,
  imageType: IMAGE_TYPE_UNIKERNEL,
  loadAddress: 0x80001000,
  entryAddress: 0x80001000,
  flashEraseMsMax: 5_000,
};

/** The same modules as .wasm on Node. Its image window starts at 0. */
export const virtualTarget: Target = {
  hardwareName: "virtual-node",
  revision: 1,
  imageType: IMAGE_TYPE_WASM_BUNDLE,
  loadAddress: 0,
  entryAddress: 0,
  flashEraseMsMax: 100,
};

/** Pages of 64 KiB of each module's memory, on every target. */
export const memoryPages = { boot: 1, agent: 4, app: 1 } as const;
