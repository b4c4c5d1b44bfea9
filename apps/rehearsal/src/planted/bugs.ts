// Bugs that rehearsals have to find: each is a change to one place of the server, in a copy of its sources. One that is
// not found is a hole in the rehearsals.

export interface PlantedBug {
  name: string;
  what: string;
  /** Properties of which one has to fall. */
  breaks: readonly string[];
  /** In the server's folder `src`. */
  patches: readonly { file: string; find: string; replace: string }[];
}

const EVENTS = "domain/deployment-events.ts";
const SNAPSHOTS = "domain/snapshots.ts";
const GATES = "domain/gates/gates.ts";
const HINDRANCES = "features/deployments/hindrances.ts";
const OFFERING = "features/deployments/offering.ts";
const STORE = "features/deployments/store.ts";
const STOP = "features/emergency-stop/emergency-stop.ts";
const TIME = "features/deployments/passing-time.ts";
const WORDS = "domain/operator-words.ts";

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: "pause-offers",
    what: "a paused rollout goes on with its offers",
    breaks: ["pause holds"],
    patches: [
      {
        file: SNAPSHOTS,
        find: 'rollout.state === "running" && wave <= rollout.currentWave',
        replace: '(rollout.state === "running" || rollout.state === "paused") && wave <= rollout.currentWave',
      },
    ],
  },
  {
    name: "goes-back",
    what: "nobody looks what a device runs when it is offered something",
    breaks: ["nobody goes back", "what devices are told"],
    patches: [{ file: HINDRANCES, find: "!allowOlder && runsNewer(running, release)", replace: "false" }],
  },
  {
    name: "stop-forgotten",
    what: "the stop of all updates does not survive a restart",
    breaks: ["what is acknowledged stays"],
    patches: [
      {
        file: STOP,
        find: "let stop = await stored();",
        replace: "let stop: Stop | undefined;",
      },
    ],
  },
  {
    name: "stop-lets-windows-end",
    what: "a window of chunks that was begun before the stop is sent to its end",
    breaks: ["the stop stops"],
    patches: [{ file: "features/chunk-delivery/chunk-delivery.ts", find: "options.isStopped() || ", replace: "" }],
  },
  {
    name: "stop-lets-offers-through",
    what: "what a device is at is offered again though all updates are stopped",
    breaks: ["the stop stops"],
    patches: [
      {
        file: OFFERING,
        find: "      if (brake.stop !== undefined) return undefined;\n      const known",
        replace: "      const known",
      },
      {
        file: OFFERING,
        find: "      if (brake.stop !== undefined) return undefined;\n      return {",
        replace: "      return {",
      },
    ],
  },
  {
    name: "wave-too-early",
    what: "a wave begins while the one before is under way",
    breaks: ["waves wait"],
    patches: [
      {
        file: GATES,
        find: "  settled,\n  somethingLearned,",
        replace: "  somethingLearned,",
      },
    ],
  },
  {
    name: "not-watched",
    what: "a wave begins as soon as the one before has ended, without the time that it is to be watched",
    breaks: ["waves are watched"],
    patches: [
      {
        file: GATES,
        find: "  soak,\n  startTime,",
        replace: "  startTime,",
      },
    ],
  },
  {
    name: "watched-by-the-wall-clock",
    what: "durations go by the wall clock, which jumps",
    breaks: ["waves are watched", "everything comes to its end"],
    patches: [
      {
        file: "clock.ts",
        find: "Math.floor(steadyBase + source.monotonicMs() - monotonicBase)",
        replace: "Math.floor(source.wallMs() + 0 * (steadyBase + monotonicBase))",
      },
    ],
  },
  {
    name: "threshold-of-twice-as-much",
    what: "the share of failures is compared with twice the threshold",
    breaks: ["thresholds hold"],
    patches: [
      {
        file: "domain/gates/failure-threshold.ts",
        find: "failed * 100 > failureThresholdPercent * of",
        replace: "failed * 100 > 2 * failureThresholdPercent * of",
      },
    ],
  },
  {
    name: "threshold-of-the-last-wave-alone",
    what: "what turns out of an earlier wave is not looked at",
    breaks: ["thresholds hold"],
    patches: [
      {
        file: "domain/gates/failure-threshold.ts",
        find: "let index = 0;",
        replace: "let index = Math.max(0, rollout.currentWave);",
      },
    ],
  },
  {
    name: "one-too-many",
    what: "one device more than may be is at work",
    breaks: ["the cap holds"],
    patches: [{ file: EVENTS, find: "underWay(rollout) >= underWayMax", replace: "underWay(rollout) > underWayMax" }],
  },
  {
    name: "counts-drift",
    what: "a deployment that ends is not taken out of the count of those before",
    breaks: ["counts agree"],
    patches: [
      {
        file: STORE,
        find: "{ wave, state: from, count: -1 },",
        replace: '{ wave, state: from, count: to === "rolled-back" ? 0 : -1 },',
      },
    ],
  },
  {
    name: "success-is-final",
    what: "a device that was confirmed stays so, whatever becomes of the image",
    breaks: ["confirmed means that it runs"],
    patches: [
      {
        file: "domain/deployment-transitions.ts",
        find: '  confirmed: ["rolled-back"],\n',
        replace: "",
      },
      {
        file: "domain/deployment-transitions.ts",
        find: "mayFollow(deploymentStateOf(from), deploymentStateOf(to)) ||",
        replace: '(from !== "confirmed" && mayFollow(deploymentStateOf(from), deploymentStateOf(to))) ||',
      },
    ],
  },
  {
    name: "trial-is-success",
    what: "an image that is on trial counts as confirmed",
    breaks: ["confirmed means that it runs"],
    patches: [
      {
        file: "domain/check-in-evidence.ts",
        find: 'running.digest === deployment.digest && running.state === "confirmed"',
        replace: "running.digest === deployment.digest",
      },
    ],
  },
  {
    name: "decisions-pruned",
    what: "of a rollout's decisions the newest alone are kept",
    breaks: ["decisions are kept"],
    patches: [
      {
        file: STORE,
        find: "  await insertDecisions(db, rolloutId, changes.decisions, now",
        replace:
          '  if (decided > 1) await db.deleteFrom("decisions").where("rolloutId", "=", rolloutId).execute();\n  await insertDecisions(db, rolloutId, changes.decisions, now',
      },
    ],
  },
  {
    name: "answered-before-stored",
    what: "a word of the operator's is answered before it is stored",
    breaks: ["what is acknowledged stays", "documented courses", "pause holds", "what is over stays over"],
    patches: [
      {
        file: "features/rollouts/rollouts.ts",
        find: "    await storage.transaction(async (work) => {\n      const { archivedAt",
        replace:
          '    if (Math.random() < 0.5) {\n      const { deployments, ...shown } = await detail(id);\n      setTimeout(() => void act(id, eventOf).catch(() => {}), 2_000);\n      return { ...shown, deployments, state: "cancelled" };\n    }\n    await storage.transaction(async (work) => {\n      const { archivedAt',
      },
    ],
  },
  {
    name: "no-deadlines",
    what: "deadlines pass, and nobody looks",
    breaks: ["everything comes to its end", "the cap holds"],
    patches: [
      {
        file: TIME,
        find: "      await endLate(options, clock.steadyMs(), isStopped);\n",
        replace: "      void endLate, isStopped;\n",
      },
    ],
  },
  {
    name: "two-at-a-time",
    what: "a device is offered the next deployment while it is at work on another",
    breaks: ["one at a time"],
    patches: [
      {
        file: OFFERING,
        find: "known.find((row) => row.finishedAt === null && !isWaiting(row.state));",
        replace:
          'known.find((row) => row.finishedAt === null && !isWaiting(row.state) && row.state !== "downloading");',
      },
    ],
  },
  {
    name: "wrong-chunk",
    what: "the last chunk of a window is read from the wrong place",
    breaks: ["what devices are told"],
    patches: [
      {
        file: "features/chunk-delivery/chunk-delivery.ts",
        find: "await read(image, piece.offset, data);",
        replace: "await read(image, index > 3 ? piece.offset - 1 : piece.offset, data);",
      },
    ],
  },
  {
    name: "no-permit",
    what: "a device that is to go back is given no permit for it",
    breaks: ["what devices are told"],
    patches: [
      {
        file: OFFERING,
        find: "return permit === null ? {} : { permit };",
        replace: "return permit === null ? {} : {};",
      },
    ],
  },
  {
    name: "stale-memory",
    what: "a deployment that has changed is not read anew",
    breaks: ["what is over stays over", "pause holds", "one at a time", "everything comes to its end"],
    patches: [
      {
        file: "features/deployments/memory.ts",
        find: "        deployments.change(change.deviceId,",
        replace: "        if (Math.random() < 0.5) deployments.change(change.deviceId,",
      },
    ],
  },
  {
    name: "revoked-by-half",
    what: "who is revoked keeps its session and its deployments",
    breaks: ["the revoked get nothing", "everything comes to its end"],
    patches: [
      {
        file: "features/devices/devices.ts",
        find: "          options.link.disconnect(id);\n",
        replace: "",
      },
      {
        file: "features/devices/devices.ts",
        find: "          sessions.end(id,",
        replace: "          void (id,",
      },
      {
        file: "features/devices/devices.ts",
        find: "        await options.evidence.deviceRevoked(work, id);\n",
        replace: "",
      },
      { file: OFFERING, find: "device === null || device.revokedAt !== null", replace: "device === null" },
    ],
  },
  {
    name: "window-not-asked",
    what: "offers are made while no maintenance window is open",
    breaks: ["windows hold"],
    patches: [
      {
        file: HINDRANCES,
        find: "if (opensAtMs !== undefined) return held",
        replace: "if (opensAtMs === -1) return held",
      },
    ],
  },
  {
    name: "rate-makes-up-each-time",
    what: "each offer catches up with the rate, whether or not anything was missed",
    breaks: ["rates hold"],
    patches: [
      {
        file: "domain/offer-rate.ts",
        find: "Math.max(nextOfferAt ?? now, now - burstMs)",
        replace: "Math.min(nextOfferAt ?? now, now - burstMs)",
      },
    ],
  },
  {
    name: "approval-not-asked",
    what: "a wave that wants approval begins without",
    breaks: ["approval holds"],
    patches: [
      {
        file: GATES,
        find: "  approval,\n",
        replace: "",
      },
    ],
  },
  {
    name: "approved-by-its-maker",
    what: "who made a rollout may approve it",
    breaks: ["approval holds"],
    patches: [{ file: WORDS, find: "if (by === createdBy) return", replace: 'if (by === "nobody") return' }],
  },
  {
    name: "starts-at-once",
    what: "a wave begins before its start time",
    breaks: ["start times hold"],
    patches: [
      {
        file: GATES,
        find: "  startTime,\n",
        replace: "",
      },
    ],
  },
  {
    name: "one-retry-too-many",
    what: "a device is tried again once more than the rollout says",
    breaks: ["retries hold"],
    patches: [
      { file: "domain/retries.ts", find: "attempt > rule.retriesMax", replace: "attempt > rule.retriesMax + 1" },
    ],
  },
  {
    name: "another-try-under-the-same-number",
    what: "what is tried again keeps the number of its try",
    breaks: ["documented courses"],
    patches: [
      {
        file: "domain/retried.ts",
        find: "attempt: deployment.attempt + 1, code",
        replace: "attempt: deployment.attempt, code",
      },
    ],
  },
  {
    name: "always-pauses",
    what: "a rollout pauses when too much fails, whatever it was to do",
    breaks: ["thresholds act as said"],
    patches: [{ file: "domain/wave-progress.ts", find: "rules[wave]!.thresholdAction)", replace: '"pause")' }],
  },
  {
    name: "back-by-one",
    what: "a roll-back takes one device back, and forgets the others",
    breaks: ["a roll-back takes all back"],
    patches: [
      {
        file: "features/rollouts/ways-back.ts",
        find: "if (isUpdated) updated.push",
        replace: "if (isUpdated && updated.length === 0) updated.push",
      },
    ],
  },
  {
    name: "excludes-the-first",
    what: "of several devices that are taken out the first alone is",
    breaks: ["the excluded get nothing"],
    patches: [
      {
        file: WORDS,
        find: "const ended = of.flatMap(",
        replace: "const ended = of.slice(0, 1).flatMap(",
      },
    ],
  },
  {
    name: "rules-of-one-wave-for-all",
    what: "other rules for one wave hold for all later ones, too",
    breaks: ["rules are those asked for"],
    patches: [
      {
        file: "features/rollouts/wave-rules.ts",
        find: "wave === undefined ? index < present : index !== wave",
        replace: "index < (wave ?? present)",
      },
    ],
  },
  {
    name: "next-wave-on-paper",
    what: "the next wave is said to start, and does not",
    breaks: ["words are heard"],
    patches: [
      {
        file: WORDS,
        find: "return beginWave(rollout, now, ",
        replace: "return ((how: string) => changing({ decisions: [how] }))(",
      },
    ],
  },
];
