// Trust records at the server: which it takes, to whom it sends them, and what becomes of releases whose signer is
// revoked.

import {
  appendTrustLink,
  buildImage,
  buildRelease,
  buildTrustChain,
  ErrorCode,
  generateSigningKey,
  type SigningKey,
  type TrustKeys,
} from "@flipside/image-format";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startServer } from "../src/server.ts";
import { Fixture } from "./fixture.ts";
import { databaseOf } from "./database.ts";
import { imageFields, makeProject, makeRelease, payloadOf, type Project } from "./keys.ts";
import type { ProtocolDevice } from "./protocol-device.ts";

const againMs = 60_000;

let project: Project;
let second: SigningKey;
let otherRoot: SigningKey;
let fixture: Fixture;
/** By trust version: 1 the project's; 2 adds `second`; 3 revokes the project's release key and replaces the root. */
let chains: Uint8Array[];
let nowMs: number;

const link = (trustVersion: number, root: SigningKey, release: SigningKey[]): TrustKeys => ({
  trustVersion,
  rootThreshold: 1,
  rootKeys: [root.publicKey],
  releaseKeys: release.map((key) => key.publicKey),
  operationsKeys: [],
});

beforeEach(async () => {
  nowMs = Date.now();
  project = await makeProject();
  second = await generateSigningKey();
  otherRoot = await generateSigningKey();
  const two = await appendTrustLink(project.trustChain, link(2, project.root, [project.release, second]), [
    project.root.privateJwk,
  ]);
  const three = await appendTrustLink(two, link(3, otherRoot, [second]), [project.root.privateJwk]);
  chains = [new Uint8Array(), project.trustChain, two, three];
  fixture = await Fixture.start({ clock: { wallMs: () => nowMs, monotonicMs: () => nowMs } }, project);
});
afterEach(() => fixture.stop());

const post = (version: number) => fixture.api.post("/api/v1/trust", chains[version]);
const bySecond = async (): Promise<Uint8Array> =>
  buildRelease([
    await buildImage({
      fields: imageFields({ version: "2.0.0", releaseSequence: 3 }),
      payload: payloadOf(20_000, 7),
      signingKeys: [second.privateJwk],
    }),
  ]);

/** How many chains a device has heard once the next check-in is answered. */
async function heardAfterCheckIn(device: ProtocolDevice): Promise<number> {
  await device.checkIn();
  // A later message of the same connection has come, so nothing is on its way any more.
  await device.checkIn();
  return device.trustChains.length;
}

