// Reads JSON (RFC 8259) in place. `open` checks the whole document once, in one pass without recursion; what follows
// only walks bytes that are known to be well formed. Nothing is allocated and nothing is copied but decoded text.
//
//   json.open(ptr, length);
//   const attempt = json.u32("attempt");                                   // {"deployment":"d1","attempt":2,…}
//   const length = json.string("deployment", buffer, BUFFER_BYTES);
//   const pollMs = json.has("pollMs") ? json.u32("pollMs") : POLL_MS;
//   if (json.error != 0) return refuse();                                  // whatever was wrong above, once
//
// What is stricter than JSON.parse:
//   - containers nest at most DEPTH_MAX deep
//   - bytes must be UTF-8 (RFC 3629) without a byte order mark
//   - a \u escape that is half a surrogate pair is refused: it has no UTF-8 form
//   - a name that occurs twice in the object where it is looked up is an error for whoever asks for it, so two
//     readers can't disagree on which one counts; other names may repeat
//   - numbers are read as integers only: "1.0" and "1e3" are valid documents but not valid integers
//
// A value is named by the address of its first byte; 0 is "no such value".

import { Errno } from "../exokernel";
import { base64urlDecode } from "../text/base64url";
import { hexDecode } from "../text/hex";
import { utf8Encode, utf8Sequence } from "../text/utf8";

const DEPTH_MAX: u32 = 31;

// biome-ignore format: a table, row by row
export namespace JsonKind {
  export const Absent: i32 = 0;
  export const Null: i32 = 1;
  export const Bool: i32 = 2;
  export const Number: i32 = 3;
  export const String: i32 = 4;
  export const Array: i32 = 5;
  export const Object: i32 = 6;
}

export class JsonReader {
  /** 0, or the first error since `open`: Errno.Argument (malformed, wrong kind, out of range, doesn't fit, name
   * occurs twice) or Errno.Absent (no member of that name). */
  error: i32 = Errno.Absent;
  /** The document's value. */
  root: usize = 0;
  /** The object that members are looked up in: the root, or what the caller sets. */
  object: usize = 0;
  /** End of the document. */
  private end: usize = 0;

  /** Takes a document, which must stay where it is while it is read. 0, or Errno.Argument when it isn't JSON. */
  open(ptr: usize, length: u32): i32 {
    this.end = ptr + length;
    this.root = skipSpace(ptr, this.end);
    this.object = this.root;
    this.error = 0;
    if (!checkDocument(this.root, this.end)) {
      this.error = Errno.Argument;
      this.root = 0;
      this.object = 0;
    }
    return this.error;
  }

  // ---- members of `object`, by name (ASCII literals) ---------------------------------------------------------------

  has(name: string): bool {
    return this.find(name) != 0;
  }

  u32(name: string): u32 {
    return this.u32Of(this.member(name));
  }

  i64(name: string): i64 {
    return this.i64Of(this.member(name));
  }

  bool(name: string): bool {
    const value = this.member(name);
    const first: u32 = value ? load<u8>(value) : 0;
    if (first != 0x74 && first != 0x66) this.fail(Errno.Argument);
    return first == 0x74;
  }

  /** Decodes a string to UTF-8 at `dst`; its length in bytes, or -1 with `error` set. */
  string(name: string, dst: usize, capacity: u32): i32 {
    return this.stringOf(this.member(name), dst, capacity);
  }

  /** Bytes written as strict base64url in a string; their number, or -1 with `error` set. */
  base64url(name: string, dst: usize, capacity: u32): i32 {
    const value = this.plain(this.member(name));
    const length = value ? base64urlDecode(dst, capacity, value, this.plainLength) : Errno.Argument;
    if (length < 0) this.fail(Errno.Argument);
    return length;
  }

  /** Exactly `length` bytes written as lower-case hexadecimal in a string; false with `error` set otherwise. */
  hex(name: string, dst: usize, length: u32): bool {
    const value = this.plain(this.member(name));
    if (value && hexDecode(dst, length, value, this.plainLength) == <i32>length) return true;
    this.fail(Errno.Argument);
    return false;
  }

  /** Whether the member is a string that equals the ASCII literal; a missing member is an error. */
  equals(name: string, literal: string): bool {
    return this.equalsAt(this.member(name), literal);
  }

