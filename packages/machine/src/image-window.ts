// The RAM that the boot loader copies an image to before it verifies the copy. By itself it starts at address 0, where
// a virtual device's images are linked to be.

import { IMAGE_TYPE_WASM_BUNDLE } from "@flipside/image-format";
import type { WindowPort } from "./ports.ts";

export class ImageWindow implements WindowPort {
  readonly imageType = IMAGE_TYPE_WASM_BUNDLE;
  bytes: Uint8Array | undefined;

  constructor(
    readonly address = 0,
    readonly sizeBytes = 2 * 1024 * 1024,
  ) {
    this.bytes = new Uint8Array(sizeBytes);
  }
}