describe("the server's trust record", () => {
  it("is what it was started with, key by key", async () => {
    const { status, body } = await fixture.api.get("/api/v1/trust");
    expect(status).toBe(200);
    expect(body).toMatchObject({ version: 1, links: [{ version: 1, rootThreshold: 1 }] });
    expect(
      body.keys.map(({ purpose, since, revokedBy }: Record<string, unknown>) => [purpose, since, revokedBy]),
    ).toEqual([
      ["root", 1, null],
      ["release", 1, null],
      ["operations", 1, null],
    ]);
    expect(body.keys[1].publicKey).toBe(Buffer.from(project.release.publicKey).toString("hex"));
  });

  it("is replaced by one that goes on from it, and says which keys came and went", async () => {
    const answer = await post(3);
    expect(answer.status).toBe(201);
    expect(answer.body.version).toBe(3);
    const release = answer.body.keys.filter((key: { purpose: string }) => key.purpose === "release");
    expect(release.map(({ since, revokedBy }: Record<string, unknown>) => [since, revokedBy])).toEqual([
      [1, 3],
      [2, null],
    ]);
    expect((await fixture.api.get("/api/v1/trust")).body).toEqual(answer.body);
  });

  it("stays after a restart, though the server is started with the first one again", async () => {
    await post(3);
    await fixture.restart();
    await fixture.api.until("/api/v1/trust", (body) => body.version === 3);
  });

  it("is the one given at the start, when that goes on from the stored one", async () => {
    await fixture.server.close();
    const server = await startServer({
      ...(await databaseOf(fixture.dataDir)),
      dataDir: fixture.dataDir,
      trustChain: chains[2]!,
      port: 0,
      mqttPort: 0,
      logLevel: "silent",
    });
    await server.close();
    fixture.server = await startServer({
      ...(await databaseOf(fixture.dataDir)),
      dataDir: fixture.dataDir,
      trustChain: chains[1]!,
      port: 0,
      mqttPort: 0,
      logLevel: "silent",
    });
    fixture.api.url = fixture.server.url;
    expect((await fixture.api.get("/api/v1/trust")).body.version).toBe(2);
  });

  it("can't be swapped at the start for another line", async () => {
    const { trustChain } = await makeProject();
    await fixture.server.close();
    await expect(
      startServer({
        ...(await databaseOf(fixture.dataDir)),
        dataDir: fixture.dataDir,
        trustChain,
        port: 0,
        mqttPort: 0,
        logLevel: "silent",
      }),
    ).rejects.toThrow("does not belong to the one that is stored");
  });

  it("is refused when it is not newer, of another line, not signed, or no record", async () => {
    await post(2);
    const fork = await buildTrustChain(
      [1, 2, 3].map((version) => ({
        trust: link(version, project.root, [project.release]),
        signedBy: [project.root.privateJwk],
      })),
    );
    const forged = await appendTrustLink(chains[2]!, link(3, otherRoot, [second]), [otherRoot.privateJwk]);
    const refused = async (bytes: Uint8Array): Promise<[number, string]> => {
      const { status, body } = await fixture.api.post("/api/v1/trust", bytes);
      expect(body.title).toBe("The trust record was refused");
      return [status, body.code];
    };
    expect(await refused(chains[1]!)).toEqual([422, "trust-not-newer"]);
    expect(await refused(chains[2]!)).toEqual([422, "trust-not-newer"]);
    expect(await refused(fork)).toEqual([422, "trust-forked"]);
    expect(await refused(forged)).toEqual([422, "trust-record-invalid"]);
    expect(await refused(chains[3]!.slice(0, -1))).toEqual([422, "trust-record-invalid"]);
    expect(await refused(new Uint8Array(20_000))).toEqual([422, "trust-record-invalid"]);
    expect(
      (await fixture.api.request("POST", "/api/v1/trust", "{}", { "content-type": "application/json" })).body.code,
    ).toBe("unsupported-media-type");
    expect((await fixture.api.get("/api/v1/trust")).body.version).toBe(2);
  });
});

