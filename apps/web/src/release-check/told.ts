// What the page and its worker tell each other of a release file.

import type { ImageDescription } from "@flipside/image-format";

export interface CheckAsked {
  file: File;
  /** Public keys, 32 bytes each, of who may sign releases. */
  releaseKeys: Uint8Array[];
  /** How many of them have to have signed. */
  releaseThreshold: number;
}

export interface CheckedImage extends ImageDescription {
  /** Ids of keys, in hex. */
  signedBy: string[];
}

export type CheckAnswer =
  | { kind: "verified"; images: CheckedImage[] }
  /** As the format's error says. */
  | { kind: "refused"; codeName: string; message: string }
  /** `status`: that the server answered with. */
  | { kind: "no-verifier"; status: number }
  /** It could not be looked at; in the words of whatever was thrown. */
  | { kind: "failed"; why: string };
