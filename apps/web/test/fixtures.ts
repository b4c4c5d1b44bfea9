// Resources as the server would send them, for tests.

import { noCounts } from "@flipside/api/rollout-arithmetic";
import type { Deployment, Device, Preflight, Release, Rollout, Trust } from "@flipside/api/types";

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
    channel: "psk",
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
    measured: null,
    releaseState: null,
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
        releaseThreshold: 1,
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
