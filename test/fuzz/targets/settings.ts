// Settings in flash, with arbitrary bytes in both copies and any of them in flux: what is taken is what a plain reading
// takes (settings-record.ts), both copies are then the same and settled, and a change is in flash as a whole, or not at
// all. A run begins with what docs/protocol.md, "Connection settings", says: of a candidate, a try is used up, or it
// goes.
//
// Input: u8 flags of the boot-control record; u8 bit 0: there is one, the other bits: what is done then (Deed); the
// copies, 1312 bytes each; their checks are put right by `repair`, most of the time.

import { encodeFactoryRecord, ErrorCode } from "@flipside/image-format";
import { Exo, Zone } from "@flipside/machine/abi";
import { agentGrants } from "@flipside/machine/grants";
import { assemblyEntry, compileForFuzzing, type Patch } from "../engine/compile.ts";
import { FuzzInstance } from "../engine/instance.ts";
import { write } from "../engine/mutate.ts";
import { type OpenTarget, type Target, text, Violation } from "../engine/target.ts";
import { newestOf } from "./boot-loader.ts";
import { putBootRecord } from "./boot-records.ts";
import { layout } from "./device-images.ts";
import { DeviceHost } from "./device-host.ts";
import { fuzzedIdentity } from "./formats.ts";
import { bytesOf, sha256Of } from "./keys.ts";
import {
  type Address,
  addressBytes,
  checkedBytesOf,
  countingSettings,
  FLUX_A,
  FLUX_B,
  COPY_BYTES,
  repairAnnex,
  type SettingsContent,
  settingsRecord,
} from "./settings-record.ts";

const COPIES_AT = 2;
const WHOLE = COPIES_AT + 2 * COPY_BYTES;
/** Flags that are the loader's business: 128 is the heartbeat's. */
const LASTING_FLAGS = 0x7f;
const enum Deed {
  Nothing,
  Store,
  Propose,
  RecordTry,
  Keep,
  Drop,
  BeginRun,
  BeginBusyRun,
  ZoneIsAbsent,
  StoreConfiguration,
  Count,
}

const newSecret = bytesOf("another secret");
const newAddress: Address = { host: "new.example", port: 8883 };
const newCommand = bytesOf("new command").subarray(0, 16);
const DROP_CODE = 96;
const newConfiguration = { number: 0x0102_0304, document: new Uint8Array(1024).fill(0x20) };

/** What a change makes of what counts, apart from the generation. */
function after(deed: number, before: SettingsContent): SettingsContent {
  const { candidate } = before;
  switch (deed) {
    case Deed.Store:
      return { ...before, secret: newSecret };
    case Deed.StoreConfiguration:
      return { ...before, configuration: newConfiguration };
    case Deed.Propose:
      return { ...before, candidate: newAddress, tries: 2, commandId: newCommand, outcome: 0 };
    case Deed.RecordTry:
      return { ...before, tries: (before.tries! - 1) & 255 };
    case Deed.Keep:
      return { ...before, server: candidate, candidate: undefined, tries: 0, outcome: 0 };
    case Deed.Drop:
      return { ...before, candidate: undefined, tries: 0, outcome: DROP_CODE };
    case Deed.BeginRun:
      if (!candidate) return before;
      return before.tries === 0
        ? { ...before, candidate: undefined, outcome: ErrorCode.ConnectionTriesExhausted }
        : { ...before, tries: before.tries! - 1 };
    case Deed.BeginBusyRun:
      return candidate ? { ...before, candidate: undefined, tries: 0, outcome: ErrorCode.DeviceBusy } : before;
    default:
      return before;
  }
}

const said = ({
  secret,
  server = fuzzedIdentity.server,
  candidate,
  tries,
  commandId,
  outcome = 0,
  configuration,
}: SettingsContent): string =>
  JSON.stringify([
    Buffer.from(secret).toString("hex"),
    server.host,
    server.port,
    candidate ? [candidate.host, candidate.port, tries] : null,
    commandId ? [Buffer.from(commandId).toString("hex"), candidate ? 0 : outcome] : null,
    configuration ? [configuration.number, Buffer.from(configuration.document).toString("hex")] : null,
  ]);

const seed = (flags: number, what: number, ...copies: Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(WHOLE).fill(0xff);
  bytes.set([flags, what]);
  copies.forEach((copy, i) => bytes.set(copy, COPIES_AT + i * COPY_BYTES));
  return bytes;
};

const v1 = (generation: number, name: string): Uint8Array => settingsRecord({ generation, secret: bytesOf(name) });
const v2 = (generation: number, name: string, change: Partial<SettingsContent> = {}): Uint8Array =>
  settingsRecord({ generation, secret: bytesOf(name), server: { host: "10.0.2.2", port: 1883 }, ...change }, 2);
