// Devices in recovery on the Node host: flash in which nothing can be started, and lines that are not quiet.

import { createHash } from "node:crypto";
import { Duplex } from "node:stream";
import {
  BOOT_RECORD_BYTES,
  BOOT_RECORD_CHECKED_BYTES,
  BOOT_RECORD_SEAL_MAGIC,
  BOOT_RECORD_SEAL_OFFSET,
  BootRecord,
  describeImage,
  SlotState,
  slotParts,
  writeBootRecord,
} from "@flipside/image-format";
import type { FlashLayout } from "@flipside/machine/factory/flash-layout";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";

/** A boot-control log of one record. */
export function writeLog(layout: FlashLayout, flash: Uint8Array, change: (record: BootRecord) => void): void {
  const { offsetBytes, sizeBytes } = layout.zones.bootControl;
  flash.fill(0xff, offsetBytes, offsetBytes + sizeBytes);
  const record = new BootRecord();
  record.epoch = 1;
  record.bootCounter = 1;
  change(record);
  writeBootRecord(record, flash, offsetBytes);
  const check = createHash("sha256")
    .update(flash.subarray(offsetBytes, offsetBytes + BOOT_RECORD_CHECKED_BYTES))
    .digest()
    .subarray(0, BOOT_RECORD_BYTES - BOOT_RECORD_CHECKED_BYTES);
  flash.set(check, offsetBytes + BOOT_RECORD_CHECKED_BYTES);
  new DataView(flash.buffer, flash.byteOffset).setUint32(
    offsetBytes + BOOT_RECORD_SEAL_OFFSET,
    BOOT_RECORD_SEAL_MAGIC,
    true,
  );
  flash.set(check.subarray(0, 12), offsetBytes + BOOT_RECORD_SEAL_OFFSET + 4);
}

export async function putImage(
  layout: FlashLayout,
  flash: Uint8Array,
  slot: "slotA" | "slotB",
  image: Uint8Array,
): Promise<Uint8Array> {
  const { offsetBytes, sizeBytes } = layout.zones[slot];
  flash.fill(0xff, offsetBytes, offsetBytes + sizeBytes);
  for (const part of await slotParts(image, layout.sectorBytes)) flash.set(part.bytes, offsetBytes + part.offset);
  return new Uint8Array(Buffer.from((await describeImage(image)).digest, "hex"));
}

/** Boot control says that both slots are confirmed, and neither reads back. */
export async function destroyBothSlots(
  layout: FlashLayout,
  flash: Uint8Array,
  image: Uint8Array,
  floor = 1,
): Promise<void> {
  const digest = await putImage(layout, flash, "slotA", image);
  await putImage(layout, flash, "slotB", image);
  for (const zone of [layout.zones.slotA, layout.zones.slotB])
    flash.fill(0, zone.offsetBytes + layout.sectorBytes, zone.offsetBytes + layout.sectorBytes + 64);
  writeLog(layout, flash, (record) => {
    record.securityFloor = floor;
    record.stateA = record.stateB = SlotState.Confirmed;
    record.digestA = record.digestB = digest;
  });
}

/** A line on which bytes change, vanish and appear, both ways, one in `oneIn` on average. */
export function noisy(line: Duplex, random: SeededRandom, oneIn: number): Duplex & { damaged: number } {
  const damage = (bytes: Uint8Array): Buffer => {
    const out: number[] = [];
    for (const byte of bytes) {
      if (random.below(oneIn) !== 0) {
        out.push(byte);
        continue;
      }
      noise.damaged++;
      const kind = random.below(3);
      if (kind === 0) out.push(byte ^ (1 << random.below(8)));
      if (kind === 1) out.push(random.below(256), byte);
    }
    return Buffer.from(out);
  };
  const onData = (bytes: Buffer): void => void noise.push(damage(bytes));
  const noise = Object.assign(
    new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        line.write(damage(chunk));
        done();
      },
      destroy(error, done) {
        line.off("data", onData);
        done(error);
      },
    }),
    { damaged: 0 },
  );
  line.on("data", onData);
  return noise;
}
