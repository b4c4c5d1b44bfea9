// Releases, their images and permits.

import type { Insertable, Selectable } from "kysely";

export interface ReleaseTable {
  id: string;
  product: string;
  version: string;
  releaseSequence: number;
  description: string | null;
  uploadedAt: number;
  uploadedBy: string;
  archivedAt: number | null;
  /** Its images are gone; rollouts of the past tell of it. */
  deletedAt: number | null;
}

export interface ImageTable {
  /** SHA-256 of the header, hex. */
  digest: string;
  releaseId: string;
  hardware: string;
  revisionMin: number;
  revisionMax: number;
  securityCounter: number;
  keyId: string;
  header: Buffer;
  signatureBlock: Buffer;
  /** In the folder of images. */
  fileName: string;
  /** SHA-256 of the file, hex; null until it was looked at, for images stored before there was this column. */
  fileDigest: string | null;
  sizeBytes: number;
  tableOffset: number;
  payloadOffset: number;
  payloadBytes: number;
  chunkBytes: number;
  chunkCount: number;
}

/** Files of images that are gone (releases/file-removal.ts). */
export interface FileToRemoveTable {
  fileName: string;
  /** It is being removed: whoever wants it waits. */
  claimedAt: number | null;
}

export interface NamedVersionTable {
  digest: string;
  version: string;
}

export interface PermitTable {
  digest: string;
  /** Hex of SHA-256 of the device id, or empty for any device. */
  deviceHash: string;
  permit: Buffer;
  createdAt: number;
}

/** The newest one of each product that was uploaded. */
export interface ReleaseStateTable {
  product: string;
  version: string;
  releaseSequence: number;
  issuedAt: number;
  validUntil: number;
  /** As it was signed. */
  file: Buffer;
  uploadedAt: number;
  uploadedBy: string;
}

export type ReleaseStateRow = Selectable<ReleaseStateTable>;
export type ReleaseRow = Selectable<ReleaseTable>;
export type NewRelease = Insertable<ReleaseTable>;
export type ImageRow = Selectable<ImageTable>;
export type NewImage = Insertable<ImageTable>;
