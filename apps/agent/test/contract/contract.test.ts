// exokernel.h, held against every host: the same modules must find the same promises kept.

import type { Server } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildContract, type ContractPrograms, type Outcome, runInQemu, runOnNode, startEcho } from "./hosts.ts";

let echo: { server: Server; port: number };
let programs: ContractPrograms;
beforeAll(async () => {
  echo = await startEcho();
  programs = await buildContract(echo.port);
});
afterAll(() => echo?.server.close());

const AGENT_END = /^end of the agent's contract/;
const LOADER_END = /^end of the loader's contract/;
/** Requested, update, roll back, trap, watchdog: the agent's half brings all of them about. */
const ALL_RESETS = [1, 2, 3, 4, 5];

const kept = (outcome: Outcome): string[] =>
  outcome.lines.filter((line) => line.startsWith("ok ")).map((line) => line.slice(3));
const common = (names: string[]): string[] => names.filter((name) => !name.startsWith("host with"));
const broken = (outcome: Outcome): string[] =>
  outcome.lines.filter((line) => line.startsWith("not ok ") || line.startsWith("no console line"));

describe.each(["worker", "in-process"] as const)("the contract for agent and app on Node, %s", (isolation) => {
  test("every promise is kept, and each end of a run is told from the others", async () => {
    // A hang ends a worker device only: in-process, it would be the test's.
    const outcome = await runOnNode(
      programs,
      "loader",
      isolation,
      isolation === "worker" ? AGENT_END : /^crash: unreachable/,
    );
    expect(broken(outcome)).toEqual([]);
    expect(outcome.resets).toEqual(isolation === "worker" ? ALL_RESETS : ALL_RESETS.slice(0, 4));
  });
});

test("the contract for agent and app is kept in QEMU, check by check what it is on Node", async () => {
  const inQemu = await runInQemu(programs, "loader", AGENT_END);
  expect(broken(inQemu)).toEqual([]);
  expect(inQemu.resets).toEqual(ALL_RESETS);
  const onNode = await runOnNode(programs, "loader", "worker", AGENT_END);
  const names = common(kept(inQemu));
  expect(names.length).toBeGreaterThan(150);
  expect(names).toEqual(common(kept(onNode)));
  expect(kept(inQemu).some((name) => name.startsWith("host with a nic: transmit"))).toBe(true);
  expect(kept(onNode).some((name) => name.startsWith("host with sockets: what was sent came back"))).toBe(true);
});

test("the contract for the boot loader is kept on both hosts, and recovery follows a loader that starts nothing", async () => {
  const recovery = /^recovery: no image on this device can be started/;
  const inQemu = await runInQemu(programs, "contractLoader", recovery);
  const onNode = await runOnNode(programs, "contractLoader", "worker", recovery);
  for (const outcome of [inQemu, onNode]) {
    expect(broken(outcome)).toEqual([]);
    expect(outcome.resets).toEqual([]);
    expect(outcome.lines.some((line) => LOADER_END.test(line))).toBe(true);
  }
  expect(kept(inQemu).length).toBeGreaterThan(80);
  expect(kept(inQemu)).toEqual(kept(onNode));
});
