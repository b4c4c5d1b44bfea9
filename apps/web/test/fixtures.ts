// Resources as the server would send them, for tests.

import { noCounts } from "@flipside/api/rollout-arithmetic";
import type { Deployment, Device, Preflight, Rehearsal, Release, Rollout, Trust } from "@flipside/api/types";

const digest = (seed: number): string => seed.toString(16).padStart(4, "0").repeat(16);
const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
/** The same of all that is made here: lists are sorted by it, and a test's order must not hang on a millisecond. */
const createdAt = minutesAgo(5);

export function device(id: string, changes: Partial<Device> = {}): Device {
  return {
    id,
    product: "flipside-demo",
    hardware: "virt-rv32",
    revision: 1,
    agent: "flipside",
    enrolledAt: minutesAgo(60 * 24 * 12),
    lastSeenAt: minutesAgo(0),
    online: true,
    revoked: false,
    running: { slot: "a", digest: digest(0x1a2b), version: "1.0.0", releaseSequence: 1, state: "confirmed" },
    other: { slot: "b", digest: null, version: null, state: "empty", reason: 0, reasonName: null },
    health: "healthy",
    bootCounter: 3,
    bootReason: "power-on",
    loaderVersion: 1,
    trustVersion: 1,
    trustDigest: digest(0x5e6f),
    trustRelation: "same",
    entropy: "good",
    trustRefused: null,
    identityConflict: null,
    securityFloor: 1,
    connection: { host: "10.0.2.2", port: 1883 },
    metric: { name: "temperature_mc", value: 21500 },
    tags: [],
    attributes: {},
    configurationState: "none",
    activeDeployment: null,
    ...changes,
  };
}

export function deployment(id: string, deviceId: string, changes: Partial<Deployment> = {}): Deployment {
  return {
    id,
    rolloutId: "r1",
    rolloutName: "flipside-demo 1.1.0",
    version: "1.1.0",
    deviceId,
    digest: digest(0x3c4d),
    wave: 0,
    attempt: 1,
    state: "queued",
    claimed: false,
    code: 0,
    codeName: null,
    done: 0,
    total: 32,
    createdAt,
    updatedAt: minutesAgo(1),
    finishedAt: null,
    ...changes,
  };
}

export function release(id: string, version: string, releaseSequence: number, changes: Partial<Release> = {}): Release {
  return {
    id,
    product: "flipside-demo",
    version,
    releaseSequence,
    description: null,
    uploadedAt: minutesAgo(60 * 30 - releaseSequence),
    uploadedBy: "admin",
    archivedAt: null,
    revoked: false,
    images: [
      {
        digest: digest(0x1000 + releaseSequence),
        hardware: "virt-rv32",
        revisionMin: 1,
        revisionMax: 65535,
        sizeBytes: 134_912,
        payloadBytes: 131_072,
        securityCounter: 1,
        keyId: "release-2026",
        file: "present",
      },
      {
        digest: digest(0x2000 + releaseSequence),
        hardware: "virtual",
        revisionMin: 1,
        revisionMax: 1,
        sizeBytes: 92_416,
        payloadBytes: 90_112,
        securityCounter: 1,
        keyId: "release-2026",
        file: "present",
      },
    ],
    ...changes,
  };
}

export function trust(changes: Partial<Trust> = {}): Trust {
  return {
    version: 1,
    chainBytes: 208,
    keys: (["root", "release", "operations"] as const).map((purpose, i) => ({
      id: `${i + 1}${i + 1}`.repeat(8),
      purpose,
      publicKey: "bb".repeat(32),
      since: 1,
      revokedBy: null,
    })),
    links: [
      {
        version: 1,
        rootThreshold: 1,
        rootKeys: ["11".repeat(8)],
        releaseKeys: ["22".repeat(8)],
        operationsKeys: ["33".repeat(8)],
      },
    ],
    ...changes,
  };
}

