// Enrolment with the reference server, as docs/protocol.md, "Enrolment", has it.

import { describe, expect, it } from "vitest";
import { Bench, claimSecret, deviceId, macOf, nonceOf } from "./bench.ts";

const publicKey = Buffer.alloc(32, 3).toString("base64url");
const first = (n: number) => ({ step: 1, device: deviceId, publicKey, nonce: nonceOf(n) });

/** The device's proof that it knows the claim. */
function second(n: number, serverNonce: string, secret: Uint8Array = claimSecret) {
  const mac = macOf(secret, "flipside-enrol-device-v1", deviceId, nonceOf(n), serverNonce, publicKey);
  return { step: 2, serverNonce, mac };
}

const refused = (n: number | undefined, error: string, step = 2) => [
  { leaf: "enrolled", step, nonce: n === undefined ? "" : nonceOf(n), ok: false, error },
];
const taken = (n: number) => [{ leaf: "enrolled", step: 2, nonce: nonceOf(n), ok: true }];
const secretOf = (n: number, serverNonce: string): string =>
  macOf(claimSecret, "flipside-enrol-secret-v1", deviceId, nonceOf(n), serverNonce, publicKey);

describe("an enrolment", () => {
  it("ends with a secret that both sides can make", () => {
    const bench = new Bench();
    const serverNonce = nonceOf(100);
    const mac = macOf(claimSecret, "flipside-enrol-server-v1", deviceId, nonceOf(1), serverNonce);
    expect(bench.say("enrol", first(1))).toEqual([{ leaf: "enrolled", step: 1, nonce: nonceOf(1), serverNonce, mac }]);
    expect(bench.say("enrol", second(1, serverNonce))).toEqual(taken(1));
    expect(bench.enrolled).toEqual([{ secret: secretOf(1, serverNonce), publicKey }]);
  });

  it("may be done again, and ends with another secret: power may fail before the first is stored", () => {
    const bench = new Bench();
    for (const [n, serverNonce] of [
      [1, nonceOf(100)],
      [2, nonceOf(101)],
    ] as const) {
      bench.say("enrol", first(n));
      expect(bench.say("enrol", second(n, serverNonce))).toEqual(taken(n));
    }
    expect(bench.enrolled.map(({ secret }) => secret)).toEqual([secretOf(1, nonceOf(100)), secretOf(2, nonceOf(101))]);
    expect(new Set(bench.enrolled.map(({ secret }) => secret)).size).toBe(2);
  });

  it("by a device that does not know the claim is refused, and uses the nonce up", () => {
    const bench = new Bench();
    bench.say("enrol", first(1));
    expect(bench.say("enrol", second(1, nonceOf(100), Buffer.alloc(32, 8)))).toEqual(refused(1, "mac-invalid"));
    expect(bench.say("enrol", second(1, nonceOf(100)))).toEqual(refused(1, "expired"));
    expect(bench.enrolled).toEqual([]);
  });

  it("whose second step comes twice gives one secret", () => {
    const bench = new Bench();
    bench.say("enrol", first(1));
    bench.say("enrol", second(1, nonceOf(100)));
    expect(bench.say("enrol", second(1, nonceOf(100)))).toEqual(refused(1, "expired"));
    expect(bench.enrolled).toHaveLength(1);
  });

  it("that was not begun, or begun anew since, has expired", () => {
    const bench = new Bench();
    expect(bench.say("enrol", second(1, nonceOf(100)))).toEqual(refused(undefined, "expired"));
    bench.say("enrol", first(1));
    bench.say("enrol", first(2));
    expect(bench.say("enrol", second(1, nonceOf(100)))).toEqual(refused(undefined, "expired"));
    expect(bench.say("enrol", second(2, nonceOf(101)))).toEqual(taken(2));
    expect(bench.enrolled).toHaveLength(1);
  });

  it("is refused for a claim that there is not, and where the policy refuses the key", () => {
    const unclaimed = new Bench({ claimSecret: undefined });
    expect(unclaimed.say("enrol", first(1))).toEqual(refused(1, "claim-unknown", 1));
    const another = new Bench({ enrolled: () => "key-mismatch" });
    another.say("enrol", first(1));
    expect(another.say("enrol", second(1, nonceOf(100)))).toEqual(refused(1, "key-mismatch"));
  });
});
