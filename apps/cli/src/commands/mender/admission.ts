// What is said of a device that is let in.

import { UsageError } from "../../command-line/failures.ts";

function readRevision(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 0xffff) throw new UsageError("a revision is a number from 0 to 65535");
  return Number(text);
}

export const admissionOptions = {
  product: { value: "PRODUCT", what: "of the releases that are for it" },
  hardware: { value: "HARDWARE", what: "of the releases that are for it (the device_type that it says)" },
  revision: { value: "NUMBER", what: "of the hardware (1)", read: readRevision },
  id: { value: "DEVICE", what: "its id in the fleet (its MAC address, its only value, or a hash of all)" },
} as const;

interface Asked {
  hardware?: string | undefined;
  revision?: number | undefined;
  id?: string | undefined;
}

/** What was said, and nothing else. */
export const admissionOf = ({ hardware, revision, id }: Asked) => ({
  ...(hardware === undefined ? {} : { hardware }),
  ...(revision === undefined ? {} : { revision }),
  ...(id === undefined ? {} : { id }),
});
