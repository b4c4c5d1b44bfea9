// The key schedule by the numbers of RFC 8448, section 3, and records by node:crypto's.

import { beforeAll, describe, expect, it, test } from "vitest";
import { ScriptedStreams } from "../mqtt/host-streams.ts";
import { compileModule } from "../text/assembly-module.ts";
import { Random } from "../text/random.ts";
import { Direction } from "./peer.ts";
import { TlsDevice } from "./tls-device.ts";

let device: TlsDevice;
beforeAll(() => {
  device = new TlsDevice(compileModule("tls", "key-schedule"), new ScriptedStreams(), { key: Buffer.alloc(32) });
});

const put = (hex: string | Uint8Array, offset: number): number =>
  device.guest.put(typeof hex === "string" ? Buffer.from(hex, "hex") : hex, offset);
const hexAt = (at: number, length = 32): string => device.guest.bytes(at, length).toString("hex");

function derived(which: number, hash: string): string {
  const { call, space } = device.guest;
  call.scheduleDerive(which, put(hash, 0), space + 64);
  return hexAt(space + 64);
}

describe("RFC 8448, section 3", () => {
  const helloHash = "860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8";
  const finishedHash = "9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13";

  it("comes from no key to the handshake's secrets, and to the main ones", () => {
    const { call } = device.guest;
    call.scheduleBegin(0);
    expect(hexAt(call.scheduleSecret())).toBe("33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a");
    call.scheduleNext(put("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d", 0));
    expect(hexAt(call.scheduleSecret())).toBe("1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac");
    expect(derived(0, helloHash)).toBe("b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21");
    expect(derived(1, helloHash)).toBe("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
    call.scheduleNext(0);
    expect(hexAt(call.scheduleSecret())).toBe("18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919");
    expect(derived(2, finishedHash)).toBe("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5");
    expect(derived(3, finishedHash)).toBe("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643");
    expect(derived(4, finishedHash)).toBe("fe22f881176eda18eb8f44529e6792c50c9a3f89452f68d8ae311b4309d3cf50");
    const clientHandshake = put("b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21", 0);
    call.finished(clientHandshake, put(finishedHash, 32), device.guest.space + 64);
    expect(hexAt(device.guest.space + 64)).toBe("a8ec436d677634ae525ac1fcebe11a039ec17694fac6e98527b642f2edd5ce61");
  });
});

test("records of random lengths are those of node:crypto, both ways, over many of one key", () => {
  const random = new Random("tls records");
  const { call, space } = device.guest;
  const secret = random.bytes(32);
  const [ours, theirs] = [new Direction(Buffer.from(secret)), new Direction(Buffer.from(secret))];
  call.useSecret(put(secret, 0));
  for (let i = 0; i < 300; i++) {
    const content = random.bytes(random.below(2049));
    const type = random.pick([21, 22, 23]);
    const note = `record ${i}, seed ${random.seed}`;
    put(content, 101);
    const length = call.seal(space + 96, type, content.length);
    const sealed = Buffer.from(device.guest.bytes(space + 96, length));
    expect(sealed.toString("hex"), note).toBe(theirs.seal(type, content).toString("hex"));
    expect(ours.open(sealed), note).toEqual({ type, content: Buffer.from(content) });
  }
  const sender = new Direction(Buffer.from(secret));
  call.useSecret(put(secret, 0));
  for (let i = 0; i < 300; i++) {
    const content = random.bytes(random.below(4097));
    const record = sender.seal(23, content, random.below(40));
    const note = `record ${i}, seed ${random.seed}`;
    put(record, 96);
    expect(call.openRecord(space + 96, record.length - 5), note).toBe(content.length + 1);
    expect(hexAt(space + 101, content.length + 1), note).toBe(`${Buffer.from(content).toString("hex")}17`);
  }
});

test("a record with one bit changed, or out of turn, is not opened", () => {
  const random = new Random("tls forged records");
  const { call, space } = device.guest;
  for (let i = 0; i < 100; i++) {
    const secret = random.bytes(32);
    const record = new Direction(Buffer.from(secret)).seal(23, random.bytes(1 + random.below(100)));
    const bit = random.below(8 * record.length);
    // The length decides how much is opened; any other byte is authenticated, header and all.
    if (bit >= 24 && bit < 40) continue;
    record[bit >> 3]! ^= 1 << (bit & 7);
    call.useSecret(put(secret, 0));
    put(record, 96);
    expect(call.openRecord(space + 96, record.length - 5), `bit ${bit}, seed ${random.seed}`).toBe(-1);
  }
  const secret = random.bytes(32);
  const sender = new Direction(Buffer.from(secret));
  sender.seal(23, Buffer.from("the first"));
  const second = sender.seal(23, Buffer.from("the second"));
  call.useSecret(put(secret, 0));
  put(second, 96);
  expect(call.openRecord(space + 96, second.length - 5)).toBe(-1);
  expect(call.openRecord(space + 96, 15)).toBe(-1);
});
