// MQTT 3.1.1 control packets as they stand in a byte stream. Sections and rules, here and beside this file, are those
// of the OASIS standard of 29 October 2014.

/** Section 2.2.1. */
export enum PacketType {
  Connect = 1,
  Connack = 2,
  Publish = 3,
  Puback = 4,
  Pubrec = 5,
  Pubrel = 6,
  Pubcomp = 7,
  Subscribe = 8,
  Suback = 9,
  Unsubscribe = 10,
  Unsuback = 11,
  Pingreq = 12,
  Pingresp = 13,
  Disconnect = 14,
}

export type QoS = 0 | 1 | 2;

/** Bytes that are no MQTT 3.1.1. Whoever has read them closes the connection: nobody knows where it goes on. */
export class MalformedPacket extends Error {
  override readonly name = "MalformedPacket";
}

/** One whole packet, as a view: nothing is copied, and it holds as long as the bytes that it was cut from. */
export class Packet {
  /** From `start` to `bodyAt` its fixed header, from there to `end` what follows that, in `bytes`. */
  constructor(
    readonly bytes: Uint8Array,
    readonly start: number,
    readonly bodyAt: number,
    readonly end: number,
  ) {}

  /** Values that the standard reserves (0 and 15) are kept, for whoever reads on to refuse. */
  get type(): PacketType {
    return this.bytes[this.start]! >> 4;
  }

  /** The low four bits of the first byte (section 2.2.2). */
  get flags(): number {
    return this.bytes[this.start]! & 15;
  }

  /** From the first byte of its header to its end. */
  get whole(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }
}
