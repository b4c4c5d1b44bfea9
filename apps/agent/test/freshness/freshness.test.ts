// A device that is kept from updates notices it, by states that a release key has signed; docs/protocol.md, "Release
// states".

import { fileURLToPath } from "node:url";
import { buildReleaseState, type ReleaseState, signerOf } from "@flipside/image-format";
import { agentGrants } from "@flipside/machine/grants";
import { beforeAll, beforeEach, expect, it } from "vitest";
import { compileForFuzzing } from "../../../../test/fuzz/engine/compile.ts";
import { FuzzInstance } from "../../../../test/fuzz/engine/instance.ts";
import { DeviceHost } from "../../../../test/fuzz/targets/device-host.ts";
import { factoryZones, layout } from "../../../../test/fuzz/targets/device-images.ts";
import { fuzzedIdentity } from "../../../../test/fuzz/targets/formats.ts";
import { type FuzzKey, keyOf, operationsKey, releaseKey } from "../../../../test/fuzz/targets/keys.ts";

const DAY_S = 86_400;
const ISSUED_S = 1_800_000_000;
const RUNNING_SEQUENCE = 5;

let host: DeviceHost;
let instance: FuzzInstance;
let start: ReturnType<FuzzInstance["save"]>;

beforeAll(async () => {
  const module = await compileForFuzzing(fileURLToPath(new URL("assembly/module.ts", import.meta.url)), 2);
  host = new DeviceHost(layout, () => instance, agentGrants);
  instance = new FuzzInstance(module, () => host.imports);
  const zones = await factoryZones();
  host.rootKeys = zones.rootKeys;
  host.zone("factory").set(zones.factory);
  expect(instance.exports.setUp!(instance.put(zones.trust), zones.trust.length, RUNNING_SEQUENCE)).toBe(0);
  start = instance.save();
}, 120_000);
beforeEach(() => {
  instance.restore(start);
  host.nowUs = 1_000_000;
});

const stateOf = (changes: Partial<ReleaseState> = {}, key: FuzzKey = releaseKey): Promise<Uint8Array> =>
  buildReleaseState(
    {
      ...{ product: fuzzedIdentity.product, version: "2.0.0", releaseSequence: RUNNING_SEQUENCE },
      ...{ issuedS: ISSUED_S, validUntilS: ISSUED_S + 30 * DAY_S },
      ...changes,
    },
    [signerOf(key)],
  );

/** What the device says after it was offered this in a session. */
function told(state?: Uint8Array | string): string {
  const text = typeof state === "string" ? state : state && Buffer.from(state).toString("base64url");
  const message = Buffer.from(
    JSON.stringify({ session: "s", pollMs: 3000, ...(text === undefined ? {} : { state: text }) }),
  );
  expect(instance.exports.offer!(instance.put(message), message.length)).toBe(0);
  return warning();
}

function warning(): string {
  const length = instance.exports.warning!();
  const at = (instance.exports["words"] as unknown as WebAssembly.Global).value as number;
  return Buffer.from(instance.memory.buffer, at, length).toString("latin1");
}

const known = (): number[] => ["issued", "until", "sequence"].map((name) => instance.exports[name]!());
const pass = (seconds: number): void => void (host.nowUs += seconds * 1e6);
const newSession = (): void => void instance.exports.sessionProven!();

it("a state that a release key signed is known, and nothing is wrong", async () => {
  newSession();
  expect(told(await stateOf())).toBe("");
  expect(known()).toEqual([ISSUED_S, ISSUED_S + 30 * DAY_S, RUNNING_SEQUENCE]);
});

it("a server that knows of no states is none that keeps them back", () => {
  newSession();
  expect(told()).toBe("");
  expect(known()).toEqual([0, 0, 0]);
});

it("who had one and is given none in a new session misses it, until it comes; later offers need none", async () => {
  newSession();
  told(await stateOf());
  expect(told()).toBe("");
  newSession();
  expect(told()).toBe("missing");
  expect(told()).toBe("missing");
  expect(told(await stateOf())).toBe("");
});

