// The device's flash, and the updates that there are for it: what page, worker and build know alike.

import { layoutOf } from "@flipside/machine/factory/flash-layout";

export const layout = layoutOf({ sectorBytes: 16 * 1024, pageBytes: 4 * 1024, slotBytes: 128 * 1024 });

/** What an update brings. */
export const flavours = ["healthy", "crashes", "unhealthy", "stranger"] as const;
export type Flavour = (typeof flavours)[number];
