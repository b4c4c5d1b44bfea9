// How images behave on devices: decided by the seed, the same for each start of the same image on the same device.

import type { KnownImage } from "../server/project.ts";
import { Random } from "../world/random.ts";

export type Behaviour =
  | { kind: "good" }
  /** It ends in a trap, so long after its start. */
  | { kind: "crashes"; afterMs: number }
  /** Its app says that it is unhealthy. */
  | { kind: "unhealthy"; afterMs: number }
  /** It crashes again and again, so long after it was confirmed. */
  | { kind: "gives-way"; afterMs: number }
  /** It never reaches the server. */
  | { kind: "no-contact" }
  /** It is never installed: the update fails so, once all of it is there. */
  | { kind: "fails"; code: number }
  /** Its download is begun, and never comes to its end. */
  | { kind: "stalls" };

/** Of releases that are sound, that fail here and there, that are broken, and that show it late. */
const shares = [
  { crashes: 0.02, unhealthy: 0.02, givesWay: 0.02 },
  { crashes: 0.15, unhealthy: 0.15, givesWay: 0.05 },
  { crashes: 0.4, unhealthy: 0.3, givesWay: 0 },
  { crashes: 0.05, unhealthy: 0, givesWay: 0.4 },
];

/** The first release is what devices leave the factory with: it is good. */
export function behaviourOf(seed: number, image: KnownImage, deviceId: string): Behaviour {
  if (image.releaseSequence === 1) return { kind: "good" };
  const ofRelease = Random.of(seed, `release ${image.releaseSequence}`);
  const share = ofRelease.chance(0.5) ? shares[0]! : ofRelease.pick(shares);
  const random = Random.of(seed, `release ${image.releaseSequence} on ${deviceId}`);
  const drawn = random.next();
  if (drawn < share.crashes) return { kind: "crashes", afterMs: random.between(200, 4_000) };
  if (drawn < share.crashes + share.unhealthy) return { kind: "unhealthy", afterMs: random.between(500, 8_000) };
  if (drawn < share.crashes + share.unhealthy + share.givesWay)
    return { kind: "gives-way", afterMs: random.between(5_000, 240_000) };
  return { kind: "good" };
}
