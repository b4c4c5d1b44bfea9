// Who is let in at hawkBit's DDI, and by what.

import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readConfiguration } from "../../src/configuration.ts";
import { hawkbitIn } from "../../src/optional-features.ts";
import { commonNameIn } from "../../src/features/hawkbit/authentication.ts";
import { Fixture, temporaryDirectory } from "../fixture.ts";
import { product } from "../keys.ts";
import { ask, newTarget, startWithHawkbit, Target } from "./target.ts";

const gatewayToken = randomBytes(24).toString("hex");
let fixture: Fixture;
beforeAll(async () => {
  fixture = await startWithHawkbit({ gatewayToken, certificateHeader: "X-Ssl-Client-Cn" }, { trustProxy: 1 });
});
afterAll(() => fixture.stop());

const register = (body: Record<string, unknown>) =>
  fixture.api.post("/api/v1/hawkbit/devices", { product, hardware: "virtual", ...body });

describe("an operator", () => {
  it("registers a device, is told its token once, and finds it among all devices", async () => {
    const { status, body } = await register({ id: "SN.0001:ab" });
    expect(status).toBe(201);
    expect(body.device).toMatchObject({ id: "SN.0001:ab", agent: "hawkbit", online: false, running: null, product });
    expect(body.targetToken).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const { storage } = fixture.server.internals;
    const stored = await storage.db.selectFrom("hawkbitTargets").selectAll().execute();
    expect(JSON.stringify(stored)).not.toContain(body.targetToken);
    expect(JSON.stringify((await fixture.api.get("/api/v1/devices/SN.0001:ab")).body)).not.toContain(body.targetToken);
    const target = new Target(fixture, "SN.0001:ab", `TargetToken ${body.targetToken}`);
    await target.poll();
    const { devices } = (await fixture.api.get("/api/v1/devices?filter=online")).body;
    expect(devices.map(({ id }: { id: string }) => id)).toContain("SN.0001:ab");
  });

  it("gives the token that the device has, or another one, after which the former is worthless", async () => {
    const targetToken = randomBytes(16).toString("hex");
    const target = await newTarget(fixture, { targetToken });
    expect(target.authorization).toBe(`TargetToken ${targetToken}`);
    await target.poll();
    const renewed = await fixture.api.post(`/api/v1/hawkbit/devices/${target.id}/token`);
    expect((await target.ask("")).status).toBe(401);
    target.authorization = `TargetToken ${renewed.body.targetToken}`;
    await target.poll();
  });

  it("is refused what is there already, is claimed, has no id's form, or has a token that may be guessed", async () => {
    const { id } = await newTarget(fixture);
    expect((await register({ id })).body.code).toBe("device-exists");
    const device = await fixture.newDevice();
    expect((await register({ id: device.id })).body.code).toBe("device-exists");
    for (const bad of ["", "-a", "a/b", "ä", "a".repeat(49)]) expect((await register({ id: bad })).status).toBe(422);
    expect((await register({ id: "short", targetToken: "secret" })).status).toBe(422);
    expect((await fixture.api.post("/api/v1/hawkbit/devices/nobody/token")).status).toBe(404);
    expect((await fixture.api.post(`/api/v1/hawkbit/devices/${device.id}/token`)).status).toBe(404);
  });

  it("deletes it, and may register it anew", async () => {
    const target = await newTarget(fixture);
    await fixture.api.post(`/api/v1/devices/${target.id}/revoke`);
    expect((await target.ask("")).status).toBe(401);
    const gone = await fixture.api.request("DELETE", `/api/v1/devices/${target.id}?confirm=${target.id}`);
    expect(gone.status).toBe(204);
    expect((await target.ask("")).status).toBe(401);
    await newTarget(fixture, { id: target.id });
  });
});

describe("a stranger", () => {
  it("is told the same of a device that is unknown, revoked, not spoken for so, or has another token", async () => {
    const revoked = await newTarget(fixture);
    await fixture.api.post(`/api/v1/devices/${revoked.id}/revoke`);
    const ours = await fixture.readyDevice();
    const known = await newTarget(fixture);
    const own = known.authorization;
    const tries: [string, string][] = [
      ["nobody", own],
      [revoked.id, revoked.authorization],
      [ours.id, own],
      [known.id, `TargetToken ${randomBytes(32).toString("base64url")}`],
      [known.id, `TargetToken ${gatewayToken}`],
      [known.id, `GatewayToken ${own.slice("TargetToken ".length)}`],
      [known.id, "TargetToken "],
      [known.id, ""],
      [known.id, "Basic YTpi"],
      ["..%2f", own],
    ];
    const answers = await Promise.all(tries.map(([id, token]) => new Target(fixture, id, token).ask("")));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    // But for which request it was.
    const refusals = answers.map(({ body }) => JSON.stringify({ ...(body as object), instance: undefined }));
    expect(new Set(refusals).size).toBe(1);
    for (const { headers } of answers)
      expect(headers.get("content-length")).toBe(answers[0]!.headers.get("content-length"));
  });

  it("gets nothing read, and finds no other tenant", async () => {
    const target = await newTarget(fixture);
    const long = { method: "PUT", body: `{"data": {"a": "${"x".repeat(10_000_000)}"}}` };
    expect((await ask(`${target.root}/configData`, long).catch(() => ({ status: 401 }))).status).toBe(401);
    expect((await target.ask("/configData", long)).status).toBe(413);
    target.tenant = "OTHER";
    expect((await target.ask("")).status).toBe(404);
  });
});