  // ---- values by address -------------------------------------------------------------------------------------------

  /** The value of the member of `object`, or 0 with `error` set. */
  member(name: string): usize {
    const value = this.find(name);
    if (value == 0) this.fail(Errno.Absent);
    return value;
  }

  kind(value: usize): i32 {
    if (value == 0) return JsonKind.Absent;
    const first = load<u8>(value);
    if (first == 0x22) return JsonKind.String;
    if (first == 0x7b) return JsonKind.Object;
    if (first == 0x5b) return JsonKind.Array;
    if (first == 0x6e) return JsonKind.Null;
    return first == 0x74 || first == 0x66 ? JsonKind.Bool : JsonKind.Number;
  }

  /** First element of an array or first name (a string) of an object; 0 when it is empty or no container. */
  first(container: usize): usize {
    if (this.kind(container) < JsonKind.Array) return 0;
    const at = skipSpace(container + 1, this.end);
    return isCloser(load<u8>(at)) ? 0 : at;
  }

  /** What follows an element, or the name that follows a member's value; 0 after the last. */
  next(value: usize): usize {
    if (value == 0 || value == this.root) return 0;
    const at = skipSpace(skipValue(value, this.end), this.end);
    return load<u8>(at) == 0x2c ? skipSpace(at + 1, this.end) : 0;
  }

  /** The value that belongs to a name that `first` or `next` returned. */
  valueOf(name: usize): usize {
    return skipSpace(skipSpace(skipString(name), this.end) + 1, this.end);
  }

  u32Of(value: usize): u32 {
    const wide = this.i64Of(value);
    if (wide >>> 32 == 0) return <u32>wide;
    this.fail(Errno.Argument);
    return 0;
  }

  i64Of(value: usize): i64 {
    if (this.kind(value) == JsonKind.Number) {
      const negative = load<u8>(value) == 0x2d;
      let at = value + <usize>negative;
      let sum: u64 = 0;
      while (true) {
        const char: u32 = at < this.end ? load<u8>(at) : 0;
        const digit = char - 0x30;
        if (digit > 9) {
          // A fraction or an exponent makes it a number that isn't read as an integer.
          if (char == 0x2e || (char | 0x20) == 0x65) break;
          return negative ? -sum : sum;
        }
        // The largest magnitude is 2^63 for a negative number and one less for a positive one.
        if (sum > (u64.MAX_VALUE >> 1) / 10) break;
        sum = sum * 10 + digit;
        if (sum > (u64.MAX_VALUE >> 1) + <u64>negative) break;
        at++;
      }
    }
    this.fail(Errno.Argument);
    return 0;
  }

  /** As `string`. */
  stringOf(value: usize, dst: usize, capacity: u32): i32 {
    if (this.kind(value) == JsonKind.String) {
      const start = dst;
      const limit = dst + capacity;
      let at = value + 1;
      while (true) {
        const char: u32 = load<u8>(at);
        if (char == 0x22) return <i32>(dst - start);
        if (char == 0x5c) {
          const length = utf8Encode(SCALAR, unescape(at));
          at += escapeLength(at);
          if (<u32>(limit - dst) < length) break;
          memory.copy(dst, SCALAR, length);
          dst += length;
        } else {
          if (dst == limit) break;
          store<u8>(dst++, char);
          at++;
        }
      }
    }
    this.fail(Errno.Argument);
    return -1;
  }

  equalsAt(value: usize, literal: string): bool {
    if (this.kind(value) == JsonKind.String) return equalsLiteral(value, literal);
    this.fail(Errno.Argument);
    return false;
  }

  // ------------------------------------------------------------------------------------------------------------------

  private plainLength: u32 = 0;

  /** Address of a string's characters, their number in plainLength; 0 when it isn't a string. What is read from it
   * (hexadecimal, base64url) never needs an escape, so an escape is refused by the decoder as a wrong character. */
  private plain(value: usize): usize {
    if (this.kind(value) != JsonKind.String) return 0;
    this.plainLength = <u32>(skipString(value) - value - 2);
    return value + 1;
  }

