// A rollout whose target is open takes in devices that come to match it, into its last wave: they wait for all that the
// waves before are to show, and go by that wave's rules, as those do that are in it from the start.

import { mayAct } from "@flipside/api/rollout-transitions";
import { changing, refusal } from "./changes.ts";
import type { Handlers } from "./rollout-events.ts";

export const openTarget: Handlers<"device-joined" | "close-target"> = {
  "device-joined"({ state, targetOpen, waves, wavesMade, currentWave, rules }, { joiner }, { steadyMs }) {
    if (!mayAct(state, "device-joined")) return refusal(`the rollout is ${state}`);
    if (!targetOpen) return refusal("its target is closed");
    if (wavesMade !== undefined) return refusal("it is still being made");
    const wave = waves.length - 1;
    const deadlineAt = wave <= currentWave ? steadyMs + rules[wave]!.deadlineMs : null;
    return changing({
      joins: [{ ...joiner, wave, deadlineAt }],
      decisions: [`${joiner.deviceId} has come to match, and joins wave ${wave + 1}`],
    });
  },

  "close-target"({ state, targetOpen, heldFor }, { by }) {
    if (!mayAct(state, "close-target")) return refusal(`the rollout is ${state}`);
    if (!targetOpen) return refusal("its target is closed already");
    return changing({
      rollout: { targetOpen: false, ...(heldFor === "joiners" ? { heldFor: null } : {}) },
      decisions: [`closed by ${by}: no further device joins it`],
    });
  },
};
