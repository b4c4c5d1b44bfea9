// Releases, claims, devices and rollouts at a real server, with devices that speak its protocol.

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { routes } from "@flipside/api/routes";
import type { Rollout } from "@flipside/api/types";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeRelease, payloadOf } from "../../server/test/keys.ts";
import { failTrial, update } from "../../server/test/rollout-steps.ts";
import { type AtServer, atServer } from "./at-a-server.ts";
import { commandLine } from "./command-line.ts";

let at: AtServer;
let flipside: AtServer["flipside"];
beforeAll(async () => {
  at = await atServer();
  flipside = at.flipside;
});
afterAll(() => at.stop());

/** What a line that succeeded has printed, in the shape that the interface gives it. */
async function answered<T>(schema: { parse(value: unknown): T }, ...line: string[]): Promise<T> {
  const ended = await flipside(...line, "--json");
  expect(ended.code, ended.complained).toBe(0);
  return schema.parse(JSON.parse(ended.said));
}

/** ECMA-48: erase in line. */
const lineGone = "\r\u001b[K";

let sequence = 1;
/** A release of its own, pushed. */
async function pushed(): Promise<{ id: string; version: string; releaseSequence: number; path: string }> {
  sequence++;
  const path = join(at.folder, `${sequence}.release`);
  writeFileSync(path, await makeRelease(at.fixture.project, { version: `1.${sequence}.0`, releaseSequence: sequence }));
  return { ...(await answered(routes.uploadRelease.answer.schema, "push", path)), path };
}

it("a release is pushed once, again where that is allowed, and never one that nobody signed", async () => {
  const { path, id } = await pushed();
  expect(await flipside("push", path)).toMatchObject({
    code: 3,
    complained: expect.stringContaining("release-exists: "),
  });
  expect((await flipside("push", path, "--exist-ok", "--print", "id")).said).toBe(`${id}\n`);
  const other = join(at.folder, "other.release");
  writeFileSync(other, await makeRelease(at.fixture.project, { version: `1.${sequence}.0`, releaseSequence: 99 }));
  expect(await flipside("push", other, "--exist-ok")).toMatchObject({ code: 3 });
  writeFileSync(other, new Uint8Array(100));
  expect(await flipside("push", other)).toMatchObject({ code: 3, complained: expect.stringMatching(/malformed: /) });
  expect(await flipside("push", join(at.folder, "gone"))).toMatchObject({
    code: 1,
    complained: expect.stringContaining("no such file"),
  });
});

it("a release's state is signed from its file, tells what it is, and is pushed until a newer one is there", async () => {
  const { path } = await pushed();
  const [key, out] = [join(at.folder, "release.jwk"), join(at.folder, "demo.release-state")];
  writeFileSync(key, JSON.stringify(at.fixture.project.release.privateJwk));
  const state = (...more: string[]) => flipside("release", "state", path, "--out", out, "--key", key, ...more);
  expect(await state("--valid-for", "200y")).toMatchObject({ code: 2 });
  expect(await state("--valid-for", "36500d")).toMatchObject({ code: 2, complained: expect.stringContaining("2106") });
  expect(await state("--valid-for", "10d")).toMatchObject({ code: 0, said: expect.stringContaining("is the newest") });
  expect((await flipside("inspect", out)).said).toContain("a release state: flipside-demo");
  expect(await flipside("push", out)).toMatchObject({ code: 0, said: expect.stringContaining("is the newest until") });
  expect(await flipside("push", out)).toMatchObject({ code: 3, complained: expect.stringContaining("issued later") });
});

it("a release is shown with its headers, and compared with another one, as the server has them", async () => {
  const [one, two] = [await pushed(), await pushed()];
  const { images } = await answered(routes.getRelease.answer.schema, "release", "show", one.version);
  expect(images[0]).toMatchObject({ hardware: "virtual", tries: 3, signedBy: [expect.any(String)] });
  expect((await flipside("release", "show", one.id)).said).toContain("signed by");
  const difference = await answered(routes.compareReleases.answer.schema, "release", "compare", one.id, two.id);
  expect(difference.images[0]!.members).toContainEqual({ name: "version", from: one.version, to: two.version });
  expect((await flipside("release", "compare", one.id, two.id)).said).toMatch(
    /virtual: another image[\s\S]*chunks as before/,
  );
  expect((await flipside("release", "compare", one.id, one.id)).said).toContain("virtual: the same image");
  expect(await flipside("release", "show", "none")).toMatchObject({ code: 1 });
});

