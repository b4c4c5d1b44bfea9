// Sessions with the reference server, as docs/protocol.md, "Session", has them.

import { command, offer } from "@flipside/protocol/reference-server/answers";
import { admit } from "@flipside/protocol/reference-server/hear";
import { accept, challenge, deceive } from "@flipside/protocol/reference-server/session";
import { ConnectReturn } from "@flipside/protocol/mqtt/write";
import { describe, expect, it } from "vitest";
import { Bench, deviceId, deviceSecret, macOf, nonceOf, proofOf } from "./bench.ts";

const acceptance = (n: number, secret: Uint8Array = deviceSecret, deviceNonce = nonceOf(50)) => ({
  leaf: "challenge",
  session: nonceOf(n),
  accepted: true,
  mac: macOf(secret, "flipside-contact-v1", deviceId, nonceOf(n), deviceNonce),
});
const refused = (n: number, error: string) => ({
  leaf: "challenge",
  session: nonceOf(n),
  accepted: false,
  error,
});

describe("a session", () => {
  it("begins with a nonce, goes on with the MAC of the device's secret, and then whatever is said is heard", () => {
    const bench = new Bench({
      checkedIn(checkIn, session, say) {
        bench.told.push(`check-in ${checkIn.sequence}`);
        say("offer", offer(session, 3000));
        say("command", command(session, Uint8Array.of(1, 2, 3)));
      },
    });
    expect(bench.say("hello", { session: nonceOf(1) })).toEqual([
      { leaf: "challenge", session: nonceOf(1), nonce: nonceOf(100) },
    ]);
    expect(bench.say("proof", proofOf(1, nonceOf(100)))).toEqual([acceptance(1)]);
    expect(bench.checkIn(1, 1, 1)).toEqual([
      { leaf: "offer", session: nonceOf(1), pollMs: 3000 },
      { leaf: "command", session: nonceOf(1), command: "AQID" },
    ]);
    const session = nonceOf(1);
    expect(bench.say("fetch", { session, first: 8 })).toEqual([]);
    expect(bench.say("state", { session, boot: 1, sequence: 2 })).toEqual([]);
    expect(bench.say("answer", { session, code: 3 })).toEqual([]);
    expect(bench.say("telemetry", { session })).toEqual([]);
    expect(bench.told).toEqual(["check-in 1", "fetch 8", "state 2", "answer 3"]);
  });

  it("is answered with the MAC of the secret that the device has connected with, whichever that is", () => {
    const bench = new Bench();
    const other = Buffer.alloc(32, 9);
    bench.connection = { ...bench.connection, secret: other.toString("base64url") };
    expect(bench.prove(1)).toEqual([acceptance(1, other)]);
  });

  it("that was not begun, or not proven, is unknown, whatever is said in it, and nothing of that is believed", () => {
    const bench = new Bench();
    const leaves = ["check-in", "state", "fetch", "answer", "telemetry", "log"] as const;
    for (const leaf of leaves)
      expect(bench.say(leaf, { session: nonceOf(1) })).toEqual([refused(1, "session-unknown")]);
    bench.begin(1);
    for (const leaf of leaves)
      expect(bench.say(leaf, { session: nonceOf(1) })).toEqual([refused(1, "session-unknown")]);
    bench.prove(2);
    for (const leaf of leaves)
      expect(bench.say(leaf, { session: nonceOf(3) })).toEqual([refused(3, "session-unknown")]);
    expect(bench.told).toEqual([]);
  });

  it("goes on while the next one waits for its proof, and ends when that is proven", () => {
    const bench = new Bench();
    bench.prove(1);
    const nonce = bench.begin(2);
    expect(bench.checkIn(1, 1, 1)).toEqual([]);
    expect(bench.prove(2, nonce)).toEqual([acceptance(2)]);
    expect(bench.checkIn(1, 1, 2)).toEqual([refused(1, "session-unknown")]);
    // An order of its own: the boot's messages are counted on, but a server need not have heard those before.
    expect(bench.checkIn(2, 1, 1)).toEqual([]);
    expect(bench.told).toEqual(["check-in 1", "check-in 1"]);
  });
});

describe("a hello", () => {
  it("of a session that waits for its proof gets the same nonce again; another session gets another", () => {
    const bench = new Bench();
    expect([bench.begin(1), bench.begin(2), bench.begin(1)]).toEqual([nonceOf(100), nonceOf(101), nonceOf(100)]);
  });

  it("with the id of the proven session is ignored", () => {
    const bench = new Bench();
    bench.prove(1);
    expect(bench.say("hello", { session: nonceOf(1) })).toEqual([]);
    bench.checkIn(1, 1, 1);
    expect(bench.told).toEqual(["check-in 1"]);
  });

  it("that is the 17th to wait takes the place of the oldest that does, never of what is proven", () => {
    const bench = new Bench();
    bench.prove(1);
    const nonces = Array.from({ length: 17 }, (_, i) => bench.begin(2 + i));
    expect(bench.prove(2, nonces[0])).toEqual([refused(2, "expired")]);
    bench.checkIn(1, 1, 1);
    expect(bench.told).toEqual(["check-in 1"]);
    expect(bench.prove(3, nonces[1])).toEqual([acceptance(3)]);
    expect(bench.prove(18, nonces[16])).toEqual([acceptance(18)]);
  });
});

