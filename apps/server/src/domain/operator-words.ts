// What people say to a rollout. What each word means, exactly:
//   pause            no new offers and no new wave; deployments that were offered go on; time-outs of those that wait
//                    stop.
//   resume           offers go on. What has failed in the waves so far is accepted: their gates count only what
//                    finishes later; and where the health gate has failed, it begins anew.
//   approve          the next wave, which wants it, may start; not by who made the rollout.
//   start next wave  it starts now, whatever the present one has come to; but approval it needs all the same.
//   change rules     of the present wave and later ones; a wave whose rules were changed is to be approved anew.
//   close target     nobody joins it any more; it ends when those that it has are done (open-target.ts).
//   resize waves     those that have not begun have other sizes, and their devices are dealt anew in the same order;
//                    nobody moves in a wave that has begun. What was approved of them is to be approved anew.
//   exclude          these devices are taken out, where they are not past their point of no return.
//   retry            what did not succeed is tried again, and what has failed so far besides is accepted.
//   cancel           queued, offered, downloading and verifying deployments become `cancelled`; later ones, which are
//                    past the point of no return, go on to their own end.
//   supersede        another rollout starts, and this one is over: who waits gets nothing from it any more; what was
//                    offered goes on to its own end, unless the other one is urgent and overtakes it.
//   roll back        as cancel; and who was updated goes back to what it came from, by a rollout of its own.

import { failuresOf } from "@flipside/api/rollout-arithmetic";
import { mayAct, rolloutTransitions } from "@flipside/api/rollout-transitions";
import { deploymentStateNames } from "@flipside/image-format";
import { after, changing, deadlineFor, moving, refusal, type NextState, type Withdrawal } from "./changes.ts";
import { abandonable, endedBy } from "./deployment-transitions.ts";
import { acceptedHealth } from "./gates/health.ts";
import { listed } from "./listed.ts";
import type { Handlers } from "./rollout-events.ts";
import { retried } from "./retried.ts";
import { isMade, type RolloutSnapshot, underWay } from "./snapshots.ts";
import { beginWave } from "./wave-progress.ts";
import { counted } from "./counted.ts";

type OperatorWord =
  | "emergency-stop"
  | "emergency-over"
  | "pause"
  | "resume"
  | "approve"
  | "start-next-wave"
  | "change-rules"
  | "resize-waves"
  | "exclude"
  | "retry"
  | "cancel"
  | "give-way"
  | "roll-back"
  | "end-late-offers";

/** What is accepted when the operator goes on in spite of it. */
const acceptedNow = ({ waves, currentWave }: RolloutSnapshot): RolloutSnapshot["accepted"] =>
  waves
    .slice(0, currentWave + 1)
    .map(failuresOf)
    .map(({ counted, failed }) => ({ finished: counted, failed }));

/** How many deployments a withdrawal ends, and how many it leaves. */
export function withdrawnBy({ counts }: RolloutSnapshot, cause: Withdrawal): { ended: number; goOn: number } {
  const count = (pick: (ended: boolean) => boolean): number =>
    deploymentStateNames.reduce(
      (sum, state) => sum + (pick(endedBy(cause, state) !== undefined) ? counts[state] : 0),
      0,
    );
  const pastNoReturn = counts.installed + counts.rebooting + counts.testing;
  return { ended: count((ended) => ended), goOn: pastNoReturn };
}

const withdrawalText = (rollout: RolloutSnapshot): string => {
  const { ended, goOn } = withdrawnBy(rollout, "cancel");
  return `${counted(ended, "deployment")} cancelled, ${goOn} past the point of no return ${goOn === 1 ? "goes" : "go"} on`;
};

