// Whose X-Forwarded-For and -Proto are believed. "Everybody's" is not offered: the left-most address is then whatever
// the client wrote, and limits by address are gone (Express, "Express behind proxies"; express-rate-limit, wiki
// "Troubleshooting Proxy Issues").

import { isIP } from "node:net";

/** Proxies in front, counted from this server; or their addresses, as Express' `trust proxy` takes them; or none. */
export type TrustedProxies = number | string[] | false;

/** Express' names for whole ranges. */
const namedRanges = ["loopback", "linklocal", "uniquelocal"];
const hopsMax = 16;

/** Throws an Error that says what may be given. */
export function parseTrustedProxies(text: string): TrustedProxies {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed === "false" || trimmed === "0") return false;
  if (trimmed === "true") {
    throw new Error(
      "true would believe whatever address a client writes. Give the number of proxies in front (1), or their addresses (10.0.0.0/8, 192.0.2.7)",
    );
  }
  if (/^\d+$/.test(trimmed)) {
    const hops = Number(trimmed);
    if (hops > hopsMax) throw new Error(`${hops} proxies in front are more than ${hopsMax}`);
    return hops;
  }
  const ranges = trimmed
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
  for (const range of ranges) {
    const [address = "", bits, ...rest] = range.split("/");
    const family = isIP(address);
    const whole = family === 4 ? 32 : 128;
    const bitsHold = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= whole);
    if (namedRanges.includes(range) || (family !== 0 && bitsHold && rest.length === 0)) continue;
    throw new Error(
      `"${range}" is no address or range. Give the number of proxies in front (1), or their addresses (10.0.0.0/8, 192.0.2.7, ${namedRanges.join(", ")})`,
    );
  }
  return ranges;
}
