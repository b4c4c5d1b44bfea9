// Test module: JSON reader and writer, as exports.
import { JsonReader } from "../../../src/json/reader";
import { JsonWriter } from "../../../src/json/writer";

/** Memory from here on is the test's. */
export const SPACE: usize = heap.alloc(1 << 20);

const reader = new JsonReader();
const writer = new JsonWriter();

export function trap(message: usize, file: usize, line: u32, column: u32): void {
  unreachable();
}

/** The stub allocator's mark: what the next allocation would return. */
export function allocated(): usize {
  const ptr = heap.alloc(16);
  heap.free(ptr);
  return ptr;
}

export function open(ptr: usize, length: u32): i32 {
  return reader.open(ptr, length);
}
export function error(): i32 {
  return reader.error;
}
export function root(): usize {
  return reader.root;
}
export function kind(value: usize): i32 {
  return reader.kind(value);
}
export function first(value: usize): usize {
  return reader.first(value);
}
export function next(value: usize): usize {
  return reader.next(value);
}
export function valueOf(name: usize): usize {
  return reader.valueOf(name);
}
export function i64Of(value: usize): i64 {
  return reader.i64Of(value);
}
export function u32Of(value: usize): u32 {
  return reader.u32Of(value);
}
export function stringOf(value: usize, dst: usize, capacity: u32): i32 {
  return reader.stringOf(value, dst, capacity);
}
export function readU32(): u32 {
  return reader.u32("attempt");
}
export function readI64(): i64 {
  return reader.i64("attempt");
}
export function hasAttempt(): bool {
  return reader.has("attempt");
}
export function readBool(): bool {
  return reader.bool("flag");
}
export function readString(dst: usize, capacity: u32): i32 {
  return reader.string("deployment", dst, capacity);
}
export function readHeader(dst: usize, capacity: u32): i32 {
  return reader.base64url("header", dst, capacity);
}
export function readDigest(dst: usize, length: u32): bool {
  return reader.hex("digest", dst, length);
}
export function isOffer(): bool {
  return reader.equals("type", "offer");
}
export function enter(value: usize): void {
  reader.object = value;
}

export function begin(ptr: usize, capacity: u32): void {
  writer.begin(ptr, capacity);
}
export function finish(): i32 {
  return writer.finish();
}
export function beginObject(): void {
  writer.beginObject();
}
export function endObject(): void {
  writer.endObject();
}
export function beginArray(): void {
  writer.beginArray();
}
export function endArray(): void {
  writer.endArray();
}
/** Names "k0" … "k3" by number: literals are compile-time. */
export function key(number: u32): void {
  writer.key(number == 0 ? "k0" : number == 1 ? "k1" : number == 2 ? "k2" : "k3");
}
export function writeString(ptr: usize, length: u32): void {
  writer.string(ptr, length);
}
export function writeText(): void {
  writer.text("literal");
}
export function writeI64(value: i64): void {
  writer.i64(value);
}
export function writeI32(value: i32): void {
  writer.i32(value);
}
export function writeU32(value: u32): void {
  writer.u32(value);
}
export function writeBool(value: bool): void {
  writer.bool(value);
}
export function writeNull(): void {
  writer.null();
}
export function writeHex(ptr: usize, length: u32): void {
  writer.hex(ptr, length);
}
export function writeBase64url(ptr: usize, length: u32): void {
  writer.base64url(ptr, length);
}
