import type { LiveEvent } from "@flipside/api/types";
import { describe, expect, it } from "vitest";
import { parseClaims } from "../src/claims.ts";
import {
  applyToDevice,
  applyToDevices,
  applyToRollout,
  byId,
  decisionsHaveGrown,
  deviceLogMayHaveGrown,
  whyDeviceMayDiffer,
  whyRolloutMayDiffer,
} from "../src/live/apply-events.ts";
import { retryDelayMs } from "../src/live/event-stream.ts";
import { Resource } from "../src/live/resource.ts";
import { routeOf } from "../src/router.ts";
import { ago, asSentence, bytes, count } from "../src/words/quantities.ts";
import { deployment, device, release, rollout } from "./fixtures.ts";

describe("events on the list of devices", () => {
  const devices = byId([device("a"), device("b")]);

  it("leave the list itself alone when none concerns it", () => {
    expect(applyToDevices(devices, [{ kind: "release", data: release("1", "1.0.0", 1) }])).toBe(devices);
  });

  it("show a deployment's progress between two check-ins of its device", () => {
    const now = applyToDevices(devices, [
      { kind: "deployment", data: deployment("d", "a", { state: "downloading", done: 7 }) },
    ]);
    expect(now.get("a")!.activeDeployment).toMatchObject({ id: "d", done: 7 });
    expect(now.get("b")).toBe(devices.get("b"));
  });

  it("take a finished deployment off its device, and only that one", () => {
    const busy = byId([device("a", { activeDeployment: deployment("d", "a", { state: "testing" }) })]);
    expect(
      applyToDevices(busy, [{ kind: "deployment", data: deployment("d", "a", { state: "confirmed" }) }]).get("a")!
        .activeDeployment,
    ).toBeNull();
    expect(
      applyToDevices(busy, [{ kind: "deployment", data: deployment("old", "a", { state: "cancelled" }) }]).get("a")!
        .activeDeployment?.id,
    ).toBe("d");
  });

  it("do not let a deployment that waits hide the one that the device is busy with", () => {
    const busy = byId([device("a", { activeDeployment: deployment("d", "a", { state: "downloading" }) })]);
    expect(
      applyToDevices(busy, [{ kind: "deployment", data: deployment("next", "a", { state: "queued" }) }]).get("a")!
        .activeDeployment?.id,
    ).toBe("d");
  });
});

describe("events on a page's own object", () => {
  it("keep a device's history and log, which they don't carry", () => {
    const before = {
      ...device("a"),
      deployments: [deployment("d", "a")],
      log: [{ at: "", kind: "crash", detail: "" }],
    };
    const after = applyToDevice(before, [
      { kind: "device", data: device("a", { online: false }) },
      { kind: "deployment", data: deployment("e", "a") },
    ]);
    expect(after.online).toBe(false);
    expect(after.log).toHaveLength(1);
    expect(after.deployments.map((each) => each.id)).toEqual(["e", "d"]);
  });

  it("ask for the device's log again after another boot, not after every check-in", () => {
    const before = { ...device("a", { bootCounter: 3 }), deployments: [], log: [] };
    expect(deviceLogMayHaveGrown(before, { kind: "device", data: device("a", { bootCounter: 4 }) })).toBe(true);
    expect(
      deviceLogMayHaveGrown(before, {
        kind: "device",
        data: device("a", { bootCounter: 3, lastSeenAt: "2026-01-01T00:00:00Z" }),
      }),
    ).toBe(false);
  });

  it("update the rollout's deployments in place and ignore those of others", () => {
    const before = rollout("r1", { deployments: [deployment("d", "a"), deployment("e", "b")] });
    const after = applyToRollout(before, [
      { kind: "deployment", data: deployment("e", "b", { state: "confirmed" }) },
      { kind: "deployment", data: deployment("x", "c", { rolloutId: "r2" }) },
    ]);
    expect(after.deployments.map((each) => [each.id, each.state])).toEqual([
      ["d", "queued"],
      ["e", "confirmed"],
    ]);
  });

  it("ask for the decisions again when there are more, whatever they changed", () => {
    const before = rollout("r1");
    const { settings: _s, deployments: _, decisions: __, health: ___, ...summary } = before;
    expect(
      decisionsHaveGrown(before, { kind: "rollout", data: { ...summary, decisionCount: before.decisionCount + 1 } }),
    ).toBe(true);
    expect(decisionsHaveGrown(before, { kind: "rollout", data: { ...summary, id: "r2", decisionCount: 9 } })).toBe(
      false,
    );
    expect(decisionsHaveGrown(before, { kind: "rollout", data: summary })).toBe(false);
  });
});

