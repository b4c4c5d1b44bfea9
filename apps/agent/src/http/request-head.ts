// A request's head, line by line as it comes (RFC 9112). What one server would read so and another one otherwise is
// refused, since that is how a request is smuggled past whoever stands in front: bare CR or LF, space before a colon,
// folded fields, two lengths, a length beside a transfer coding, more than one Host.
//
// The verdict depends on the bytes alone, not on the pieces in which they come.

import { decimalReadU32 } from "../text/decimal";
import { equalsText, isText, isTokenByte } from "./field-text";
import { Status } from "./status";

/** Of the request line and all fields, with the empty line behind them. */
export const HEAD_BYTES_MAX: u32 = 1024;
const REQUEST_LINE_BYTES_MAX: u32 = 320;
const FIELDS_MAX: u32 = 32;

/** What is not served (POST, PATCH, …) is Other; what no registry knows is Unknown. */
export const enum Method {
  Unknown,
  Other,
  Get,
  Head,
  Put,
  Delete,
}

/** What `take` returns while the head is not whole. */
export const INCOMPLETE: u32 = 0;

export class RequestHead {
  readonly buffer: usize = heap.alloc(HEAD_BYTES_MAX);
  /** Bytes in the buffer: the head, and what came behind it. */
  filled: u32 = 0;
  private scanned: u32 = 0;
  private lineStart: u32 = 0;
  private lines: u32 = 0;

  // Of the request that is being read: all zero when it begins (`reset`).

  method: Method = Method.Unknown;
  path: usize = 0;
  pathBytes: u32 = 0;
  /** Absent where there is none. */
  hasLength: bool = false;
  contentBytes: u32 = 0;
  isPersistent: bool = false;
  expectsContinue: bool = false;
  private isHttp11: bool = false;
  private hasHost: bool = false;
  private hasCoding: bool = false;
  private hasOtherExpectation: bool = false;
  private foreignHost: bool = false;

  /** Where the next bytes go, and how many. */
  free(): usize {
    return this.buffer + this.filled;
  }
  room(): u32 {
    return HEAD_BYTES_MAX - this.filled;
  }

  /** Bytes of the head, once it is whole. */
  bytes(): u32 {
    return this.scanned;
  }

  /** Something of a request has come, and not all of its head. */
  hasBegun(): bool {
    return this.filled != 0;
  }

  /**
   * Reads on in what is there. INCOMPLETE; Status.Ok: the head is whole, and what it asks for can be looked at; else
   * the status to refuse it with.
   */
  take(): u32 {
    while (this.scanned < this.filled) {
      const at = this.buffer + this.scanned;
      const byte: u32 = load<u8>(at);
      const before: u32 = this.scanned == this.lineStart ? 0 : load<u8>(at - 1);
      ++this.scanned;
      if ((byte == 0x0a) != (before == 0x0d)) return Status.BadRequest;
      if ((byte < 0x20 && byte != 0x09 && byte != 0x0d && byte != 0x0a) || byte == 0x7f) return Status.BadRequest;
      if (byte == 0x0a) {
        const status = this.line(this.buffer + this.lineStart, this.scanned - 2 - this.lineStart);
        if (status != INCOMPLETE) return status;
      } else if (this.lines == 0 && this.scanned - this.lineStart > REQUEST_LINE_BYTES_MAX) {
        return Status.UriTooLong;
      }
    }
    return this.filled == HEAD_BYTES_MAX ? Status.FieldsTooLarge : INCOMPLETE;
  }

  /** The first `count` bytes are done with: what is behind them becomes the beginning of the next request. */
  drop(count: u32): void {
    memory.copy(this.buffer, this.buffer + count, this.filled - count);
    this.filled -= count;
    this.reset();
  }

  /** For another connection. */
  clear(): void {
    this.filled = 0;
    this.reset();
  }

