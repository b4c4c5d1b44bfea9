// Images in a bucket of an S3-compatible store: s3rver, in a process of its own, with a proxy before it that can lose
// it or change what it is given.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { reservePort } from "../../../packages/processes/test/reserved-port.ts";
import { openBucket } from "../src/features/image-bucket/bucket.ts";
import { describeForStorage } from "../src/features/releases/releases.ts";
import { dataMoved, isOnPostgres } from "./database.ts";
import { Fixture, temporaryDirectory } from "./fixture.ts";
import { makeProject, makeRelease, type Project } from "./keys.ts";

const program = createRequire(import.meta.url).resolve("s3rver/bin/s3rver.js");
const bucketName = "fleet-images";
const storeStartMs = 30_000;
/** By which s3rver knows its only user. */
const credentials = { AWS_ACCESS_KEY_ID: "S3RVER", AWS_SECRET_ACCESS_KEY: "S3RVER" };

let storeFolder: string;
let store: ChildProcess;
let storePort: number;
let front: Server;
let endpoint: string;
/** What the proxy does with the body of a PUT. */
let change: (body: Buffer) => Buffer | Promise<Buffer> = (body) => body;
let isLost = false;
let fixture: Fixture | undefined;
let project: Project;

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });

function startFront(): Server {
  return createServer((asked, answer) => {
    if (isLost) return void asked.socket.destroy();
    const parts: Buffer[] = [];
    asked.on("data", (part: Buffer) => parts.push(part));
    asked.on("end", async () => {
      const given = Buffer.concat(parts);
      const body = asked.method === "PUT" ? await change(given) : given;
      const passed = request(
        { port: storePort, host: "127.0.0.1", method: asked.method, path: asked.url, headers: asked.headers },
        (from) => {
          answer.writeHead(from.statusCode!, from.headers);
          from.pipe(answer);
        },
      );
      passed.on("error", () => answer.destroy());
      passed.end(body);
    });
  });
}

