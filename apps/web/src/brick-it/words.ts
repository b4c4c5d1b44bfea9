// What people read of flash, updates and cuts.

import { t } from "@lingui/core/macro";
import type { ZoneName } from "@flipside/machine/factory/flash-layout";
import type { Flavour } from "./bench/geometry.ts";
import type { TearChoice } from "./snapshot.ts";

export const zoneWords: Record<ZoneName, { label: string; what: string }> = {
  bootControl: { label: t`boot control`, what: t`the log that says what boots, two sectors` },
  factory: { label: t`factory record`, what: t`who the device is; written once` },
  settings: { label: t`settings`, what: t`its secret and its server, in two copies` },
  trust: { label: t`trust`, what: t`whose signatures count, in two copies` },
  slotA: { label: t`slot A`, what: t`one image` },
  slotB: { label: t`slot B`, what: t`the other image` },
  journal: { label: t`journal`, what: t`which sectors of a download are sealed` },
  app: { label: t`app`, what: t`what the app keeps` },
};

export const flavourWords: Record<Flavour, { label: string; what: string }> = {
  healthy: { label: t`A good one`, what: t`a good image` },
  crashes: { label: t`One that crashes`, what: t`its app crashes as it starts` },
  unhealthy: { label: t`One that is not well`, what: t`its app runs and says that it is not well` },
  stranger: { label: t`One that a stranger signed`, what: t`signed by a key that this device does not trust` },
};

/** `what` goes on after "Power will go at the next program;". */
export const tearWords: Record<TearChoice, { label: string; what: string }> = {
  drawn: { label: t`Whatever is drawn`, what: t`what that leaves is drawn` },
  prefix: { label: t`The first part of it`, what: t`it gets so far and no further` },
  subset: { label: t`Any of its bits`, what: t`any of its bits are done` },
  unstable: { label: t`Bits that change their mind`, what: t`all reads as done now, and otherwise at another time` },
  neighbours: { label: t`All, and neighbours hurt`, what: t`it is done, and cells beside it are hurt` },
  nothing: { label: t`Nothing`, what: t`nothing of it is done` },
  everything: { label: t`All of it`, what: t`it is just done` },
};

export const operationWords = { any: t`operation of flash`, program: t`program`, erase: t`erase` } as const;