describe("a device with an older trust record", () => {
  it("gets the newest at its check-in, once, and again only after a while", async () => {
    const device = await fixture.readyDevice();
    expect(device.trustChains).toEqual([]);
    await post(3);
    expect(await heardAfterCheckIn(device)).toBe(1);
    expect(Buffer.compare(device.trustChains[0]!, chains[3]!)).toBe(0);
    nowMs += againMs;
    expect(await heardAfterCheckIn(device)).toBe(2);
    device.trust = 3;
    nowMs += againMs;
    expect(await heardAfterCheckIn(device)).toBe(2);
    expect((await fixture.api.get(`/api/v1/devices/${device.id}`)).body).toMatchObject({
      trustVersion: 3,
      trustRefused: null,
    });
  });

  it("that would lose its image by it gets the one before, and the newest after its update", async () => {
    const device = await fixture.readyDevice();
    await post(3);
    expect(await heardAfterCheckIn(device)).toBe(1);
    device.trustRefused = { version: 3, code: ErrorCode.TrustWouldRefuseImage };
    expect(await heardAfterCheckIn(device)).toBe(2);
    expect(Buffer.compare(device.trustChains[1]!, chains[2]!)).toBe(0);
    // It keeps saying so of 3, and there is nothing between 2 and 3.
    device.trust = 2;
    nowMs += 10 * againMs;
    expect(await heardAfterCheckIn(device)).toBe(2);
    const release = await fixture.upload(await bySecond());
    await fixture.rollOut(release.id, [device]);
    await device.install(await device.offered());
    await device.close();
    device.reboot(true, "2.0.0", 3);
    device.trustRefused = undefined;
    await device.connect();
    await device.prove();
    const before = device.trustChains.length;
    expect(await heardAfterCheckIn(device)).toBe(before + 1);
    expect(Buffer.compare(device.trustChains.at(-1)!, chains[3]!)).toBe(0);
  });

  it("that refused it is shown with the reason, and gets it again in its next session only", async () => {
    const device = await fixture.readyDevice();
    await post(3);
    expect(await heardAfterCheckIn(device)).toBe(1);
    device.trustRefused = { version: 3, code: ErrorCode.TrustForked };
    nowMs += 10 * againMs;
    expect(await heardAfterCheckIn(device)).toBe(1);
    const seen = await fixture.api.until(`/api/v1/devices/${device.id}`, (body) =>
      body.log.some((entry: { kind: string }) => entry.kind === "trust"),
    );
    expect(seen).toMatchObject({
      trustVersion: 1,
      trustRefused: { version: 3, code: ErrorCode.TrustForked, codeName: "trust-forked" },
    });
    expect(seen.log.find((entry: { kind: string }) => entry.kind === "trust").detail).toContain("trust-forked");
    device.boot++;
    device.sequence = 0;
    device.trustRefused = undefined;
    await device.prove();
    expect(await heardAfterCheckIn(device)).toBe(2);
  });

  it("gets none while its image is on trial", async () => {
    const device = await fixture.readyDevice();
    await post(2);
    device.running["state"] = "candidate";
    expect(await heardAfterCheckIn(device)).toBe(0);
    device.running["state"] = "confirmed";
    expect(await heardAfterCheckIn(device)).toBe(1);
  });

  it("is offered an image of a new key only when it has the record that names it", async () => {
    const device = await fixture.readyDevice();
    await post(2);
    const release = await fixture.upload(await bySecond());
    const rollout = await fixture.rollOut(release.id, [device]);
    expect(await device.checkIn()).not.toHaveProperty("deployment");
    await device.until("the record", () => (device.trustChains.length === 1 ? true : undefined));
    expect((await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body.counts.queued).toBe(1);
    device.trust = 2;
    expect(await device.checkIn()).toHaveProperty("deployment");
  });
});

describe("a release whose signer is revoked", () => {
  it("is offered to nobody any more: its rollout ends and says why, and a new one is refused", async () => {
    const release = await fixture.upload(await makeRelease(project));
    expect(release.revoked).toBe(false);
    const [downloading, waiting] = [await fixture.readyDevice(), await fixture.readyDevice()];
    const rollout = await fixture.rollOut(release.id, [downloading, waiting], { waves: [{ count: 1 }, { count: 1 }] });
    const offer = await downloading.offered();
    downloading.take1(offer.deployment, offer.attempt);
    await downloading.report("downloading", { done: 0, total: 1 });
    expect((await post(2)).status).toBe(201);
    expect((await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body.state).toBe("running");

    expect((await post(3)).status).toBe(201);
    const ended = (await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body;
    expect(ended).toMatchObject({ state: "cancelled", counts: { cancelled: 2 } });
    expect(ended.decisions.at(-1).text).toMatch(
      /cancelled by trust record 3, which names no signer of release 1\.1\.0 any more \(signature-unknown-key\): 2 deployments cancelled/,
    );
    expect(await downloading.checkIn()).not.toHaveProperty("deployment");
    expect((await fixture.api.get("/api/v1/releases")).body.releases[0].revoked).toBe(true);
    const again = await fixture.api.post("/api/v1/rollouts", {
      name: "again",
      releaseId: release.id,
      target: { all: true },
      waves: [],
    });
    expect([again.status, again.body.code]).toEqual([422, "release-revoked"]);
    const upload = await fixture.api.post("/api/v1/releases", await makeRelease(project, { version: "1.2.0" }));
    expect([upload.status, upload.body.code]).toEqual([422, "signature-unknown-key"]);
  });

  it("ends at the server's start too, when the chain given there is the one that revokes it", async () => {
    const device = await fixture.readyDevice();
    const release = await fixture.upload(await makeRelease(project));
    const rollout = await fixture.rollOut(release.id, [device]);
    await device.close();
    await fixture.server.close();
    fixture.server = await startServer({
      ...(await databaseOf(fixture.dataDir)),
      dataDir: fixture.dataDir,
      trustChain: chains[3]!,
      port: 0,
      mqttPort: 0,
      logLevel: "silent",
    });
    fixture.api.url = fixture.server.url;
    expect((await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body).toMatchObject({ state: "cancelled" });
  });
});
