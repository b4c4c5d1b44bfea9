// Small rules that server and console share.

import { expect, it } from "vitest";
import { activeOf } from "../src/active-deployment.ts";
import { claimSecretPattern, hostPattern } from "../src/limits.ts";
import { isPlainText } from "../src/plain-text.ts";
import { emptyTally, noCounts } from "../src/rollout-arithmetic.ts";
import { possibleActions } from "../src/rollout-transitions.ts";

const seed = Number(process.env["FLIPSIDE_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

it("of a device's deployments, the one under way is shown before those that wait, and none that is over", () => {
  const [queued, later, unreached, busy, over] = [
    { state: "queued" },
    { state: "queued" },
    { state: "unreached" },
    { state: "testing" },
    { state: "failed" },
  ] as const;
  expect(activeOf([over, queued, later, busy])).toBe(busy);
  expect(activeOf([unreached, busy])).toBe(busy);
  expect(activeOf([queued, unreached])).toBe(queued);
  expect(activeOf([over, queued, later])).toBe(queued);
  expect(activeOf([over])).toBeUndefined();
});

const standing = { counts: noCounts(), currentWave: 0, heldFor: null, targetOpen: false, waves: [] };

it("a running rollout can be paused or cancelled, a paused one resumed or cancelled, one that is over only for who is away", () => {
  const may = (state: "running" | "paused" | "completed" | "cancelled", unreached = 0) =>
    possibleActions({ ...standing, state, counts: { ...noCounts(), unreached } }).join();
  expect([may("running"), may("paused"), may("completed"), may("cancelled")]).toEqual([
    "pause,cancel",
    "resume,cancel",
    "",
    "",
  ]);
  expect([may("running", 1), may("completed", 1), may("cancelled", 1)]).toEqual([
    "pause,cancel",
    "end-late-offers",
    "",
  ]);
});

it("a wave is approved when it waits for that, and started by hand when there is one and it needs no approval", () => {
  const wave = { index: 0, ...emptyTally(1), state: "waiting" as const };
  const running = { ...standing, state: "running" as const, waves: [wave, { ...wave, index: 1 }] };
  expect(possibleActions(running).join()).toBe("pause,start-next-wave,cancel");
  expect(possibleActions({ ...running, currentWave: 1 }).join()).toBe("pause,cancel");
  expect(possibleActions({ ...running, heldFor: "approval" }).join()).toBe("pause,approve,cancel");
});

it(`a claim's secret has one spelling (FLIPSIDE_SEED=${seed})`, () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  let state = seed >>> 0;
  const next = (below: number): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below;
  const canonical = (text: string): boolean =>
    Buffer.from(text, "base64url").length === 32 && Buffer.from(text, "base64url").toString("base64url") === text;
  for (let i = 0; i < 500; i++) {
    const text = Array.from({ length: 42 }, () => alphabet[next(64)]).join("");
    for (const last of alphabet) expect(claimSecretPattern.test(text + last), text + last).toBe(canonical(text + last));
  }
  for (const text of [
    "",
    "A".repeat(42),
    "A".repeat(44),
    `${"A".repeat(42)}=`,
    `${"A".repeat(42)}\n`,
    `+${"A".repeat(42)}`,
  ])
    expect(claimSecretPattern.test(text)).toBe(false);
});

it("a host is a name or an IPv4 address, with no empty label", () => {
  for (const host of ["a", "10.0.2.2", "fleet.example.org", "a-b.c"]) expect(hostPattern.test(host), host).toBe(true);
  for (const host of ["", "a..b", "-a", "a-", ".a", "a.", "a b", "http://a", "a:1", "ä", "a\n"])
    expect(hostPattern.test(host), host).toBe(false);
});

it("text is plain when nothing in it is unseen", () => {
  for (const text of ["press hall 7", "Überwachung", "型番"]) expect(isPlainText(text), text).toBe(true);
  for (const text of [" a", "a\n", "a\u202eb", "\u200b", "\ufeffa", "\u3164"])
    expect(isPlainText(text), JSON.stringify(text)).toBe(false);
});
