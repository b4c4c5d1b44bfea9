// A trust record may want several release keys to sign an image: what too few have signed is not taken, what devices
// were given before is withdrawn, and one signature more makes it whole.

import {
  appendTrustLink,
  buildImage,
  buildPermit,
  buildReleaseState,
  generateSigningKey,
  signerOf,
  signRelease,
  type SigningKey,
  type TrustKeys,
} from "@flipside/image-format";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { imageFields, makeProject, makeRelease, payloadOf, product, type Project } from "./keys.ts";

let fixture: Fixture;
let project: Project;
let second: SigningKey;
let third: SigningKey;
/** One release key, and then two of three. */
let twoOfThree: Uint8Array;

beforeAll(async () => {
  project = await makeProject();
  [second, third] = await Promise.all([generateSigningKey(), generateSigningKey()]);
  const next: TrustKeys = {
    ...{ trustVersion: 2, rootThreshold: 1, rootKeys: [project.root.publicKey] },
    releaseKeys: [project.release, second, third].map((key) => key.publicKey),
    releaseThreshold: 2,
    operationsKeys: [project.operations.publicKey],
  };
  twoOfThree = await appendTrustLink(project.trustChain, next, [project.root.privateJwk]);
  fixture = await Fixture.start({}, project);
});
afterAll(() => fixture?.stop());

const upload = (file: Uint8Array) => fixture.api.post("/api/v1/releases", file);
const made = (releaseSequence: number): Promise<Uint8Array> =>
  makeRelease(project, { version: `1.${releaseSequence}.0`, releaseSequence }, payloadOf(9_000, releaseSequence));

it("one signature is enough until the record says otherwise, and what has one alone is revoked by that", async () => {
  const { status, body: release } = await upload(await made(2));
  expect(status).toBe(201);
  expect((await fixture.api.get("/api/v1/trust")).body.links[0].releaseThreshold).toBe(1);
  const taken = await fixture.api.post("/api/v1/trust", twoOfThree);
  expect([taken.status, taken.body.links.map((link: any) => link.releaseThreshold)]).toEqual([201, [1, 2]]);
  expect((await fixture.api.get(`/api/v1/releases/${release.id}`)).body.revoked).toBe(true);
});

it("what one key has signed, or one key twice, or a stranger beside it, is refused by that; two of three are enough", async () => {
  const file = await made(3);
  const stranger = await generateSigningKey();
  const { privateJwk } = project.release;
  const twice = await buildImage({
    fields: imageFields({ version: "1.3.0", releaseSequence: 3 }),
    payload: payloadOf(9_000, 3),
    signingKeys: [privateJwk, privateJwk],
  });
  for (const [few, how] of [
    [file, "one"],
    [twice, "one, twice"],
    [await signRelease(file, signerOf(stranger)), "a stranger beside it"],
  ] as const) {
    const { status, body } = await upload(few);
    expect([status, body.detail], how).toEqual([422, expect.stringContaining("fewer than 2 release keys")]);
  }
  const { status, body } = await upload(await signRelease(file, signerOf(third)));
  expect(status, JSON.stringify(body)).toBe(201);
  const detail = (await fixture.api.get(`/api/v1/releases/${body.id}`)).body;
  expect(detail.images[0].signedBy).toHaveLength(2);
  expect(detail.revoked).toBe(false);
});

it("a permit needs as many; a release state, which forbids and allows nothing, one", async () => {
  const release = (await fixture.api.get("/api/v1/releases")).body.releases.find(
    (each: any) => each.version === "1.3.0",
  );
  const permit = (...keys: SigningKey[]) =>
    buildPermit({ imageDigest: release.images[0].digest, signingKeys: keys.map((key) => key.privateJwk) });
  const add = async (file: Uint8Array) => fixture.api.post(`/api/v1/releases/${release.id}/permits`, file);
  const few = await add(await permit(second));
  expect([few.status, few.body.detail]).toEqual([422, expect.stringContaining("fewer than 2 release keys")]);
  expect((await add(await permit(second, third))).status).toBe(201);
  const issuedS = Math.floor(Date.now() / 1000);
  const state = { product, version: "1.3.0", releaseSequence: 3, issuedS, validUntilS: issuedS + 100 };
  const signed = await buildReleaseState(state, [signerOf(second)]);
  expect((await fixture.api.post("/api/v1/release-states", signed)).status).toBe(201);
});
