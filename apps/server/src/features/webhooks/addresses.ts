// Where messages are sent to: not into this server's own network, unless whoever runs it allows that. An address is
// judged as it is connected to, not as a name was looked up before: a name may mean something else a moment later
// (DNS rebinding), and one address has many spellings.

import { BlockList, isIP, isIPv6 } from "node:net";

/** Not for anybody on the internet: IANA's registry of special-purpose addresses (RFC 6890), multicast (RFC 5771). */
const specialV4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const;

/** Global unicast, RFC 4291; all else is special. */
const globalV6 = ["2000::", 3] as const;
/** Of it: Teredo and other protocols' own, examples, and 6to4, which has an IPv4 address in it. */
const specialV6 = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const;

function blockList(v4: readonly (readonly [string, number])[], v6: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [address, bits] of v4) list.addSubnet(address, bits, "ipv4");
  for (const [address, bits] of v6) list.addSubnet(address, bits, "ipv6");
  return list;
}

const special = blockList(specialV4, specialV6);
const global = blockList([], [globalV6]);

/** Ranges as they were written, such as 10.0.0.0/8 or ::1. Throws an Error that says what may be given. */
export function parseRanges(text: string): [string, number][] {
  const parts = text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
  return parts.map((range) => {
    const [address = "", bits, ...rest] = range.split("/");
    const whole = isIP(address) === 4 ? 32 : 128;
    const bitsHold = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= whole);
    if (isIP(address) === 0 || !bitsHold || rest.length > 0)
      throw new Error(`"${range}" is no address or range, such as 10.0.0.0/8, 192.0.2.7 or fd00::/8`);
    return [address, bits === undefined ? whole : Number(bits)];
  });
}

/** The one spelling that an address has, and the IPv4 address that a mapped one (::ffff:a.b.c.d) stands for. */
function plain(address: string): { address: string; family: "ipv4" | "ipv6" } | undefined {
  if (isIP(address) === 4) return { address, family: "ipv4" };
  if (!isIPv6(address) || !URL.canParse(`http://[${address}]`)) return undefined;
  const spelt = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(spelt) ?? [];
  if (high === undefined) return { address: spelt, family: "ipv6" };
  const bits = (Number.parseInt(high, 16) * 0x1_0000 + Number.parseInt(low!, 16)) >>> 0;
  const address4 = [24, 16, 8, 0].map((shift) => (bits >>> shift) & 0xff).join(".");
  return { address: address4, family: "ipv4" };
}

export interface Addresses {
  /** Why nothing is sent to this IP address; undefined: it may be. */
  refusal(address: string, protocol: string): string | undefined;
  /** The same of a URL, as far as it says it without being looked up. */
  refusalOfUrl(url: string): string | undefined;
}

/** `allowed`: of private ranges, those that messages may be sent to, also without TLS. */
export function createAddresses(allowed: readonly [string, number][]): Addresses {
  const ofOwn = blockList(
    allowed.filter(([address]) => isIP(address) === 4),
    allowed.filter(([address]) => isIP(address) === 6),
  );
  function refusal(address: string, protocol: string): string | undefined {
    const { address: spelt, family } = plain(address) ?? {};
    if (spelt === undefined || family === undefined) return `${address} is no address`;
    if (ofOwn.check(spelt, family)) return undefined;
    const isSpecial = special.check(spelt, family) || (family === "ipv6" && !global.check(spelt, family));
    if (isSpecial)
      return `${spelt} is no public address; --webhook-allow names private ones that messages may be sent to`;
    return protocol === "https:"
      ? undefined
      : `${spelt} is not one of --webhook-allow, and so has to be asked by https`;
  }
  return {
    refusal,
    refusalOfUrl(text) {
      const { protocol, hostname, username, password } = new URL(text);
      if (username !== "" || password !== "") return "an address with a name and a password in it is not taken";
      // Of spellings such as 0x7f.1 or 2130706433, URL has made an ordinary address.
      const host = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
      if (isIP(host) !== 0) return refusal(host, protocol);
      if (protocol !== "https:" && allowed.length === 0) return "it has to be asked by https";
      return undefined;
    },
  };
}