it("at a terminal a bar shows how much was sent, and how far a wave has come, and goes away again", async () => {
  const atTerminal = commandLine({ ...at.surroundings, hasTerminal: true });
  sequence++;
  const path = join(at.folder, "bar.release");
  writeFileSync(
    path,
    await makeRelease(
      at.fixture.project,
      { version: `1.${sequence}.0`, releaseSequence: sequence },
      payloadOf(600_000),
    ),
  );
  const pushed = await atTerminal("push", path, "--print", "id");
  expect(pushed.complained).toMatch(/\[#+\.+\] [\d.]+ KiB sent[^]*\[#{30}\] [\d.]+ KiB sent/);
  expect(pushed.complained.endsWith(lineGone)).toBe(true);
  await at.fixture.readyDevice("bar-1");
  const id = (
    await flipside("rollout", "create", "--release", pushed.said.trim(), "--device", "bar-1", "--print", "id")
  ).said;
  const watched = await atTerminal("rollout", "watch", id.trim(), "--timeout", "100ms", "--poll", "50ms");
  expect(watched.complained).toContain(`[${".".repeat(30)}] running, wave 1 running: 0 of 1 confirmed${lineGone}`);
  await flipside("rollout", "abort", id.trim());
});

it("claims are imported whole or not at all, listed, and made for new devices with their secret in a file", async () => {
  const list = join(at.folder, "claims.csv");
  const secret = Buffer.alloc(32, 7).toString("base64url");
  writeFileSync(list, `device,secret\ncsv-1,${secret}\ncsv-2,short\n`);
  const refused = await flipside("claims", "import", list);
  expect([refused.code, refused.complained]).toEqual([
    1,
    expect.stringContaining("line 3: the secret of device csv-2"),
  ]);
  expect(refused.complained).not.toContain(secret);
  writeFileSync(list, `csv-1,${secret}\n`);
  expect(await answered(routes.importClaims.answer.schema, "claims", "import", list)).toEqual({ imported: 1 });
  writeFileSync(list, `csv-1,${Buffer.alloc(32, 8).toString("base64url")}\n`);
  expect(await flipside("claims", "import", list)).toMatchObject({
    code: 3,
    complained: expect.stringContaining("claim-exists: "),
  });

  expect(await flipside("enrol", "new-1", "new-2", "--out", at.folder)).toMatchObject({ code: 0 });
  const path = join(at.folder, "new-1.claim.json");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ deviceId: "new-1" });
  expect(await flipside("enrol", "new-1", "--out", at.folder)).toMatchObject({ code: 1 });
  expect(await flipside("enrol", "late", "--out", at.folder, "--wait", "50ms")).toMatchObject({
    code: 6,
    complained: expect.stringContaining("not checked in yet: late"),
  });
  expect(await flipside("enrol", "Not An Id")).toMatchObject({ code: 2 });
  const { claims } = await answered(routes.listClaims.answer.schema, "claims", "list");
  expect(claims.map(({ deviceId }) => deviceId)).toEqual(expect.arrayContaining(["csv-1", "late", "new-1", "new-2"]));
});

