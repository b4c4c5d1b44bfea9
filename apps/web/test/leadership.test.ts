import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Candidate, standByLease, standByLock } from "../src/live/leadership.ts";

/** What tabs store together. */
function sharedStore(): Pick<Storage, "getItem" | "setItem" | "removeItem"> {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("window", { addEventListener: () => {}, removeEventListener: () => {} });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the lease of the tab that leads", () => {
  let leading: string[];
  let tabs: Record<string, Candidate>;
  const stand = (id: string, store: Parameters<typeof standByLease>[2]): void => {
    tabs[id] = standByLease(
      "lease",
      () => (leading.push(id), () => void leading.splice(leading.indexOf(id), 1)),
      store,
    );
  };
  beforeEach(() => {
    leading = [];
    tabs = {};
  });
  afterEach(() => Object.values(tabs).forEach((tab) => tab.leave()));

  it("is one tab's for as long as it renews it, and the next one's soon after it leaves", () => {
    const store = sharedStore();
    for (const id of ["a", "b", "c"]) stand(id, store);
    vi.advanceTimersByTime(300_000);
    expect(leading).toEqual(["a"]);
    tabs["a"]!.leave();
    vi.advanceTimersByTime(4_000);
    expect(leading).toHaveLength(1);
    expect(leading).not.toContain("a");
  });

  it("runs out when its tab has gone without a word, and no sooner", () => {
    const store = sharedStore();
    store.setItem("lease", JSON.stringify({ holder: "gone", until: Date.now() + 20_000 }));
    stand("b", store);
    vi.advanceTimersByTime(19_000);
    expect(leading).toEqual([]);
    vi.advanceTimersByTime(6_000);
    expect(leading).toEqual(["b"]);
  });

  it("is no longer for a clock that was set back, nor is what is no lease one", () => {
    for (const left of [JSON.stringify({ holder: "gone", until: Date.now() + 3_600_000 }), "{"]) {
      const store = sharedStore();
      store.setItem("lease", left);
      stand("b", store);
      expect(leading, left).toEqual(["b"]);
      tabs["b"]!.leave();
    }
  });

  it("is one tab's again after another has taken it over", () => {
    const store = sharedStore();
    for (const id of ["a", "b"]) stand(id, store);
    tabs["b"]!.takeOver();
    expect(leading).toEqual(["a", "b"]);
    vi.advanceTimersByTime(4_000);
    expect(leading).toEqual(["b"]);
  });
});

it("asks for a lock that the browser does not give now and then, and not without end", async () => {
  const request = vi.fn(() => Promise.reject(new DOMException("not fully active", "InvalidStateError")));
  const candidate = standByLock("lock", () => () => {}, { request: request as never });
  await vi.advanceTimersByTimeAsync(4_000);
  expect(request).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(11_000);
  expect(request).toHaveBeenCalledTimes(4);
  candidate.leave();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(request).toHaveBeenCalledTimes(4);
});
