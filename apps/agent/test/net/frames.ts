// Frames by hand, right or wrong on purpose. Addresses are numbers in host order.

export const MAC_A = Uint8Array.of(2, 0, 0, 0, 0, 1);
export const MAC_B = Uint8Array.of(2, 0, 0, 0, 0, 2);
export const MAC_ALL = new Uint8Array(6).fill(255);

export const be16 = (n: number) => [(n >>> 8) & 255, n & 255];
export const be32 = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const join = (...parts: (Uint8Array | number[])[]) => Uint8Array.from(parts.flatMap((part) => [...part]));

export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum ^ 0xffff;
}

export function ethernet(to: Uint8Array, from: Uint8Array, type: number, payload: Uint8Array): Uint8Array {
  return join(to, from, be16(type), payload);
}

export interface Arp {
  operation: number;
  senderMac: Uint8Array;
  sender: number;
  targetMac?: Uint8Array;
  target: number;
  lengths?: [number, number];
}
export function arp(to: Uint8Array, a: Arp): Uint8Array {
  const [hardware, protocol] = a.lengths ?? [6, 4];
  // biome-ignore format: a table, row by row
  return ethernet(to, a.senderMac, 0x0806, join(be16(1), be16(0x0800), [hardware, protocol], be16(a.operation),
    a.senderMac, be32(a.sender), a.targetMac ?? new Uint8Array(6), be32(a.target)));
}

export interface Ip {
  to?: Uint8Array;
  from?: Uint8Array;
  source: number;
  destination: number;
  protocol: number;
  headerWords?: number;
  totalLength?: number;
  fragment?: number;
  version?: number;
  options?: Uint8Array;
}
export function ipv4(ip: Ip, payload: Uint8Array): Uint8Array {
  const options = ip.options ?? new Uint8Array(0);
  const words = ip.headerWords ?? 5 + options.length / 4;
  const total = ip.totalLength ?? 20 + options.length + payload.length;
  const header = join(
    [((ip.version ?? 4) << 4) | words, 0],
    be16(total),
    be16(7),
    be16(ip.fragment ?? 0),
    [64, ip.protocol],
    be16(0),
    be32(ip.source),
    be32(ip.destination),
    options,
  );
  header.set(be16(checksum(header.subarray(0, Math.min(header.length, Math.max(words * 4, 20))))), 10);
  return ethernet(ip.to ?? MAC_B, ip.from ?? MAC_A, 0x0800, join(header, payload));
}

function transport(source: number, destination: number, protocol: number, body: Uint8Array, at: number): Uint8Array {
  body.set(be16(0), at);
  body.set(be16(checksum(join(be32(source), be32(destination), [0, protocol], be16(body.length), body)) || 0xffff), at);
  return body;
}

export function udp(
  ip: Omit<Ip, "protocol">,
  sourcePort: number,
  port: number,
  data: Uint8Array,
  length = 8 + data.length,
): Uint8Array {
  const body = join(be16(sourcePort), be16(port), be16(length), be16(0), data);
  return ipv4({ ...ip, protocol: 17 }, transport(ip.source, ip.destination, 17, body, 6));
}

export interface Tcp {
  sourcePort: number;
  port: number;
  sequence?: number;
  acknowledgement?: number;
  flags: number;
  window?: number;
  dataOffset?: number;
  options?: Uint8Array;
}
export const FIN = 1,
  SYN = 2,
  RST = 4,
  PSH = 8,
  ACK = 16;
export function tcp(ip: Omit<Ip, "protocol">, t: Tcp, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const options = t.options ?? new Uint8Array(0);
  // biome-ignore format: a table, row by row
  const body = join(be16(t.sourcePort), be16(t.port), be32(t.sequence ?? 0), be32(t.acknowledgement ?? 0),
    [(t.dataOffset ?? 5 + options.length / 4) << 4, t.flags], be16(t.window ?? 65535), be16(0), be16(0), options, data);
  return ipv4({ ...ip, protocol: 6 }, transport(ip.source, ip.destination, 6, body, 16));
}

export function echoRequest(ip: Omit<Ip, "protocol">, data: Uint8Array, type = 8): Uint8Array {
  const body = join([type, 0], be16(0), be16(1), be16(1), data);
  body.set(be16(checksum(body)), 2);
  return ipv4({ ...ip, protocol: 1 }, body);
}