it("devices are listed by filter and page, shown, tagged, commanded, and say why", async () => {
  for (const id of ["list-1", "list-2", "list-3"]) await at.fixture.readyDevice(id);
  const listed = await answered(routes.listDevices.answer.schema, "device", "list", "--filter", 'id like "list-*"');
  expect(listed.devices.map(({ id }) => id)).toEqual(["list-1", "list-2", "list-3"]);
  const few = await answered(routes.listDevices.answer.schema, "device", "list", "--search", "list-", "--limit", "2");
  expect(few.devices).toHaveLength(2);
  expect((await flipside("device", "list", "--search", "list-2")).said).toMatch(/^list-2 +1\.0\.0 +virtual +online/m);

  expect(await flipside("device", "tag", "list-1", "list-2", "--add", "canary", "--add", "old")).toMatchObject({
    said: "list-1: canary old\nlist-2: canary old\n",
  });
  expect((await flipside("device", "tag", "list-1", "--remove", "old")).said).toBe("list-1: canary\n");
  expect(await flipside("device", "tag", "list-1")).toMatchObject({ code: 2 });
  expect(await flipside("device", "tag", "list-1", "--add", "Not A Tag")).toMatchObject({ code: 2 });
  expect((await answered(routes.getDevice.answer.schema, "device", "show", "list-1")).tags).toEqual(["canary"]);
  expect((await flipside("device", "show", "list-1")).said).toMatch(/^running +1\.0\.0 in slot a, confirmed$/m);
  expect(await flipside("device", "show", "nobody")).toMatchObject({
    code: 3,
    complained: expect.stringMatching(/^not-found: /),
  });
  await answered(routes.whyDevice.answer.schema, "device", "why", "list-1");
  const { log } = await answered(routes.listDeviceLog.answer.schema, "device", "logs", "list-1", "--limit", "2");
  expect(log).toHaveLength(2);
  expect((await flipside("device", "logs", "list-1")).said).toMatch(/ enrolment /);
  // This server has no operations key.
  expect(await flipside("device", "command", "list-1", "reboot")).toMatchObject({
    code: 3,
    complained: expect.stringMatching(/^no-operations-key: /),
  });
  expect(await flipside("device", "command", "list-1", "set-connection", "nowhere")).toMatchObject({ code: 2 });
});

it("a rollout is looked at, made by options, watched past its canaries' gate, and to its end", async () => {
  const release = await pushed();
  const [canary, other] = [await at.fixture.readyDevice("wave-1"), await at.fixture.readyDevice("wave-2")];
  await flipside("device", "tag", "wave-1", "--add", "canary");
  const line = [
    ...["rollout", "create", "--release", release.version, "--target", 'id like "wave-*"', "--soak", "0s"],
    ...["--wave", "tag = canary", "--wave", "100%", "--threshold", "10%", "--health", "crashes", "--deadline", "1h"],
  ];
  const preflight = await answered(routes.preflightRollout.answer.schema, ...line, "--dry-run");
  expect(preflight).toMatchObject({ matched: 2, chosen: 2, waves: [{ total: 1 }, { total: 1 }] });
  const { rollouts } = await answered(routes.listRollouts.answer.schema, "rollout", "list");
  expect(rollouts.map(({ version }) => version)).not.toContain(release.version);

  const made = await flipside(...line, "--print", "id");
  expect([made.code, made.complained]).toEqual([0, "2 of 2 devices, in waves of 1 + 1\n"]);
  const id = made.said.trim();
  expect(await answered(routes.getRollout.answer.schema, "rollout", "show", id)).toMatchObject({
    name: `flipside-demo ${release.version}`,
    settings: {
      rules: [{ failureThresholdPercent: 10, deadlineMs: 3_600_000 }, {}],
      waveFilters: ["tag = canary", null],
    },
  });
  expect(await flipside("rollout", "watch", id, "--timeout", "100ms", "--poll", "50ms")).toMatchObject({
    code: 6,
    said: expect.stringContaining("started: 2 devices in 2 waves"),
  });
  expect((await flipside("rollout", "why", id)).said).not.toBe("");
  expect(await flipside("rollout", "watch", id, "--until", "wave:3")).toMatchObject({
    code: 2,
    complained: expect.stringContaining("it has 2 waves"),
  });

  const { cursor } = await answered(routes.pollEvents.answer.schema, "events");
  // The server says when there is something: an hour until it is asked again is no hindrance.
  const watching = flipside("rollout", "watch", id, "--until", "wave:1", "--timeout", "30s", "--poll", "1h");
  await update(canary, release);
  expect(await watching).toMatchObject({ code: 0, said: expect.stringContaining("wave 1 done: 1 of 1 confirmed") });
  await update(other, release);
  const done = await flipside("rollout", "watch", id, "--timeout", "30s", "--poll", "1h", "--json");
  expect([done.code, routes.getRollout.answer.schema.parse(JSON.parse(done.said)).state]).toEqual([0, "completed"]);
  expect((await flipside("rollout", "list")).said).toMatch(new RegExp(`^${id} .* completed +2/2 `, "m"));
  const told = await flipside("events", "--after", cursor, "--kind", "rollout", "--kind", "deployment");
  expect([told.code, told.complained]).toEqual([0, expect.stringMatching(/^go on with --after [0-9a-f]{8}-\d+$/m)]);
  expect(told.said).toMatch(new RegExp(`^rollout +${id}  completed`, "m"));
  expect(told.said).toMatch(/^deployment .* confirmed {2}wave-1$/m);
  const lost = await answered(routes.pollEvents.answer.schema, "events", "--after", "00000000-1");
  expect(lost.events).toEqual([{ kind: "resync", data: {} }]);
  expect((await flipside("rollout", "pause", id)).code).toBe(3);
});

