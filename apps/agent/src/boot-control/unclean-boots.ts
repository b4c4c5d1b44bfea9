// When a confirmed image has crashed too often, and when that is forgiven. A run ends uncleanly by a trap or by the
// hardware watchdog, and by nothing else. Five in a row are a crash loop, however slow; docs/boot-control.md, "Unclean
// boots".

import { BootReason } from "../exokernel";
import { BootRecord, countUncleanBoot, forgiveUncleanBoots } from "../format";

/** Runs in a row that ended uncleanly, from which a confirmed image gives way to the other. */
export const UNCLEAN_BOOTS_MAX: u32 = 5;
/** A device that is switched off every evening never runs for hours: so many boots without a crash will do, too. */
const CLEAN_BOOTS: u32 = 16;
const HOUR_US: i64 = 3_600_000_000;

/**
 * For how long an image must run before so many unclean ends are forgiven: 2, 4, 8 and 16 hours. Each forgiving is one
 * erase of boot control, so at most 12 a day come from it.
 */
export function cleanUptimeUs(uncleanBoots: u32): i64 {
  return HOUR_US << min(uncleanBoots, UNCLEAN_BOOTS_MAX);
}

/** Counts, in the record of this boot, how the last run ended. True: uncleanly. */
export function countLastRun(record: BootRecord, reason: u32): bool {
  if (reason == BootReason.Trap || reason == BootReason.Watchdog) {
    countUncleanBoot(record, UNCLEAN_BOOTS_MAX);
    return true;
  }
  const endedInOrder = reason == BootReason.Requested || reason == BootReason.Update || reason == BootReason.RollBack;
  // Counters wrap at 2^32.
  if (endedInOrder || (record.uncleanBoots > 0 && record.bootCounter - record.lastUncleanBoot >= CLEAN_BOOTS))
    forgiveUncleanBoots(record);
  return false;
}