const candidate = { candidate: { host: "candidate", port: 1 }, tries: 2 };
const commandId = bytesOf("command").subarray(0, 16);
const spoilt = (record: Uint8Array, at: number, value = 1): Uint8Array => {
  const changed = record.with(at, value);
  changed.set(sha256Of(changed.subarray(0, checkedBytesOf(changed))).subarray(0, 16), checkedBytesOf(changed));
  return changed;
};
const configuration = { number: 7, document: bytesOf("a configuration") };
const configured1 = settingsRecord({ generation: 8, secret: bytesOf("h"), configuration });
const configured2 = v2(9, "i", {
  ...candidate,
  commandId,
  configuration: { number: 8, document: new Uint8Array(1024) },
});
/** A byte of the configuration is another one, and its check does not hold. */
const broken = (record: Uint8Array, at = 300): Uint8Array => record.with(at, record[at]! ^ 1);
const records = [
  v1(1, "a"),
  v1(2, "b"),
  v2(2, "b"),
  v2(3, "c", { ...candidate, commandId }),
  v2(4, "d", { commandId, outcome: 96 }),
  v2(5, "e", { server: undefined, ...candidate, commandId }),
  v2(1, "f", { server: undefined }),
  configured1,
  configured2,
];

const seeds: Uint8Array[] = [
  // What is zero is not, and the check holds.
  ...[118, 119, 174, 239].map((at) => seed(0, 0, v1(1, "a"), spoilt(v2(2, "b"), at))),
  // Neither with a candidate nor without.
  ...[2, 3].map((value) => seed(0, 0, v1(1, "a"), spoilt(v2(2, "b"), 44, value))),
  // A run begins, with and without tries, or while an image is on trial; and without the zone.
  ...[Deed.BeginRun, Deed.BeginBusyRun].flatMap((deed) =>
    [records[0]!, records[3]!, records[4]!, v2(6, "g", { ...candidate, tries: 0, commandId })].map((record) =>
      seed(0, 1 | (deed << 1), record, record),
    ),
  ),
  seed(0, 1 | (Deed.ZoneIsAbsent << 1), records[0]!, records[1]!),
  seed(0, 1 | (Deed.ZoneIsAbsent << 1)),
  seed(0, 0),
  seed(0, 3, records[0]!),
  seed(0, 2, records[0]!, records[1]!),
  seed(0, 5, v1(7, "a"), v1(6, "b")),
  seed(0, 2, v1(0xffffffff, "a"), v1(0, "b")),
  seed(FLUX_B, 1, records[0]!, records[2]!),
  seed(FLUX_A, 3, v2(9, "a"), records[3]!),
  seed(FLUX_A | FLUX_B, 5, records[3]!, records[4]!),
  seed(2, 7, records[3]!, records[3]!),
  seed(0, 9, records[3]!, records[3]!),
  seed(0, 11, records[5]!, records[4]!),
  seed(FLUX_A | 24, 9, records[4]!),
  seed(0, 4, records[6]!, v1(1, "f")),
  // A configuration: in both copies, in one, in none that is whole, of other settings.
  seed(0, 0, configured1, configured1),
  seed(0, 1 | (Deed.StoreConfiguration << 1), configured1, v1(7, "a")),
  seed(0, 1 | (Deed.StoreConfiguration << 1), records[0]!, records[0]!),
  // Version 2 that version 1 could say as well: what follows is written as version 1, and a configuration behind it.
  seed(0, Deed.StoreConfiguration << 1, v2(9, "a")),
  seed(0, 1 | (Deed.StoreConfiguration << 1), v2(9, "a"), v2(9, "a")),
  seed(0, 1 | (Deed.Store << 1), configured2, configured2),
  seed(0, 1 | (Deed.BeginRun << 1), configured2, configured2),
  seed(0, 0, broken(configured2), configured1),
  seed(0, 0, broken(configured2), broken(configured1)),
  seed(FLUX_A, 1, configured2, broken(configured1, 270)),
  ...[0, 4, 6, 8, 12].map((at) => seed(0, 0, configured1, broken(configured2, 256 + at))),
];

