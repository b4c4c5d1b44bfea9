// Test module: text on raw memory, as exports.
export { hexEncode, hexDecode } from "../../../src/text/hex";
export { base64urlEncode, base64urlDecode, base64urlLength } from "../../../src/text/base64url";
export { decimalWriteU64, decimalWriteI64, decimalReadU32 } from "../../../src/text/decimal";
export { utf8Valid, utf8Encode } from "../../../src/text/utf8";

/** Memory from here on is the test's. */
export const SPACE: usize = heap.alloc(1 << 20);

export function trap(message: usize, file: usize, line: u32, column: u32): void {
  unreachable();
}
