import { expect, it } from "vitest";
import { compareVersions } from "../src/version-order.ts";

it("versions are in the order of semver.org, section 11", () => {
  const ascending = [
    "0.9",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1",
    "1.2",
    "1.10.0",
    "v2",
    "2.0.0.1",
    "99999999999999999999.0",
  ];
  for (let i = 0; i < ascending.length; i++) {
    for (let j = 0; j < ascending.length; j++)
      expect(compareVersions(ascending[i]!, ascending[j]!), `${ascending[i]} ${ascending[j]}`).toBe(Math.sign(i - j));
  }
  expect(compareVersions("1.0", "1.0.0+build.7")).toBe(0);
  expect(compareVersions("night", "1.0.0")).toBeUndefined();
});
