// What those see that watch over a server: /healthz, /readyz, /metrics, and the rules and dashboard in docs/monitoring
// that are made of them.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryRoot } from "../../agent/build/paths.ts";
import { Fixture } from "./fixture.ts";
import { makeRelease } from "./keys.ts";

const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;
if (!hasPromtool) console.warn("skipped: rules and dashboard by promtool (apt-get install -y prometheus)");

const documented = (name: string): string => readFileSync(join(repositoryRoot, "docs/monitoring", name), "utf8");
const token = "a-token-of-sixteen-or-more";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
});
afterAll(() => fixture.stop());

const asked = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(fixture.server.url + path, { headers });
const metrics = async (): Promise<string> => (await asked("/metrics")).text();

/** The value of a line such as `flipside_devices{health="healthy"} 3`. */
const valueOf = (text: string, line: string): number | undefined => {
  const found = text.split("\n").find((each) => each.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length + 1));
};

describe("probes", () => {
  it("say that it lives, and that it can serve", async () => {
    const alive = await asked("/healthz");
    expect([alive.status, await alive.text()]).toEqual([200, "ok\n"]);
    const ready = await asked("/readyz");
    expect([ready.status, await ready.json()]).toEqual([
      200,
      { ready: true, database: "ok", devices: "ok", others: "ok" },
    ]);
    expect(ready.headers.get("cache-control")).toBe("no-store");
  });

  it("say what is missing when its database is gone", async () => {
    const other = await Fixture.start();
    try {
      await other.server.internals.storage.db.destroy();
      const ready = await fetch(`${other.server.url}/readyz`);
      expect([ready.status, await ready.json()]).toMatchObject([503, { ready: false, devices: "ok" }]);
      expect((await fetch(`${other.server.url}/healthz`)).status).toBe(200);
    } finally {
      await other.stop();
    }
  });
});

