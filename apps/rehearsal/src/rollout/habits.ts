// Devices as a model of a fleet has them: their links, how long they take for what, and how the image behaves on each.

import { ErrorCode } from "@flipside/image-format";
import { errorCodeOf } from "@flipside/image-format/error-names";
import type { CompleteNewRehearsal } from "@flipside/api/types";
import type { FleetModel, ModelledDevice, PastFailure } from "../../../server/src/features/rehearsals/fleet-model.ts";
import { quantile } from "../../../server/src/features/rehearsals/quantiles.ts";
import type { Behaviour } from "../device/behaviour.ts";
import type { Habits } from "../device/habits.ts";
import { contactDeadlineMs, type KnownImage, type Project } from "../server/project.ts";
import { Random } from "../world/random.ts";
import type { WorldKind } from "./outcome.ts";

/** Of what an update takes besides its download: its verification, and its start up to the first connection. */
const verifyShare = 0.3;
const startShare = 0.35;
/** Each time is a little longer, or shorter. */
const spread = 0.2;
const askAgainMsLeast = 10_000;
const dayMs = 86_400_000;
const rehearsedSequence = 2;

export interface Supposed {
  kind: WorldKind;
  asked: Pick<CompleteNewRehearsal, "bad" | "late">;
  seed: number;
}

/** Ids of those on which the image is bad: so many of the devices that it may be bad on, drawn from the seed. */
export function harmedBy(devices: readonly ModelledDevice[], { kind, asked, seed }: Supposed): ReadonlySet<string> {
  const { bad, late } = asked;
  const share = kind === "bad" ? (bad?.percent ?? 0) : kind === "late" ? (late?.percent ?? 0) : 0;
  const hardware = kind === "bad" ? (bad?.hardware ?? null) : null;
  const may = devices.filter((device) => !device.isThere && (hardware === null || device.hardware === hardware));
  const count = Math.ceil((share / 100) * may.length);
  return new Set(
    Random.of(seed, "harmed")
      .some(may, count)
      .map(({ id }) => id),
  );
}

function badBehaviour(code: number): Behaviour {
  switch (code) {
    case ErrorCode.Crashed:
    case ErrorCode.TriesExhausted:
    case ErrorCode.WatchdogExpired:
      return { kind: "crashes", afterMs: 2_000 };
    case ErrorCode.AppUnhealthy:
    case ErrorCode.SelfTestFailed:
      return { kind: "unhealthy", afterMs: 2_000 };
    case ErrorCode.NoContact:
      return { kind: "no-contact" };
    case ErrorCode.CrashedRepeatedly:
      return { kind: "gives-way", afterMs: 60_000 };
    default:
      return { kind: "fails", code };
  }
}

const behaviourAs = ({ state, code }: PastFailure): Behaviour =>
  state === "timed-out" ? { kind: "stalls" } : badBehaviour(code);

/** A good image fails as others have: each failure on its share of the devices. */
function behaviourByChance(failures: readonly PastFailure[], random: Random): Behaviour {
  let drawn = random.next();
  for (const failure of failures) if ((drawn -= failure.share) < 0) return behaviourAs(failure);
  return { kind: "good" };
}

export function habitsOf(
  device: ModelledDevice,
  {
    model,
    project,
    supposed,
    isHarmed,
  }: { model: FleetModel; project: Project; supposed: Supposed; isHarmed: boolean },
): Habits {
  const { asked, kind, seed } = supposed;
  const drawn = Random.of(seed, `habits of ${device.id}`);
  const bytesPerSecond = device.bytesPerSecond ?? quantile(model.links, drawn.next());
  const [old, rehearsed] = project.images as [KnownImage, KnownImage];
  const downloadMs = Math.max(1, (device.payloadBytes / bytesPerSecond) * 1_000);
  const { aroundMs } = model;
  const byChance = behaviourByChance(model.failures, drawn);
  const bad: Behaviour = kind === "bad" ? badBehaviour(errorCodeOf(asked.bad!.code)!) : { kind: "good" };
  const times = Random.of(seed, `times of ${device.id}`);
  const about = (ms: number): number => ms * (1 + spread * (2 * times.next() - 1));
  const crashesPerMs = model.crashesPerDeviceDay / dayMs;
  const lateCrashesPerMs = kind === "late" && isHarmed ? 1 / asked.late!.crashEveryMs : 0;
  return {
    revision: 1,
    imageAtFirst: device.isThere ? rehearsed : old,
    // Its few chunks take as long as the many of the image that they stand for.
    bytesPerMs: rehearsed.payload.length / downloadMs,
    chunksAlone: true,
    askAgainMs: Math.max(askAgainMsLeast, 2 * downloadMs),
    contactDeadlineMs: Math.max(contactDeadlineMs, 2 * aroundMs),
    healthyAfterMs: aroundMs * (1 - verifyShare),
    behaviourOf(image) {
      if (image.releaseSequence !== rehearsedSequence || device.isThere) return { kind: "good" };
      return isHarmed && kind === "bad" ? bad : byChance;
    },
    verifyMs: () => about(aroundMs * verifyShare),
    startMs: () => about(aroundMs * startShare),
    crashAfterMs(image) {
      const perMs = crashesPerMs + (image.releaseSequence === rehearsedSequence ? lateCrashesPerMs : 0);
      return perMs === 0 ? undefined : -Math.log(1 - times.next()) / perMs;
    },
  };
}
