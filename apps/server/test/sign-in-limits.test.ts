import { Writable } from "node:stream";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readConfiguration } from "../src/configuration.ts";
import { AttemptLimiter, networkOf } from "../src/features/accounts/attempt-limiter.ts";
import { parseTrustedProxies } from "../src/http/trusted-proxies.ts";
import { ApiClient, Fixture, password } from "./fixture.ts";

describe("the sign-in limits", () => {
  const held = (result: ReturnType<AttemptLimiter["begin"]>): number => ("holdMs" in result ? result.holdMs : Infinity);

  it("let the right password in from an address after ten wrong tries, after a short wait", () => {
    let now = 0;
    const limiter = new AttemptLimiter(() => now);
    for (let i = 0; i < 10; i++) now += held(limiter.begin("192.0.2.1", "admin")) + 60;
    expect(held(limiter.begin("192.0.2.1", "admin"))).toBeLessThanOrEqual(2_000);
  });

  it("hold up an account under attack by a second at most, and who has signed in to it before not at all", () => {
    let now = 0;
    const limiter = new AttemptLimiter(() => now);
    limiter.begin("192.0.2.7", "admin");
    limiter.succeeded("192.0.2.7", "admin");
    for (let i = 0; i < 5_000; i++) {
      now += 10;
      limiter.begin(`198.51.${i % 100}.${i % 7}`, "admin");
      limiter.begin("203.0.113.5", "admin");
    }
    expect(held(limiter.begin("192.0.2.7", "admin"))).toBe(0);
    expect(held(limiter.begin("192.0.2.8", "admin")), "from a new address").toBeLessThanOrEqual(1_000);
    expect(held(limiter.begin("192.0.2.8", "other"))).toBe(0);
  });

  it("admit few attempts a minute from one address or one /56 of IPv6, however many are made at once", () => {
    for (const address of [
      () => "192.0.2.1",
      (i: number) => `2001:db8:0:4500::${(i % 60_000).toString(16)}`,
      (i: number) => `2001:db8:0:45${(i % 256).toString(16).padStart(2, "0")}::1`,
    ]) {
      let now = 0;
      const limiter = new AttemptLimiter(() => now);
      let admitted = 0;
      for (let i = 0; i < 60_000; i++) {
        now++;
        if (Number.isFinite(held(limiter.begin(address(i), "admin")))) admitted++;
      }
      expect(admitted).toBeLessThanOrEqual(45);
      expect(admitted).toBeGreaterThan(20);
    }
  });

  it("forget, and tell nobody to wait longer than a few seconds", () => {
    let now = 0;
    const limiter = new AttemptLimiter(() => now);
    for (let i = 0; i < 1_000; i++) {
      const result = limiter.begin("192.0.2.1", "admin");
      if ("retryAfterSeconds" in result) expect(result.retryAfterSeconds).toBeLessThanOrEqual(6);
    }
    now += 10 * 60_000;
    expect(held(limiter.begin("192.0.2.1", "admin"))).toBe(0);
  });

  it("know addresses by their network", () => {
    expect(networkOf("::ffff:192.0.2.1")).toBe("192.0.2.1");
    expect(networkOf("2001:DB8::1")).toBe(networkOf("2001:db8:0:0ff::9"));
    expect(networkOf("2001:db8::1")).not.toBe(networkOf("2001:db8:0:100::1"));
    expect(networkOf("fe80::1%eth0")).toBe(networkOf("fe80::2"));
    expect(networkOf("::1")).toBe("0:0:0:0");
  });
});

describe("a sign-in", () => {
  let fixture: Fixture;
  let lines = "";
  beforeAll(async () => {
    const logger = pino(
      { level: "info" },
      new Writable({ write: (text, _encoding, done) => ((lines += text), done()) }),
    );
    fixture = await Fixture.start({ logger, trustProxy: 1 });
  });
  afterAll(() => fixture.stop());
  const tried = (userName: string, given: string, from: string) =>
    new ApiClient(fixture.server.url).request(
      "POST",
      "/api/v1/session",
      { userName, password: given },
      { "x-forwarded-for": from },
    );

  it("with the right password gets in while another address hammers the account", async () => {
    let hammering = true;
    const attack = (async () => {
      while (hammering) await Promise.all([1, 2, 3, 4].map(() => tried("admin", "wrong", "198.51.100.66")));
    })();
    for (let i = 0; i < 3; i++) expect((await tried("admin", password, "192.0.2.10")).status).toBe(200);
    hammering = false;
    await attack;
  });

  it("that fails is logged with account and address, and never with the password or what may be one", async () => {
    await tried("admin", "my-secret-guess", "192.0.2.20");
    await tried("hunter2-typed-as-a-name", "my-secret-guess", "192.0.2.21");
    const logged = lines
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    expect(logged).toContainEqual(
      expect.objectContaining({ account: "admin", from: "192.0.2.20", msg: "sign-in failed: wrong password" }),
    );
    expect(logged).toContainEqual(
      expect.objectContaining({ account: null, from: "192.0.2.21", msg: "sign-in failed: no such account" }),
    );
    expect(lines).not.toMatch(/my-secret-guess|hunter2|a password of my own/);
  });

  it("is limited by the address that the proxy saw, not by what the client says", async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) => tried("admin", "wrong", `10.0.0.${i}, 203.0.113.9`)),
    );
    expect(answers.some(({ status }) => status === 429)).toBe(true);
    expect((await tried("admin", password, "10.0.0.1, 203.0.113.10")).status).toBe(200);
  });
});

describe("TRUST_PROXY", () => {
  it("is a number of proxies or their addresses", () => {
    expect(parseTrustedProxies("1")).toBe(1);
    expect(parseTrustedProxies("10.0.0.0/8, 192.0.2.7,loopback ,2001:db8::/32")).toEqual([
      "10.0.0.0/8",
      "192.0.2.7",
      "loopback",
      "2001:db8::/32",
    ]);
    for (const none of ["false", "", "0"]) expect(parseTrustedProxies(none)).toBe(false);
  });

  it("is refused where it would believe everybody, or is nothing that can be believed", () => {
    for (const [text, why] of [
      ["true", /whatever address a client writes/],
      ["nginx", /"nginx" is no address/],
      ["10.0.0.0/40", /no address or range/],
      ["0.0.0.0/0", /no address or range/],
      ["::/0", /no address/],
      ["-1", /no address/],
      ["99", /more than 16/],
    ] as const) {
      expect(() => parseTrustedProxies(text), text).toThrow(why);
      expect(() => readConfiguration([], { TRUST_CHAIN: "x", TRUST_PROXY: text })).toThrow(
        /--trust-proxy \(TRUST_PROXY\)/,
      );
    }
  });
});