export interface Parsed {
  type: number;
  source: number;
  destination: number;
  protocol: number;
  /** After the IPv4 header. */
  body: Uint8Array;
}
export const at16 = (b: Uint8Array, i: number) => (b[i]! << 8) | b[i + 1]!;
export const at32 = (b: Uint8Array, i: number) =>
  ((b[i]! << 24) | (b[i + 1]! << 16) | (b[i + 2]! << 8) | b[i + 3]!) >>> 0;

/** Of a frame that the stack sent; throws when it is not sound. */
export function parse(frame: Uint8Array): Parsed {
  const type = at16(frame, 12);
  if (type !== 0x0800) return { type, source: 0, destination: 0, protocol: 0, body: frame.subarray(14) };
  const ip = frame.subarray(14);
  if (checksum(ip.subarray(0, 20)) !== 0 || at16(ip, 2) !== ip.length)
    throw new Error("the stack sent a bad IPv4 header");
  const protocol = ip[9]!;
  const body = ip.subarray(20);
  if (protocol !== 1 && checksum(join(ip.subarray(12, 20), [0, protocol], be16(body.length), body)) !== 0)
    throw new Error("the stack sent a bad checksum");
  return { type, source: at32(ip, 12), destination: at32(ip, 16), protocol, body };
}

export interface ParsedTcp {
  sourcePort: number;
  port: number;
  sequence: number;
  acknowledgement: number;
  flags: number;
  window: number;
  data: Uint8Array;
}
export function parseTcp(frame: Uint8Array): ParsedTcp | undefined {
  const { type, protocol, body } = parse(frame);
  if (type !== 0x0800 || protocol !== 6) return undefined;
  return {
    sourcePort: at16(body, 0),
    port: at16(body, 2),
    sequence: at32(body, 4),
    acknowledgement: at32(body, 8),
    flags: body[13]!,
    window: at16(body, 14),
    data: body.subarray((body[12]! >>> 4) * 4),
  };
}

// ---- DHCP and DNS ----

export function dhcpReply(
  request: Uint8Array,
  type: number,
  yourAddress: number,
  options: number[],
  end = true,
): Uint8Array {
  const m = new Uint8Array(240);
  m.set([2, 1, 6, 0]);
  m.set(request.subarray(4, 8), 4); // xid
  m.set(be32(yourAddress), 16);
  m.set(request.subarray(28, 34), 28);
  m.set([99, 130, 83, 99], 236);
  return join(m, [53, 1, type], options, end ? [255] : []);
}

export function dhcpOption(message: Uint8Array, code: number): Uint8Array | undefined {
  for (let i = 240; i < message.length && message[i] !== 255; ) {
    if (message[i] === 0) {
      ++i;
      continue;
    }
    if (message[i] === code) return message.subarray(i + 2, i + 2 + message[i + 1]!);
    i += 2 + message[i + 1]!;
  }
  return undefined;
}

export const name = (text: string) => [...text.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]), 0];
export const record = (owner: number[], type: number, ttl: number, data: number[]) => [
  ...owner,
  ...be16(type),
  ...be16(1),
  ...be32(ttl),
  ...be16(data.length),
  ...data,
];

/** Answers a query with the given records; its question is copied. */
export function dnsReply(query: Uint8Array, records: number[][], flags = 0x8180): Uint8Array {
  return join(
    query.subarray(0, 2),
    be16(flags),
    be16(1),
    be16(records.length),
    be16(0),
    be16(0),
    query.subarray(12),
    ...records,
  );
}

// ---- ICMP errors ----

/** A router's (or host's) word that a packet of `frame`'s did not arrive; code 4 is "fragmentation needed". */
export function unreachable(
  frame: Uint8Array,
  code: number,
  nextHopMtu = 0,
  source = at32(frame, 30),
  quotedBytes = 28,
  destination = at32(frame, 26),
): Uint8Array {
  const body = join([3, code], be16(0), be16(0), be16(nextHopMtu), frame.subarray(14, 14 + quotedBytes));
  body.set(be16(checksum(body)), 2);
  return ipv4({ to: frame.subarray(6, 12), source, destination, protocol: 1 }, body);
}
