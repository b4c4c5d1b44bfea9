// What a device says of the deployment that it has taken up, while this is offered, put off, downloaded and told: as
// docs/protocol.md has it ("Deployment states", "Put off"). What may follow what is the table that both sides share.
//
// Input: steps of 3 bytes, see `Step`.

import { DeploymentState, ErrorCode, mayFollow } from "@flipside/image-format";
import { agentGrants } from "@flipside/machine/grants";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { assemblyEntry, compileForFuzzing } from "../engine/compile.ts";
import { FuzzInstance } from "../engine/instance.ts";
import { expectSame, type OpenTarget } from "../engine/target.ts";
import { DeviceHost } from "./device-host.ts";
import { layout } from "./device-images.ts";
import { stepsIn } from "./steps.ts";

/** With two bytes each: id and attempt; state and code; how long; pieces that have come, and all. */
const enum Step {
  Take,
  Enter,
  PutOff,
  Progress,
  Told,
  Count,
}
const STEP_BYTES = 3;
const STEPS_MAX = 96;
/** Progress is told after so many chunks. */
const CHUNKS_A_REPORT = 16;

/** Of two ids with different lengths one begins with the other; a bit makes another one of the same length. */
function idOf(a: number): Uint8Array {
  const id = new Uint8Array(1 + ((a & 127) % 48)).fill(0x61);
  if (a & 128) id[id.length - 1]!++;
  return id;
}
const step = (what: Step, a = 0, b = 0): number[] => [what, a, b];
const inputOf = (...steps: readonly (readonly number[])[]): Uint8Array => Uint8Array.from(steps.flat());
const drawn = (seed: number): Uint8Array => {
  const random = new SeededRandom(seed);
  return inputOf(
    ...Array.from({ length: STEPS_MAX }, () => step(random.below(Step.Count), random.below(256), random.below(256))),
  );
};

export const deployment: OpenTarget = async (patches = []) => {
  const fuzzed = await compileForFuzzing(assemblyEntry("update"), 2, patches);
  const host: DeviceHost = new DeviceHost(layout, () => instance, agentGrants);
  const instance: FuzzInstance = new FuzzInstance(fuzzed, () => host.imports);
  const { exports: calls, memory } = instance;
  const idAt = (instance.exports.id as unknown as WebAssembly.Global).value as number;
  const atStart = instance.save();
  return {
    name: "deployment",
    instance,
    inputBytesMax: STEP_BYTES * STEPS_MAX,
    share: 0.01,
    dictionary: [],
    seeds: [
      inputOf(
        step(Step.Take, 4, 1),
        step(Step.Told),
        ...Array.from({ length: 40 }, (_, done) => [step(Step.Progress, done, 99), step(Step.Told)]).flat(),
        step(Step.Take, 4, 2),
        step(Step.Told),
        step(Step.Progress, 15, 99),
        step(Step.Progress, 16, 99),
      ),
      inputOf(
        step(Step.Take, 4, 1),
        step(Step.PutOff, 9),
        step(Step.Told),
        step(Step.Progress, 0, 9),
        step(Step.Told),
        step(Step.Progress, 1, 9),
        step(Step.Told),
        step(Step.Progress, 9, 9),
      ),
      inputOf(
        step(Step.Take, 4, 1),
        step(Step.PutOff, 9),
        step(Step.Take, 5, 1),
        step(Step.Take, 3, 1),
        step(Step.Take, 131, 1),
        step(Step.Enter, DeploymentState.Failed, 60),
        step(Step.Take, 3, 2),
        step(Step.Enter, DeploymentState.Downloading),
        step(Step.PutOff, 1),
      ),
      ...Array.from({ length: 8 }, (_, seed) => drawn(seed)),
    ],
    run(input) {
      instance.restore(atStart);
      let id = new Uint8Array(0);
      const now = {
        attempt: 0,
        state: DeploymentState.Queued as number,
        code: ErrorCode.None as number,
        done: 0,
        total: 0,
        waitMs: 0,
        isDirty: false,
      };
      let reported = 0;
      const enters = (state: number, code: number): void => {
        if (mayFollow(now.state, state)) Object.assign(now, { state, code, isDirty: true });
      };
      for (const [what = 0, a = 0, b = 0] of stepsIn(input, 0, STEP_BYTES)) {
        switch (what % Step.Count) {
          case Step.Take:
            id = Uint8Array.from(idOf(a));
            memory.set(id, idAt);
            calls.take!(id.length, b);
            Object.assign(now, {
              attempt: b,
              state: DeploymentState.Offered,
              code: 0,
              done: 0,
              total: 0,
              waitMs: 0,
              isDirty: false, // The server has just said it.
            });
            reported = 0;
            break;
          case Step.Enter:
            calls.enter!(a % 16, b);
            enters(a % 16, b);
            break;
          case Step.PutOff:
            calls.putOff!(a);
            enters(DeploymentState.Downloading, ErrorCode.UpdatePutOff);
            now.waitMs = a;
            break;
          case Step.Progress: {
            calls.progress!(a, b);
            Object.assign(now, { done: a, total: b });
            const isNews = a === b || a >= reported + CHUNKS_A_REPORT;
            if (isNews) reported = a;
            if (now.waitMs !== 0) Object.assign(now, { waitMs: 0, code: 0, isDirty: true });
            now.isDirty ||= isNews;
            break;
          }
          case Step.Told:
            calls.told!();
            now.isDirty = false;
            break;
        }
        for (const name of ["state", "code", "done", "total", "waitMs"] as const)
          expectSame(calls[name]!(), now[name], `${name} of the deployment`);
        expectSame(calls.exists!(), Number(id.length > 0), "a deployment was taken up");
        expectSame(calls.isDirty!(), Number(now.isDirty), "the server has to be told");
        // Another id: shorter, longer, or another one as long; another attempt.
        for (const other of [
          id,
          id.subarray(0, -1),
          Uint8Array.from([...id, 0x61]).subarray(0, 48),
          idOf((id.length - 1) | 128),
        ]) {
          memory.set(other, idAt);
          for (const attempt of [now.attempt, now.attempt ^ 1]) {
            const isThis = attempt === now.attempt && Buffer.compare(other, id) === 0;
            expectSame(calls.isThis!(other.length, attempt), Number(isThis), "it is the deployment that was taken up");
          }
        }
      }
    },
  };
};