describe("a gateway", () => {
  it("speaks for devices that are registered, by its token, and for nobody else", async () => {
    const target = await newTarget(fixture);
    target.authorization = `GatewayToken ${gatewayToken}`;
    await target.poll();
    expect((await new Target(fixture, "unregistered", target.authorization).ask("")).status).toBe(401);
    expect((await fixture.api.get("/api/v1/devices/unregistered")).status).toBe(404);
  });

  it("enrols them where that is allowed; what they are they say themselves", async () => {
    const other = await startWithHawkbit({ gatewayToken, gatewayEnrols: true });
    try {
      const target = new Target(other, "by-gateway", `GatewayToken ${gatewayToken}`);
      expect((await new Target(other, "by-gateway", "GatewayToken wrong").ask("")).status).toBe(401);
      await target.poll();
      expect(await target.shown()).toMatchObject({ agent: "hawkbit", product: null, online: true });
      await target.says({ product, hardware: "virtual", revision: "2", version: "1.0.0" });
      const running = { version: "1.0.0", state: "confirmed" };
      expect(await target.shown()).toMatchObject({ product, hardware: "virtual", revision: 2, running });
      const device = await other.newDevice();
      expect((await new Target(other, device.id, target.authorization).ask("")).status, "a claim's").toBe(401);
    } finally {
      await other.stop();
    }
  });
});

describe("a certificate", () => {
  it("counts where a trusted proxy has verified it, and names the device", async () => {
    const target = await newTarget(fixture);
    const as = (name: string) => ({ headers: { "x-ssl-client-cn": name } });
    expect((await ask(target.root, as(target.id))).status).toBe(200);
    expect((await ask(target.root, as(`CN=${target.id},OU=plant 4,O=Example`))).status).toBe(200);
    expect((await ask(target.root, as(`OU=${target.id},CN=another`))).status).toBe(401);
    const direct = await startWithHawkbit({ certificateHeader: "X-Ssl-Client-Cn" });
    try {
      const { root, id } = await newTarget(direct);
      expect((await ask(root, as(id))).status, "without a proxy it is the client's own word").toBe(401);
    } finally {
      await direct.stop();
    }
  });

  it("has its common name wherever that stands", () => {
    expect(commonNameIn("O=Example, CN = dev-1 ,OU=x")).toBe("dev-1");
    expect(commonNameIn("/C=CH/CN=dev-1")).toBe("dev-1");
    expect(commonNameIn("dev-1")).toBe("dev-1");
    expect(commonNameIn("O=CN=dev-1,CN=dev-2")).toBe("dev-2");
  });
});

describe("a server", () => {
  it("without the interface says how to switch it on", async () => {
    const plain = await Fixture.start();
    try {
      const body = { id: "a", product, hardware: "virtual" };
      expect((await plain.api.post("/api/v1/hawkbit/devices", body)).body.code).toBe("hawkbit-off");
      const { headers } = await ask(`${plain.server.url}/DEFAULT/controller/v1/a`);
      expect(headers.get("content-type")).not.toContain("hal+json");
    } finally {
      await plain.stop();
    }
  });

  it("that is one of several does not serve such devices, and says so", async () => {
    const several = Fixture.start({ hawkbit: {}, member: "one" });
    await expect(several).rejects.toThrow("leave out --hawkbit or --member");
  });

  it("has the gateway's token from a file that is its own, or the environment, and says what is wrong", async () => {
    const file = join(await temporaryDirectory(), "token");
    await writeFile(file, `${gatewayToken}\n`, { mode: 0o600 });
    const configured = (...flags: string[]) => {
      const read = readConfiguration(["--trust-chain", "x", ...flags], {});
      return read === "help" ? undefined : hawkbitIn(read, undefined);
    };
    expect(configured()).toBeUndefined();
    const from = configured("--hawkbit", "yes", "--hawkbit-gateway-token-file", file, "--hawkbit-poll-ms", "60000");
    expect(from).toMatchObject({ gatewayToken, pollMs: 60_000, gatewayEnrols: false });
    expect(() => configured("--hawkbit-gateway-token-file", file)).toThrow("only with --hawkbit yes");
    expect(() => configured("--hawkbit", "yes", "--hawkbit-certificate-header", "x")).toThrow("--trust-proxy");
    expect(() => configured("--hawkbit", "maybe")).toThrow("yes or no");
    await writeFile(file, "short");
    expect(() => configured("--hawkbit", "yes", "--hawkbit-gateway-token-file", file)).toThrow("holds no token");
  });
});
