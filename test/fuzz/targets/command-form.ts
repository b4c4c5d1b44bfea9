// A command's form, binding and arguments: both builds of the portable code, and a plain reading of
// docs/image-format.md, "Command", give the same code; and what can be carried out is the one encoding of what it says.

import { ErrorCode } from "@flipside/image-format";
import { commandBody, type CommandParts } from "../../../apps/power-cut/src/server/signed-command.ts";
import * as operations from "../../../packages/image-format/test/portable/operations.ts";
import { write } from "../engine/mutate.ts";
import { expectSame, text, Violation } from "../engine/target.ts";
import { openFormat } from "./formats.ts";

const BODY_BYTES = 132;
/** What operations.ts binds to: this device, this session, the number of the newest command. */
const deviceHash = new Uint8Array(32).fill(0x11);
const deviceNonce = new Uint8Array(16).fill(0x22);
const LAST_NUMBER = 7;

type Given = Pick<CommandParts, "number" | "kind" | "host" | "port" | "seconds" | "configuration"> & { id?: string };

function made(parts: Given): Uint8Array {
  const body = new Uint8Array(
    commandBody({
      deviceId: "",
      id: "c0".repeat(16),
      deviceNonce: Buffer.from(deviceNonce).toString("base64url"),
      ...parts,
    }),
  );
  body.set(deviceHash, 8);
  return body;
}

/** What docs/protocol.md, "Commands", says of a body by plain reading: the first check of binding that fails. */
export function bindingOf(body: Uint8Array, hash: Uint8Array, nonce: Uint8Array, lastNumber: number): ErrorCode {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  if (!bytes.subarray(8, 40).equals(hash)) return ErrorCode.CommandForAnotherDevice;
  if (!bytes.subarray(40, 56).equals(nonce)) return ErrorCode.CommandForAnotherSession;
  return bytes.readUInt32LE(72) > lastNumber ? ErrorCode.None : ErrorCode.CommandRepeated;
}

/** And of kind and arguments. */
export function argumentsOf(body: Uint8Array): ErrorCode {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const isZeroFrom = (from: number): boolean => bytes.subarray(from, BODY_BYTES).every((byte) => byte === 0);
  const first = bytes.readUInt16LE(78);
  const forms: Record<number, () => boolean> = {
    1: () => isZeroFrom(78),
    2: () => addressOf(bytes.subarray(78, BODY_BYTES)) !== undefined,
    3: () => first >= 1 && first <= 600 && isZeroFrom(80),
    4: () => isZeroFrom(78),
    5: () => first >= 2 && first <= 1024 && bytes.readUInt32LE(80) !== 0 && isZeroFrom(116),
    6: () => isZeroFrom(78),
  };
  const form = forms[bytes.readUInt16LE(76)];
  if (form === undefined) return ErrorCode.CommandUnknown;
  return form() ? ErrorCode.None : ErrorCode.CommandMalformed;
}

/** A server address (54 bytes), or undefined when it is not one. */
export function addressOf(bytes: Buffer): { host: string; port: number } | undefined {
  const host = bytes.toString("latin1", 6, 6 + Math.min(bytes[2]!, 48));
  const made = Buffer.alloc(54);
  made.writeUInt16LE(bytes.readUInt16LE(0));
  made[2] = host.length;
  made.write(host, 6, "latin1");
  return /^[\x21-\x7e]+$/.test(host) && bytes.readUInt16LE(0) !== 0 && made.equals(bytes)
    ? { host, port: bytes.readUInt16LE(0) }
    : undefined;
}

export const hasCommandForm = (bytes: Uint8Array): boolean =>
  bytes.length >= BODY_BYTES && Buffer.from(bytes.subarray(0, 8)).equals(Buffer.from("FSCM\x01\x00\x84\x00", "latin1"));

export const command = openFormat({
  name: "command",
  operation: operations.OPERATION_COMMAND,
  inputBytesMax: 256,
  seeds: async () => [
    made({ number: 8, kind: 1 }),
    made({ number: 0xffffffff, kind: 1 }),
    made({ number: 7, kind: 1 }),
    made({ number: 8, kind: 2, host: "10.0.2.2", port: 1883 }),
    made({ number: 8, kind: 2, host: "x".repeat(48), port: 65535 }),
    made({ number: 9, kind: 7 }),
    made({ number: 9, kind: 3, seconds: 600 }),
    made({ number: 9, kind: 4 }),
    made({ number: 9, kind: 5, configuration: { number: 1, document: Buffer.from("{}") } }),
    made({ number: 9, kind: 5, configuration: { number: 0xffffffff, document: new Uint8Array(1024) } }),
    made({ number: 9, kind: 6 }),
    new Uint8Array([...made({ number: 8, kind: 2, host: "a", port: 1 }), ...new Uint8Array(100)]),
  ],
  dictionary: [...text("FSCM", "FSSG"), deviceHash, deviceNonce, made({ number: 8, kind: 1 }).subarray(0, 8)],
  mutate({ bytes, length }, random) {
    if (length < BODY_BYTES) return;
    switch (random.below(5)) {
      case 0:
        return write(bytes, 72, 4, random.pick([0, 6, 7, 8, 255, 0x7fffffff, 0x80000000, 0xffffffff]), true);
      case 1:
        return write(bytes, 76, 2, random.pick([0, 1, 2, 3, 4, 5, 6, 7, 258, 0xffff]), true);
      case 2:
        return write(bytes, 78, 2, random.pick([0, 1, 2, 256, 600, 601, 1024, 1025, 1883, 65535]), true);
      case 3:
        return write(bytes, 80, 1, random.pick([0, 1, 2, 47, 48, 49, 255]), true);
      default:
        bytes[random.pick([8, 39, 40, 55, 80, 81, 83, 84, 115, 116, 131, 84 + random.below(48)])] = random.pick([
          0, 0x11, 0x20, 0x21, 0x22, 0x7e, 0x7f, 0x80, 0xff,
        ]);
    }
  },
  repair({ bytes, length }, random) {
    if (length < BODY_BYTES) return;
    bytes.set(Buffer.from("FSCM\x01\x00\x84\x00", "latin1"));
    if (random.below(4) !== 0) bytes.set(deviceHash, 8);
    if (random.below(4) !== 0) bytes.set(deviceNonce, 40);
  },
  check(input, output) {
    const word = (index: number): number => output.getInt32(4 * index, true);
    expectSame(word(0), hasCommandForm(input) ? 1 : 0, "is a command");
    if (word(0) === 0) return;
    expectSame(word(1), bindingOf(input, deviceHash, deviceNonce, LAST_NUMBER), "binding");
    expectSame(word(2), argumentsOf(input), "arguments");
    if (word(1) !== ErrorCode.None || word(2) !== ErrorCode.None) return;
    const bytes = Buffer.from(input.buffer, input.byteOffset, BODY_BYTES);
    const kind = bytes.readUInt16LE(76);
    const again = made({
      id: bytes.toString("hex", 56, 72),
      number: bytes.readUInt32LE(72),
      kind,
      ...(kind === 3 && { seconds: bytes.readUInt16LE(78) }),
      ...(kind === 2 && { port: bytes.readUInt16LE(78), host: bytes.toString("latin1", 84, 84 + bytes[80]!) }),
    });
    // Of a configuration the body has the hash alone.
    if (kind === 5) again.set(bytes.subarray(78, 116), 78);
    if (Buffer.compare(again, bytes) !== 0)
      throw new Violation("an accepted command is not the one encoding of what it says");
  },
  share: 0.05,
});