export function rollout(id: string, changes: Partial<Rollout> = {}): Rollout {
  return {
    id,
    name: "flipside-demo 1.1.0",
    releaseId: "rel-2",
    version: "1.1.0",
    state: "running",
    pauseReason: null,
    createdAt,
    createdBy: "admin",
    scope: null,
    finishedAt: null,
    archivedAt: null,
    urgent: false,
    targetFilter: null,
    supersedes: [],
    supersededBy: null,
    targetOpen: false,
    decisionCount: changes.decisions?.length ?? 0,
    currentWave: 0,
    soakUntil: null,
    heldFor: null,
    preparing: null,
    carryingOut: false,
    counts: noCounts(),
    total: 0,
    waves: [],
    settings: {
      rules: [],
      waveFilters: [],
      maintenance: null,
      retries: [],
      lateOffersMs: 0,
      allowOlder: false,
      acceptsClaimed: false,
    },
    deployments: [],
    decisions: [],
    health: [],
    ...changes,
  };
}

export function preflight(changes: Partial<Preflight> = {}): Preflight {
  return {
    matched: 1,
    chosen: 1,
    leftOut: [],
    alreadyThere: 0,
    newer: 0,
    offline: { count: 0, longest: null },
    wouldReject: [],
    otherRollouts: [],
    waves: [{ index: 0, total: 1, filter: null, alreadyThere: 0, offline: 0 }],
    problems: [],
    ...changes,
  };
}

const spread = (p10: number, p50 = p10, p90 = p50) => ({ p10, p50, p90 });
const minuteMs = 60_000;

/** One that is done, with a good world and a bad one. */
export function rehearsal(changes: Partial<Rehearsal> = {}): Rehearsal {
  return {
    ...{ id: "rehearsal-1", name: "flipside-demo 1.1.0", releaseId: "rel-2", state: "done", seed: 7 },
    ...{ progress: { done: 10, total: 10 }, failure: null, createdBy: "admin", scope: null },
    ...{ createdAt: "2026-01-01T00:00:00.000Z", finishedAt: "2026-01-01T00:01:00.000Z" },
    answer: {
      runs: 5,
      modelDigest: "5c".repeat(32),
      modelledAt: "2026-01-01T00:00:00.000Z",
      fleet: {
        ...{
          devices: 500,
          simulated: 120,
          online: 111,
          onlineByHour: null,
          bytesPerSecond: spread(5_000, 60_000, 90_000),
        },
        ...{ kinds: [], aroundMs: 20_000, outcomes: 12, failures: [], crashesPerDeviceDay: 0 },
      },
      assumptions: ["The log of 3 of 5 simulated devices covers a day or more.", "People's words are not played."],
      worlds: [
        {
          ...{ kind: "good", supposed: "the image is good" },
          conclusion: "If the image is good: it is done in 3 h 10 min to 4 h.",
          duration: spread(190 * minuteMs, 210 * minuteMs, 240 * minuteMs),
          ends: [{ state: "completed", runs: 5 }],
          waves: [
            { index: 0, total: 1, starts: spread(0), ends: spread(60 * minuteMs, 61 * minuteMs, 62 * minuteMs) },
            {
              index: 1,
              total: 499,
              starts: spread(60 * minuteMs),
              ends: spread(190 * minuteMs, 210 * minuteMs, 240 * minuteMs),
            },
          ],
          gates: [],
          devices: {
            ...{ updated: spread(480, 490, 500), harmed: spread(0), rolledBack: spread(0), failed: spread(0) },
            unreached: spread(0, 10, 20),
          },
        },
        {
          ...{ kind: "bad", supposed: "on 20 % of devices the image fails its trial (app-unhealthy)" },
          conclusion:
            "If on 20 % of devices the image fails its trial (app-unhealthy): wave 1 pauses it after 12 min; 2 devices had it.",
          duration: spread(12 * minuteMs),
          ends: [{ state: "paused", runs: 5 }],
          waves: [
            { index: 0, total: 1, starts: spread(0), ends: null },
            { index: 1, total: 499, starts: null, ends: null },
          ],
          gates: [
            {
              ...{
                state: "paused",
                wave: 0,
                runs: 5,
                at: spread(12 * minuteMs),
                exposed: spread(2),
                harmed: spread(2),
              },
              reason: "paused automatically: 2 of 2 finished deployments of wave 1 failed (100 %, more than 50 %)",
            },
          ],
          devices: {
            ...{ updated: spread(0), harmed: spread(2), rolledBack: spread(2), failed: spread(0) },
            unreached: spread(498),
          },
        },
      ],
    },
    ...changes,
  };
}
