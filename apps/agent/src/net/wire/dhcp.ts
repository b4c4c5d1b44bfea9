// DHCP messages (RFC 2131 §2, options RFC 2132):
//   op 0 | htype 1 | hlen 2 | hops 3 | xid 4..8 | secs 8..10 | flags 10..12 | ciaddr 12..16 | yiaddr 16..20
//   siaddr 20..24 | giaddr 24..28 | chaddr 28..44 | sname 44..108 | file 108..236 | magic 236..240 | options 240..
// A received message is parsed once into the variables of this module, valid until the next parse.

import { get16, get32, put16, put32 } from "../../big-endian";
import { copyMac, sameMac } from "./ethernet";
import { isUnicast } from "./ipv4";

export namespace Dhcp {
  export const ServerPort: u32 = 67;
  export const ClientPort: u32 = 68;
  export const Discover: u32 = 1;
  export const Offer: u32 = 2;
  export const Request: u32 = 3;
  export const Decline: u32 = 4;
  export const Ack: u32 = 5;
  export const Nak: u32 = 6;
  /** In `flags`: the server can't reach us but by broadcast. */
  export const BroadcastFlag: u32 = 0x8000;
  export const RoutersMax: u32 = 4;
}

const XID: usize = 4;
const SECS: usize = 8;
const FLAGS: usize = 10;
const CLIENT_ADDRESS: usize = 12;
const YOUR_ADDRESS: usize = 16;
const CLIENT_MAC: usize = 28;
const SERVER_NAME: usize = 44;
const FILE: usize = 108;
const MAGIC: usize = 236;
const OPTIONS: u32 = 240;
/** RFC 1542 §2.1: some relays drop what is shorter than BOOTP was. */
const MESSAGE_BYTES: u32 = 300;

const MAGIC_COOKIE: u32 = 0x63825363;
// op, htype (Ethernet), hlen, hops as little-endian words
const BOOT_REQUEST: u32 = 0x00060101;
const BOOT_REPLY: u32 = 0x00060102;

const OPTION_PAD: u32 = 0;
const OPTION_MASK: u32 = 1;
const OPTION_ROUTER: u32 = 3;
const OPTION_DNS: u32 = 6;
const OPTION_MTU: u32 = 26;
const OPTION_ADDRESS: u32 = 50;
const OPTION_LEASE: u32 = 51;
const OPTION_OVERLOAD: u32 = 52;
const OPTION_TYPE: u32 = 53;
const OPTION_SERVER: u32 = 54;
const OPTION_T1: u32 = 58;
const OPTION_T2: u32 = 59;
const OPTION_END: u32 = 255;
const OVERLOAD_FILE: u32 = 1;
const OVERLOAD_SERVER_NAME: u32 = 2;
/** Parameter request list: mask, router, DNS, MTU, lease, T1, T2. */
const parameterList: usize = memory.data<u8>([55, 7, 1, 3, 6, 26, 51, 58, 59]);
const PARAMETER_LIST_BYTES: u32 = 9;

export let messageType: u32 = 0;
export let yourAddress: u32 = 0;
export let serverId: u32 = 0;
export let subnetMask: u32 = 0;
/** Those that can be a host's, in host order and in the server's order of preference, 0 where there are no more. */
export const routers: usize = memory.data(16);
export const nameServers: usize = memory.data(12);
/** Bytes, 0 where the message names none. */
export let interfaceMtu: u32 = 0;
/** Seconds; 0 where the message names none. */
export let leaseSeconds: u32 = 0;
export let t1Seconds: u32 = 0;
export let t2Seconds: u32 = 0;

const VALUE_BYTES: u32 = 64;
const value: usize = memory.data(64);
let valueBytes: u32 = 0;
let start: usize = 0;
let end: usize = 0;
let overload: u32 = 0;