export const settings: OpenTarget = async (patches: Patch[] = []): Promise<Target> => {
  const fuzzed = await compileForFuzzing(assemblyEntry("records"), 1, patches);
  const host: DeviceHost = new DeviceHost(layout, () => instance, agentGrants);
  let isAbsent = false;
  const instance: FuzzInstance = new FuzzInstance(fuzzed, () => {
    const { flash_geometry: geometry, ...rest } = host.imports as unknown as Record<
      string,
      (...args: number[]) => number
    >;
    return {
      ...rest,
      flash_geometry: (zone: number, out: number) =>
        isAbsent && zone === Zone.Settings ? Exo.Absent : geometry!(zone, out),
    } as unknown as Record<string, (...args: never[]) => unknown>;
  });
  host.zone("factory").set(await encodeFactoryRecord(fuzzedIdentity));
  const { exports: calls, memory } = instance;
  const start = instance.save();
  const zone = host.zone("settings");
  const bootControl = host.zone("bootControl");
  const given = (instance.exports["given"] as unknown as WebAssembly.Global).value as number;
  const bytesAt = (ptr: number, length: number): Uint8Array => memory.slice(ptr, ptr + length);

  /** What the agent has taken, in the same words. */
  const taken = (): SettingsContent => {
    const addressNow = (usesCandidate: number): Address => {
      const port = calls.server!(usesCandidate);
      return { port, host: Buffer.from(bytesAt(calls.host!(), calls.hostBytes!())).toString("latin1") };
    };
    const tries = calls.candidateTries!();
    const outcome = calls.outcome!();
    const candidate = tries >= 0 ? { candidate: addressNow(1), tries } : {};
    return {
      generation: 0,
      secret: bytesAt(calls.secret!(), 32),
      server: addressNow(0),
      ...candidate,
      ...(outcome >= 0 && { commandId: bytesAt(calls.commandId!(), 16), outcome }),
      configuration: configurationNow(),
    };
  };
  const configurationNow = (): SettingsContent["configuration"] => {
    const number = calls.configurationNumber!() >>> 0;
    if (number === 0) return undefined;
    return { number, document: bytesAt(calls.configurationDocument!(), calls.configurationBytes!()) };
  };
  const inFlash = (flags: number): SettingsContent[] => countingSettings(zone, layout.sectorBytes, flags);
  const expectTaken = (expected: SettingsContent[], what: string): SettingsContent => {
    const now = said(taken());
    const content = expected.find((content) => said(content) === now);
    if (!content) throw new Violation(what);
    return content;
  };
  /** Both copies are the one encoding of this, and none is in flux. */
  const expectSettled = (expected: SettingsContent, flags: number): void => {
    const [a, b] = [0, 1].map((copy) =>
      zone.subarray(copy * layout.sectorBytes, copy * layout.sectorBytes + COPY_BYTES),
    );
    const after = newestOf(host)?.flags ?? 0;
    if (((after ^ flags) & LASTING_FLAGS & ~(FLUX_A | FLUX_B)) !== 0)
      throw new Violation("other flags of boot control changed");
    if ((after & (FLUX_A | FLUX_B)) !== 0) throw new Violation("a copy is still in flux");
    const made = settingsRecord({ ...expected, generation: new DataView(a!.buffer, a!.byteOffset).getUint32(8, true) });
    for (const copy of [a!, b!])
      if (Buffer.compare(copy.subarray(0, made.length), made) !== 0)
        throw new Violation("a copy is not the one encoding of what counts");
  };

  return {
    name: "settings",
    instance,
    inputBytesMax: WHOLE,
    share: 0.005,
    seeds,
    dictionary: [
      ...text("FSST"),
      ...records.flatMap((record) => [record.subarray(0, 8), record]),
      addressBytes(newAddress),
      addressBytes({ host: "x".repeat(48), port: 65535 }),
    ],
    mutate(draft, random) {
      if (draft.length < WHOLE) draft.bytes.fill(0, draft.length, WHOLE);
      draft.length = WHOLE;
      const { bytes } = draft;
      const at = COPIES_AT + COPY_BYTES * random.below(2);
      switch (random.below(9)) {
        case 0:
          bytes[0] = random.pick([0, FLUX_A, FLUX_B, FLUX_A | FLUX_B, FLUX_A | 2, FLUX_B | 128, 24, 255]);
          return;
        case 1:
          bytes[1] = random.below(2 * Deed.Count);
          return;
        case 2:
          bytes.fill(random.pick([0, 0xff]), at, at + COPY_BYTES);
          bytes.set(random.pick(records), at);
          return;
        case 3: // generation
          return write(
            bytes,
            at + 8,
            4,
            random.pick([0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff]),
            true,
          );
        case 4: // candidate, tries, outcome
          return write(bytes, at + 44 + random.below(4), 1, random.pick([0, 1, 2, 96, 255]), true);
        case 5: // ports and lengths
          return write(
            bytes,
            at + random.pick([64, 66, 120, 122]),
            random.pick([1, 2]),
            random.pick([0, 1, 47, 48, 49, 255, 256, 65535]),
            true,
          );
        case 6: // what is zero, hosts
          bytes[at + random.pick([67, 70, 117, 118, 123, 126, 173, 174, 239, 70 + random.below(104)])] = random.pick([
            0, 1, 0x20, 0x21, 0x7e, 0x7f, 0xff,
          ]);
          return;
        case 7: // of the configuration
          bytes[at + 256 + random.pick([0, 3, 4, 5, 6, 7, 8, 11, 12, 16, 1039])] = random.pick([0, 1, 2, 4, 5, 0xff]);
          return;
        default:
          bytes.copyWithin(COPIES_AT + COPY_BYTES, COPIES_AT, COPIES_AT + COPY_BYTES);
      }
    },
    repair({ bytes, length }, random) {
      for (let at = COPIES_AT; at + COPY_BYTES <= length; at += COPY_BYTES) {
        const checked = checkedBytesOf(bytes.subarray(at));
        bytes.set(sha256Of(bytes.subarray(at, at + checked)).subarray(0, 16), at + checked);
        if (random.below(3) > 0) repairAnnex(bytes.subarray(at, at + COPY_BYTES));
      }
    },
    run(input) {
      const hasRecord = ((input[1] ?? 0) & 1) === 1;
      const flags = hasRecord ? input[0]! : 0;
      const deed = ((input[1] ?? 0) >> 1) % Deed.Count;
      bootControl.fill(0xff);
      if (hasRecord) putBootRecord(bootControl, { activeSlot: 0, states: [2, 0], flags });
      zone.fill(0xff);
      for (const copy of [0, 1]) {
        const bytes = new Uint8Array(COPY_BYTES).fill(0xff);
        bytes.set(input.subarray(COPIES_AT + copy * COPY_BYTES, COPIES_AT + (copy + 1) * COPY_BYTES));
        zone.set(bytes, copy * layout.sectorBytes);
      }
      const counting = inFlash(flags);
      const before = zone.slice();
      instance.restore(start);
      isAbsent = deed === Deed.ZoneIsAbsent;
      if (calls.factory!() !== 1) throw new Violation("the factory record of this target does not hold");
      if (isAbsent) {
        if (calls.loadSettings!() !== -1) throw new Violation("settings are taken from a zone that can't be used");
        if (Buffer.compare(zone, before) !== 0) throw new Violation("flash was changed, and the zone can't be used");
        return;
      }
      if (calls.loadSettings!() !== (counting.length > 0 ? 1 : 0))
        throw new Violation("settings are taken, or not, against the format");
      let now: SettingsContent = { generation: 0, secret: new Uint8Array(32) };
      if (counting.length === 0) {
        if (Buffer.compare(zone, before) !== 0) throw new Violation("flash was changed, and there are no settings");
      } else {
        now = expectTaken(counting, "not the settings that count are taken");
        expectSettled(now, flags);
      }
      memory.set(deed === Deed.Store ? newSecret : addressBytes(newAddress), given);
      memory.set(newCommand, given + 64);
      if (deed === Deed.StoreConfiguration) memory.set(newConfiguration.document, given);
      // Only a device that has settings gets commands, and only a candidate is tried, kept or dropped.
      const isRun = deed === Deed.BeginRun || deed === Deed.BeginBusyRun;
      const isPossible =
        deed === Deed.Store ||
        (counting.length > 0 &&
          deed !== Deed.Nothing &&
          (deed === Deed.Propose || deed === Deed.StoreConfiguration || isRun || now.candidate !== undefined));
      if (!isPossible) return;
      const done = [
        calls.storeSettings!,
        () => calls.propose!(2),
        calls.recordTry!,
        calls.keepCandidate!,
        () => calls.dropCandidate!(DROP_CODE),
        () => calls.beginRun!(0),
        () => calls.beginRun!(1),
        () => 0,
        () => calls.storeConfiguration!(newConfiguration.number, newConfiguration.document.length),
      ][deed - 1]!();
      const isUsed = deed === Deed.BeginRun && now.candidate !== undefined && now.tries! > 0;
      if (isRun && done !== Number(isUsed))
        throw new Violation(
          isUsed
            ? "the candidate is not connected to, and has tries"
            : "the candidate is connected to, and must not be",
        );
      if (!isRun && done !== 1) throw new Violation("a change could not be stored");
      const expected = after(deed, now);
      expectTaken([expected], "a change is not what was asked for");
      expectSettled(expected, flags);
      instance.restore(start);
      calls.factory!();
      if (calls.loadSettings!() !== 1) throw new Violation("stored settings are not found again");
      expectTaken([expected], "stored settings are not what was stored");
    },
  };
};
