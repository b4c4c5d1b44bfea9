// What people read of flash, updates and cuts.

import type { ZoneName } from "@flipside/machine/factory/flash-layout";
import type { Flavour } from "./bench/geometry.ts";
import type { TearChoice } from "./snapshot.ts";

export const zoneWords: Record<ZoneName, { label: string; what: string }> = {
  bootControl: { label: "boot control", what: "the log that says what boots, two sectors" },
  factory: { label: "factory record", what: "who the device is; written once" },
  settings: { label: "settings", what: "its secret and its server, in two copies" },
  trust: { label: "trust", what: "whose signatures count, in two copies" },
  slotA: { label: "slot A", what: "one image" },
  slotB: { label: "slot B", what: "the other image" },
  journal: { label: "journal", what: "which sectors of a download are sealed" },
  app: { label: "app", what: "what the app keeps" },
};

export const flavourWords: Record<Flavour, { label: string; what: string }> = {
  healthy: { label: "A good one", what: "a good image" },
  crashes: { label: "One that crashes", what: "its app crashes as it starts" },
  unhealthy: { label: "One that is not well", what: "its app runs and says that it is not well" },
  stranger: { label: "One that a stranger signed", what: "signed by a key that this device does not trust" },
};

/** `what` goes on after "Power will go at the next program;". */
export const tearWords: Record<TearChoice, { label: string; what: string }> = {
  drawn: { label: "Whatever is drawn", what: "what that leaves is drawn" },
  prefix: { label: "The first part of it", what: "it gets so far and no further" },
  subset: { label: "Any of its bits", what: "any of its bits are done" },
  unstable: { label: "Bits that change their mind", what: "all reads as done now, and otherwise at another time" },
  neighbours: { label: "All, and neighbours hurt", what: "it is done, and cells beside it are hurt" },
  nothing: { label: "Nothing", what: "nothing of it is done" },
  everything: { label: "All of it", what: "it is just done" },
};

export const operationWords = { any: "operation of flash", program: "program", erase: "erase" } as const;
