// Acceptance on RV32: a batch of the fuzzer's signatures goes through the verifier of a device in QEMU, and each
// verdict must be the one of the server's build. FLIPSIDE_DEVICE_INPUTS sets how many (3,000 fit the zone that they lie
// in).

import { afterAll, beforeAll, expect, test } from "vitest";
import { join } from "node:path";
import { agentRoot, agentSources } from "../../apps/agent/build/paths.ts";
import { unikernelLayout } from "@flipside/machine/factory/flash-layout";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import { buildTestProgram, runDevice, type TestProgram } from "../../apps/agent/test/isolation/device.ts";
import { mutate } from "./engine/mutate.ts";
import { strictVerifier } from "./targets/device-images.ts";
import { HEAD_BYTES, mutateSignature, signatures, verdicts } from "./targets/signatures.ts";

/** Job kind of device-vectors/assembly/agent.ts: public key, signature, message. */
const VERIFY = 1;
const MESSAGE_BYTES_MAX = 64;
const count = Number(process.env.FLIPSIDE_DEVICE_INPUTS ?? 250);

let built: TestProgram;
beforeAll(async () => {
  built = await buildTestProgram({
    agentEntry: join(agentRoot, "test/device-vectors/assembly/agent.ts"),
    appEntry: `${agentSources}/app/main.ts`,
    extraFiles: [join(agentRoot, "test/device-vectors/probes/instructions.c")],
  });
});
afterAll(() => built?.remove());

test(
  `RV32 gives the server's verdict on ${count} fuzzed signatures`,
  async () => {
    const seed = seedOfRun();
    console.info(`fuzzed signatures on the device: FLIPSIDE_SEED=${seed}`);
    const random = new SeededRandom(seed);
    const target = await signatures();
    const strict = await strictVerifier();
    const bases = target.seeds.filter((input) => input.length <= HEAD_BYTES + MESSAGE_BYTES_MAX);
    const inputs: Uint8Array[] = [];
    while (inputs.length < count) {
      const base = random.pick(bases);
      const draft = { bytes: new Uint8Array(HEAD_BYTES + MESSAGE_BYTES_MAX), length: base.length };
      draft.bytes.set(base);
      for (let changes = random.below(4); changes > 0; changes--) {
        if (random.below(3) !== 0) mutateSignature(draft, random);
        else mutate(draft, random, target.dictionary, random.pick(bases));
      }
      if (draft.length >= HEAD_BYTES) inputs.push(draft.bytes.slice(0, draft.length));
    }
    const expected = inputs.map((input) =>
      verdicts.indexOf(strict.verify(input.slice(0, 32), input.slice(32, 96), input.slice(96))),
    );
    expect(new Set(expected).size, "the inputs are all of a kind").toBeGreaterThan(3);
    const run = await runDevice(
      built,
      (flash) => {
        const { offsetBytes, sizeBytes } = unikernelLayout.zones.settings;
        const view = new DataView(flash.buffer, flash.byteOffset, flash.byteLength);
        let at = offsetBytes;
        for (const input of inputs) {
          if (at + 8 + input.length + 3 > offsetBytes + sizeBytes)
            throw new RangeError(`${count} inputs don't fit the settings zone`);
          view.setUint32(at, VERIFY, true);
          view.setUint32(at + 4, input.length, true);
          flash.set(input, at + 8);
          at += 8 + ((input.length + 3) & ~3);
        }
      },
      /jobs over|crash: /,
      { timeoutMs: 60_000 + 300 * count },
    );
    const told = run.lines.flatMap((line) => /^job \d+ (\d+)$/.exec(line)?.[1] ?? []).map(Number);
    expect(told, `seed ${seed}`).toEqual(expected);
  },
  120_000 + 300 * count,
);
