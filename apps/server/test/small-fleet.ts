// Devices in the database without MQTT, and a release for them, for tests that put events to the rollouts themselves.

import type { CheckInEvidence } from "../src/domain/check-in-evidence.ts";
import type { Fixture } from "./fixture.ts";
import { makeRelease, payloadOf, product } from "./keys.ts";

export interface SmallFleet {
  releaseId: string;
  /** What a device says that runs the new image and has confirmed it; and one that has given it up. */
  runsNew: CheckInEvidence;
  gaveUp: CheckInEvidence;
}

/** Devices that have checked in with an old image. */
export async function smallFleet(fixture: Fixture, deviceIds: readonly string[]): Promise<SmallFleet> {
  const running = { slot: "a", digest: "0d".repeat(32), version: "1.0.0", releaseSequence: 1, state: "confirmed" };
  const devices = deviceIds.map((id) => ({
    id,
    publicKey: Buffer.alloc(32),
    enrolledAt: 1,
    product,
    hardware: "virtual",
    revision: 1,
    trustVersion: 1,
    health: "healthy" as const,
    running: JSON.stringify(running),
    other: JSON.stringify({ slot: "b", state: "empty", reason: 0 }),
  }));
  await fixture.server.internals.storage.db.insertInto("devices").values(devices).execute();
  const release = await fixture.upload(await makeRelease(fixture.project, {}, payloadOf(4096)));
  const { digest } = release.images[0];
  return {
    releaseId: release.id,
    runsNew: { running: { digest, state: "confirmed" }, other: { state: "superseded", reason: 0 } },
    gaveUp: { running, other: { state: "failed", reason: 7, digest } },
  };
}
