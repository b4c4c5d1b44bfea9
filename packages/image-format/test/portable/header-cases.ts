// Image headers that are right, and for each way to be wrong at least one.

import { encodeHeaderFields, headerFields, type ImageFields } from "../../src/image-file.ts";
import { ErrorCode } from "../../src/portable/error-codes.ts";
import * as H from "../../src/portable/image-header.ts";

export const fields: ImageFields = {
  imageType: H.IMAGE_TYPE_UNIKERNEL,
  product: "thermostat",
  hardware: { name: "virt-rv32", revisionMin: 1, revisionMax: 3 },
  version: "1.2.3",
  releaseSequence: 7,
  securityCounter: 2,
  loaderVersionMin: 1,
  trustVersionMin: 1,
  loadAddress: 0x80001000,
  entryAddress: 0x80001000,
  confirmDeadlineMs: 60_000,
  contactDeadlineMs: 600_000,
  tries: 3,
  watchdogMs: 10_000,
  flags: 0,
};

export type Field = [type: number, value: Uint8Array];
const keyId = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
const payload = { payloadBytes: 10_000, chunkBytes: 4096, tableDigest: new Uint8Array(32).fill(0x5c) };

export function fieldList(changes: Partial<ImageFields> = {}, payloadChanges: Partial<typeof payload> = {}): Field[] {
  return headerFields({ ...fields, ...changes }, { ...payload, ...payloadChanges }, keyId);
}

export function u32s(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  values.forEach((value, i) => new DataView(bytes.buffer).setUint32(4 * i, value, true));
  return bytes;
}

function replaced(type: number, value: Uint8Array): Uint8Array {
  return encodeHeaderFields(fieldList().map((field) => (field[0] === type ? [type, value] : field)));
}

function patched(
  change: (bytes: Uint8Array, view: DataView) => void,
  source = encodeHeaderFields(fieldList()),
): Uint8Array {
  const bytes = source.slice();
  change(bytes, new DataView(bytes.buffer));
  return bytes;
}

const withPayload = (payloadBytes: number, chunkBytes: number, chunkCount: number): Uint8Array =>
  replaced(H.FIELD_PAYLOAD, Uint8Array.from([...u32s(payloadBytes, chunkBytes, chunkCount), ...payload.tableDigest]));

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const {
  None,
  ImageTruncated,
  HeaderMalformed,
  HeaderVersionUnsupported,
  HeaderUnknownCriticalField,
  HeaderFieldMissing,
  HeaderFeatureUnsupported,
} = ErrorCode;

export interface HeaderCase {
  name: string;
  bytes: Uint8Array;
  code: ErrorCode;
}

