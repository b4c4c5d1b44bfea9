// A deployment that ends here before the device closes it: the device is told, alone, until it answers.

import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Fixture } from "../fixture.ts";
import { makeRelease } from "../keys.ts";
import { newTarget, startWithHawkbit, type Target } from "./target.ts";

let fixture: Fixture;
let target: Target;
let rollout: any;
let actionId = 0;
let sequence = 1;

const upload = (): Promise<any> =>
  makeRelease(fixture.project, { version: `2.${++sequence}.0`, releaseSequence: sequence }).then(fixture.upload);

beforeAll(async () => {
  fixture = await startWithHawkbit();
});
afterAll(() => fixture.stop());
beforeEach(async () => {
  target = await newTarget(fixture);
  rollout = await fixture.rollOut((await upload()).id, [target as never]);
  ({ actionId } = await target.deployment());
  await fixture.api.post(`/api/v1/rollouts/${rollout.id}/cancel`);
});

it("is a link that stands alone, names its action, and is over when the device says so", async () => {
  const links = await target.poll();
  expect(Object.keys(links)).toEqual(["cancelAction"]);
  expect(links.cancelAction!.endsWith(`cancelAction/${actionId}`)).toBe(true);
  expect(links.cancelAction!.length - links.cancelAction!.indexOf("cancelAction/")).toBeLessThan(49);
  expect((await target.ask(links.cancelAction!)).body).toEqual({
    id: String(actionId),
    cancelAction: { stopId: String(actionId) },
  });
  expect((await target.ask(`/deploymentBase/${actionId}`)).status).toBe(404);
  expect((await target.feedback(actionId, "proceeding", "none", { of: "cancelAction" })).status).toBe(200);
  expect((await target.poll()).cancelAction, "nothing is said by that").toBeDefined();
  expect((await target.feedback(actionId, "closed", "success", { of: "cancelAction" })).status).toBe(200);
  expect(await target.poll()).toEqual({});
  expect((await target.newest()).state).toBe("cancelled");
});

it("comes before what is wanted next, and that comes after it", async () => {
  await fixture.rollOut((await upload()).id, [target as never]);
  expect(Object.keys(await target.poll())).toEqual(["cancelAction"]);
  await target.feedback(actionId, "canceled", "success", { of: "cancelAction" });
  expect(Object.keys(await target.poll())).toEqual(["deploymentBase"]);
  expect((await target.deployment()).actionId).toBeGreaterThan(actionId);
});

for (const [execution, finished] of [
  ["rejected", "none"],
  ["closed", "failure"],
] as const)
  it(`is refused by ${execution}/${finished}, and what the device comes back with is taken all the same`, async () => {
    await target.poll();
    await target.feedback(actionId, execution, finished, { of: "cancelAction" });
    expect(await target.poll()).toEqual({});
    expect((await target.newest()).state).toBe("cancelled");
    expect((await target.feedback(actionId, "closed", "success")).status).toBe(200);
    await target.says({ version: `2.${sequence}.0` });
    expect((await target.newest()).state).toBe("confirmed");
  });

it("is given up after five polls of a client that does not know of it", async () => {
  for (let i = 0; i < 5; i++) expect((await target.poll()).cancelAction).toBeDefined();
  expect(await target.poll()).toEqual({});
  expect((await target.shown()).log.map(({ detail }: { detail: string }) => detail)).toContain(
    `action ${actionId} was cancelled, and the device has not answered that in 5 polls`,
  );
});

it("is told of a device that was excluded as well", async () => {
  const other = await newTarget(fixture);
  const [first] = await Promise.all([fixture.rollOut((await upload()).id, [other as never])]);
  await other.deployment();
  await fixture.api.post(`/api/v1/rollouts/${first.id}/exclude`, { deviceIds: [other.id] });
  expect(Object.keys(await other.poll())).toEqual(["cancelAction"]);
});