it.each([
  ["of another product", () => stateOf({ product: "another" })],
  ["of a product that begins as its own", () => stateOf({ product: `${fuzzedIdentity.product}x` })],
  ["signed by a stranger", () => stateOf({}, keyOf("stranger"))],
  ["signed by an operations key", () => stateOf({}, operationsKey)],
  [
    "signed for another purpose",
    async () => {
      const state = await stateOf();
      state.set(releaseKey.sign("permit", state.subarray(0, 88)), 88 + 20);
      return state;
    },
  ],
  ["with a byte that was changed", async () => (await stateOf()).map((byte, at) => (at === 12 ? byte ^ 1 : byte))],
  ["with a byte behind it", async () => Uint8Array.from([...(await stateOf()), 0])],
  ["without its last byte", async () => (await stateOf()).subarray(0, -1)],
  [
    "of an end before its beginning",
    async () => {
      const state = await stateOf();
      new DataView(state.buffer).setUint32(12, ISSUED_S, true);
      state.set(releaseKey.sign("state", state.subarray(0, 88)), 88 + 20);
      return state;
    },
  ],
  ["that is no base64url", () => Promise.resolve("!")],
  ["longer than any is", () => Promise.resolve("A".repeat(4000))],
])("one %s is not believed, and what was known stays", async (_what, made) => {
  newSession();
  told(await stateOf({ issuedS: ISSUED_S - DAY_S }));
  expect(told(await made())).toBe("invalid");
  expect(known()[0]).toBe(ISSUED_S - DAY_S);
});

it("one that is older than one it knows, or names less than what runs, is of the past", async () => {
  newSession();
  expect(told(await stateOf({ releaseSequence: RUNNING_SEQUENCE - 1 }))).toBe("older");
  expect(known()).toEqual([0, 0, 0]);
  told(await stateOf());
  newSession();
  expect(told(await stateOf({ issuedS: ISSUED_S - 1 }))).toBe("older");
  expect(known()[0]).toBe(ISSUED_S);
  expect(told(await stateOf({ issuedS: ISSUED_S + 1 }))).toBe("");
});

it("its end is noticed by what has passed since it came, and an earlier one's time goes on in a later one", async () => {
  newSession();
  told(await stateOf());
  pass(30 * DAY_S - 1);
  expect(warning()).toBe("");
  pass(2);
  expect(warning()).toBe("expired");
  // Ten days later than the first, and thirty days have passed: twenty of its thirty days are over.
  expect(told(await stateOf({ issuedS: ISSUED_S + 10 * DAY_S, validUntilS: ISSUED_S + 40 * DAY_S }))).toBe("");
  pass(10 * DAY_S + 1);
  expect(warning()).toBe("expired");
  expect(told(await stateOf({ issuedS: ISSUED_S + 90 * DAY_S, validUntilS: ISSUED_S + 91 * DAY_S }))).toBe("");
  pass(DAY_S - 1);
  expect(warning()).toBe("");
});

it("a newer release that is not offered for a week is missed, and no more once it was", async () => {
  newSession();
  told(await stateOf({ releaseSequence: RUNNING_SEQUENCE + 2 }));
  pass(7 * DAY_S - 1);
  expect(warning()).toBe("");
  pass(2);
  expect(warning()).toBe("behind");
  instance.exports.offered!(RUNNING_SEQUENCE + 1);
  expect(warning(), "an older one than it knows of").toBe("behind");
  told(
    await stateOf({
      releaseSequence: RUNNING_SEQUENCE + 3,
      issuedS: ISSUED_S + 8 * DAY_S,
      validUntilS: ISSUED_S + 99 * DAY_S,
    }),
  );
  expect(warning(), "and it goes on counting").toBe("behind");
  instance.exports.offered!(RUNNING_SEQUENCE + 3);
  expect(warning()).toBe("");
});