it("watching ends with 5 when the rollout pauses by itself; people resume, pause, abort and roll back", async () => {
  const release = await pushed();
  const device = await at.fixture.readyDevice("bad-1");
  const waiting = await at.fixture.readyDevice("bad-2");
  const request = join(at.folder, "rollout.json");
  writeFileSync(
    request,
    JSON.stringify({ name: "from a file", waves: [{ count: 1 }], failureThresholdPercent: 0, order: "as-listed" }),
  );
  const [by, to] = [
    ["--file", request, "--release", release.id],
    ["--device", "bad-1", "--device", "bad-2"],
  ];
  const { id, name } = await answered(routes.createRollout.answer.schema, "rollout", "create", ...by, ...to);
  expect(name).toBe("from a file");
  // The server says when there is something: an hour until it is asked again is no hindrance.
  const watching = flipside("rollout", "watch", id, "--until", "wave:1", "--timeout", "30s", "--poll", "1h");
  await failTrial(device);
  const stopped = await watching;
  expect([stopped.code, stopped.complained]).toEqual([5, "stopped before wave 1 is past its gates: it is paused\n"]);
  expect(stopped.said).toContain("paused automatically");
  expect((await flipside("rollout", "show", id)).said).toMatch(/\nestimated end: not known\. It is paused/);
  const { failures } = await answered(routes.listRolloutFailures.answer.schema, "rollout", "failures", id);
  expect(failures).toMatchObject([{ count: 1, hardware: "virtual", previousVersion: "1.0.0", examples: ["bad-1"] }]);
  const [head, line] = (await flipside("rollout", "failures", id)).said.split("\n");
  expect(head).toMatch(/^DEVICES +CODE +HARDWARE +CAME FROM +LAST +SUCH AS$/);
  expect(line).toMatch(/^1 +\S+ +virtual +1\.0\.0 +\S+Z +bad-1$/);
  expect(
    (await answered(routes.listReleaseFailures.answer.schema, "release", "failures", release.id)).failures,
  ).toEqual(failures);

  const told = async (word: string): Promise<Rollout["state"]> =>
    (await answered(routes.getRollout.answer.schema, "rollout", word, id)).state;
  expect(await told("resume")).toBe("running");
  await update(waiting, release);
  expect(await flipside("rollout", "watch", id, "--timeout", "30s", "--poll", "50ms")).toMatchObject({ code: 0 });
  expect(await told("rollback")).toBe("rolled-back");
  expect((await flipside("rollout", "watch", id)).code).toBe(5);

  const again = await pushed();
  const second = (await flipside("rollout", "create", "--release", again.version, "--device", "bad-2", "--print", "id"))
    .said;
  const two = second.trim();
  expect((await answered(routes.getRollout.answer.schema, "rollout", "pause", two)).state).toBe("paused");
  expect((await flipside("rollout", "approve", two)).code).toBe(3);
  expect((await answered(routes.getRollout.answer.schema, "rollout", "abort", two)).state).toBe("cancelled");
});

