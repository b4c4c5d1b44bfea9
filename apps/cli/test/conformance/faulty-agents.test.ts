// The kit is tested itself: an agent without faults passes, each faulty one fails the check that is there for its fault
// and no other, and no check is without a fault that it tells.

import { randomBytes } from "node:crypto";
import { generateSigningKey } from "@flipside/image-format";
import { beforeAll, describe, expect, it } from "vitest";
import { TestBench } from "../../src/conformance/test-bench.ts";
import { checks } from "../../src/conformance/checks.ts";
import { reportOf, type Report } from "../../src/conformance/report.ts";
import { runChecks } from "../../src/conformance/run-checks.ts";
import { faults, type Fault } from "./faults.ts";
import { SmallAgent } from "./small-agent.ts";

const WAIT_MS = 10_000;
const QUIET_MS = 150;

async function reportOn(fault: Fault | undefined): Promise<Report> {
  const [release, operations] = await Promise.all([generateSigningKey(), generateSigningKey()]);
  const claimSecret = randomBytes(32);
  const deviceId = "small-agent";
  const bench = new TestBench({
    deviceId,
    claimSecret: claimSecret.toString("base64url"),
    keys: { release, operations },
    image: undefined,
    waitMs: WAIT_MS,
    quietMs: QUIET_MS,
  });
  const { port } = await bench.listen("127.0.0.1", 0);
  const trusted = { release: release.publicKey, operations: operations.publicKey };
  const agent = new SmallAgent({ deviceId, claimSecret, port, trusted, fault });
  agent.start();
  try {
    return reportOf(await runChecks(checks, bench, () => {}));
  } finally {
    agent.stop();
    await bench.close();
  }
}

const failedIn = ({ checks: all }: Report) => all.filter(({ outcome }) => outcome === "failed");

describe("the conformance kit", () => {
  it("has a fault for each of its checks", () => {
    const told = new Set<string>(Object.values(faults));
    expect(checks.map(({ name }) => name).filter((name) => !told.has(name))).toEqual([]);
  });

  it("finds nothing wrong with an agent that has no fault", async () => {
    const report = await reportOn(undefined);
    expect(report.checks.filter(({ outcome }) => outcome !== "passed")).toEqual([]);
    expect(report.conforms).toBe(true);
  });
});

/** Runs wait most of their time: so many go on at once. */
const LANES = 12;

describe("an agent that", () => {
  const reports = new Map<Fault, Report>();
  beforeAll(async () => {
    const waiting = Object.keys(faults) as Fault[];
    const lane = async (): Promise<void> => {
      for (let fault = waiting.shift(); fault !== undefined; fault = waiting.shift())
        reports.set(fault, await reportOn(fault));
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  }, 400_000);

  it.each(Object.entries(faults) as [Fault, string][])("%s fails %s alone", (fault, check) => {
    const failed = failedIn(reports.get(fault)!);
    expect(
      failed.map(({ name }) => name),
      JSON.stringify(failed),
    ).toEqual([check]);
  });
});