describe("metrics", () => {
  it("are figures of the fleet, its rollouts, and what the server has done", async () => {
    const [one, two] = [await fixture.readyDevice("one"), await fixture.readyDevice("two")];
    const before = await metrics();
    const release = await fixture.api.upload(await makeRelease(fixture.project, {}));
    await fixture.api.rollOut(release.id, [one]);
    await fixture.api.get("/api/v1/devices/one");
    await fixture.api.get("/api/v1/devices/two");
    await asked("/no/such/page.js");
    const after = await metrics();
    const line = (name: string): (number | undefined)[] => [valueOf(before, name), valueOf(after, name)];
    expect(valueOf(after, "flipside_devices_online")).toBe(2);
    expect(valueOf(after, "flipside_sessions")).toBe(2);
    expect(valueOf(after, 'flipside_devices{health="healthy"}')).toBe(2);
    expect(valueOf(after, "flipside_devices_revoked")).toBe(0);
    expect(valueOf(after, 'flipside_devices_running{version="1.0.0"}')).toBe(2);
    expect(line('flipside_rollouts_open{state="running"}')).toEqual([0, 1]);
    expect(after).toMatch(/^flipside_deployments_open\{state="(offered|queued)"\} 1$/m);
    expect(valueOf(after, 'flipside_device_messages_total{leaf="check-in"}')).toBeGreaterThanOrEqual(2);
    expect(line("flipside_emergency_stop")).toEqual([0, 0]);
    expect(valueOf(after, "flipside_ready")).toBe(1);
    const route = 'method="GET",route="/api/v1/devices/:id",status="200"';
    expect(valueOf(after, `flipside_http_request_duration_seconds_count{${route}}`)).toBe(2);
    expect(
      valueOf(after, 'flipside_http_request_duration_seconds_count{method="other",route="other",status="404"}'),
    ).toBe(1);
    expect(after, "no device is named").not.toMatch(/"(one|two)"/);
    expect(two.id).toBe("two");
  });

  it("tell of an emergency stop", async () => {
    await fixture.api.post("/api/v1/emergency-stop", { reason: "for the test" });
    expect(valueOf(await metrics(), "flipside_emergency_stop")).toBe(1);
    await fixture.api.post("/api/v1/emergency-stop/end");
    expect(valueOf(await metrics(), "flipside_emergency_stop")).toBe(0);
  });

  it("are for this machine alone, and not for who comes through a proxy on it", async () => {
    expect((await asked("/metrics")).status).toBe(200);
    for (const header of ["x-forwarded-for", "forwarded"]) {
      const answer = await asked("/metrics", { [header]: "127.0.0.1" });
      expect([answer.status, await answer.text()]).toEqual([
        403,
        "Metrics are for this machine alone. To read them from elsewhere, start the server with --metrics-token.\n",
      ]);
    }
  });

  it("are for who has the token, wherever they are, where there is one", async () => {
    const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    const outer = addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address;
    const other = await Fixture.start({ metricsToken: token, ...(outer === undefined ? {} : { host: "0.0.0.0" }) });
    try {
      const url = `http://${outer ?? "127.0.0.1"}:${other.server.port}/metrics`;
      const statusWith = async (authorization: string): Promise<number> =>
        (await fetch(url, { headers: { authorization } })).status;
      const bare = await fetch(url);
      expect([bare.status, bare.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
      expect(await statusWith("Bearer a-token-of-sixteen-or-morE")).toBe(401);
      expect(await statusWith(`Basic ${token}`)).toBe(401);
      expect(await statusWith(`Bearer ${token}`)).toBe(200);
    } finally {
      await other.stop();
    }
  });
});

describe.skipIf(!hasPromtool)("by promtool", () => {
  const folder = mkdtempSync(join(tmpdir(), "flipside-promtool-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const promtool = (args: string[], input = ""): string => {
    const { status, stdout, stderr } = spawnSync("promtool", args, { input, encoding: "utf8" });
    return status === 0 ? "" : stdout + stderr;
  };
  const dashboard = JSON.parse(documented("dashboard.json")) as { panels: { targets: { expr: string }[] }[] };
  const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

  it("what the server says is well formed", async () => {
    const ours = (await metrics()).split("\n").filter((line) => /^(# \w+ )?flipside_/.test(line));
    expect(promtool(["check", "metrics"], `${ours.join("\n")}\n`)).toBe("");
    expect(promtool(["check", "metrics"], "# HELP broken x\nbroken{ 1\n"), "it would say so").not.toBe("");
  });

  it("the alert rules and each expression of the dashboard can be asked", () => {
    expect(promtool(["check", "rules", join(repositoryRoot, "docs/monitoring/alerts.yml")])).toBe("");
    const file = join(folder, "dashboard.yml");
    const check = (all: string[]): string => {
      const rules = all.map((expr, i) => `      - { record: "panel:${i}", expr: ${JSON.stringify(expr)} }`);
      writeFileSync(file, ["groups:", "  - name: dashboard", "    rules:", ...rules, ""].join("\n"));
      return promtool(["check", "rules", file]);
    };
    expect(expressions.length).toBeGreaterThan(10);
    expect(check(expressions)).toBe("");
    expect(check(["sum(rate(x[5m])"]), "it would say so").not.toBe("");
  });

  it("every metric that they name is one that the server says, and every one of ours is documented", async () => {
    const said = await metrics();
    const named = new Set(
      [documented("alerts.yml"), ...expressions].join("\n").match(/\b(flipside|nodejs|process)_\w+/g) ?? [],
    );
    const isSaid = (name: string): boolean => new RegExp(`^${name}(\\{| )`, "m").test(said);
    expect(named.size).toBeGreaterThan(10);
    expect([...named].filter((name) => !isSaid(name))).toEqual([]);
    const page = readFileSync(join(repositoryRoot, "docs/monitoring.md"), "utf8");
    const ours = [...said.matchAll(/^# TYPE (flipside_\w+)/gm)].map(([, name]) => name!);
    expect(ours.filter((name) => !page.includes(`\`${name}`))).toEqual([]);
  });
});
