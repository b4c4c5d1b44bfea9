// Where messages may go, and that it is the address that is connected to which decides.

import type { LookupAddress } from "node:dns";
import { describe, expect, it } from "vitest";
import { createAddresses, parseRanges } from "../../src/features/webhooks/addresses.ts";
import { createPost } from "../../src/features/webhooks/post.ts";
import { Receiver } from "./receiver.ts";

const none = createAddresses([]);

describe("addresses that nothing is sent to", () => {
  it.each([
    ["0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.255", "169.254.169.254", "172.16.0.1"],
    ["172.31.255.255", "192.0.0.1", "192.168.1.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"],
    ["::", "::1", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "64:ff9b::7f00:1", "2001:db8::1", "2002:7f00:1::"],
    ["::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:ffff:a00:1", "::127.0.0.1", "2001::1", "fe80::1%eth0", "what"],
  ])("%s …", (...addresses: string[]) => {
    for (const address of addresses) expect(none.refusal(address, "https:"), address).toBeDefined();
  });

  it("are no others, by https", () => {
    for (const address of ["1.1.1.1", "100.63.255.255", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1"]) {
      expect(none.refusal(address, "https:"), address).toBeUndefined();
      expect(none.refusal(address, "http:"), address).toContain("https");
    }
  });

  it("are not those that are allowed, also without TLS", () => {
    const some = createAddresses(parseRanges("10.0.0.0/8, fd00::/8,127.0.0.1"));
    for (const address of ["10.9.9.9", "::ffff:10.0.0.1", "fd00::1", "127.0.0.1"])
      expect(some.refusal(address, "http:"), address).toBeUndefined();
    for (const address of ["11.0.0.1", "127.0.0.2", "192.168.0.1", "fe80::1"])
      expect(some.refusal(address, "http:"), address).toBeDefined();
    for (const text of ["10.0.0.0/33", "nowhere", "10.0.0.0/8/8", "fd00::/129"])
      expect(() => parseRanges(text), text).toThrow("no address or range");
  });
});

describe("a message", () => {
  const message = { headers: {}, body: "{}" };

  it("is not sent where a public name leads into the own network", async () => {
    const receiver = await Receiver.start();
    const lookedUp: string[] = [];
    const post = createPost({
      addresses: createAddresses(parseRanges("10.0.0.0/8")),
      timeoutMs: 5_000,
      resolve: (host, _options, done) => {
        lookedUp.push(host);
        done(null, [
          { address: "127.0.0.1", family: 4 },
          { address: "::ffff:127.0.0.1", family: 6 },
        ]);
      },
    });
    await expect(post({ ...message, url: `http://hooks.example:${receiver.port}/` })).rejects.toThrow(
      "no public address",
    );
    expect(lookedUp).toEqual(["hooks.example"]);
    expect(receiver.received).toEqual([]);
    await receiver.stop();
  });

  it("goes to the address that was judged: a name is looked up once", async () => {
    const receiver = await Receiver.start();
    let times = 0;
    // First where it may go, then elsewhere: who looks it up twice connects to what nobody has judged.
    const answers: LookupAddress[][] = [
      [{ address: "127.0.0.1", family: 4 }],
      [{ address: "169.254.169.254", family: 4 }],
    ];
    const post = createPost({
      addresses: createAddresses(parseRanges("127.0.0.1")),
      timeoutMs: 5_000,
      resolve: (_host, _options, done) => done(null, answers[times++]!),
    });
    expect(await post({ ...message, url: `http://hooks.example:${receiver.port}/` })).toMatchObject({ status: 204 });
    expect(times).toBe(1);
    // Of several addresses, those that are refused are left out.
    times = 0;
    answers[0] = [
      { address: "10.0.0.1", family: 4 },
      { address: "127.0.0.1", family: 4 },
    ];
    expect(await post({ ...message, url: `http://hooks.example:${receiver.port}/` })).toMatchObject({ status: 204 });
    await receiver.stop();
  });

  it("waits for no answer that does not end", async () => {
    const receiver = await Receiver.start();
    receiver.answer = () => ({ status: 200, body: "x".repeat(1_000_000) });
    const addresses = createAddresses(parseRanges("127.0.0.1"));
    const post = createPost({ addresses, timeoutMs: 300 });
    expect((await post({ ...message, url: receiver.url })).body).toHaveLength(512);
    receiver.answer = () => "none";
    await expect(post({ ...message, url: receiver.url })).rejects.toThrow("no answer within 0.3 s");
    await receiver.stop();
    await expect(post({ ...message, url: receiver.url })).rejects.toThrow("ECONNREFUSED");
  });
});
