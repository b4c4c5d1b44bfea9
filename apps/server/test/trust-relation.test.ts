// Which trust record a device has, by its digest: one that is ahead of the server (which was restored from a backup),
// and one of another line, are seen, said, and offered nothing.

import { createHash } from "node:crypto";
import { buildTrustChain, generateSigningKey, type SigningKey, type TrustKeys } from "@flipside/image-format";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { makeProject, makeRelease, type Project } from "./keys.ts";
import type { ProtocolDevice } from "./protocol-device.ts";

let fixture: Fixture;
let project: Project;
/** The project's own line, as far as each version. */
let chains: Uint8Array[];
/** Another line, of the same root: somebody made two third records. */
let otherLine: Uint8Array;
const digestOf = (chain: Uint8Array): string => createHash("sha256").update(chain).digest("hex");

beforeAll(async () => {
  project = await makeProject();
  const record = async (trustVersion: number): Promise<TrustKeys> => ({
    trustVersion,
    rootThreshold: 1,
    rootKeys: [project.root.publicKey],
    releaseKeys: [project.release.publicKey],
    operationsKeys: [(await generateSigningKey()).publicKey],
  });
  const links: { trust: TrustKeys; signedBy: SigningKey["privateJwk"][] }[] = [];
  for (let version = 1; version <= 3; version++)
    links.push({ trust: await record(version), signedBy: [project.root.privateJwk] });
  chains = await Promise.all([1, 2, 3].map((version) => buildTrustChain(links.slice(0, version))));
  otherLine = await buildTrustChain([
    ...links.slice(0, 1),
    { trust: await record(2), signedBy: [project.root.privateJwk] },
  ]);
  fixture = await Fixture.start({}, { ...project, trustChain: chains[1]! });
});
afterAll(() => fixture?.stop());

async function deviceWith(version: number, digest: string | undefined): Promise<ProtocolDevice> {
  return fixture.readyDevice(undefined, (device) => {
    device.trust = version;
    device.trustDigest = digest;
  });
}

const viewOf = async (device: ProtocolDevice): Promise<any> =>
  (await fixture.api.get(`/api/v1/devices/${device.id}`)).body;

it("a device with the server's record, or with one that came before it, is served; an older agent by its version alone", async () => {
  for (const [version, digest, relation] of [
    [2, digestOf(chains[1]!), "same"],
    [1, digestOf(chains[0]!), "older"],
    [2, undefined, "same"],
    [1, undefined, "older"],
  ] as const) {
    const device = await deviceWith(version, digest);
    expect(await viewOf(device)).toMatchObject({
      trustVersion: version,
      trustDigest: digest ?? null,
      trustRelation: relation,
    });
    await fixture.api.until(
      `/api/v1/devices/${device.id}`,
      () => device.trustChains.length === (relation === "older" ? 1 : 0),
    );
  }
});

it("a device that is ahead, or of another line, is said to be so, and is offered nothing; until the newer chain is uploaded", async () => {
  const ahead = await deviceWith(3, digestOf(chains[2]!));
  const forked = await deviceWith(2, digestOf(otherLine));
  const behindAndForked = await deviceWith(1, digestOf(otherLine));
  const good = await deviceWith(2, digestOf(chains[1]!));
  const devices = [ahead, forked, behindAndForked, good];
  expect((await Promise.all(devices.map(viewOf))).map((view) => view.trustRelation)).toEqual([
    "ahead",
    "forked",
    "forked",
    "same",
  ]);
  expect((await viewOf(ahead)).log.map((entry: { detail: string }) => entry.detail)).toContain(
    "has trust record 3, this server's newest is 2: nothing is offered until the newer chain is uploaded",
  );
  expect(
    (await viewOf(forked)).log.some(
      (entry: { kind: string; detail: string }) =>
        entry.kind === "trust" && entry.detail.startsWith("has a trust record 2 that is not this server's"),
    ),
  ).toBe(true);

  const release = await fixture.upload(await makeRelease(project));
  await fixture.rollOut(release.id, devices);
  expect((await good.offered()).deployment).toBeDefined();
  for (const device of [ahead, forked, behindAndForked]) {
    expect(await device.checkIn()).not.toHaveProperty("deployment");
    expect(device.trustChains, "no trust record of this line either").toEqual([]);
  }

  expect((await fixture.api.request("POST", "/api/v1/trust", chains[2]!)).status).toBe(201);
  expect((await viewOf(ahead)).trustRelation).toBe("same");
  expect(await ahead.checkIn()).toHaveProperty("deployment");
  expect((await viewOf(forked)).trustRelation).toBe("forked");
  expect(await forked.checkIn()).not.toHaveProperty("deployment");
});

it("what a device says of its noise source is shown, and logged when it is not good", async () => {
  const device = await fixture.readyDevice(undefined, (made) => (made.entropy = "good"));
  expect((await viewOf(device)).entropy).toBe("good");
  device.entropy = "failed-health";
  await device.checkIn();
  const view = await viewOf(device);
  expect(view.entropy).toBe("failed-health");
  expect(view.log.filter((entry: { kind: string }) => entry.kind === "entropy")).toHaveLength(1);
  device.entropy = "splendid";
  await device.checkIn();
  expect((await viewOf(device)).entropy).toBe(null);
});
