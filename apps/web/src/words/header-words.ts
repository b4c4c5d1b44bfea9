// Members of an image's header, as people call them.

import { t } from "@lingui/core/macro";

export const headerMemberWords: Record<string, string> = {
  imageType: t`Kind of image`,
  product: t`Product`,
  name: t`Hardware`,
  revisionMin: t`First revision`,
  revisionMax: t`Last revision`,
  version: t`Version`,
  releaseSequence: t`Release sequence`,
  securityCounter: t`Security counter (floor)`,
  loaderVersionMin: t`Needs boot loader`,
  trustVersionMin: t`Needs trust record`,
  payloadBytes: t`Payload`,
  chunkBytes: t`Chunk size`,
  loadAddress: t`Load address`,
  entryAddress: t`Entry address`,
  confirmDeadlineMs: t`Time to prove itself`,
  contactDeadlineMs: t`Time to reach the server`,
  tries: t`Tries`,
  watchdogMs: t`Watchdog`,
  flags: t`Flags`,
  keyId: t`Signed first by`,
  description: t`Says of itself`,
};