  /** All members are looked at: a second one of the name is an error. */
  private find(name: string): usize {
    let found: usize = 0;
    if (this.kind(this.object) != JsonKind.Object) return 0;
    for (let at = this.first(this.object); at != 0; ) {
      const value = this.valueOf(at);
      if (equalsLiteral(at, name)) {
        if (found != 0) {
          this.fail(Errno.Argument);
          return 0;
        }
        found = value;
      }
      at = this.next(value);
    }
    return found;
  }

  private fail(error: i32): void {
    if (this.error == 0) this.error = error;
  }
}

/** Scratch for one code point. */
const SCALAR: usize = memory.data(4);

// ---- walking what is known to be well formed -----------------------------------------------------------------------

function isSpace(char: u32): bool {
  return char == 0x20 || char - 9 < 2 || char == 13;
}

function isCloser(char: u32): bool {
  return (char | 0x20) == 0x7d; // ] or }
}

function skipSpace(at: usize, end: usize): usize {
  while (at < end && isSpace(load<u8>(at))) at++;
  return at;
}

/** After the closing quote. */
function skipString(at: usize): usize {
  while (load<u8>(++at) != 0x22) {
    if (load<u8>(at) == 0x5c) at++;
  }
  return at + 1;
}

/** After the value: its end is a bracket at its own depth, or the first delimiter. */
function skipValue(at: usize, end: usize): usize {
  let depth: u32 = 0;
  while (at < end) {
    const char: u32 = load<u8>(at);
    if (char == 0x22) {
      at = skipString(at);
      if (depth == 0) return at;
      continue;
    }
    if (char == 0x7b || char == 0x5b) depth++;
    else if (isCloser(char)) {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    } else if (depth == 0 && (char == 0x2c || isSpace(char))) return at;
    at++;
  }
  return at;
}

/** Length of the escape at `at`: two, six, or twelve for a surrogate pair. */
function escapeLength(at: usize): usize {
  if (load<u8>(at, 1) != 0x75) return 2;
  return (unescapeUnit(at) & 0xfc00) == 0xd800 ? 12 : 6;
}

/** The code point that the escape at `at` stands for. */
function unescape(at: usize): u32 {
  const char: u32 = load<u8>(at, 1);
  if (char == 0x75) {
    const unit = unescapeUnit(at);
    if ((unit & 0xfc00) != 0xd800) return unit;
    return 0x10000 + ((unit & 0x3ff) << 10) + (unescapeUnit(at + 6) & 0x3ff);
  }
  if (char == 0x62) return 8;
  if (char == 0x66) return 12;
  if (char == 0x6e) return 10;
  if (char == 0x72) return 13;
  if (char == 0x74) return 9;
  return char;
}

/** The four digits of "\uXXXX", either case, or a value above 0xffff when there is something else. */
function unescapeUnit(at: usize): u32 {
  let unit: u32 = 0;
  for (let i: usize = 2; i < 6; i++) {
    const char: u32 = load<u8>(at + i);
    const letter = (char | 0x20) - 0x61;
    const digit = char - 0x30 < 10 ? char - 0x30 : letter < 6 ? letter + 10 : 0x10000;
    unit = (unit << 4) | digit;
  }
  return unit;
}

/** Whether the string at `at`, escapes decoded, equals the ASCII literal. */
function equalsLiteral(at: usize, literal: string): bool {
  const length = <u32>literal.length;
  at++;
  for (let i: u32 = 0; i < length; i++) {
    let char: u32 = load<u8>(at);
    if (char == 0x22) return false;
    if (char == 0x5c) {
      char = unescape(at);
      at += escapeLength(at);
    } else at++;
    if (char != <u32>load<u16>(changetype<usize>(literal) + 2 * i)) return false;
  }
  return load<u8>(at) == 0x22;
}

// ---- checking ------------------------------------------------------------------------------------------------------

