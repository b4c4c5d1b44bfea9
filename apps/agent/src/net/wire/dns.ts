// DNS messages (RFC 1035 §4.1):
//   id 0..2 | flags 2..4 | questions 4..6 | answers 6..8 | authorities 8..10 | additional 10..12 | question, records 12..
// Names are handled in wire form (length-prefixed labels, a zero at the end), lower case, uncompressed, up to 255 bytes.

import { compareBytes } from "../../compare";
import { get16, get32, put16 } from "./bytes";

export namespace Dns {
  export const Port: u32 = 53;
  export const HeaderBytes: u32 = 12;
  export const NameBytes: u32 = 255;
}

const TYPE_A_CLASS_IN: u32 = 0x00010001;
const TYPE_CNAME_CLASS_IN: u32 = 0x00050001;
const RESPONSE_MASK: u32 = 0xfa0f; // QR, opcode, TC, rcode
const RESPONSE_GOOD: u32 = 0x8000;
const RECURSION_DESIRED: u32 = 0x0100;
const ANSWERS_MAX: u32 = 32;

const wanted: usize = memory.data(256);
const owner: usize = memory.data(256);

/** Set when `parseAnswer` returns 1. */
export let answerAddress: u32 = 0;
export let answerSeconds: u32 = 0;

/** The wire form of a dotted name at `out` (255 bytes); its length, or 0 when the name can't exist. */
export function encodeName(name: usize, lengthBytes: u32, out: usize): u32 {
  if (lengthBytes != 0 && load<u8>(name + lengthBytes - 1) == 0x2e) --lengthBytes;
  if (lengthBytes == 0 || lengthBytes > Dns.NameBytes - 2) return 0;
  let label: u32 = 0; // length of the label that ends before i
  for (let i: u32 = 0; i < lengthBytes; ++i) {
    const c = load<u8>(name + i);
    if (c == 0x2e) {
      if (label == 0) return 0;
      store<u8>(out + i - label, <u8>label);
      label = 0;
    } else {
      if (c <= 0x20 || c >= 0x7f || ++label > 63) return 0;
      store<u8>(out + i + 1, lower(c));
    }
  }
  if (label == 0) return 0;
  store<u8>(out + lengthBytes - label, <u8>label);
  store<u8>(out + lengthBytes + 1, 0);
  return lengthBytes + 2;
}

function lower(c: u32): u8 {
  return <u8>(c - 0x41 < 26 ? c | 0x20 : c);
}

/** Expands the name at `p` in the message [start, end) to `out`; where the record goes on, or 0 when malformed. A
 * pointer must point before the name it is part of (RFC 1035 §4.1.4 "prior occurrence"), and each next one before the
 * last: so no loop is possible. */
function readName(start: usize, end: usize, p: usize, out: usize): usize {
  let next: usize = 0;
  let limit = p;
  let length: u32 = 0;
  while (p < end) {
    const label: u32 = load<u8>(p++);
    if (label >= 0xc0) {
      if (p >= end) return 0;
      if (next == 0) next = p + 1;
      p = start + (((label & 0x3f) << 8) | load<u8>(p));
      if (p >= limit) return 0;
      limit = p;
    } else {
      if (label > 63 || label > <u32>(end - p) || length + label + 1 > Dns.NameBytes) return 0;
      store<u8>(out + length++, <u8>label);
      if (label == 0) return next != 0 ? next : p;
      for (const stop = length + label; length < stop; ++length) store<u8>(out + length, lower(load<u8>(p++)));
    }
  }
  return 0;
}

/** Writes a query for the A record of `name` (wire form); returns its length. */
export function writeQuery(p: usize, id: u32, name: usize, nameBytes: u32): u32 {
  put16(p, id);
  put16(p + 2, RECURSION_DESIRED);
  memory.fill(p + 4, 0, 8);
  put16(p + 4, 1);
  memory.copy(p + Dns.HeaderBytes, name, nameBytes);
  store<u32>(p + Dns.HeaderBytes + nameBytes, bswap<u32>(TYPE_A_CLASS_IN));
  return Dns.HeaderBytes + nameBytes + 4;
}

/** 1: the message answers query `id` for `name` with an address. 0: it answers it, and there is none. -1: it is
 * malformed, or no answer to this query. */
export function parseAnswer(p: usize, lengthBytes: u32, id: u32, name: usize, nameBytes: u32): i32 {
  if (lengthBytes < Dns.HeaderBytes || get16(p) != id || get16(p + 4) != 1) return -1;
  const end = p + lengthBytes;
  const question = Dns.HeaderBytes + nameBytes;
  let at = readName(p, end, p + Dns.HeaderBytes, wanted);
  if (at != p + question || compareBytes(wanted, name, nameBytes) != 0) return -1;
  if (end - at < 4 || get32(at) != TYPE_A_CLASS_IN) return -1;
  at += 4;
  const flags = get16(p + 2);
  if ((flags & 0x8000) == 0) return -1;
  if ((flags & RESPONSE_MASK) != RESPONSE_GOOD) return 0;
  answerSeconds = u32.MAX_VALUE;
  // Records come in the order of the chain of names: each alias before what it leads to.
  for (let left = min<u32>(get16(p + 6), ANSWERS_MAX); left != 0; --left) {
    at = readName(p, end, at, owner);
    if (at == 0 || end - at < 10) return -1;
    const kind = get32(at);
    const seconds = get32(at + 4);
    const data = at + 10;
    const dataBytes = get16(at + 8);
    if (dataBytes > <u32>(end - data)) return -1;
    at = data + dataBytes;
    if (!sameName(owner, wanted)) continue;
    if (kind == TYPE_A_CLASS_IN && dataBytes == 4) {
      answerSeconds = min(answerSeconds, seconds);
      answerAddress = get32(data);
      return 1;
    }
    if (kind == TYPE_CNAME_CLASS_IN) {
      answerSeconds = min(answerSeconds, seconds);
      if (readName(p, end, data, wanted) != at) return -1;
    }
  }
  return 0;
}

/** Of two names in wire form; compares up to the zero that ends the first. */
function sameName(a: usize, b: usize): bool {
  let i: usize = 0;
  while (true) {
    const label: u32 = load<u8>(a + i);
    if (compareBytes(a + i, b + i, label + 1) != 0) return false;
    if (label == 0) return true;
    i += label + 1;
  }
}
