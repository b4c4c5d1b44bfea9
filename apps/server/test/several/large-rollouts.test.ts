// Rollouts for more devices than one transaction deals with, asked for at one of several servers and carried out by
// whichever is the caretaker.

import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeRelease, payloadOf } from "../keys.ts";
import { haproxyMissing } from "./haproxy.ts";
import { type Member, SeveralServers } from "./several-servers.ts";

if (haproxyMissing !== undefined) console.warn(`skipped: large rollouts at several servers: ${haproxyMissing}`);

const othersCount = 600;
/** The other one has to notice first that the first is gone. */
const withinMs = 40_000;

/** So many more devices like this one, which were never there. */
async function addDevicesLike(databaseUrl: string, deviceId: string): Promise<void> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      `select column_name as name from information_schema.columns
        where table_schema = current_schema() and table_name = 'devices' and is_generated = 'NEVER' and column_name <> 'id'`,
    );
    const columns = rows.map(({ name }) => `"${name}"`).join(", ");
    await client.query(
      `insert into devices (id, ${columns})
        select 'away-' || n, ${columns} from devices, generate_series(1, ${othersCount}) n where id = $1`,
      [deviceId],
    );
  } finally {
    await client.end();
  }
}

describe.skipIf(haproxyMissing !== undefined)("a large rollout at two servers on one database", () => {
  let several: SeveralServers;
  let a: Member;
  let b: Member;
  const made: string[] = [];
  beforeAll(async () => {
    several = await SeveralServers.start();
    [a, b] = several.members as [Member, Member];
    const { id } = await several.readyDevice("there", a.mqttUrl);
    await addDevicesLike(several.databaseUrl, id);
  });
  afterAll(() => several?.stop());

  it("is made whichever of them is asked, and both show it whole", async () => {
    const release = await several
      .at(a)
      .upload(await makeRelease(several.project, { version: "1.2.0", releaseSequence: 2 }, payloadOf(20_000, 2)));
    for (const member of [a, b]) {
      const request = { name: `asked at ${member.name}`, releaseId: release.id, target: { all: true } };
      const { status, body } = await several.at(member).post("/api/v1/rollouts", request);
      expect(status, JSON.stringify(body)).toBe(201);
      expect(body.preparing, "it is not made while the call waits").not.toBeNull();
      made.push(body.id);
    }
    for (const id of made)
      for (const member of [a, b]) {
        const whole = await several.at(member).until(`/api/v1/rollouts/${id}`, (body) => body.carryingOut === false);
        expect(whole).toMatchObject({ state: "running", preparing: null, currentWave: 0, total: othersCount + 1 });
      }
  });

  it(
    "ends at the other one when the first dies right after it was asked to",
    async () => {
      for (const id of made)
        expect((await several.at(a).post(`/api/v1/rollouts/${id}/cancel`)).body).toMatchObject({ state: "cancelled" });
      await a.end("SIGKILL");
      for (const id of made) {
        const show = async () => (await several.at(b).get(`/api/v1/rollouts/${id}`)).body;
        await expect.poll(async () => (await show()).carryingOut, { timeout: withinMs }).toBe(false);
        expect(await show()).toMatchObject({ state: "cancelled", counts: { queued: 0, cancelled: othersCount + 1 } });
      }
    },
    2 * withinMs,
  );
});
