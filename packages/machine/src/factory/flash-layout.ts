// Where the zones of a device's flash lie. The unikernel's is fixed in exokernel/machine.h (FLASH_ZONE_TABLE); a
// virtual device's follows from the geometry that it was given.

/** EXO_ZONE_* of exokernel.h, in their order. */
export const zoneNames = ["bootControl", "factory", "settings", "trust", "slotA", "slotB", "journal", "app"] as const;
export type ZoneName = (typeof zoneNames)[number];

export interface ZoneRange {
  offsetBytes: number;
  sizeBytes: number;
}

export interface FlashLayout {
  /** Of the whole flash. */
  sizeBytes: number;
  sectorBytes: number;
  pageBytes: number;
  zones: Record<ZoneName, ZoneRange>;
}

export const KIB = 1024;
export const MIB = 1024 * 1024;

/** Bank 1 of QEMU virt. */
export const unikernelLayout: FlashLayout = {
  sizeBytes: 32 * MIB,
  sectorBytes: 256 * KIB,
  pageBytes: 4 * KIB,
  zones: {
    bootControl: { offsetBytes: 0x000000, sizeBytes: 0x080000 },
    factory: { offsetBytes: 0x080000, sizeBytes: 0x040000 },
    settings: { offsetBytes: 0x0c0000, sizeBytes: 0x080000 },
    trust: { offsetBytes: 0x140000, sizeBytes: 0x080000 },
    slotA: { offsetBytes: 0x400000, sizeBytes: 0x400000 },
    slotB: { offsetBytes: 0x800000, sizeBytes: 0x400000 },
    journal: { offsetBytes: 0x300000, sizeBytes: 0x100000 },
    app: { offsetBytes: 0x200000, sizeBytes: 0x100000 },
  },
};

/** So many beginnings wear a sector of the journal once; docs/power-cut.md, "Wear". */
const JOURNAL_SECTORS_MIN = 4;

/**
 * A flash with these sectors and pages, zones one after the other in the order of their numbers; only the journal comes
 * last, behind the place that it once had. Throws RangeError on a geometry that can't work.
 */
export function layoutOf(geometry: { sectorBytes: number; pageBytes: number; slotBytes: number }): FlashLayout {
  const { sectorBytes, pageBytes, slotBytes } = geometry;
  const powerOfTwo = (value: number): boolean => value > 0 && (value & (value - 1)) === 0;
  if (!powerOfTwo(sectorBytes) || sectorBytes < 4096)
    throw new RangeError(`sectorBytes ${sectorBytes}: a power of two, at least 4096`);
  if (!powerOfTwo(pageBytes) || pageBytes < 256 || pageBytes > sectorBytes)
    throw new RangeError(`pageBytes ${pageBytes}: a power of two from 256 to the sector`);
  if (slotBytes % sectorBytes !== 0 || slotBytes < 2 * sectorBytes)
    throw new RangeError(`slotBytes ${slotBytes}: a multiple of the sector, at least two`);
  const journalBytes = Math.ceil(((1 + slotBytes / sectorBytes) * 4096) / sectorBytes) * sectorBytes;
  const sizes: Record<ZoneName, number> = {
    bootControl: 2 * sectorBytes,
    factory: sectorBytes,
    settings: 2 * sectorBytes,
    trust: 2 * sectorBytes,
    slotA: slotBytes,
    slotB: slotBytes,
    journal: JOURNAL_SECTORS_MIN * journalBytes,
    app: sectorBytes,
  };
  const zones = {} as Record<ZoneName, ZoneRange>;
  let offsetBytes = 0;
  for (const name of zoneNames) {
    zones[name] = { offsetBytes, sizeBytes: sizes[name] };
    offsetBytes += name === "journal" ? journalBytes : sizes[name];
  }
  zones.journal.offsetBytes = offsetBytes;
  return { sizeBytes: offsetBytes + sizes.journal, sectorBytes, pageBytes, zones };
}