describe("what is waited for", () => {
  it("may differ after news of the rollout or the device, and of a deployment of it", () => {
    const { settings: _s, deployments: _, decisions: __, health: ___, ...summary } = rollout("r1");
    const events: LiveEvent[] = [
      { kind: "rollout", data: summary },
      { kind: "device", data: device("a") },
      { kind: "deployment", data: deployment("d", "a") },
      { kind: "release", data: release("1", "1.0.0", 1) },
    ];
    expect(events.map((event) => whyRolloutMayDiffer("r1", event))).toEqual([true, false, true, false]);
    expect(events.map((event) => whyDeviceMayDiffer("a", event))).toEqual([false, true, true, false]);
    expect(events.some((event) => whyRolloutMayDiffer("r2", event) || whyDeviceMayDiffer("b", event))).toBe(false);
  });
});

describe("a loaded value", () => {
  it("is not set back by a load that began before an event and ended after it", async () => {
    let answer!: (value: string[]) => void;
    const applied = (value: string[], events: readonly LiveEvent[]): string[] => [
      ...value,
      ...events.map((event) => event.data.id),
    ];
    const resource = new Resource<string[]>({
      load: () => new Promise((resolve) => (answer = resolve)),
      apply: applied,
    });
    const done = resource.reload();
    resource.receive({ kind: "device", data: device("new") });
    answer(["old"]);
    await done;
    expect(resource.getSnapshot().value).toEqual(["old", "new"]);
  });

  it("stays when it can't be refreshed, beside the reason", async () => {
    let fail = false;
    const resource = new Resource<number>({
      load: () => (fail ? Promise.reject(new Error("no")) : Promise.resolve(1)),
      apply: (value) => value,
    });
    await resource.reload();
    fail = true;
    await resource.reload();
    expect(resource.getSnapshot()).toMatchObject({ value: 1, problem: { code: "console-fault" } });
  });

  it("is loaded once more when that is asked for during a load", async () => {
    let loads = 0;
    const resource = new Resource<number>({ load: () => Promise.resolve(++loads), apply: (value) => value });
    await Promise.all([resource.reload(), resource.reload(), resource.reload()]);
    expect(loads).toBe(2);
  });

  it("is loaded again when an event during a load tells of what no event carries", async () => {
    const answers: ((value: number) => void)[] = [];
    const resource = new Resource<number>({
      load: () => new Promise((resolve) => answers.push(resolve)),
      apply: (value) => value,
      wantsReload: () => true,
    });
    const stop = resource.subscribe(() => undefined);
    resource.receive({ kind: "device", data: device("new") });
    answers[0]!(1);
    await expect.poll(() => answers.length).toBe(2);
    answers[1]!(2);
    await expect.poll(() => resource.getSnapshot().value).toBe(2);
    stop();
  });

  it("is waited for longer and longer after a lost connection, never for ever", () => {
    expect([0, 1, 2, 3, 4, 50].map(retryDelayMs)).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  });
});

describe("what is typed and read", () => {
  it("takes claims one a line and names the line that is wrong", () => {
    const secret = "A".repeat(43);
    expect(parseClaims(`dev-1 ${secret}\n\ndev-2,${secret}\n`)).toMatchObject({
      claims: [{ deviceId: "dev-1" }, { deviceId: "dev-2" }],
      errors: [],
    });
    expect(
      parseClaims(`dev-1 ${secret}\nDEV ${secret}\ndev-3 short\ndev-4`).errors.map((error) => error.slice(0, 7)),
    ).toEqual(["Line 2:", "Line 3:", "Line 4:"]);
  });

  it("finds the page of an address, and none for a broken one", () => {
    expect(routeOf("/")).toEqual({ page: "overview" });
    expect(routeOf("/devices/dev%2D1")).toEqual({ page: "device", id: "dev-1" });
    expect(routeOf("/rollouts/new?clone=r1")).toEqual({ page: "new-rollout", releaseId: null, cloneOf: "r1" });
    expect(routeOf("/rollouts/new?release=7")).toEqual({ page: "new-rollout", releaseId: "7", cloneOf: null });
    expect(routeOf("/rollouts/7")).toEqual({ page: "rollout", id: "7" });
    expect(routeOf("/devices/%E0%A4%A")).toEqual({ page: "not-found" });
    expect(routeOf("/devices/a/b")).toEqual({ page: "not-found" });
  });

  it("puts numbers and times as people say them", () => {
    expect([count(1200), bytes(134_912), bytes(1)]).toEqual(["1,200", "131.8 KiB", "1 byte"]);
    const now = Date.parse("2026-01-02T00:00:00Z");
    expect(
      ["2026-01-01T23:59:40Z", "2026-01-01T23:55:00Z", "2026-01-01T20:00:00Z", "2025-12-31T00:00:00Z"].map((at) =>
        ago(at, now),
      ),
    ).toEqual(["20 s ago", "5 min ago", "4 h ago", "2 days ago"]);
    expect([asSentence("the file is cut"), asSentence("dev-1 is revoked."), asSentence("")]).toEqual([
      "The file is cut.",
      "dev-1 is revoked.",
      "",
    ]);
  });
});
