import { expect, it } from "vitest";
import { fits, imageFor, runsNewer } from "../src/release-fit.ts";

const release = {
  product: "flipside-demo",
  images: [
    { hardware: "virt-rv32", revisionMin: 1, revisionMax: 65535 },
    { hardware: "virtual", revisionMin: 1, revisionMax: 1 },
  ],
};
const device = { product: "flipside-demo", hardware: "virt-rv32", revision: 1, revoked: false };

it("a release fits by product, hardware and revision, and never a revoked device", () => {
  expect(fits(release, device)).toBe(true);
  expect(fits(release, { ...device, hardware: "virtual", revision: 2 })).toBe(false);
  expect(fits(release, { ...device, product: "other" })).toBe(false);
  expect(fits(release, { ...device, revoked: true })).toBe(false);
  expect(fits(release, { ...device, revision: null })).toBe(false);
});

it("a device gets the image of its own hardware", () => {
  expect(imageFor(release.images, { hardware: "virtual", revision: 1 })).toBe(release.images[1]);
  expect(imageFor(release.images, { hardware: null, revision: null })).toBeUndefined();
});

it("a device runs something newer by the release sequence alone, and nothing before its first check-in", () => {
  expect([1, 2, 3].map((releaseSequence) => runsNewer({ releaseSequence }, { releaseSequence: 2 }))).toEqual([
    false,
    false,
    true,
  ]);
  expect(runsNewer(null, { releaseSequence: 2 })).toBe(false);
});
