// DHCP messages (RFC 2131 §2, options RFC 2132):
//   op 0 | htype 1 | hlen 2 | hops 3 | xid 4..8 | secs 8..10 | flags 10..12 | ciaddr 12..16 | yiaddr 16..20
//   siaddr 20..24 | giaddr 24..28 | chaddr 28..44 | sname 44..108 | file 108..236 | magic 236..240 | options 240..
// A received message is parsed once into the variables of this module, valid until the next parse.

import { get16, get32, put16, put32 } from "./bytes";
import { copyMac, sameMac } from "./ethernet";

export namespace Dhcp {
  export const ServerPort: u32 = 67;
  export const ClientPort: u32 = 68;
  export const Discover: u32 = 1;
  export const Offer: u32 = 2;
  export const Request: u32 = 3;
  export const Ack: u32 = 5;
  export const Nak: u32 = 6;
}

const XID: usize = 4;
const CLIENT_ADDRESS: usize = 12;
const YOUR_ADDRESS: usize = 16;
const CLIENT_MAC: usize = 28;
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
const OPTION_ADDRESS: u32 = 50;
const OPTION_LEASE: u32 = 51;
const OPTION_TYPE: u32 = 53;
const OPTION_SERVER: u32 = 54;
const OPTION_T1: u32 = 58;
const OPTION_T2: u32 = 59;
const OPTION_END: u32 = 255;
/** Parameter request list: mask, router, DNS, lease, T1, T2. */
const parameterList: usize = memory.data<u8>([55, 6, 1, 3, 6, 51, 58, 59]);
const PARAMETER_LIST_BYTES: u32 = 8;

export let messageType: u32 = 0;
export let yourAddress: u32 = 0;
export let serverId: u32 = 0;
export let subnetMask: u32 = 0;
export let gateway: u32 = 0;
export let nameServer: u32 = 0;
export let secondNameServer: u32 = 0;
/** Seconds; 0 where the message names none. */
export let leaseSeconds: u32 = 0;
export let t1Seconds: u32 = 0;
export let t2Seconds: u32 = 0;

/** Parses a server's message to `mac` in transaction `xid`; false when it is malformed or not for us. */
export function parseDhcp(p: usize, lengthBytes: u32, xid: u32, mac: usize): bool {
  if (lengthBytes < OPTIONS || load<u32>(p) != BOOT_REPLY || get32(p + XID) != xid) return false;
  if (!sameMac(p + CLIENT_MAC, mac) || get32(p + MAGIC) != MAGIC_COOKIE) return false;
  messageType = 0;
  yourAddress = get32(p + YOUR_ADDRESS);
  serverId = 0;
  subnetMask = 0;
  gateway = 0;
  nameServer = 0;
  secondNameServer = 0;
  leaseSeconds = 0;
  t1Seconds = 0;
  t2Seconds = 0;
  return parseOptions(p + OPTIONS, p + lengthBytes) && messageType != 0;
}

/** Each turn moves on by at least one byte; an option past `end` is malformed, a missing end mark is not. */
function parseOptions(p: usize, end: usize): bool {
  while (p < end) {
    const code: u32 = load<u8>(p++);
    if (code == OPTION_PAD) continue;
    if (code == OPTION_END) break;
    if (p == end) return false;
    const length: u32 = load<u8>(p++);
    if (length > <u32>(end - p)) return false;
    if (code == OPTION_TYPE) {
      if (length != 1) return false;
      messageType = load<u8>(p);
    } else if (length >= 4) {
      const value = get32(p);
      if (code == OPTION_MASK) subnetMask = value;
      else if (code == OPTION_ROUTER) gateway = value;
      else if (code == OPTION_DNS) {
        nameServer = value;
        secondNameServer = length >= 8 ? get32(p + 4) : 0;
      } else if (code == OPTION_LEASE) leaseSeconds = value;
      else if (code == OPTION_SERVER) serverId = value;
      else if (code == OPTION_T1) t1Seconds = value;
      else if (code == OPTION_T2) t2Seconds = value;
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
export function writeDhcp(p: usize, type: u32, xid: u32, secs: u32, mac: usize, ciaddr: u32, wanted: u32, server: u32): u32 {
  memory.fill(p, 0, MESSAGE_BYTES);
  store<u32>(p, BOOT_REQUEST);
  put32(p + XID, xid);
  put16(p + 8, secs);
  put32(p + CLIENT_ADDRESS, ciaddr);
  copyMac(p + CLIENT_MAC, mac);
  put32(p + MAGIC, MAGIC_COOKIE);
  let o = p + OPTIONS;
  store<u8>(o, <u8>OPTION_TYPE);
  store<u8>(o, 1, 1);
  store<u8>(o, <u8>type, 2);
  memory.copy(o + 3, parameterList, PARAMETER_LIST_BYTES);
  o += 3 + PARAMETER_LIST_BYTES;
  if (wanted != 0) o = writeAddressOption(o, OPTION_ADDRESS, wanted);
  if (server != 0) o = writeAddressOption(o, OPTION_SERVER, server);
  store<u8>(o, <u8>OPTION_END);
  return MESSAGE_BYTES;
}