  private reset(): void {
    this.scanned = 0;
    this.lineStart = 0;
    this.lines = 0;
    const zeros = offsetof<RequestHead>("method");
    memory.fill(changetype<usize>(this) + zeros, 0, offsetof<RequestHead>() - zeros);
  }

  /** One line without its end. */
  private line(start: usize, length: u32): u32 {
    this.lineStart = this.scanned;
    if (length == 0) {
      if (this.lines != 0) return this.judge();
      // RFC 9112 §2.2: an empty line before a request is passed over. One: no stream of them is.
      return this.scanned == 2 ? INCOMPLETE : Status.BadRequest;
    }
    if (++this.lines == 1) return this.requestLine(start, start + length);
    return this.lines > FIELDS_MAX + 1 ? Status.FieldsTooLarge : this.field(start, start + length);
  }

  /** RFC 9112 §3: method SP request-target SP HTTP-version, with one space each. */
  private requestLine(start: usize, end: usize): u32 {
    let at = start;
    while (at < end && isTokenByte(load<u8>(at))) ++at;
    if (at == start || at == end || load<u8>(at) != 0x20) return Status.BadRequest;
    this.method = methodOf(start, <u32>(at - start));
    const target = ++at;
    while (at < end && load<u8>(at) > 0x20 && load<u8>(at) < 0x7f) ++at;
    if (at == end || load<u8>(at) != 0x20 || !this.target(target, at)) return Status.BadRequest;
    return this.version(at + 1, <u32>(end - at - 1));
  }

  /** RFC 9112 §2.3; the name's case counts. */
  private version(at: usize, length: u32): u32 {
    if (length != 8 || !isText(at, 5, "HTTP/") || load<u8>(at, 6) != 0x2e) return Status.BadRequest;
    const major = <u32>load<u8>(at, 5) - 0x30;
    const minor = <u32>load<u8>(at, 7) - 0x30;
    if (major > 9 || minor > 9) return Status.BadRequest;
    if (major != 1) return Status.VersionNotSupported;
    this.isHttp11 = minor != 0;
    this.isPersistent = this.isHttp11;
    return INCOMPLETE;
  }

  /**
   * RFC 9112 §3.2: a path, or an http URI whose authority is passed over as the Host field's is. The query is not
   * looked at.
   */
  private target(start: usize, end: usize): bool {
    let at = start;
    if (end - start >= 7 && equalsText(start, 7, "http://")) {
      at += 7;
      const authority = at;
      while (at < end && load<u8>(at) != 0x2f) ++at;
      this.foreignHost = !isOwnHost(authority, <u32>(at - authority));
    }
    if (at == end || load<u8>(at) != 0x2f) return false;
    this.path = at;
    while (at < end && load<u8>(at) != 0x3f) {
      if (load<u8>(at) == 0x23) return false;
      ++at;
    }
    this.pathBytes = <u32>(at - this.path);
    return true;
  }

  /** RFC 9112 §5: field-name ":" OWS field-value OWS */
  private field(start: usize, end: usize): u32 {
    let at = start;
    while (at < end && isTokenByte(load<u8>(at))) ++at;
    const nameBytes = <u32>(at - start);
    if (nameBytes == 0 || at == end || load<u8>(at) != 0x3a) return Status.BadRequest;
    ++at;
    while (at < end && isSpace(load<u8>(at))) ++at;
    while (at < end && isSpace(load<u8>(end - 1))) --end;
    const valueBytes = <u32>(end - at);
    if (equalsText(start, nameBytes, "host")) return this.host(at, valueBytes);
    if (equalsText(start, nameBytes, "content-length")) return this.contentLength(at, valueBytes);
    if (equalsText(start, nameBytes, "transfer-encoding")) this.hasCoding = true;
    else if (equalsText(start, nameBytes, "connection")) this.connection(at, end);
    else if (equalsText(start, nameBytes, "expect")) {
      if (equalsText(at, valueBytes, "100-continue")) this.expectsContinue = true;
      else this.hasOtherExpectation = true;
    }
    return INCOMPLETE;
  }