export const operatorWords: Handlers<OperatorWord> = {
  "emergency-stop": (_, { by, reason }) => changing({ decisions: [`all updates were stopped by ${by}: ${reason}`] }),

  "emergency-over": (rollout, { by }, now) => ({
    ...changing({ decisions: [`the stop of all updates was ended by ${by}`] }),
    newDeadline: deadlineFor(rollout.state === "running" ? ["queued", ...abandonable] : abandonable, rollout, now),
  }),

  pause({ state }, { by }) {
    if (!mayAct(state, "pause")) return refusal(`the rollout is ${state}`);
    const pauseReason = `paused by ${by}`;
    return changing({
      rollout: { state: rolloutTransitions.pause.to, pauseReason, soakUntil: null, heldFor: null },
      decisions: [pauseReason],
    });
  },

  resume(rollout, { by }, now) {
    const { state, currentWave } = rollout;
    if (!mayAct(state, "resume")) return refusal(`the rollout is ${state}`);
    const accepted = acceptedNow(rollout);
    const health = acceptedHealth(rollout.health);
    const of = accepted[currentWave];
    const what = of && `, who accepted ${of.failed} failed of ${of.finished} finished in wave ${currentWave + 1}`;
    return changing({
      rollout: { state: rolloutTransitions.resume.to, pauseReason: null, accepted, ...health.change },
      newDeadline: deadlineFor(["queued"], rollout, now),
      decisions: [`resumed by ${by}${what ?? ""}`, ...health.decisions],
    });
  },

  approve({ state, approvals, currentWave, rules, createdBy }, { by }) {
    if (!mayAct(state, "approve")) return refusal(`the rollout is ${state}`);
    const wave = currentWave + 1;
    if (rules[wave]?.approval !== true) return refusal("the next wave wants no approval");
    if (by === createdBy) return refusal(`${by} made the rollout, and somebody else has to approve it`);
    if (approvals.some((each) => each.wave === wave)) return refusal(`wave ${wave + 1} is approved already`);
    return changing({
      rollout: { approvals: [...approvals, { wave, by }] },
      decisions: [`wave ${wave + 1} approved by ${by}`],
    });
  },

  "start-next-wave"(rollout, { by }, now) {
    const { state, currentWave, waves, rules, approvals } = rollout;
    if (!mayAct(state, "start-next-wave")) return refusal(`the rollout is ${state}`);
    const wave = currentWave + 1;
    if (wave >= waves.length) return refusal("it has no further wave");
    if (!isMade(rollout, wave)) return refusal(`wave ${wave + 1} is still being made`);
    if (rules[wave]!.approval && !approvals.some((each) => each.wave === wave))
      return refusal(`wave ${wave + 1} is to be approved first`);
    return beginWave(rollout, now, `started by ${by}`);
  },

  "change-rules"(rollout, { by, rules, what }, now) {
    const { state, currentWave, approvals, soakUntil } = rollout;
    if (!mayAct(state, "change-rules")) return refusal(`the rollout is ${state}`);
    const [was, is] = [rollout.rules[currentWave], rules[currentWave]];
    const isSame = (wave: number): boolean => JSON.stringify(rules[wave]) === JSON.stringify(rollout.rules[wave]);
    const isLonger = was !== undefined && is !== undefined && is.deadlineMs !== was.deadlineMs;
    const changed = { ...rollout, rules };
    return changing({
      rollout: {
        rules,
        heldFor: null,
        approvals: approvals.filter(({ wave }) => wave <= currentWave || isSame(wave)),
        ...(soakUntil !== null && was && is ? { soakUntil: soakUntil + is.soakMs - was.soakMs } : {}),
      },
      newDeadline: isLonger && state === "running" ? deadlineFor(["queued"], changed, now) : undefined,
      decisions: [`rules changed by ${by}: ${what}`],
    });
  },

  "resize-waves"({ state, currentWave, waves, approvals }, { by, rules, what }) {
    if (!mayAct(state, "resize-waves")) return refusal(`the rollout is ${state}`);
    if (currentWave >= waves.length - 1) return refusal("it has no wave that has not begun");
    return changing({
      rollout: { rules, heldFor: null, approvals: approvals.filter(({ wave }) => wave <= currentWave) },
      decisions: [`waves resized by ${by}: ${what}`],
    });
  },

  exclude({ state }, { by, of }, now) {
    if (!mayAct(state, "exclude")) return refusal(`the rollout is ${state}`);
    const ended = of.flatMap((deployment): NextState[] => {
      const to = endedBy("exclude", deployment.state);
      return to === undefined ? [] : [{ deployment, to }];
    });
    if (ended.length === 0) return refusal("none of these devices is before its point of no return");
    const names = ended.map(({ deployment }) => deployment.deviceId);
    return { ...moving(ended, now), decisions: [`excluded by ${by}: ${listed(names)}`] };
  },

  retry(rollout, { by, of }, now) {
    const { state } = rollout;
    if (!mayAct(state, "retry")) return refusal(`the rollout is ${state}`);
    const again = of.flatMap((deployment) => retried(rollout, deployment, 0, now) ?? []);
    if (again.length === 0) return refusal("it has no deployment that ended without success");
    const changes = moving(again, now);
    const health = acceptedHealth(rollout.health);
    const names = again.map(({ deployment }) => deployment.deviceId);
    return {
      ...changes,
      rollout: {
        state: rolloutTransitions.retry.to,
        finishedAt: null,
        soakUntil: null,
        accepted: acceptedNow(after(rollout, changes)),
        ...health.change,
      },
      decisions: [`tried again by ${by}: ${listed(names)}`, ...health.decisions],
    };
  },

  "end-late-offers"(rollout, { by }) {
    if (!mayAct(rollout.state, "end-late-offers")) return refusal(`the rollout is ${rollout.state}`);
    const { ended } = withdrawnBy(rollout, "end-late-offers");
    return changing({
      withdraw: "end-late-offers",
      decisions: [
        `late offers ended by ${by}: ${counted(ended, "device that is away gets", "devices that are away get")} nothing any more`,
      ],
    });
  },

  cancel(rollout, { by }, { steadyMs }) {
    if (!mayAct(rollout.state, "cancel")) return refusal(`the rollout is ${rollout.state}`);
    return changing({
      rollout: { state: rolloutTransitions.cancel.to, pauseReason: null, heldFor: null, finishedAt: steadyMs },
      withdraw: "cancel",
      decisions: [`cancelled by ${by}: ${withdrawalText(rollout)}`],
    });
  },

  "give-way"(rollout, { by, to: { id, name } }, { steadyMs }) {
    if (!mayAct(rollout.state, "give-way")) return refusal(`the rollout is ${rollout.state}`);
    const { ended } = withdrawnBy(rollout, "give-way");
    return changing({
      rollout: {
        state: rolloutTransitions["give-way"].to,
        supersededBy: id,
        pauseReason: `superseded by rollout ${name}`,
        soakUntil: null,
        heldFor: null,
        finishedAt: steadyMs,
      },
      withdraw: "give-way",
      decisions: [
        `superseded by ${by}, who started rollout ${name}: ${counted(ended, "deployment")} cancelled, ${counted(underWay(rollout), "under way goes on", "under way go on")}`,
      ],
    });
  },

  "roll-back"(rollout, { by, wave }, { steadyMs }) {
    const { state, waves, currentWave } = rollout;
    if (!mayAct(state, "roll-back")) return refusal(`the rollout is ${state}`);
    if (wave !== undefined && wave > currentWave)
      return refusal(
        wave < waves.length ? `wave ${wave + 1} has not started` : `it has ${counted(waves.length, "wave")}`,
      );
    const isOpen = mayAct(state, "cancel");
    const what = wave === undefined ? "" : ` of wave ${wave + 1}`;
    return changing({
      rollout: {
        state: rolloutTransitions["roll-back"].to,
        pauseReason: null,
        heldFor: null,
        ...(isOpen ? { finishedAt: steadyMs } : {}),
      },
      withdraw: "cancel",
      rollBack: { wave },
      decisions: [`roll-back${what} by ${by}: ${withdrawalText(rollout)}`],
    });
  },
};
