// Writes one JSON document (RFC 8259) into a buffer of the caller's. Whatever is called in whatever order, the result
// is a valid document or an error: the first error sticks, later calls write nothing, and `finish` tells it.

import { Errno } from "../exokernel";
import { base64urlEncode, base64urlLength } from "../text/base64url";
import { DECIMAL_BYTES, decimalWriteI64 } from "../text/decimal";
import { hexEncode } from "../text/hex";
import { utf8Sequence } from "../text/utf8";

/** Containers may nest this deep. */
const DEPTH_MAX: u32 = 31;

/** Scratch for one number. */
const DIGITS: usize = memory.data(DECIMAL_BYTES);

/** What may come next. */
namespace Expect {
  export const FirstName: i32 = 0; // after `{`
  export const Name: i32 = 1; // after a member
  export const MemberValue: i32 = 2; // after a name
  export const FirstElement: i32 = 3; // after `[`
  export const Element: i32 = 4; // after an element
  export const Document: i32 = 5; // nothing written yet
  export const End: i32 = 6;
}

export class JsonWriter {
  /** 0, Errno.Again (the buffer is too small) or Errno.Argument (wrong order of calls, or bytes that aren't UTF-8). */
  error: i32 = Errno.Argument;
  private start: usize = 0;
  private at: usize = 0;
  private end: usize = 0;
  private expect: i32 = Expect.End;
  private depth: u32 = 0;
  /** Bit d is set when the container at depth d is an object. */
  private objects: u32 = 0;

  /** Starts a new document in [buffer, buffer + capacity). */
  begin(buffer: usize, capacity: u32): void {
    this.start = buffer;
    this.at = buffer;
    this.end = buffer + capacity;
    this.error = 0;
    this.expect = Expect.Document;
    this.depth = 0;
  }

  /** Length of the document in bytes, or the sticky error; Errno.Argument when the document isn't complete. */
  finish(): i32 {
    if (this.error != 0) return this.error;
    return this.expect == Expect.End ? <i32>(this.at - this.start) : Errno.Argument;
  }

  beginObject(): void {
    this.open(0x7b, Expect.FirstName);
  }

  endObject(): void {
    this.close(0x7d, Expect.FirstName, Expect.Name);
  }

  beginArray(): void {
    this.open(0x5b, Expect.FirstElement);
  }

  endArray(): void {
    this.close(0x5d, Expect.FirstElement, Expect.Element);
  }

  /**
   * A member's name: a literal of ASCII letters, digits and the like; nothing in it is escaped. Names aren't compared.
   */
  key(name: string): void {
    const expect = this.expect;
    if (expect > Expect.Name) this.fail(Errno.Argument);
    if (expect == Expect.Name) this.byte(0x2c);
    this.literal(name, true);
    this.byte(0x3a);
    this.expect = Expect.MemberValue;
  }

  /** A string value from UTF-8 bytes. */
  string(ptr: usize, length: u32): void {
    if (!this.value()) return;
    this.byte(0x22);
    const end = ptr + length;
    while (ptr < end && this.error == 0) {
      const char: u32 = load<u8>(ptr);
      if (char == 0x22 || char == 0x5c) {
        this.byte(0x5c);
        this.byte(char);
        ptr++;
      } else if (char < 0x20) {
        // RFC 8259 §7 has short forms for some; one form for all is as valid and smaller.
        const to = this.room(6);
        if (to != 0) {
          store<u32>(to, 0x3030755c); // "\u00" in memory order
          hexEncode(to + 4, ptr, 1);
        }
        ptr++;
      } else {
        const step = utf8Sequence(ptr, end);
        if (step == 0) this.fail(Errno.Argument);
        const to = this.room(step);
        if (to != 0) memory.copy(to, ptr, step);
        ptr += step;
      }
    }
    this.byte(0x22);
  }

  /** A string value from a literal that needs no escapes (ASCII). */
  text(literal: string): void {
    if (this.value()) this.literal(literal, true);
  }

  i64(value: i64): void {
    if (!this.value()) return;
    const length = decimalWriteI64(DIGITS, value);
    const to = this.room(length);
    if (to != 0) memory.copy(to, DIGITS, length);
  }

  i32(value: i32): void {
    this.i64(value);
  }

  u32(value: u32): void {
    this.i64(value);
  }

  bool(value: bool): void {
    if (this.value()) this.literal(value ? "true" : "false", false);
  }

  null(): void {
    if (this.value()) this.literal("null", false);
  }

  /** A string value: the bytes in lower-case hexadecimal. */
  hex(ptr: usize, length: u32): void {
    if (!this.value()) return;
    this.byte(0x22);
    const to = this.room(<u64>length * 2);
    if (to != 0) hexEncode(to, ptr, length);
    this.byte(0x22);
  }

  /** A string value: the bytes in base64url without padding. */
  base64url(ptr: usize, length: u32): void {
    if (!this.value()) return;
    this.byte(0x22);
    const to = this.room(length >> 29 ? u64.MAX_VALUE : base64urlLength(length));
    if (to != 0) base64urlEncode(to, ptr, length);
    this.byte(0x22);
  }

  /** Checks that a value may come here, and writes the comma before it. */
  private value(): bool {
    const expect = this.expect;
    if (expect < Expect.MemberValue || expect == Expect.End) this.fail(Errno.Argument);
    if (expect == Expect.Element) this.byte(0x2c);
    this.expect = expect == Expect.MemberValue ? Expect.Name : expect == Expect.Document ? Expect.End : Expect.Element;
    return this.error == 0;
  }

  private open(bracket: u32, expect: i32): void {
    if (!this.value()) return;
    if (this.depth == DEPTH_MAX) return this.fail(Errno.Argument);
    this.depth++;
    const bit: u32 = 1 << this.depth;
    this.objects = expect == Expect.FirstName ? this.objects | bit : this.objects & ~bit;
    this.expect = expect;
    this.byte(bracket);
  }

  private close(bracket: u32, empty: i32, full: i32): void {
    if (this.expect != empty && this.expect != full) this.fail(Errno.Argument);
    if (this.error != 0) return;
    this.byte(bracket);
    this.depth--;
    if (this.depth == 0) this.expect = Expect.End;
    else this.expect = this.objects & (1 << this.depth) ? Expect.Name : Expect.Element;
  }

  private fail(error: i32): void {
    if (this.error == 0) this.error = error;
  }

  private literal(text: string, quoted: bool): void {
    // A literal is a static object of UTF-16 units; nothing is allocated to read it.
    const length = <u32>text.length;
    const to = this.room(quoted ? length + 2 : length);
    if (to == 0) return;
    const from = changetype<usize>(text);
    let at = to;
    if (quoted) store<u8>(at++, 0x22);
    for (let i: u32 = 0; i < length; i++) store<u8>(at++, load<u8>(from + 2 * i));
    if (quoted) store<u8>(at, 0x22);
  }

  private byte(char: u32): void {
    const to = this.room(1);
    if (to != 0) store<u8>(to, char);
  }

  /** Takes `length` bytes of the buffer: where they start, or 0 after an error. */
  private room(length: u64): usize {
    if (this.error != 0) return 0;
    const to = this.at;
    if (length > <u64>(this.end - to)) {
      this.fail(Errno.Again);
      return 0;
    }
    this.at = to + <usize>length;
    return to;
  }
}
