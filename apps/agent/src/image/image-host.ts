// What an image meets where it is started: the RAM that there is for it, the boot loader that runs there, and the type
// of image that is started there. Loader and agent each say what they know of their own machine.

import { imageWindow } from "../exokernel";

const window: usize = memory.data(8, 4);

export class ImageHost {
  windowAddress: u32 = 0;
  windowBytes: u32 = 0;
  /** Of the boot loader in this device's boot bank: its own number, and not one that the agent was built with. */
  loaderVersion: u32 = 0;
  /** IMAGE_TYPE_*; no image has type 0. */
  imageType: u32 = 0;

  /** False: the machine does not say where images go. */
  openWindow(): bool {
    if (imageWindow(window) < 0) return false;
    this.windowAddress = load<u32>(window);
    this.windowBytes = load<u32>(window, 4);
    return true;
  }
}