/** Whether [at, end) is one value with nothing but space after it; `at` is past the leading space. */
function checkDocument(at: usize, end: usize): bool {
  let depth: u32 = 0;
  /** Bit d is set when the container at depth d is an object. */
  let objects: u32 = 0;
  while (true) {
    // A value (in an object: a name, a colon and a value) starts here.
    if (at >= end) return false;
    let first: u32 = load<u8>(at);
    if (depth != 0 && objects & (1 << depth)) {
      at = checkString(at, end);
      if (at == 0) return false;
      at = skipSpace(at, end);
      if (at >= end || load<u8>(at) != 0x3a) return false;
      at = skipSpace(at + 1, end);
      if (at >= end) return false;
      first = load<u8>(at);
    }
    if (first == 0x7b || first == 0x5b) {
      if (depth == DEPTH_MAX) return false;
      depth++;
      const bit: u32 = 1 << depth;
      objects = first == 0x7b ? objects | bit : objects & ~bit;
      at = skipSpace(at + 1, end);
      if (at >= end) return false;
      // "{}" and "[]": the closer is handled below, like that of a full one.
      if (load<u8>(at) != first + 2) continue;
    } else {
      if (first == 0x22) at = checkString(at, end);
      else if (first == 0x74)
        at = checkWord(at, end, 0x65757274, 4); // "true" in memory order
      else if (first == 0x6e)
        at = checkWord(at, end, 0x6c6c756e, 4); // "null"
      else if (first == 0x66)
        at = checkWord(at + 1, end, 0x65736c61, 4); // f"alse"
      else at = checkNumber(at, end);
      if (at == 0) return false;
    }
    // After a value: closers, then a comma or the end.
    while (true) {
      at = skipSpace(at, end);
      if (depth == 0) return at == end;
      if (at >= end) return false;
      const char: u32 = load<u8>(at++);
      if (char == 0x2c) break;
      if (char != (objects & (1 << depth) ? 0x7d : 0x5d)) return false;
      depth--;
    }
    at = skipSpace(at, end);
  }
}

function checkWord(at: usize, end: usize, word: u32, length: u32): usize {
  return <u32>(end - at) >= length && at < end && load<u32>(at) == word ? at + length : 0;
}

/** After the string, or 0. */
function checkString(at: usize, end: usize): usize {
  if (at >= end || load<u8>(at) != 0x22) return 0;
  at++;
  while (at < end) {
    const char: u32 = load<u8>(at);
    if (char == 0x22) return at + 1;
    if (char < 0x20) return 0;
    if (char == 0x5c) {
      const length = checkEscape(at, end);
      if (length == 0) return 0;
      at += length;
    } else {
      const length = utf8Sequence(at, end);
      if (length == 0) return 0;
      at += length;
    }
  }
  return 0;
}

/** Length of the escape, or 0. */
function checkEscape(at: usize, end: usize): u32 {
  const left = <u32>(end - at);
  if (left < 2) return 0;
  const char: u32 = load<u8>(at, 1);
  if (char != 0x75) {
    // \" \\ \/ \b \f \n \r \t
    return char == 0x22 || char == 0x5c || char == 0x2f || unescape(at) != char ? 2 : 0;
  }
  if (left < 6) return 0;
  const unit = unescapeUnit(at);
  if (unit > 0xffff) return 0;
  if ((unit & 0xf800) != 0xd800) return 6;
  // RFC 8259 §7: beyond the basic plane a high surrogate is followed by a low one; §8.2 leaves half a pair to us.
  if (unit >= 0xdc00 || left < 12 || load<u16>(at, 6) != 0x755c) return 0;
  return (unescapeUnit(at + 6) & ~0x3ff) == 0xdc00 ? 12 : 0;
}

/** After the number (RFC 8259 §6), or 0. */
function checkNumber(at: usize, end: usize): usize {
  if (load<u8>(at) == 0x2d) at++;
  let next = skipDigits(at, end);
  if (next == at || (next - at > 1 && load<u8>(at) == 0x30)) return 0;
  at = next;
  if (at < end && load<u8>(at) == 0x2e) {
    next = skipDigits(++at, end);
    if (next == at) return 0;
    at = next;
  }
  if (at < end && (load<u8>(at) | 0x20) == 0x65) {
    at++;
    if (at < end && (load<u8>(at) == 0x2b || load<u8>(at) == 0x2d)) at++;
    next = skipDigits(at, end);
    if (next == at) return 0;
    at = next;
  }
  return at;
}

function skipDigits(at: usize, end: usize): usize {
  while (at < end && <u32>load<u8>(at) - 0x30 < 10) at++;
  return at;
}
