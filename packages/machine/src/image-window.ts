// The RAM that the boot loader copies an image to before it verifies the copy. On this host it starts at address 0, where
// a virtual device's images are linked to be.

export const IMAGE_WINDOW_ADDRESS = 0;
export const IMAGE_WINDOW_BYTES = 2 * 1024 * 1024;

export class ImageWindow {
  readonly bytes = new Uint8Array(IMAGE_WINDOW_BYTES);

  contains(address: number, length: number): boolean {
    return length <= IMAGE_WINDOW_BYTES && address - IMAGE_WINDOW_ADDRESS <= IMAGE_WINDOW_BYTES - length;
  }

  range(address: number, length: number): Uint8Array {
    const offset = address - IMAGE_WINDOW_ADDRESS;
    return this.bytes.subarray(offset, offset + length);
  }
}
