// The settings record by plain reading of docs/image-format.md, "Settings record" and "Configuration", and of
// docs/boot-control.md, "Two copies".

import { addressOf } from "./command-form.ts";
import { madeRecord } from "./made-record.ts";
import { sha256Of } from "./keys.ts";

const RECORD_BYTES = 256;
const ANNEX_BYTES = 1056;
const ANNEX_CHECKED_BYTES = 1040;
/** Of a copy: settings, and a configuration behind them. */
export const COPY_BYTES = RECORD_BYTES + ANNEX_BYTES;
export const FLUX_A = 32;
export const FLUX_B = 64;

export interface Address {
  host: string;
  port: number;
}

export interface SettingsContent {
  generation: number;
  secret: Uint8Array;
  /** undefined: the factory record's. */
  server?: Address | undefined;
  candidate?: Address | undefined;
  /** Means something while there is a candidate. */
  tries?: number;
  /** Of the command that brought the last candidate, 16 bytes; and what became of that, an error code. */
  commandId?: Uint8Array | undefined;
  outcome?: number;
  /** The one in force. */
  configuration?: { number: number; document: Uint8Array } | undefined;
}

export const checkedBytesOf = (record: Uint8Array): number => (record[4] === 1 && record[5] === 0 ? 48 : 240);

export function addressBytes({ host, port }: Address): Uint8Array {
  const bytes = Buffer.alloc(54);
  bytes.writeUInt16LE(port);
  bytes[2] = host.length;
  bytes.write(host, 6, "latin1");
  return new Uint8Array(bytes);
}

/** What stands behind settings of this generation. */
function annexOf(generation: number, { number, document }: { number: number; document: Uint8Array }): Uint8Array {
  return madeRecord(ANNEX_BYTES, ANNEX_CHECKED_BYTES, "FSCF", (view, record) => {
    view.setUint16(4, 1, true);
    view.setUint16(6, document.length, true);
    view.setUint32(8, generation, true);
    view.setUint32(12, number, true);
    record.set(document, 16);
  });
}

/** Settings, and a configuration behind them if there is one. */
export function settingsRecord(content: SettingsContent, version?: number): Uint8Array {
  const record = recordOf(content, version);
  if (!content.configuration) return record;
  const copy = new Uint8Array(COPY_BYTES);
  copy.set(record);
  copy.set(annexOf(content.generation, content.configuration), RECORD_BYTES);
  return copy;
}

/** Version 1 where that can say it, unless version 2 is asked for. */
function recordOf(
  { generation, secret, server, candidate, tries = 0, commandId, outcome = 0 }: SettingsContent,
  version = server || candidate || tries || commandId || outcome ? 2 : 1,
): Uint8Array {
  const bytes = version === 1 ? 64 : RECORD_BYTES;
  return madeRecord(bytes, bytes - 16, "FSST", (view, record) => {
    view.setUint16(4, version, true);
    view.setUint16(6, bytes, true);
    view.setUint32(8, generation, true);
    record.set(secret, 12);
    if (version === 1) return;
    record[44] = candidate ? 1 : 0;
    record[45] = tries;
    view.setUint16(46, outcome, true);
    if (commandId) record.set(commandId, 48);
    if (server) record.set(addressBytes(server), 64);
    if (candidate) record.set(addressBytes(candidate), 120);
  });
}

/** Puts right what says that bytes of a copy are a whole configuration. */
export function repairAnnex(copy: Uint8Array): void {
  const at = RECORD_BYTES + ANNEX_CHECKED_BYTES;
  copy.set(sha256Of(copy.subarray(RECORD_BYTES, at)).subarray(0, 16), at);
}

