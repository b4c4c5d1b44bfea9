// One branch of the boot loader goes the other way: each of those that a start takes, one after the other, on flash
// with an image that must not start. None of them starts it. docs/decisions/0042-one-fault-starts-no-forged-image.md
// says what that does not show.

import { createPrivateKey, sign } from "node:crypto";
import { Exo } from "@flipside/machine/abi";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import { beforeAll, describe, expect, it } from "vitest";
import { instrument } from "../src/device/instrument.ts";
import { readSubject, subjectOfSources } from "../src/campaign/subject.ts";
import { type Calls, ModuleInstance } from "../src/device/module-instance.ts";
import { belowTheFloor, forgeries, signedByBoth } from "../src/one-fault/forgeries.ts";
import { faultImports, withConditionals } from "../src/one-fault/invert.ts";
import { LoaderUnderFault } from "../src/one-fault/loader-run.ts";
import { smallLayout } from "../src/stories/catalogue.ts";
import { keys } from "../src/stories/images.ts";

let loader: LoaderUnderFault;
beforeAll(async () => {
  const { boot, agent } = readSubject(await subjectOfSources());
  loader = new LoaderUnderFault(
    smallLayout,
    new WebAssembly.Module(withConditionals(instrument(boot, { importCrypto: true }))),
    new WebAssembly.Module(instrument(agent, { importCrypto: false })),
  );
}, 120_000);

/** As its first start leaves it, which is the one start of all that has to be. */
function booted(flash: Uint8Array): Uint8Array {
  expect(loader.run(loader.intern(flash)).started).toBeDefined();
  return loader.flash();
}

/** The conditionals that start something when they go the other way, of those from `from` on. */
function startingIt(flash: Uint8Array, from = 1): { tried: number; starting: number[] } {
  const ids = loader.intern(flash);
  const { started, conditionals } = loader.run(ids);
  expect(started, "without a fault").toBeUndefined();
  const starting: number[] = [];
  for (let fault = from; fault <= conditionals; fault++)
    if (loader.run(ids, fault, conditionals).started !== undefined) starting.push(fault);
  return { tried: conditionals + 1 - from, starting };
}

describe("one branch that goes the other way", () => {
  it("starts no image that was forged, and none that is for other hardware", { timeout: 600_000 }, async () => {
    let tried = 0;
    for (const { name, flash } of await forgeries(smallLayout, booted)) {
      const found = startingIt(flash);
      expect(found.starting, name).toEqual([]);
      tried += found.tried;
    }
    console.log(`${tried} branches went the other way, one at a time`);
    expect(tried).toBeGreaterThan(50_000);
  });

  it("starts what both of two release keys have signed, where it takes two, without a fault", async () => {
    const { flash } = await signedByBoth(smallLayout, booted);
    expect(loader.run(loader.intern(flash)).started).toBeDefined();
  });

  it("starts no image below the floor, once boot control is read", { timeout: 60_000 }, async () => {
    const { flash } = await belowTheFloor(smallLayout, booted);
    const { beforeImages } = loader.run(loader.intern(flash));
    expect(beforeImages).toBeGreaterThan(0);
    // Whoever can put an old image into a slot can write boot control, too, which nobody signs: reading it is not held
    // against such a fault.
    expect(startingIt(flash, beforeImages + 1).starting).toEqual([]);
  });
});

const absent = new Proxy({}, { get: () => () => Exo.Absent }) as Calls;

/** Of a verification's conditionals: all of its end, where the verdict is, and some of the many before it. */
const LAST_TRIED = 1_500;
const BEFORE_TRIED = 500;

it("makes no signature valid that is not: in the verifier itself, to its last branch", {
  timeout: 120_000,
}, async () => {
  const { boot } = readSubject(await subjectOfSources());
  let [count, fault, most] = [0, 0, Number.POSITIVE_INFINITY];
  const instance = new ModuleInstance(
    new WebAssembly.Module(withConditionals(instrument(boot, { importCrypto: false }))),
    () => ({ exo: absent, crypto: {} }),
    faultImports((value) => {
      // A loop that has lost its end.
      if (++count > most) throw new WebAssembly.RuntimeError("hangs");
      return count === fault ? Number(value === 0) : value;
    }),
  );
  const message = new TextEncoder().encode("an image that nobody has signed");
  const signature = sign(null, message, createPrivateKey({ key: keys.stranger.privateJwk, format: "jwk" }));
  const { memory } = instance;
  const [key, signed, text] = [memory.length >>> 1, (memory.length >>> 1) + 64, (memory.length >>> 1) + 256];
  const verdict = (publicKey: Uint8Array, at: number): number => {
    instance.reset();
    memory.set(publicKey, key);
    memory.set(signature, signed);
    memory.set(message, text);
    [count, fault] = [0, at];
    try {
      return instance.exports["ed25519VerifyParts"]!(key, signed, text, message.length, text, 0);
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) return -1;
      throw error;
    }
  };
  expect(verdict(keys.stranger.publicKey, 0)).toBe(0);
  expect(verdict(keys.release.publicKey, 0)).not.toBe(0);
  const all = count;
  most = 2 * all;
  const chance = new SeededRandom(seedOfRun());
  console.log(`one fault in a verification: FLIPSIDE_SEED=${chance.seed}`);
  const before = Array.from({ length: BEFORE_TRIED }, () => 1 + chance.below(all - LAST_TRIED));
  const last = Array.from({ length: LAST_TRIED }, (_, i) => all - i);
  expect([...before, ...last].filter((at) => verdict(keys.release.publicKey, at) === 0)).toEqual([]);
});