  private host(at: usize, length: u32): u32 {
    if (this.hasHost) return Status.BadRequest;
    this.hasHost = true;
    if (!isOwnHost(at, length)) this.foreignHost = true;
    return INCOMPLETE;
  }

  /** RFC 9112 §6.3: one number, once. A list of equal ones may be taken, and need not be. */
  private contentLength(at: usize, length: u32): u32 {
    if (this.hasLength) return Status.BadRequest;
    // More than ten digits, leading zeros aside, are more than any body here may have.
    while (length > 1 && load<u8>(at) == 0x30) {
      ++at;
      --length;
    }
    for (let i: u32 = 0; i < length; ++i) if (<u32>load<u8>(at + i) - 0x30 > 9) return Status.BadRequest;
    if (length == 0) return Status.BadRequest;
    const value = decimalReadU32(at, length);
    this.hasLength = true;
    this.contentBytes = value < 0 ? u32.MAX_VALUE : <u32>value;
    return INCOMPLETE;
  }

  /** RFC 9110 §7.6.1: a list of options, of which two are ours. */
  private connection(at: usize, end: usize): void {
    while (at < end) {
      const start = at;
      while (at < end && load<u8>(at) != 0x2c) ++at;
      let last = at;
      let first = start;
      while (first < last && isSpace(load<u8>(first))) ++first;
      while (first < last && isSpace(load<u8>(last - 1))) --last;
      if (equalsText(first, <u32>(last - first), "close")) this.isPersistent = false;
      ++at;
    }
  }

  /** The head is whole: whether its parts agree. */
  private judge(): u32 {
    if (this.hasCoding) {
      // RFC 9112 §6.1, §6.3: beside a length, or from one that can't know of it, it is an attack or a mistake.
      this.isPersistent = false;
      return this.hasLength || !this.isHttp11 ? Status.BadRequest : Status.NotImplemented;
    }
    if (this.isHttp11 && !this.hasHost) return Status.BadRequest;
    if (this.foreignHost) return Status.Misdirected;
    if (this.hasOtherExpectation) return Status.ExpectationFailed;
    if (!this.isHttp11) this.expectsContinue = false;
    return Status.Ok;
  }
}

function isSpace(byte: u32): bool {
  return byte == 0x20 || byte == 0x09;
}

/**
 * An IPv4 address or `localhost`, with or without a port. A name is none of ours: a page of another site whose name was
 * made to point here (DNS rebinding) would otherwise read and write as if it were ours.
 */
function isOwnHost(at: usize, length: u32): bool {
  let end: u32 = 0;
  while (end < length && load<u8>(at + end) != 0x3a) ++end;
  if (end < length) {
    if (length - end > 6) return false;
    for (let i = end + 1; i < length; ++i) if (<u32>load<u8>(at + i) - 0x30 > 9) return false;
  }
  if (equalsText(at, end, "localhost")) return true;
  let dots: u32 = 0;
  for (let i: u32 = 0; i < end; ++i) {
    const byte: u32 = load<u8>(at + i);
    if (byte == 0x2e) ++dots;
    else if (byte - 0x30 > 9) return false;
  }
  return dots == 3 && end >= 7 && end <= 15;
}

/** Methods are case-sensitive (RFC 9110 §9.1). */
function methodOf(at: usize, length: u32): Method {
  if (isText(at, length, "GET")) return Method.Get;
  if (isText(at, length, "HEAD")) return Method.Head;
  if (isText(at, length, "PUT")) return Method.Put;
  if (isText(at, length, "DELETE")) return Method.Delete;
  if (isText(at, length, "POST") || isText(at, length, "PATCH")) return Method.Other;
  if (isText(at, length, "OPTIONS") || isText(at, length, "TRACE")) return Method.Other;
  return isText(at, length, "CONNECT") ? Method.Other : Method.Unknown;
}
