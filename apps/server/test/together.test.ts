// Events of several devices of one rollout are one transaction, and come out as if each had been one.

import type { LogEvent } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTogether, togetherMax } from "../src/features/deployments/together.ts";
import type { RolloutEvent } from "../src/domain/rollout-events.ts";
import type { Storage } from "../src/storage/storage.ts";
import { StorageBusy } from "../src/storage/storage-unavailable.ts";
import { Fixture } from "./fixture.ts";
import { makeRelease } from "./keys.ts";
import type { ProtocolDevice } from "./protocol-device.ts";

const event: RolloutEvent = { type: "time-passed" };

/** How many events each transaction was given, with what each of them says to its own. */
function withTransactions({ isShared = false, failure = undefined as Error | undefined } = {}) {
  const transactions: number[] = [];
  const applyAll = async (_work: unknown, _id: string, eventsOf: readonly (() => Promise<unknown>)[]) => {
    transactions.push(eventsOf.length);
    if (failure !== undefined) throw failure;
    const applied = [];
    for (const eventOf of eventsOf) {
      await eventOf();
      applied.push({ refused: undefined, rows: new Map(), joins: [] });
    }
    return applied;
  };
  const together = createTogether({
    storage: {
      shared: isShared ? {} : undefined,
      transaction: (work: (work: object) => Promise<unknown>) => work({}),
    } as unknown as Storage,
    engineRoom: {
      applyAll,
      apply: async (work, id, eventOf) => (await applyAll(work, id, [eventOf]))[0],
    },
  });
  return { together, transactions };
}

describe("events of one turn of the event loop", () => {
  it("are one transaction for each rollout, and of no more than so many", async () => {
    const { together, transactions } = withTransactions();
    const rollouts = ["a", "b", ...Array.from({ length: togetherMax }, () => "a")];
    await Promise.all(rollouts.map((id) => together.apply(id, async () => event)));
    expect(transactions).toEqual([togetherMax, 1, 1]);
  });

  it("don't fail with one of them", async () => {
    const { together, transactions } = withTransactions();
    const fails = new Error("there is no deployment");
    const outcomes = await Promise.allSettled([
      together.apply("a", async () => event),
      together.apply("a", () => Promise.reject(fails)),
      together.apply("a", async () => event),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(outcomes[1]).toMatchObject({ reason: fails });
    expect(transactions).toEqual([3, 1, 1, 1]);
  });

  it("fail together, and are not tried one by one, when the database is not to be had", async () => {
    const { together, transactions } = withTransactions({ failure: new StorageBusy() });
    const outcomes = await Promise.allSettled([1, 2].map(() => together.apply("a", async () => event)));
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(transactions).toEqual([2]);
  });

  it("are a transaction each where several servers share the database", async () => {
    const { together, transactions } = withTransactions({ isShared: true });
    await Promise.all([1, 2].map(() => together.apply("a", async () => event)));
    expect(transactions).toEqual([1, 1]);
  });
});

describe("reports of several devices", () => {
  const count = 8;
  const statements: string[] = [];
  const inBatches = /"deviceLog"|^insert into "meta"|"changes" where|^update "devices" set "lastSeenAt"/;
  let fixture: Fixture;
  let sequence = 30;
  beforeAll(async () => {
    const onStatement = ({ query }: LogEvent): void => void (inBatches.test(query.sql) || statements.push(query.sql));
    fixture = await Fixture.start({ onStatement, tickMs: 3_600_000, pollMs: 60_000 });
  });
  afterAll(() => fixture.stop());

  /** A rollout that all of these were offered. */
  async function offeredToAll(devices: readonly ProtocolDevice[]) {
    const version = `2.0.${++sequence}`;
    const release = await fixture.upload(await makeRelease(fixture.project, { version, releaseSequence: sequence }));
    const { id } = await fixture.rollOut(release.id, devices, {
      waves: [{ percent: 100, failureThresholdPercent: 30 }],
    });
    const offers = await Promise.all(devices.map((device) => device.offered()));
    return { id, deployments: offers.map(({ deployment, attempt }) => ({ deployment, attempt })) };
  }

  const newDevices = (): Promise<ProtocolDevice[]> =>
    Promise.all(Array.from({ length: count }, () => fixture.readyDevice()));

  type Offered = Awaited<ReturnType<typeof offeredToAll>>["deployments"][number];
  const reported = (device: ProtocolDevice, offered: Offered, state: "downloading" | "verifying" | "failed") =>
    fixture.server.internals.evidence.reported(device.id, {
      ...{ deployment: offered.deployment, attempt: offered.attempt },
      ...{ boot: 1, sequence: 1_000, state, done: 0, total: 0, code: 0 },
    });

  it("in one turn read the rollout and its counts once, and write the counts once", async () => {
    const devices = await newDevices();
    const { deployments } = await offeredToAll(devices);
    await Promise.all(devices.map((device, i) => reported(device, deployments[i]!, "downloading")));
    statements.length = 0;
    await Promise.all(devices.map((device, i) => reported(device, deployments[i]!, "verifying")));
    const ofRollout = statements.filter((sql) => /"rollouts"|"deploymentCounts"|into "changes"/.test(sql));
    expect(ofRollout, statements.join("\n")).toHaveLength(4);
    expect(statements, "and two for each device").toHaveLength(4 + 2 * count);
  });

  it("come out as they do one after the other, also where one of them ends the rollout", async () => {
    const outcome = async (isAtOnce: boolean) => {
      const devices = await newDevices();
      const { id, deployments } = await offeredToAll(devices);
      const report = (i: number) => reported(devices[i]!, deployments[i]!, i < 5 ? "failed" : "verifying");
      const said: (string | undefined)[] = [];
      if (isAtOnce) said.push(...(await Promise.all(devices.map((_, i) => report(i)))));
      else for (let i = 0; i < count; i++) said.push(await report(i));
      const { body } = await fixture.api.get(`/api/v1/rollouts/${id}`);
      const stored = await fixture.server.internals.storage.db
        .selectFrom("deploymentCounts")
        .select(["state", "count"])
        .where("rolloutId", "=", id)
        .where("count", "!=", 0)
        .orderBy("state")
        .execute();
      const { state, counts, decisions } = body;
      return { state, counts, stored, said, decisions: decisions.map(({ text }: { text: string }) => text) };
    };
    const oneByOne = await outcome(false);
    expect(oneByOne.state).toBe("paused");
    expect(await outcome(true)).toEqual(oneByOne);
  });

  it("leave in memory what is in the database", async () => {
    const devices = await newDevices();
    const { deployments } = await offeredToAll(devices);
    await Promise.all(devices.map((device, i) => reported(device, deployments[i]!, "verifying")));
    const before = statements.length;
    for (const [i, device] of devices.entries())
      expect(await reported(device, deployments[i]!, "verifying"), "a state that it knows is progress").toBe(undefined);
    expect(statements.length).toBe(before);
    for (const device of devices) await device.close();
  });
});
