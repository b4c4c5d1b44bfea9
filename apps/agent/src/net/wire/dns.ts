// DNS messages (RFC 1035 §4.1):
//   id 0..2 | flags 2..4 | questions 4..6 | answers 6..8 | authorities 8..10 | additional 10..12 | question, records
//   12..
// Names are handled in wire form (length-prefixed labels, a zero at the end), lower case, uncompressed, up to 255
// bytes. A received message is parsed once into the variables of this module, valid until the next parse.

import { compareBytes } from "../../compare";
import { get16, get32, put16 } from "../../big-endian";
import { isUnicast } from "./ipv4";

export namespace Dns {
  export const Port: u32 = 53;
  export const HeaderBytes: u32 = 12;
  export const NameBytes: u32 = 255;
  export const AddressesMax: u32 = 8;
}

/** What a message says. */
export const enum Answer {
  /** Malformed, or no answer to this query: as if it had not come. */
  None,
  /** `answers` are the name's addresses. */
  Addresses,
  /** There is no such name (NXDOMAIN), or it has no address (NODATA). */
  Nothing,
  /** The name is an alias of `wanted`, and the message says no more: that is to be asked for. */
  Alias,
  /** This server can't or won't say; another may. */
  Refused,
}

const TYPE_A_CLASS_IN: u32 = 0x00010001;
const TYPE_CNAME_CLASS_IN: u32 = 0x00050001;
const TYPE_SOA_CLASS_IN: u32 = 0x00060001;
const SOA_BYTES_MIN: u32 = 22; // two names of one byte, five numbers (RFC 1035 §3.3.13)
const CUT_SHORT: u32 = 0x0200; // TC
const RECURSION_DESIRED: u32 = 0x0100;
const RECURSION_AVAILABLE: u32 = 0x0080;
const NAME_ERROR: u32 = 3; // NXDOMAIN
const RECORDS_MAX: u32 = 32;
/** In one message: with the number of records it bounds the work. */
const ALIASES_MAX: u32 = 8;

/** The name at the end of the chain of aliases. */
export const wanted: usize = memory.data(256);
const owner: usize = memory.data(256);
const alias: usize = memory.data(256);

/** `answerCount` addresses in host order, in the server's order. */
export const answers: usize = memory.data(32);
export let answerCount: u32 = 0;
/** How long the answer holds, also that there is nothing (RFC 2308 §5); 0 where that is not said. */
export let answerSeconds: u32 = 0;
/** TC: the server had more to say than fits. */
export let isCutShort: bool = false;

// The record read last
let kind: u32 = 0;
let data: usize = 0;
let dataBytes: u32 = 0;
let seconds: u32 = 0;

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

/** Reads the record at `p` in the message [start, end); where the next one is, or 0 when it runs off the end. */
function readRecord(start: usize, end: usize, p: usize): usize {
  p = readName(start, end, p, owner);
  if (p == 0 || end - p < 10) return 0;
  kind = get32(p);
  seconds = get32(p + 4);
  if (<i32>seconds < 0) seconds = 0; // RFC 2181 §8
  data = p + 10;
  dataBytes = get16(p + 8);
  if (dataBytes > <u32>(end - data)) return 0;
  return data + dataBytes;
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

/** What the message says about query `id` for `name`. `isPart`: it is only the beginning of one. */
export function parseAnswer(p: usize, lengthBytes: u32, isPart: bool, id: u32, name: usize, nameBytes: u32): Answer {
  answerCount = 0;
  isCutShort = false;
  if (lengthBytes < Dns.HeaderBytes || get16(p) != id) return Answer.None;
  const flags = get16(p + 2);
  if ((flags & 0xf800) != 0x8000) return Answer.None; // a query, or another opcode
  const code = flags & 15;
  const isRefused = code != 0 && code != NAME_ERROR;
  const questions = get16(p + 4);
  if (isRefused && questions == 0) return Answer.Refused; // some leave out what they don't understand
  const end = p + lengthBytes;
  const question = Dns.HeaderBytes + nameBytes;
  let at = readName(p, end, p + Dns.HeaderBytes, wanted);
  if (questions != 1 || at != p + question || compareBytes(wanted, name, nameBytes) != 0) return Answer.None;
  if (end - at < 4 || get32(at) != TYPE_A_CLASS_IN) return Answer.None;
  if (isRefused) return Answer.Refused;
  isCutShort = (flags & CUT_SHORT) != 0;
  const mayEnd = isPart || isCutShort;
  const first = at + 4;
  const records = min<u32>(get16(p + 6), RECORDS_MAX);
  let hops: u32 = 0;
  let hasAddress = false;
  let isAlias: bool;
  answerSeconds = u32.MAX_VALUE;
  // Nothing says that an alias stands before what it leads to: the records are gone through for each name of the chain.
  do {
    isAlias = false;
    at = first;
    for (let left = records; left != 0; --left) {
      at = readRecord(p, end, at);
      if (at == 0) {
        if (!mayEnd) return Answer.None;
        break;
      }
      if (!sameName(owner, wanted)) continue;
      if (kind == TYPE_A_CLASS_IN && dataBytes == 4) {
        hasAddress = true;
        answerSeconds = min(answerSeconds, seconds);
        const address = get32(data);
        if (isUnicast(address) && answerCount < Dns.AddressesMax) store<u32>(answers + (answerCount++ << 2), address);
      } else if (kind == TYPE_CNAME_CLASS_IN && !isAlias) {
        isAlias = true;
        answerSeconds = min(answerSeconds, seconds);
        if (readName(p, end, data, alias) != at) return Answer.None;
      }
    }
    if (isAlias && !hasAddress) memory.copy(wanted, alias, Dns.NameBytes);
  } while (isAlias && !hasAddress && ++hops < ALIASES_MAX);
  if (answerCount != 0 && code == 0) return Answer.Addresses;
  answerSeconds = 0;
  if (hasAddress || hops == ALIASES_MAX) return Answer.Nothing;
  let isSaid = code == NAME_ERROR;
  for (let left = min<u32>(get16(p + 8), RECORDS_MAX); left != 0 && at != 0; --left) {
    at = readRecord(p, end, at);
    if (at == 0 || kind != TYPE_SOA_CLASS_IN || dataBytes < SOA_BYTES_MIN) continue;
    const minimum = get32(data + dataBytes - 4);
    answerSeconds = min(seconds, minimum);
    isSaid = true;
    break;
  }
  if (isSaid) return Answer.Nothing;
  if (hops != 0) return Answer.Alias;
  // A server that does not look further itself and only points to others is none for us.
  return (flags & RECURSION_AVAILABLE) != 0 || isCutShort ? Answer.Nothing : Answer.Refused;
}

/** Length of a name in wire form. */
export function nameBytesOf(name: usize): u32 {
  let i: u32 = 0;
  while (load<u8>(name + i) != 0) i += <u32>load<u8>(name + i) + 1;
  return i + 1;
}

/** Of two names in wire form. */
function sameName(a: usize, b: usize): bool {
  return compareBytes(a, b, nameBytesOf(a)) == 0;
}