beforeAll(async () => {
  Object.assign(process.env, credentials);
  project = await makeProject();
  storeFolder = await temporaryDirectory();
  storePort = await reservePort();
  store = spawn(
    process.execPath,
    [
      program,
      "--silent",
      "-a",
      "127.0.0.1",
      "-p",
      String(storePort),
      "-d",
      storeFolder,
      "--configure-bucket",
      bucketName,
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const deadline = performance.now() + storeStartMs;
  while (!(await isOpen(storePort))) {
    if (performance.now() > deadline || store.exitCode !== null) throw new Error("s3rver did not start");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  front = startFront().listen(0, "127.0.0.1");
  await once(front, "listening");
  endpoint = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
}, 60_000);

afterAll(async () => {
  for (const name of Object.keys(credentials)) delete process.env[name];
  front.closeAllConnections();
  front.close();
  store.kill();
  await rm(storeFolder, { recursive: true });
});

let folders = 0;
/** Each test's own part of the bucket. */
let imagesBucket: string;
beforeEach(() => {
  change = (body) => body;
  isLost = false;
  imagesBucket = `s3://${bucketName}/test-${++folders}`;
});
afterEach(async () => {
  await fixture?.stop();
  fixture = undefined;
});

const start = (): Promise<Fixture> => Fixture.start({ imagesBucket, imagesEndpoint: endpoint }, project);
const uploadOf = async (): Promise<Buffer> => Buffer.from(await makeRelease(project));
const imagesIn = async (dataDir: string): Promise<string[]> => readdir(join(dataDir, "images"));
const inBucket = async (name: string): Promise<Uint8Array | undefined> => {
  const bucket = await openBucket(imagesBucket, endpoint);
  try {
    return await bucket.get(name);
  } finally {
    bucket.close();
  }
};

it("an image is in the bucket, byte for byte; one that the folder has lost is fetched when it is wanted", async () => {
  fixture = await start();
  const release = await fixture.upload(await uploadOf());
  const [name] = await imagesIn(fixture.dataDir);
  const path = join(fixture.dataDir, "images", name!);
  const bytes = await readFile(path);
  expect(Buffer.from((await inBucket(name!))!).equals(bytes)).toBe(true);
  const device = await fixture.readyDevice();
  await rm(path);
  await fixture.rollOut(release.id, [device]);
  expect((await readFile(path)).equals(bytes)).toBe(true);
  await device.install(await device.offered());
});

it("what is lost in the middle of a rollout is fetched, and the device gets it when it asks again", async () => {
  fixture = await start();
  const release = await fixture.upload(await uploadOf());
  const device = await fixture.readyDevice();
  await fixture.rollOut(release.id, [device]);
  const offer = await device.offered();
  const [name] = await imagesIn(fixture.dataDir);
  await rm(join(fixture.dataDir, "images", name!));
  device.take1(offer.deployment, offer.attempt);
  const deadline = performance.now() + 10_000;
  while (device.chunks.length === 0) {
    if (performance.now() > deadline) throw new Error("no chunk came");
    await device.say("fetch", { deployment: offer.deployment, attempt: 1, part: 0, first: 0, count: 1 }, 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

it("a data folder without images serves those of the bucket, and one that was there before puts its own into it", async () => {
  const before = await Fixture.start({}, project);
  const release = await before.upload(await uploadOf());
  const [name] = await imagesIn(before.dataDir);
  await before.server.close();
  fixture = await Fixture.goOn({ dataDir: before.dataDir, imagesBucket, imagesEndpoint: endpoint }, project);
  const deadline = performance.now() + 10_000;
  while ((await inBucket(name!)) === undefined) {
    if (performance.now() > deadline) throw new Error("the image was not put into the bucket");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await fixture.server.close();
  const dataDir = join(await temporaryDirectory(), "restored");
  await cp(before.dataDir, dataDir, { recursive: true });
  await rm(join(dataDir, "images"), { recursive: true });
  await mkdir(join(dataDir, "images"), { mode: 0o700 });
  dataMoved(before.dataDir, dataDir);
  fixture = await Fixture.goOn({ dataDir, imagesBucket, imagesEndpoint: endpoint }, project);
  const device = await fixture.readyDevice();
  await fixture.rollOut(release.id, [device]);
  await device.install(await device.offered());
});

it("of two that are damaged none is served, and the same upload mends both", async () => {
  fixture = await start();
  const bytes = await uploadOf();
  const release = await fixture.upload(bytes);
  const [name] = await imagesIn(fixture.dataDir);
  const path = join(fixture.dataDir, "images", name!);
  const image = await readFile(path);
  const bucket = await openBucket(imagesBucket, endpoint);
  await bucket.put(name!, Buffer.alloc(image.length, 7));
  await writeFile(path, Buffer.alloc(image.length, 7));
  const device = await fixture.readyDevice();
  const wanted = { name: "r", releaseId: release.id, target: { deviceIds: [device.id] } };
  expect(await fixture.api.post("/api/v1/rollouts", wanted)).toMatchObject({
    status: 409,
    body: { code: "image-file-missing" },
  });
  await fixture.upload(bytes);
  expect(Buffer.from((await bucket.get(name!))!).equals(image)).toBe(true);
  bucket.close();
  expect((await fixture.api.post("/api/v1/rollouts", wanted)).status).toBe(201);
});

it("a store that keeps other bytes than it was given is found out: nothing of the upload is stored", async () => {
  fixture = await start();
  // As one that does not know the SDK's pieces with a checksum behind them, and keeps those as content.
  change = (body) => Buffer.concat([body.subarray(1), Buffer.from("!")]);
  const refused = await fixture.api.request("POST", "/api/v1/releases", await uploadOf());
  expect(refused).toMatchObject({ status: 503, body: { code: "images-store-unusable" } });
  expect((await fixture.api.get("/api/v1/releases")).body.releases).toEqual([]);
  expect(await imagesIn(fixture.dataDir)).toEqual([]);
  change = (body) => body;
  await fixture.upload(await uploadOf());
});

it("an upload that another server was quicker with takes nothing of the other's away", async () => {
  fixture = await start();
  const { internals } = fixture.server;
  let name = "";
  change = async (image) => {
    change = (body) => body;
    const row = await describeForStorage(image, "another-servers");
    name = row.fileName;
    await internals.insertRelease({
      id: "another-servers",
      product: "flipside-demo",
      version: "9.0.0",
      releaseSequence: 9,
      description: null,
      uploadedAt: 0,
      uploadedBy: "admin",
    });
    await internals.insertImage(row);
    return image;
  };
  const refused = await fixture.api.request("POST", "/api/v1/releases", await uploadOf());
  expect(refused).toMatchObject({ status: 409, body: { code: "release-exists" } });
  expect(await imagesIn(fixture.dataDir)).toEqual([name]);
  expect(await inBucket(name)).toBeDefined();
});

it("what is deleted is gone from the bucket, too: later, if the store is away; and from a folder that has a copy", async () => {
  fixture = await start();
  const release = await fixture.upload(await uploadOf());
  const [name] = await imagesIn(fixture.dataDir);
  const copy = await readFile(join(fixture.dataDir, "images", name!));
  await fixture.api.post(`/api/v1/releases/${release.id}/archive`);
  isLost = true;
  expect((await fixture.api.request("DELETE", `/api/v1/releases/${release.id}`)).status).toBe(204);
  const notes = () => fixture!.server.internals.storage.db.selectFrom("filesToRemove").select("claimedAt").execute();
  await expect.poll(notes).toEqual([{ claimedAt: expect.any(Number) }]);
  isLost = false;
  await expect.poll(notes).toEqual([]);
  expect(await inBucket(name!)).toBeUndefined();
  expect(await imagesIn(fixture.dataDir)).toEqual([]);
  // As another server has it, which did not remove it.
  await writeFile(join(fixture.dataDir, "images", name!), copy);
  await fixture.restart();
  const { dataDir } = fixture;
  await expect.poll(() => imagesIn(dataDir)).toEqual([]);
});

it("while the store is away uploads are refused, and what the folder has is served", async () => {
  fixture = await start();
  const release = await fixture.upload(await uploadOf());
  isLost = true;
  const device = await fixture.readyDevice();
  await fixture.rollOut(release.id, [device]);
  await device.install(await device.offered());
  const next = Buffer.from(await makeRelease(project, { version: "3.0.0", releaseSequence: 3 }));
  expect(await fixture.api.request("POST", "/api/v1/releases", next)).toMatchObject({
    status: 503,
    body: { code: "images-store-unusable" },
  });
  isLost = false;
  await fixture.upload(next);
});

if (isOnPostgres())
  it("several servers share a bucket: what was uploaded at one, another one serves", async () => {
    const several = { imagesBucket, imagesEndpoint: endpoint };
    const one = await Fixture.start({ ...several, member: "one" }, project);
    try {
      const dataDir = await temporaryDirectory();
      dataMoved(one.dataDir, dataDir);
      fixture = await Fixture.goOn({ ...several, member: "two", dataDir }, project);
      const release = await one.upload(await uploadOf());
      const device = await fixture.readyDevice();
      await fixture.rollOut(release.id, [device]);
      await device.install(await device.offered());
      expect(await imagesIn(dataDir)).toEqual(await imagesIn(one.dataDir));
    } finally {
      await one.stop();
    }
  });

it.each([
  ["s3://no-such-bucket", /The bucket s3:\/\/no-such-bucket cannot be used: .*--images-bucket/],
  ["s3://Not_A_Name", /is no address of a bucket/],
])("does not start with %s, and says why", async (address, why) => {
  await expect(Fixture.start({ imagesBucket: address, imagesEndpoint: endpoint }, project)).rejects.toThrow(why);
});