/** Parses a server's message to `mac` in transaction `xid`; false when it is malformed or not for us. */
export function parseDhcp(p: usize, lengthBytes: u32, xid: u32, mac: usize): bool {
  if (lengthBytes < OPTIONS || load<u32>(p) != BOOT_REPLY || get32(p + XID) != xid) return false;
  if (!sameMac(p + CLIENT_MAC, mac) || get32(p + MAGIC) != MAGIC_COOKIE) return false;
  start = p;
  end = p + lengthBytes;
  overload = 0;
  if (!gather(OPTION_OVERLOAD)) return false;
  if (valueBytes == 1) overload = load<u8>(value);
  if (!gather(OPTION_TYPE) || valueBytes != 1) return false;
  messageType = load<u8>(value);
  yourAddress = get32(p + YOUR_ADDRESS);
  serverId = number(OPTION_SERVER);
  subnetMask = number(OPTION_MASK);
  leaseSeconds = number(OPTION_LEASE);
  t1Seconds = number(OPTION_T1);
  t2Seconds = number(OPTION_T2);
  gather(OPTION_MTU);
  interfaceMtu = valueBytes == 2 ? get16(value) : 0;
  addresses(OPTION_ROUTER, routers, 16);
  addresses(OPTION_DNS, nameServers, 12);
  return true;
}

function number(code: u32): u32 {
  gather(code);
  return valueBytes >= 4 ? get32(value) : 0;
}

function addresses(code: u32, out: usize, bytes: u32): void {
  gather(code);
  memory.fill(out, 0, bytes);
  const outEnd = out + bytes;
  for (let i: u32 = 0; out < outEnd && i + 4 <= valueBytes; i += 4) {
    const address = get32(value + i);
    if (!isUnicast(address)) continue;
    store<u32>(out, address);
    out += 4;
  }
}

/** The option's parts one after the other to `value` (RFC 3396), wherever they stand (option overload, RFC 2132 §9.3);
 * `valueBytes` is 0 where there are none. False when some option runs off the end of its field. */
function gather(code: u32): bool {
  valueBytes = 0;
  return (
    gatherFrom(start + OPTIONS, end, code) &&
    ((overload & OVERLOAD_FILE) == 0 || gatherFrom(start + FILE, start + MAGIC, code)) &&
    ((overload & OVERLOAD_SERVER_NAME) == 0 || gatherFrom(start + SERVER_NAME, start + FILE, code))
  );
}

/** Each turn moves on by at least one byte; a missing end mark is not malformed. */
function gatherFrom(p: usize, fieldEnd: usize, wanted: u32): bool {
  while (p < fieldEnd) {
    const code: u32 = load<u8>(p++);
    if (code == OPTION_PAD) continue;
    if (code == OPTION_END) break;
    if (p == fieldEnd) return false;
    const length: u32 = load<u8>(p++);
    if (length > <u32>(fieldEnd - p)) return false;
    if (code == wanted) {
      const part = min(length, VALUE_BYTES - valueBytes);
      memory.copy(value + valueBytes, p, part);
      valueBytes += part;
    }
    p += length;
  }
  return true;
}

function writeAddressOption(p: usize, code: u32, value: u32): usize {
  store<u8>(p, <u8>code);
  store<u8>(p, 4, 1);
  put32(p + 2, value);
  return p + 6;
}

/** Writes a client's message; `ciaddr` is our address while it is renewed, `wanted` and `server` are options, 0 for
 * none. Returns its length. */
export function writeDhcp(
  p: usize,
  type: u32,
  xid: u32,
  secs: u32,
  flags: u32,
  mac: usize,
  ciaddr: u32,
  wanted: u32,
  server: u32,
): u32 {
  memory.fill(p, 0, MESSAGE_BYTES);
  store<u32>(p, BOOT_REQUEST);
  put32(p + XID, xid);
  put16(p + SECS, secs);
  put16(p + FLAGS, flags);
  put32(p + CLIENT_ADDRESS, ciaddr);
  copyMac(p + CLIENT_MAC, mac);
  put32(p + MAGIC, MAGIC_COOKIE);
  let o = p + OPTIONS;
  store<u8>(o, <u8>OPTION_TYPE);
  store<u8>(o, 1, 1);
  store<u8>(o, <u8>type, 2);
  o += 3;
  if (type != Dhcp.Decline) {
    memory.copy(o, parameterList, PARAMETER_LIST_BYTES);
    o += PARAMETER_LIST_BYTES;
  }
  if (wanted != 0) o = writeAddressOption(o, OPTION_ADDRESS, wanted);
  if (server != 0) o = writeAddressOption(o, OPTION_SERVER, server);
  store<u8>(o, <u8>OPTION_END);
  return MESSAGE_BYTES;
}
