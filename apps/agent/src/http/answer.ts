// One answer at a time, put together whole before anything of it is sent. Its body is a page made here, or bytes that
// lie elsewhere.

import { decimalWriteU64 } from "../text/decimal";
import { Stream } from "../stream";
import { adviceFor, phraseOf, Status } from "./status";

const HEAD_BYTES: u32 = 512;
/** Of a page. The largest is the list of keys (key-value-service.ts). */
export const PAGE_BYTES_MAX: u32 = 3328;
/**
 * A stream's buffer has room for so much before an answer is made, and for a `100 Continue`: it is sent whole, or not
 * yet.
 */
export const ANSWER_BYTES_MAX: u32 = HEAD_BYTES + PAGE_BYTES_MAX + 32;

export class Answer {
  readonly page: usize = heap.alloc(PAGE_BYTES_MAX);
  private head: usize = heap.alloc(HEAD_BYTES);
  private headBytes: u32 = 0;
  private body: usize = 0;
  private bodyBytes: u32 = 0;
  /** Where the text of a page goes next. */
  private pageBytes: u32 = 0;
  private status: u32 = 0;
  private type: string = "";
  private allow: string = "";

  /** Adds to the page what fits. */
  text(text: string): void {
    for (let i = 0; i < text.length && this.pageBytes < PAGE_BYTES_MAX; ++i)
      store<u8>(this.page + this.pageBytes++, <u8>text.charCodeAt(i));
  }

  /** Adds bytes of others' to an HTML page. */
  escaped(ptr: usize, length: u32): void {
    for (let i: u32 = 0; i < length && this.pageBytes + 6 < PAGE_BYTES_MAX; ++i) {
      const byte: u32 = load<u8>(ptr + i);
      if (byte == 0x26) this.text("&amp;");
      else if (byte == 0x3c) this.text("&lt;");
      else if (byte == 0x3e) this.text("&gt;");
      else store<u8>(this.page + this.pageBytes++, <u8>byte);
    }
  }

  number(value: u64): void {
    if (this.pageBytes + 20 < PAGE_BYTES_MAX) this.pageBytes += decimalWriteU64(this.page + this.pageBytes, value);
  }

  beginPage(): void {
    this.pageBytes = 0;
  }

  /** The page that was made, or the first `length` bytes of it where somebody else has made it. */
  givePage(type: string, length: u32 = this.pageBytes): void {
    this.give(Status.Ok, type, this.page, length);
  }

  give(status: u32, type: string, body: usize, bodyBytes: u32): void {
    this.status = status;
    this.type = type;
    this.allow = "";
    this.body = body;
    this.bodyBytes = bodyBytes;
  }

  /** A refusal, in words. `allow`: the methods that there are, where it was the method. */
  refuse(status: u32, allow: string = ""): void {
    this.refuseWith(status, adviceFor(status));
    this.allow = allow;
  }

  refuseWith(status: u32, advice: string): void {
    this.beginPage();
    this.text(advice);
    this.text("\n");
    this.give(status, "text/plain", this.page, this.pageBytes);
  }

  /** Sends it, at most ANSWER_BYTES_MAX; to a HEAD without its body. */
  send(stream: Stream, isHead: bool, isLast: bool): void {
    this.headBytes = 0;
    this.field("HTTP/1.1 ");
    this.decimal(this.status);
    this.field(" ");
    this.field(phraseOf(this.status));
    this.field("\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
    if (this.status != Status.NoContent) {
      this.field("Content-Type: ");
      this.field(this.type);
      this.field("\r\nContent-Security-Policy: default-src 'none'\r\nContent-Length: ");
      this.decimal(this.bodyBytes);
      this.field("\r\n");
    }
    if (this.allow.length != 0) {
      this.field("Allow: ");
      this.field(this.allow);
      this.field("\r\n");
    }
    this.field(isLast ? "Connection: close\r\n\r\n" : "\r\n");
    stream.write(this.head, this.headBytes);
    if (!isHead && this.bodyBytes != 0) stream.write(this.body, this.bodyBytes);
  }

  /** RFC 9110 §15.2.1 */
  sendContinue(stream: Stream): void {
    this.headBytes = 0;
    this.field("HTTP/1.1 100 Continue\r\n\r\n");
    stream.write(this.head, this.headBytes);
  }

  private field(text: string): void {
    for (let i = 0; i < text.length && this.headBytes < HEAD_BYTES; ++i)
      store<u8>(this.head + this.headBytes++, <u8>text.charCodeAt(i));
  }

  private decimal(value: u32): void {
    this.headBytes += decimalWriteU64(this.head + this.headBytes, value);
  }
}