describe("a proof", () => {
  it("that was taken is answered alike once more; another one by the same nonce has expired", () => {
    const bench = new Bench();
    const nonce = bench.begin(1);
    expect(bench.prove(1, nonce)).toEqual([acceptance(1)]);
    bench.checkIn(1, 1, 1);
    expect(bench.prove(1, nonce)).toEqual([acceptance(1)]);
    expect(bench.say("proof", proofOf(1, nonce, nonceOf(51)))).toEqual([refused(1, "expired")]);
    // Neither began the session anew: what was said before is not newer now.
    bench.checkIn(1, 1, 1);
    expect(bench.told).toEqual(["check-in 1"]);
  });

  it("by another nonce than the session's, or of no session, has expired", () => {
    const bench = new Bench();
    const [first, second] = [bench.begin(1), bench.begin(2)];
    expect(bench.prove(1, second)).toEqual([refused(1, "expired")]);
    expect(bench.prove(3, first)).toEqual([refused(3, "expired")]);
    expect(bench.prove(1, first)).toEqual([acceptance(1)]);
  });

  it("of a session that was begun before the proven one has expired, and names that session", () => {
    const bench = new Bench();
    const early = bench.begin(1);
    bench.prove(2);
    expect(bench.prove(1, early)).toEqual([refused(1, "expired")]);
    bench.checkIn(2, 1, 1);
    expect(bench.told).toEqual(["check-in 1"]);
  });

  it("whose signature does not hold is refused, and its nonce is used up", () => {
    let isGood = false;
    const bench = new Bench({ signatureHolds: () => isGood });
    const nonce = bench.begin(1);
    expect(bench.prove(1, nonce)).toEqual([refused(1, "proof-invalid")]);
    isGood = true;
    expect(bench.prove(1, nonce)).toEqual([refused(1, "expired")]);
    expect(bench.prove(2)).toEqual([acceptance(2)]);
  });
});

it("a check-in or state that is not newer by boot and sequence is ignored", () => {
  const bench = new Bench();
  bench.prove(1);
  const session = nonceOf(1);
  for (const [boot, sequence] of [
    [2, 5],
    [2, 5],
    [2, 4],
    [1, 9],
    [2, 6],
    [3, 1],
  ] as const) {
    bench.checkIn(1, boot, sequence);
    bench.say("state", { session, boot, sequence });
  }
  expect(bench.told).toEqual(["check-in 5", "check-in 6", "check-in 1"]);
});

describe("a server that keeps what it would say to itself", () => {
  const silent = (): Bench => new Bench({ isSilent: () => true, takesAnyProof: true });

  it("hears all the same, and may go on when it likes", () => {
    const bench = silent();
    expect(bench.say("hello", { session: nonceOf(1) })).toEqual([]);
    const begun = bench.connection.sessions[0]!;
    const nonce = bench.answers((say) => (challenge(begun, say), bench.connection));
    expect(nonce).toEqual([{ leaf: "challenge", session: nonceOf(1), nonce: begun.nonce }]);
    expect(bench.say("proof", proofOf(1, nonceOf(7)))).toEqual([]);
    expect(bench.checkIn(1, 1, 1)).toEqual([]);
    const proven = bench.connection.sessions[0]!;
    expect(bench.answers((say) => accept(bench.connection, proven, bench.policy, say))).toEqual([acceptance(1)]);
    bench.checkIn(1, 1, 1);
    expect(bench.told).toEqual(["check-in 1"]);
    expect(bench.say("enrol", { step: 1, nonce: nonceOf(8), publicKey: "k" })).toEqual([]);
  });

  it("may say a MAC that does not hold, and is in no session then", () => {
    const bench = silent();
    bench.prove(1);
    const proven = bench.connection.sessions[0]!;
    const [answer] = bench.answers((say) => deceive(bench.connection, proven, bench.policy, say));
    const { mac, ...rest } = acceptance(1);
    expect(answer).toMatchObject(rest);
    expect(answer!["mac"]).toHaveLength(mac.length);
    expect(answer!["mac"]).not.toBe(mac);
    bench.checkIn(1, 1, 1);
    expect(bench.told).toEqual([]);
  });
});

it("a device is admitted by its name and secret, or to enrol, and starts without a session", () => {
  const bench = new Bench();
  const secret = deviceSecret.toString("base64url");
  const codes = [
    [deviceId, secret],
    [deviceId, "another"],
    [deviceId, undefined],
    ["dev-2", secret],
    [`enrol.${deviceId}`, "enrol"],
    ["enrol.dev-2", "enrol"],
    ["", secret],
  ] as const;
  expect(codes.map(([userName, password]) => admit(bench.policy, userName, password).code)).toEqual([
    ConnectReturn.Accepted,
    ConnectReturn.UserNameOrPassword,
    ConnectReturn.UserNameOrPassword,
    ConnectReturn.UserNameOrPassword,
    ConnectReturn.Accepted,
    ConnectReturn.UserNameOrPassword,
    ConnectReturn.UserNameOrPassword,
  ]);
  expect(admit(bench.policy, deviceId, secret).connection).toEqual({ secret, enrolment: undefined, sessions: [] });
});
