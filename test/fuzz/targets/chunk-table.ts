// The chunk table of an update: a piece counts that is as long as it has to be, and the table that lies in the slot
// already counts when the journal has sealed it, all of it reads, and it is the one that was signed.
//
// Input: u16 number of chunks; u8 bit 0: the journal has sealed it; u8 reads of flash that go well; u16 a byte of the
// slot, and u8 what it is changed by; then pieces, u8 number and u16 length.

import { agentGrants } from "@flipside/machine/grants";
import { Zone } from "@flipside/machine/abi";
import { assemblyEntry, compileForFuzzing } from "../engine/compile.ts";
import { FuzzInstance } from "../engine/instance.ts";
import { expectSame, type OpenTarget } from "../engine/target.ts";
import { DeviceHost } from "./device-host.ts";
import { layout, makeImage, putInSlot } from "./device-images.ts";
import { FaultyZone } from "./faulty-zone.ts";

const HEAD_BYTES = 7;
const PIECES_MAX = 12;
const CHUNKS_MAX = 1024;
const PIECE_BYTES = 4096;
const TABLE_AT = 4096;
const HASH_BYTES = 32;
/** Of header and signatures, and of the table. */
const READS = 2;
const PAYLOAD_BYTES = 600;
const CHUNK_BYTES = 256;
const TABLE_BYTES = HASH_BYTES * Math.ceil(PAYLOAD_BYTES / CHUNK_BYTES);

const u16 = (value: number): number[] => [value & 255, value >> 8];
const inputOf = (
  chunks: number,
  isSealed: boolean,
  reads: number,
  [at, change]: [number, number],
  ...pieces: [number, number][]
): Uint8Array =>
  Uint8Array.from([
    ...u16(chunks),
    Number(isSealed),
    reads,
    ...u16(at),
    change,
    ...pieces.flatMap(([index, bytes]) => [index, ...u16(bytes)]),
  ]);

export const chunkTable: OpenTarget = async (patches = []) => {
  const fuzzed = await compileForFuzzing(assemblyEntry("update"), 2, patches);
  const host: DeviceHost = new DeviceHost(layout, () => instance, agentGrants);
  const journal: FaultyZone = new FaultyZone(Zone.Journal, () => instance);
  const instance: FuzzInstance = new FuzzInstance(fuzzed, () => journal.over(host.imports));
  const { exports: calls } = instance;
  const slot = host.zone("slotB");
  putInSlot(slot, await makeImage("table", {}, { payloadBytes: PAYLOAD_BYTES, chunkBytes: CHUNK_BYTES }));
  const asMade = slot.slice();
  journal.format(layout.sectorBytes, 2);
  calls.start!(1, 0, 0);
  if (calls.manifestFromSlot!() !== 0) throw new Error("the image of this target does not parse");
  const notSealed = instance.save();
  if (calls.begin!(1, 1, 1, 0, 0) !== 1 || calls.seal!(0) !== 1)
    throw new Error("the journal of this target is not written");
  const sealed = instance.save();
  return {
    name: "chunk-table",
    instance,
    inputBytesMax: HEAD_BYTES + 3 * PIECES_MAX,
    share: 0.01,
    dictionary: [Uint8Array.from(u16(PIECE_BYTES)), Uint8Array.from(u16(HASH_BYTES))],
    seeds: [
      inputOf(129, true, 2, [0, 0], [0, 4096], [1, 32], [1, 4096], [1, 31], [1, 33], [0, 32], [1, 0]),
      inputOf(1024, true, 3, [0, 0], [7, 4096], [7, 4095]),
      inputOf(2, true, 0, [0, 0], [0, 64], [0, 63], [0, 65]),
      inputOf(128, true, 1, [0, 0], [0, 4096]),
      inputOf(1, false, 9, [0, 0], [0, 32]),
      inputOf(1, true, 9, [TABLE_AT, 1]),
      inputOf(1, true, 9, [TABLE_AT + TABLE_BYTES - 1, 128]),
      inputOf(1, true, 9, [TABLE_AT + TABLE_BYTES, 1]),
      inputOf(1, true, 9, [39, 1]),
    ],
    run(input) {
      const view = new DataView(
        Uint8Array.from({ length: HEAD_BYTES + 3 * PIECES_MAX }, (_, i) => input[i] ?? 0).buffer,
      );
      const isSealed = (view.getUint8(2) & 1) === 1;
      const at = view.getUint16(4, true) % slot.length;
      slot.set(asMade);
      slot[at]! ^= view.getUint8(6);
      instance.restore(isSealed ? sealed : notSealed);
      // Every byte of the header is hashed. Of what comes behind its first ones, this target does not say what is the
      // signature block's.
      const isOfTable = at >= TABLE_AT && at < TABLE_AT + TABLE_BYTES;
      const isSigned = slot[at] === asMade[at] || (at >= TABLE_AT && !isOfTable);
      const isAsked = isSigned || isOfTable || at < 40;
      const reads = view.getUint8(3);
      journal.readsLeft = reads;
      if (isAsked)
        expectSame(
          calls.tableFromSlot!(),
          Number(isSealed && reads >= READS && isSigned),
          "the table in the slot is taken",
        );
      journal.readsLeft = Number.POSITIVE_INFINITY;

      const chunks = 1 + ((view.getUint16(0, true) - 1 + CHUNKS_MAX) % CHUNKS_MAX);
      const tableBytes = HASH_BYTES * chunks;
      calls.setChunkCount!(chunks);
      for (let piece = HEAD_BYTES; piece + 3 <= input.length; piece += 3) {
        const index = view.getUint8(piece) % Math.ceil(tableBytes / PIECE_BYTES);
        const bytes = view.getUint16(piece + 1, true);
        expectSame(
          calls.takeTablePiece!(index, bytes),
          Number(bytes === Math.min(PIECE_BYTES, tableBytes - index * PIECE_BYTES)),
          "a piece of the table is taken",
        );
      }
    },
  };
};
