// What NOR flash may be left with when power fails before, during or after an operation: the one list of fault classes.
// torn-operation.ts leaves examples of each, for every host. Real parts do all of it.
//
// Sources
//   [ubifs]   UBIFS documentation, "Unstable bits issue": after a cut a page may read as good, as blank or differently
//             each time, and may go bad later without having been touched
//   [ubi-nor] Linux drivers/mtd/ubi/io.c, nor_erase_prepare: an interrupted erase may leave a block with its bits
//             cleared to 0, or looking erased
//   [dac11]   Tseng, Grupp, Swanson, "Understanding the impact of power loss on flash memory", DAC 2011: partial
//             programs and erases, neighbours in the same page hurt, retroactive loss
//   [p30]     Numonyx StrataFlash P30 datasheet, "Reset and power-down": data at the addressed location is not valid
//             after an aborted program or erase

export enum FlashFault {
  /** Power failed before the chip began [p30]. */
  NotBegun = 0,
  /** Words were programmed one after the other, up to some point [p30]. */
  ProgramPrefix = 1,
  /** Any of the bits that had to be cleared were [dac11]. */
  ProgramSubset = 2,
  /** All bits read as programmed now, and each of them may read otherwise at any later time [ubifs]. */
  ProgramUnstable = 3,
  /** All but one to three bits are stable: the worst for code that trusts a mark because it read well once [ubifs]. */
  ProgramMarginal = 4,
  /** The program came to its end; words in the same page that were programmed before were hurt [dac11]. */
  ProgramCollateral = 5,
  /** Power failed when the chip was done. */
  Complete = 6,
  /** The first step of an erase programs all cells: bits were cleared to 0 [ubi-nor]. */
  EraseCleared = 7,
  /** A part of the sector's bits is erased [dac11]. */
  ErasePartial = 8,
  /** All reads as ones, unstably: it looks blank, and what is programmed there later may not hold [ubifs] [ubi-nor]. */
  EraseUnstable = 9,
  /** The erase came to its end; single cells of the sector were hurt [dac11]. */
  EraseCollateral = 10,
}
