// One of two servers is killed in the middle of a rollout: nothing is lost, nothing is installed twice.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeRelease, payloadOf } from "../keys.ts";
import { update } from "../rollout-steps.ts";
import { haproxyMissing } from "./haproxy.ts";
import { type Life, live } from "./living-device.ts";
import { type Member, SeveralServers } from "./several-servers.ts";

if (haproxyMissing !== undefined) console.warn(`skipped: one of two servers is killed: ${haproxyMissing}`);

const devicesCount = 24;
const doneMsMax = 60_000;
const testMsMax = 180_000;

describe.skipIf(haproxyMissing !== undefined)("kill -9 of one of two servers in a wave", () => {
  let several: SeveralServers;
  const lives: Life[] = [];
  beforeAll(async () => {
    several = await SeveralServers.start();
  });
  afterAll(async () => {
    await Promise.all(lives.map((life) => life.stop()));
    await several?.stop();
  });

  it(
    "all go on at the other one, and the killed one comes back and takes part",
    async () => {
      const [a, b] = several.members as [Member, Member];
      const made = await several.api.upload(await makeRelease(several.project, {}, payloadOf(60_000)));
      for (let i = 0; i < devicesCount; i++) {
        const device = await several.newDevice(`dev-${String(i).padStart(2, "0")}`);
        lives.push(live(device, made, { pollMs: 200, pauseMs: 300 }));
      }
      const ownersOf = async (member: Member): Promise<string[]> =>
        (
          await several.query(
            `select "deviceId" from "deviceOwners" join members on members.id = "memberId" where name = '${member.name}'`,
          )
        ).map((row) => String(row["deviceId"]));
      await expect
        .poll(async () => (await ownersOf(a)).length + (await ownersOf(b)).length, { timeout: 20_000 })
        .toBe(devicesCount);
      await several.haveCheckedIn(devicesCount);
      const atA = new Set(await ownersOf(a));
      expect(atA.size).toBeGreaterThan(0);
      expect(atA.size).toBeLessThan(devicesCount);
      const { id } = await several.api.rollOut(
        made.id,
        lives.map(({ device }) => device),
        { waves: [{ percent: 50 }, { percent: 100 }] },
      );
      // In the middle of the first wave: somebody is past the point of no return, somebody still waits.
      await several.at(b).until(`/api/v1/rollouts/${id}`, ({ counts }) => counts.downloading + counts.confirmed > 2);
      const killedMs = performance.now();
      await a.end("SIGKILL");
      const orphans = lives.filter(({ device }) => atA.has(device.id));
      const firstAfter = ({ sessionsAt }: Life): number | undefined => sessionsAt.find((at) => at > killedMs);
      await expect
        .poll(() => orphans.every((life) => firstAfter(life) !== undefined), { timeout: doneMsMax })
        .toBe(true);
      const againMs = Math.max(...orphans.map((life) => firstAfter(life)! - killedMs));
      const done = several.at(b);
      await expect
        .poll(async () => (await done.get(`/api/v1/rollouts/${id}`)).body.state, { timeout: doneMsMax })
        .toBe("completed");
      const doneMs = performance.now() - killedMs;
      console.log(
        `kill -9 of one of two servers, ${devicesCount} devices, ${orphans.length} of them at it: all under way again after ${(againMs / 1000).toFixed(1)} s, the rollout of two waves completed after ${(doneMs / 1000).toFixed(1)} s`,
      );
      const { body } = await done.get(`/api/v1/rollouts/${id}`);
      expect(body.counts).toMatchObject({ confirmed: devicesCount });
      for (const life of lives) {
        expect(life.started, `${life.device.id} has started`).toHaveLength(1);
        expect([...life.offered], `${life.device.id} was offered`).toEqual(life.started);
      }
      expect(await several.query(`select distinct attempt, state from deployments`)).toEqual([
        { attempt: "1", state: "confirmed" },
      ]);

      await a.start();
      const device = await several.readyDevice("newcomer", a.mqttUrl);
      await several.at(b).until(`/api/v1/devices/${device.id}`, ({ online }) => online === true);
      await several.api.rollOut(made.id, [device]);
      await update(device, made);
      await several.at(b).until(`/api/v1/devices/${device.id}`, ({ running }) => running.version === made.version);
      // Each may be the caretaker by now; the other one is not left with the name of the dead.
      expect(await several.query(`select name from members where "deadAt" is null order by name`)).toEqual([
        { name: "a" },
        { name: "b" },
      ]);
    },
    testMsMax,
  );
});
