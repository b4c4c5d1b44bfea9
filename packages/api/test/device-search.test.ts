import { describe, expect, it } from "vitest";
import { matchesQuery, type Searched } from "../src/device-search.ts";

const device = (id: string, changes: Partial<Searched> = {}): Searched => ({
  id,
  product: "flipside-demo",
  hardware: "virt-rv32",
  running: { slot: "a", digest: "1a2b".repeat(16), version: "1.0.0", releaseSequence: 1, state: "confirmed" },
  revoked: false,
  online: true,
  health: "healthy",
  activeDeployment: null,
  other: null,
  ...changes,
});

describe("finding devices", () => {
  it("wants every word, in any order and case", () => {
    expect(matchesQuery(device("press-hall-07"), "HALL online")).toBe(true);
    expect(matchesQuery(device("press-hall-07"), "hall offline")).toBe(false);
    expect(matchesQuery(device("a"), "  ")).toBe(true);
  });

  it("does not find the unhealthy under healthy", () => {
    expect(matchesQuery(device("a", { health: "unhealthy" }), "healthy")).toBe(false);
  });

  it("takes words of an id or name from anywhere, and states, versions and digests from their start", () => {
    const running = {
      slot: "b",
      digest: "ab".repeat(32),
      version: "1.2.10",
      releaseSequence: 3,
      state: "confirmed",
    } as const;
    const devices = [
      device("healthy-hall-1", { health: "unhealthy", running }),
      device("b", { online: false, health: "healthy", activeDeployment: { state: "downloading", version: "2.0.0" } }),
      device("c", { revoked: true, online: true, product: null, hardware: null, running: null, health: "unknown" }),
    ];
    const found = (query: string): string =>
      devices
        .filter((each) => matchesQuery(each, query))
        .map(({ id }) => id)
        .join();
    const cases: [query: string, ids: string][] = [
      ["healthy", "healthy-hall-1,b"],
      ["unhealthy", "healthy-hall-1"],
      ["hall", "healthy-hall-1"],
      ["1.2", "healthy-hall-1"],
      ["2.10", ""],
      ["slot-b", "healthy-hall-1"],
      ["online", "healthy-hall-1"],
      ["offline", "b"],
      ["revoked", "c"],
      ["abab", "healthy-hall-1"],
      ["bab", ""],
      ["down", "b"],
      ["load", ""],
      ["2.0", "b"],
      ["known", ""],
      ["demo virt", "healthy-hall-1,b"],
      ["", "healthy-hall-1,b,c"],
    ];
    for (const [query, ids] of cases) expect([query, found(query)]).toEqual([query, ids]);
  });

  it("leaves out what a word says not to be, in either spelling", () => {
    const hall = device("hall-1", { online: false });
    expect(matchesQuery(hall, "hall not online")).toBe(true);
    expect(matchesQuery(hall, "hall -online")).toBe(true);
    expect(matchesQuery(hall, "hall not offline")).toBe(false);
    expect(matchesQuery(hall, "-offline")).toBe(false);
    expect(matchesQuery(hall, "NOT unhealthy not revoked hall")).toBe(true);
    expect(matchesQuery(device("notebook-1"), "not"), "a word that is being typed").toBe(true);
    expect(matchesQuery(hall, "hall -"), "as well").toBe(true);
  });

  it("finds a device on which an image has failed, and none on which none has", () => {
    expect(matchesQuery(device("a", { other: { state: "failed" } }), "failed")).toBe(true);
    expect(matchesQuery(device("a", { other: { state: "confirmed" } }), "failed")).toBe(false);
    expect(matchesQuery(device("a", { other: { state: "failed" } }), "not failed")).toBe(false);
  });
});
