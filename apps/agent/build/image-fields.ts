// What an image's header says where a release does not say otherwise. Needs nothing of Node.

import type { ImageFields } from "@flipside/image-format";
import { PRODUCT, type Target } from "@flipside/machine/factory/targets";

export interface HeaderOptions {
  version: string;
  releaseSequence: number;
  securityCounter?: number;
  description?: string;
  deadlines?: Partial<Pick<ImageFields, "confirmDeadlineMs" | "contactDeadlineMs" | "tries" | "watchdogMs">>;
}

const defaultDeadlines = { confirmDeadlineMs: 60_000, contactDeadlineMs: 600_000, tries: 3, watchdogMs: 10_000 };

/** A header's fields for one target. */
export function imageFields(target: Target, options: HeaderOptions): ImageFields {
  return {
    imageType: target.imageType,
    product: PRODUCT,
    hardware: { name: target.hardwareName, revisionMin: 1, revisionMax: target.revision },
    version: options.version,
    releaseSequence: options.releaseSequence,
    securityCounter: options.securityCounter ?? 1,
    loaderVersionMin: 1,
    trustVersionMin: 1,
    loadAddress: target.loadAddress,
    entryAddress: target.entryAddress,
    ...defaultDeadlines,
    ...options.deadlines,
    flags: 0,
    ...(options.description === undefined ? {} : { description: options.description }),
  };
}
