// What a rollout does by itself: it asks its gates, and goes on to the next wave, ends, waits or stops.

import { failuresOf, type WaveTally } from "@flipside/api/rollout-arithmetic";
import { rolloutTransitions } from "@flipside/api/rollout-transitions";
import { changing, type Changes, deadlineFor } from "./changes.ts";
import type { Verdict } from "./gates/gate.ts";
import { gates } from "./gates/gates.ts";
import type { Now } from "./now.ts";
import { isMade, presentWave, type RolloutSnapshot } from "./snapshots.ts";
import { counted } from "./counted.ts";

/** One step; undefined: there is nothing to do now. */
export function passGate(rollout: RolloutSnapshot, now: Now): Changes | undefined {
  if (rollout.state !== "running") return undefined;
  for (const gate of gates) {
    const verdict = gate(rollout, now);
    if (verdict.kind !== "holds") return notPassed(rollout, verdict, now);
  }
  const next = rollout.currentWave + 1;
  // Of a rollout of which not even the devices are chosen no wave is known.
  if (next === rollout.waves.length) return rollout.wavesMade === undefined ? completed(rollout, now) : undefined;
  return isMade(rollout, next) ? beginWave(rollout, now) : undefined;
}

function notPassed(rollout: RolloutSnapshot, verdict: Verdict, now: Now): Changes | undefined {
  switch (verdict.kind) {
    case "fails":
      return failed(rollout, verdict, now);
    case "watches":
      return changing({ rollout: { soakUntil: verdict.until }, decisions: [verdict.decision] });
    case "unfinished":
      return changing({ rollout: { soakUntil: null, heldFor: null } });
    case "held":
      // Once is enough to say it.
      if (rollout.heldFor === verdict.for) return undefined;
      return changing({ rollout: { heldFor: verdict.for }, decisions: [verdict.decision] });
    default:
      return undefined;
  }
}

/** What is done when too many fail. */
function failed(
  { rules }: RolloutSnapshot,
  { wave, action: given, reason, numbers }: Extract<Verdict, { kind: "fails" }>,
  { steadyMs }: Now,
): Changes {
  const action = given ?? (wave === undefined ? "pause" : rules[wave]!.thresholdAction);
  if (action === "pause")
    return changing({
      rollout: { state: rolloutTransitions["gate-failed"].to, pauseReason: reason, soakUntil: null, heldFor: null },
      decisions: [`paused automatically: ${numbers}`],
    });
  const ended = { pauseReason: reason, soakUntil: null, heldFor: null, finishedAt: steadyMs };
  if (action === "abort")
    return changing({
      rollout: { ...ended, state: rolloutTransitions["gate-aborted"].to },
      withdraw: "cancel",
      decisions: [`cancelled automatically: ${numbers}`],
    });
  const isWave = action === "roll-back-wave";
  return changing({
    rollout: { ...ended, state: rolloutTransitions["gate-rolled-back"].to },
    withdraw: "cancel",
    rollBack: { wave: isWave ? wave : undefined },
    decisions: [`rolled back automatically${isWave ? `, wave ${wave! + 1}` : ""}: ${numbers}`],
  });
}

const sumOf = (waves: readonly WaveTally[], pick: (wave: WaveTally) => number): number =>
  waves.reduce((total, wave) => total + pick(wave), 0);

function completed({ waves }: RolloutSnapshot, { steadyMs }: Now): Changes {
  const ends = [
    `${sumOf(waves, ({ succeeded }) => succeeded)} confirmed`,
    `${sumOf(waves, (each) => failuresOf(each).failed)} failed`,
    `${sumOf(waves, ({ unreached }) => unreached)} away`,
    `${sumOf(waves, ({ cancelled }) => cancelled)} cancelled of ${sumOf(waves, ({ total }) => total)}`,
  ];
  return changing({
    rollout: { state: rolloutTransitions["last-wave-done"].to, finishedAt: steadyMs, soakUntil: null, heldFor: null },
    decisions: [`completed: ${ends.join(", ")}`],
  });
}

/** `how`: why it starts, when that is not for the gates. */
export function beginWave(rollout: RolloutSnapshot, now: Now, how?: string): Changes {
  const { waves, currentWave, rules } = rollout;
  const before = presentWave(rollout);
  const begun = currentWave + 1;
  const numbers =
    before === undefined
      ? undefined
      : `wave ${begun} has ${before.succeeded} confirmed and ${failuresOf(before).failed} failed of ${before.total}, threshold ${rules[currentWave]!.failureThresholdPercent} %`;
  const parts = [how, numbers].filter((part) => part !== undefined).join("; ");
  return changing({
    rollout: { currentWave: begun, soakUntil: null, heldFor: null, nextOfferAt: null },
    newDeadline: deadlineFor(["queued"], { currentWave: begun, rules }, now),
    decisions: [
      `wave ${begun + 1} started (${counted(waves[begun]!.total, "device")})${parts === "" ? "" : `: ${parts}`}`,
    ],
  });
}
