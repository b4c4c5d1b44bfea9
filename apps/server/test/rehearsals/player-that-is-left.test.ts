// The process that plays ends with the server, also with one that is killed and can say nothing.

import { spawn } from "node:child_process";
import { expect, it } from "vitest";

const at = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
/** A server that plays something long, and says so once a run of it is over. */
const server = `
import { routes } from "@flipside/api/routes";
import { fleetModelOf } from ${at("../../src/features/rehearsals/fleet-model.ts")};
import { startPlayer } from ${at("../../src/features/rehearsals/player.ts")};
import { rulesOfWaves } from ${at("../../src/features/rollouts/wave-rules.ts")};
const rollout = { name: "long", releaseId: "any", target: { all: true } };
const asked = { ...routes.createRehearsal.body.schema.parse({ rollout }), seed: 1 };
const device = { hardware: "virtual", version: null, isThere: false, isOnline: true, lastSeenAtMs: 0, payloadBytes: 1 };
const sample = [{ ...device, id: "a" }];
const [rules] = rulesOfWaves(asked.rollout, 1);
const crashes = { count: 0, deviceDays: 0 };
const model = fleetModelOf({ atMs: 0, past: [], sessions: [], crashes, waves: [{ total: 1, rules, sample }] });
const player = startPlayer(
  { asked, model, runs: 1_000_000 },
  { deadlineMs: 600_000, onProgress: (done) => done === 1 && console.log(player.pid) },
);
player.outcome.then((how) => console.error(how));
`;

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it("is gone when its server was killed", { timeout: 300_000 }, async () => {
  const parent = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", server], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const pid = await new Promise<number>((resolve) => {
    parent.stdout.setEncoding("utf8").once("data", (text: string) => resolve(Number(text)));
  });
  expect(isThere(pid)).toBe(true);
  parent.kill("SIGKILL");
  await expect.poll(() => isThere(pid), { timeout: 120_000 }).toBe(false);
});