it("a rollout begins with settings that were kept under a name, and what an option says counts before them", async () => {
  const { version } = await pushed();
  await at.fixture.readyDevice("kept-1");
  const settings = { failureThresholdPercent: 3, soakMs: 60_000 };
  expect((await at.fixture.api.post("/api/v1/rollout-templates", { name: "Careful", settings })).status).toBe(201);
  const { templates } = await answered(routes.listRolloutTemplates.answer.schema, "rollout", "templates");
  expect(templates.map(({ name }) => name)).toEqual(["Careful"]);
  expect((await flipside("rollout", "templates")).said).toMatch(/Careful +1 +3 %/);
  const create = ["rollout", "create", "--release", version, "--device", "kept-1"];
  const made = await answered(routes.createRollout.answer.schema, ...create, "--template", "Careful", "--soak", "5s");
  expect(made.settings.rules[0]).toMatchObject({ failureThresholdPercent: 3, soakMs: 5_000 });
  expect(await flipside(...create, "--template", "Bold")).toMatchObject({
    code: 1,
    complained: expect.stringContaining("there is no template Bold; there are Careful"),
  });
  await flipside("rollout", "abort", made.id);
});

it("a rollout that can't be made is refused in words, by the command line or by the server", async () => {
  const { version } = await pushed();
  const create = (...more: string[]) => flipside("rollout", "create", ...more);
  expect(await create("--all")).toMatchObject({ code: 2, complained: expect.stringContaining("Give --release") });
  expect(await create("--release", version)).toMatchObject({
    code: 2,
    complained: expect.stringContaining("which devices"),
  });
  expect(await create("--release", version, "--all", "--device", "x")).toMatchObject({ code: 2 });
  expect(await create("--release", version, "--all", "--error-rate", "1%")).toMatchObject({ code: 2 });
  expect(await create("--release", "9.9.9", "--all")).toMatchObject({
    code: 1,
    complained: expect.stringContaining("there is no release 9.9.9; the newest are flipside-demo"),
  });
  expect(await create("--release", version, "--target", "tag = nobody")).toMatchObject({
    code: 3,
    complained: expect.stringContaining("no-devices: "),
  });
  expect(await create("--release", version, "--target", "tag = nobody", "--dry-run")).toMatchObject({ code: 1 });
  const file = join(at.folder, "bad.json");
  writeFileSync(file, JSON.stringify({ releaseId: "x", target: { all: true }, soakMs: -1, name: "x" }));
  expect(await create("--file", file)).toMatchObject({ code: 3, complained: expect.stringContaining("soakMs: ") });
  writeFileSync(file, "[");
  expect(await create("--file", file)).toMatchObject({ code: 1, complained: expect.stringContaining("is no JSON") });
});

it("all updates are stopped with a reason, and go on when somebody ends that", async () => {
  const { schema } = routes.getEmergencyStop.answer;
  expect(await answered(schema, "emergency-stop", "begin", "It smells of smoke.")).toMatchObject({ stopped: true });
  const { items } = await answered(routes.listAttention.answer.schema, "attention");
  expect(items[0]).toMatchObject({ kind: "emergency-stop" });
  expect((await flipside("attention")).said).toContain("It smells of smoke. You can: end the emergency stop.");
  expect((await flipside("emergency-stop", "show")).said).toMatch(/by admin: It smells of smoke\.\n$/);
  expect(await answered(schema, "emergency-stop", "end")).toMatchObject({ stopped: false });
  expect(await flipside("emergency-stop", "begin")).toMatchObject({ code: 2 });
});

it("the trust record is shown, and a chain that does not go on from it is refused", async () => {
  expect(await answered(routes.getTrust.answer.schema, "trust", "show")).toMatchObject({ version: 1 });
  expect((await flipside("trust", "show")).said).toMatch(/ release +1 +in force$/m);
  const chain = join(at.folder, "chain");
  writeFileSync(chain, at.fixture.project.trustChain);
  expect(await flipside("trust", "push", chain)).toMatchObject({
    code: 3,
    complained: expect.stringMatching(/^trust-not-newer: /),
  });
});

it("a member that a result does not have is told with those that it has", async () => {
  expect(await flipside("trust", "show", "--print", "verison")).toMatchObject({
    code: 1,
    complained: expect.stringContaining("the result has no verison; it has version, chainBytes, keys, links"),
  });
});
