// exokernel.h, held against a virtual device in a browser: the contract, and the header's edges, in headless Chromium.

import type { Server } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findChromium } from "../../../web/test/browser.ts";
import { answersOf, backends, type ModuleName } from "./edge-backends.ts";
import { buildContract, type ContractPrograms, type Outcome, runOnNode, startEcho } from "./hosts.ts";
import { type ChromiumHost, openChromium } from "./in-chromium.ts";

const executablePath = findChromium();
if (!executablePath) console.log("skipped: the contract in a browser: no Chromium here (apt-get install chromium)");

const broken = (outcome: Outcome): string[] =>
  outcome.lines.filter((line) => /^(not ok|host:|no console line)/.test(line));
const lines = (outcome: Outcome, start: string): string[] => outcome.lines.filter((line) => line.startsWith(start));
/** Requested, update, roll back, trap, watchdog: the agent's half brings all of them about. */
const ALL_RESETS = [1, 2, 3, 4, 5];
const AGENT_END = /^end of the agent's contract/;
const RECOVERY = /^recovery: no image on this device can be started/;

describe.skipIf(!executablePath)("a virtual device in a browser's tab", () => {
  let echo: { server: Server; port: number };
  let programs: ContractPrograms;
  let chromium: ChromiumHost;
  beforeAll(async () => {
    echo = await startEcho();
    programs = await buildContract(echo.port);
    chromium = await openChromium(executablePath!);
  });
  afterAll(async () => {
    await chromium?.close();
    echo?.server.close();
  });

  test("keeps the contract for agent and app as the Node host does, and a hang ends by its watchdog", async () => {
    const [outcome, onNode] = await Promise.all([
      chromium.run(programs, "loader", AGENT_END),
      runOnNode(programs, "loader", "worker", AGENT_END),
    ]);
    expect(broken(outcome)).toEqual([]);
    expect(outcome.resets).toEqual(ALL_RESETS);
    expect(lines(outcome, "ok ")).toEqual(lines(onNode, "ok "));
    expect(lines(outcome, "ok host with sockets: what was sent came back")).toHaveLength(1);
  });

  test("keeps the contract for the boot loader, and recovery follows a loader that starts nothing", async () => {
    const outcome = await chromium.run(programs, "contractLoader", RECOVERY);
    expect(broken(outcome)).toEqual([]);
    expect(outcome.resets).toEqual([]);
    const onNode = await runOnNode(programs, "contractLoader", "worker", RECOVERY);
    expect(lines(outcome, "ok ")).toEqual(lines(onNode, "ok "));
  });

  test("answers every edge call as the Node host does, which is held against the C exokernel", async () => {
    const edges = await buildContract(1, "edges/");
    const image = await chromium.run(edges, "loader", /^end of the agent's edges/);
    const loader = await chromium.run(edges, "contractLoader", RECOVERY);
    for (const module of ["boot", "agent", "app"] as ModuleName[]) {
      const wanted = await backends(edges).node.answers(module);
      expect(wanted.size).toBeGreaterThan(600);
      expect([...answersOf(module === "boot" ? loader : image, module)]).toEqual([...wanted]);
    }
  });
});