/** What stands behind settings of this generation: undefined where nothing does; "broken" where it does not hold. */
function configurationIn(copy: Uint8Array, generation: number): SettingsContent["configuration"] | "broken" {
  const bytes = Buffer.from(copy.buffer, copy.byteOffset + RECORD_BYTES, ANNEX_BYTES);
  if (bytes.readUInt32LE(0) === 0xffffffff) return undefined;
  const [length, number] = [bytes.readUInt16LE(6), bytes.readUInt32LE(12)];
  const holds =
    bytes.toString("latin1", 0, 4) === "FSCF" &&
    bytes.readUInt16LE(4) === 1 &&
    bytes.readUInt32LE(8) === generation &&
    number !== 0 &&
    length >= 2 &&
    length <= 1024 &&
    bytes.subarray(16 + length, ANNEX_CHECKED_BYTES).every((byte) => byte === 0) &&
    (copy[4] !== 1 || copy.subarray(64, RECORD_BYTES).every((byte) => byte === 0)) &&
    Buffer.compare(
      sha256Of(bytes.subarray(0, ANNEX_CHECKED_BYTES)).subarray(0, 16),
      bytes.subarray(ANNEX_CHECKED_BYTES),
    ) === 0;
  return holds ? { number, document: new Uint8Array(bytes.subarray(16, 16 + length)) } : "broken";
}

/** What the settings of a copy say, or undefined when they do not hold. */
function settingsIn(record: Uint8Array): SettingsContent | undefined {
  const bytes = Buffer.from(record.buffer, record.byteOffset, RECORD_BYTES);
  if (bytes.toString("latin1", 0, 4) !== "FSST") return undefined;
  const version = bytes.readUInt16LE(4);
  const length = [undefined, 64, RECORD_BYTES][version];
  if (length === undefined || bytes.readUInt16LE(6) !== length) return undefined;
  if (
    Buffer.compare(sha256Of(bytes.subarray(0, length - 16)).subarray(0, 16), bytes.subarray(length - 16, length)) !== 0
  )
    return undefined;
  const common = { generation: bytes.readUInt32LE(8), secret: new Uint8Array(bytes.subarray(12, 44)) };
  if (version === 1) return common;
  const isZero = (from: number, to: number): boolean => bytes.subarray(from, to).every((byte) => byte === 0);
  const server = addressOf(bytes.subarray(64, 118));
  const candidate = addressOf(bytes.subarray(120, 174));
  if (!isZero(118, 120) || !isZero(174, 240) || bytes[44]! > 1) return undefined;
  if (!server && !isZero(64, 118)) return undefined;
  if (bytes[44] === 1 ? !candidate : !isZero(120, 174)) return undefined;
  return {
    ...common,
    server,
    outcome: bytes.readUInt16LE(46),
    commandId: isZero(48, 64) ? undefined : new Uint8Array(bytes.subarray(48, 64)),
    candidate: bytes[44] === 1 ? candidate : undefined,
    tries: bytes[45]!,
  };
}

/**
 * The copies of a zone that may count: whole ones before such whose configuration does not hold, one not in flux before
 * one that is, then the newer; two when nothing tells them apart.
 */
export function countingSettings(zone: Uint8Array, sectorBytes: number, flags: number): SettingsContent[] {
  const copies = [0, 1].flatMap((copy) => {
    const bytes = zone.subarray(copy * sectorBytes, copy * sectorBytes + COPY_BYTES);
    const content = settingsIn(bytes);
    if (!content) return [];
    const configuration = configurationIn(bytes, content.generation);
    const isWhole = configuration !== "broken";
    return [
      {
        content: isWhole && configuration ? { ...content, configuration } : content,
        isWhole,
        isInFlux: (flags & (FLUX_A << copy)) !== 0,
      },
    ];
  });
  const whole = copies.filter(({ isWhole }) => isWhole);
  const holding = whole.length > 0 ? whole : copies;
  const settled = holding.filter(({ isInFlux }) => !isInFlux);
  const counting = (settled.length > 0 ? settled : holding).map(({ content }) => content);
  const newest = Math.max(...counting.map(({ generation }) => generation));
  return counting.filter(({ generation }) => generation === newest);
}