export function headerCases(): HeaderCase[] {
  const right = encodeHeaderFields(fieldList());
  const list: [name: string, bytes: Uint8Array, code: ErrorCode][] = [
    ["a plain header", right, None],
    ["bytes after it (the signature block)", Uint8Array.from([...right, 1, 2, 3, 4]), None],
    ["a description", encodeHeaderFields(fieldList({ description: "Fixes the valve that stuck at −3 °C." })), None],
    ["a description of 512 bytes", encodeHeaderFields(fieldList({ description: "x".repeat(512) })), None],
    ["an unknown optional field", encodeHeaderFields([...fieldList(), [0x0021, ascii("later")]]), None],
    ["the flag that raises the floor", encodeHeaderFields(fieldList({ flags: H.FLAG_RAISE_FLOOR })), None],
    ["a WebAssembly bundle", encodeHeaderFields(fieldList({ imageType: H.IMAGE_TYPE_WASM_BUNDLE })), None],
    ["a payload of one byte", encodeHeaderFields(fieldList({}, { payloadBytes: 1 })), None],
    [
      "the largest payload in the smallest chunks",
      encodeHeaderFields(fieldList({}, { payloadBytes: H.PAYLOAD_BYTES_MAX, chunkBytes: 256 })),
      None,
    ],
    ["names of 32 bytes", encodeHeaderFields(fieldList({ product: "p".repeat(32), version: "v".repeat(32) })), None],
    [
      "one hardware revision",
      encodeHeaderFields(fieldList({ hardware: { name: "h", revisionMin: 65535, revisionMax: 65535 } })),
      None,
    ],

    ["nothing", new Uint8Array(0), ImageTruncated],
    ["seven bytes", right.slice(0, 7), ImageTruncated],
    ["a header cut by its last byte", right.slice(0, -1), ImageTruncated],
    ["only the first eight bytes", right.slice(0, 8), ImageTruncated],

    [
      "another magic",
      patched((b) => {
        b[0] = 0x47;
      }),
      HeaderMalformed,
    ],
    ["format version 2", patched((_, v) => v.setUint16(4, 2, true)), HeaderVersionUnsupported],
    ["format version 0", patched((_, v) => v.setUint16(4, 0, true)), HeaderVersionUnsupported],
    ["a length that is no multiple of 4", patched((_, v) => v.setUint16(6, right.length - 2, true)), HeaderMalformed],
    ["a length below the prefix", patched((_, v) => v.setUint16(6, 4, true)), HeaderMalformed],
    ["a length above the maximum", patched((_, v) => v.setUint16(6, 2052, true)), HeaderMalformed],
    ["no field", encodeHeaderFields([]), HeaderFieldMissing],
    [
      "trailing zeros counted as header",
      patched((_, v) => v.setUint16(6, right.length + 4, true), Uint8Array.from([...right, 0, 0, 0, 0])),
      HeaderMalformed,
    ],

    [
      "an unknown critical field behind the known",
      encodeHeaderFields([...fieldList(), [0x800e, u32s(1)]]),
      HeaderUnknownCriticalField,
    ],
    [
      "an unknown critical field with a number above 31",
      encodeHeaderFields([...fieldList(), [0x8021, u32s(1)]]),
      HeaderUnknownCriticalField,
    ],
    [
      "the last critical field there can be",
      encodeHeaderFields([...fieldList(), [0xffff, u32s(1)]]),
      HeaderUnknownCriticalField,
    ],
    ["critical field 0", encodeHeaderFields([[0x8000, u32s(1)], ...fieldList()]), HeaderUnknownCriticalField],
    [
      "two fields in the wrong order",
      encodeHeaderFields([...fieldList().slice(1, 2), ...fieldList().slice(0, 1), ...fieldList().slice(2)]),
      HeaderMalformed,
    ],
    ["a field twice", encodeHeaderFields([...fieldList().slice(0, 3), ...fieldList().slice(2)]), HeaderMalformed],
    [
      "a critical field again as an optional one",
      encodeHeaderFields([fieldList()[0]!, [0x0001, u32s(1)], ...fieldList().slice(1)]),
      HeaderMalformed,
    ],
    [
      "a required field only as an optional one",
      encodeHeaderFields(fieldList().map(([type, value]) => [type === H.FIELD_FLAGS ? 0x000d : type, value])),
      HeaderFieldMissing,
    ],
    [
      "padding that is not zero",
      patched((b) => {
        b[8 + 8 + 4 + ascii(fields.product).length] = 1;
      }),
      HeaderMalformed,
    ],
    ["a field that is longer than the header", patched((_, v) => v.setUint16(8 + 2, 0xffff, true)), HeaderMalformed],
    [
      "a last field that ends one byte outside",
      patched((_, v) => v.setUint16(right.length - 6, 5, true)),
      HeaderMalformed,
    ],

    ["image type 0", replaced(H.FIELD_IMAGE_TYPE, u32s(0)), HeaderFeatureUnsupported],
    ["image type 3", replaced(H.FIELD_IMAGE_TYPE, u32s(3)), HeaderFeatureUnsupported],
    ["an image type of 5 bytes", replaced(H.FIELD_IMAGE_TYPE, Uint8Array.of(1, 0, 0, 0, 0)), HeaderMalformed],
    ["an empty product", replaced(H.FIELD_PRODUCT, ascii("")), HeaderMalformed],
    ["a product of 33 bytes", replaced(H.FIELD_PRODUCT, ascii("p".repeat(33))), HeaderMalformed],
    ["a product with a space", replaced(H.FIELD_PRODUCT, ascii("my product")), HeaderMalformed],
    ["a product with a zero byte", replaced(H.FIELD_PRODUCT, ascii("p\0q")), HeaderMalformed],
    ["a product that is not ASCII", replaced(H.FIELD_PRODUCT, ascii("pü")), HeaderMalformed],
    ["a product with DEL", replaced(H.FIELD_PRODUCT, ascii("p\x7f")), HeaderMalformed],
    ["hardware without a name", replaced(H.FIELD_HARDWARE, Uint8Array.of(1, 0, 1, 0)), HeaderMalformed],
    ["hardware of three bytes", replaced(H.FIELD_HARDWARE, Uint8Array.of(1, 0, 1)), HeaderMalformed],
    [
      "hardware whose name has 33 bytes",
      replaced(H.FIELD_HARDWARE, Uint8Array.from([1, 0, 1, 0, ...ascii("h".repeat(33))])),
      HeaderMalformed,
    ],
    [
      "a revision range that is turned round",
      encodeHeaderFields(fieldList({ hardware: { name: "h", revisionMin: 2, revisionMax: 1 } })),
      HeaderMalformed,
    ],
    ["two components", replaced(H.FIELD_COMPONENT, Uint8Array.of(0, 0, 2, 0)), HeaderFeatureUnsupported],
    ["component 1 of 1", replaced(H.FIELD_COMPONENT, Uint8Array.of(1, 0, 1, 0)), HeaderFeatureUnsupported],
    ["an empty version", replaced(H.FIELD_VERSION, ascii("")), HeaderMalformed],
    ["release sequence 0", encodeHeaderFields(fieldList({ releaseSequence: 0 })), HeaderMalformed],
    ["an empty payload", withPayload(0, 4096, 0), HeaderMalformed],
    ["an empty payload with one chunk", withPayload(0, 4096, 1), HeaderMalformed],
    ["a payload one byte above the maximum", withPayload(H.PAYLOAD_BYTES_MAX + 1, 4096, 16385), HeaderMalformed],
    ["a payload of 2^32 − 1 bytes", withPayload(0xffffffff, 4096, 0x100000), HeaderMalformed],
    ["a payload near 2^32 whose rounding would wrap to nothing", withPayload(0xfffff001, 4096, 0), HeaderMalformed],
    ["a payload of 2^31 bytes", withPayload(0x80000000, 4096, 0x80000), HeaderMalformed],
    ["chunks of 0 bytes", withPayload(10_000, 0, 0), HeaderMalformed],
    ["chunks of 128 bytes", withPayload(10_000, 128, 79), HeaderMalformed],
    ["chunks of 8192 bytes", withPayload(10_000, 8192, 2), HeaderMalformed],
    ["chunks of 3000 bytes", withPayload(10_000, 3000, 4), HeaderMalformed],
    ["chunks of 2^31 bytes", withPayload(10_000, 0x80000000, 1), HeaderMalformed],
    ["chunks of 2^32 − 1 bytes", withPayload(10_000, 0xffffffff, 1), HeaderMalformed],
    ["one chunk too few", withPayload(10_000, 4096, 2), HeaderMalformed],
    ["one chunk too many", withPayload(10_000, 4096, 4), HeaderMalformed],
    ["a chunk count whose table would wrap", withPayload(10_000, 4096, 0x08000003), HeaderMalformed],
    ["a payload field of 40 bytes", replaced(H.FIELD_PAYLOAD, new Uint8Array(40)), HeaderMalformed],
    ["a confirm deadline of 0", encodeHeaderFields(fieldList({ confirmDeadlineMs: 0 })), HeaderMalformed],
    [
      "a confirm deadline of more than a day",
      encodeHeaderFields(fieldList({ confirmDeadlineMs: 86_400_001, contactDeadlineMs: 86_400_001 })),
      HeaderMalformed,
    ],
    [
      "a contact deadline before the confirm deadline",
      encodeHeaderFields(fieldList({ contactDeadlineMs: 59_999 })),
      HeaderMalformed,
    ],
    [
      "a contact deadline of 2^32 − 1",
      encodeHeaderFields(fieldList({ contactDeadlineMs: 0xffffffff })),
      HeaderMalformed,
    ],
    ["no try", encodeHeaderFields(fieldList({ tries: 0 })), HeaderMalformed],
    ["16 tries", encodeHeaderFields(fieldList({ tries: 16 })), HeaderMalformed],
    ["a watchdog of 99 ms", encodeHeaderFields(fieldList({ watchdogMs: 99 })), HeaderMalformed],
    ["a watchdog of more than 10 minutes", encodeHeaderFields(fieldList({ watchdogMs: 600_001 })), HeaderMalformed],
    ["a key id of 7 bytes", replaced(H.FIELD_KEY_ID, new Uint8Array(7)), HeaderMalformed],
    ["the delta flag", encodeHeaderFields(fieldList({ flags: H.FLAG_DELTA })), HeaderFeatureUnsupported],
    ["the encryption flag", encodeHeaderFields(fieldList({ flags: H.FLAG_ENCRYPTED })), HeaderFeatureUnsupported],
    ["flag 31", encodeHeaderFields(fieldList({ flags: 0x80000000 })), HeaderFeatureUnsupported],
    ["a description of 513 bytes", encodeHeaderFields(fieldList({ description: "x".repeat(513) })), HeaderMalformed],
    ...fieldList().map(([type], i): [string, Uint8Array, ErrorCode] => [
      `no field 0x${type.toString(16)}`,
      encodeHeaderFields(fieldList().filter((_, j) => j !== i)),
      HeaderFieldMissing,
    ]),
  ];
  return list.map(([name, bytes, code]) => ({ name, bytes, code }));
}
