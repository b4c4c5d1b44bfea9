// Where somebody may damage the flash by hand.

/** Of the factory's record there is one copy, written once; and nothing is promised of what an app keeps. */
export const damageableZones = ["bootControl", "settings", "trust", "slotA", "slotB", "journal"] as const;
export type DamageableZone = (typeof damageableZones)[number];
