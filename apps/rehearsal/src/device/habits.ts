// How a simulated device is: how fast its link is, how long it takes for what, and how images behave on it. Drawn from
// chance where the server is tested; learned from a fleet's history where a rollout is rehearsed (rollout/habits.ts).

import { contactDeadlineMs, type KnownImage } from "../server/project.ts";
import type { Random } from "../world/random.ts";
import { type Behaviour, behaviourOf } from "./behaviour.ts";
import type { DeviceWorld } from "./fleet-device.ts";

export interface Habits {
  readonly revision: number;
  /** That it leaves the factory with. */
  readonly imageAtFirst: KnownImage;
  /** Of its link. */
  readonly bytesPerMs: number;
  /** Chunks alone take time on it (world/network.ts). */
  readonly chunksAlone: boolean;
  /** It asks again for a chunk that has not come, the first time. */
  readonly askAgainMs: number;
  /** A candidate that reaches the server by then, or is given up. */
  readonly contactDeadlineMs: number;
  /** From a start until an image can be told to be healthy. */
  readonly healthyAfterMs: number;
  behaviourOf(image: KnownImage): Behaviour;
  verifyMs(): number;
  /** From a start to the first connection. */
  startMs(): number;
  /** From a start of a confirmed image to a crash that changes nothing; undefined: there is none. */
  crashAfterMs(image: KnownImage): number | undefined;
}

const healthyAfterMs = 1_000;
const askAgainMs = 10_000;

/** `random`: the device's own. */
export function drawnHabits(
  { seed, project }: Pick<DeviceWorld, "seed" | "project">,
  deviceId: string,
  random: Random,
): Habits {
  const revision = random.between(1, 3);
  const bytesPerMs = random.pick([0.6, 1, 8, 100]);
  return {
    ...{ revision, bytesPerMs, chunksAlone: false, askAgainMs, contactDeadlineMs, healthyAfterMs },
    imageAtFirst: project.images[0]!,
    behaviourOf: (image) => behaviourOf(seed, image, deviceId),
    verifyMs: () => random.between(100, 3_000),
    startMs: () => random.between(500, 3_000),
    crashAfterMs: () => undefined,
  };
}
