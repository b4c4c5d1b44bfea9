// `flipside enrol`

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import type { Client } from "@flipside/api/client";
import { deviceIdPattern } from "@flipside/api/limits";
import { ProblemError } from "@flipside/api/problem";
import { command, type Invocation } from "../command-line/command.ts";
import { CommandFailure, UsageError } from "../command-line/failures.ts";
import { readDuration } from "../command-line/units.ts";

const POLL_MS = 500;
const SECRET_BYTES = 32;

const options = {
  out: { value: "FOLDER", what: "where DEVICE.claim.json is written, for its maker's eyes alone (.)" },
  wait: { value: "DURATION", what: "wait so long for all of them to have checked in", read: readDuration },
} as const;

const isThere = async (api: Client, id: string): Promise<boolean> => {
  try {
    return (await api("GET /api/v1/devices/:id", { params: { id } })).running !== null;
  } catch (error) {
    if (error instanceof ProblemError && error.code === "not-found") return false;
    throw error;
  }
};

/** Those that have not checked in when the time is over. */
async function missingAfter(api: Client, ids: readonly string[], waitMs: number): Promise<string[]> {
  const deadline = performance.now() + waitMs;
  for (let missing = [...ids]; ; ) {
    const there = await Promise.all(missing.map((id) => isThere(api, id)));
    missing = missing.filter((_, i) => !there[i]);
    const leftMs = deadline - performance.now();
    if (missing.length === 0 || leftMs <= 0) return missing;
    await new Promise((resolve) => setTimeout(resolve, Math.min(POLL_MS, leftMs)));
  }
}

/** The server knows the claims only when their files are written: a secret that is lost would have to be replaced. */
async function run({ options: asked, words, note, connect }: Invocation<typeof options>) {
  const bad = words.find((id) => !deviceIdPattern.test(id));
  if (bad !== undefined) throw new UsageError(`${bad}: a device id has 1 to 48 characters of a-z, 0-9 and -`);
  const api = connect();
  const folder = asked.out ?? ".";
  const devices = words.map((deviceId) => ({
    deviceId,
    path: join(folder, `${deviceId}.claim.json`),
    secret: randomBytes(SECRET_BYTES).toString("base64url"),
  }));
  const known = devices.find(({ path }) => existsSync(path));
  if (known !== undefined)
    throw new CommandFailure(`${known.path} is there already: bring that claim by flipside claims import`);
  mkdirSync(folder, { recursive: true });
  for (const { deviceId, secret, path } of devices)
    writeFileSync(path, `${JSON.stringify({ deviceId, secret })}\n`, { mode: 0o600, flag: "wx" });
  await api("POST /api/v1/claims", { body: { claims: devices.map(({ deviceId, secret }) => ({ deviceId, secret })) } });
  const json = { devices: devices.map(({ deviceId, path }) => ({ deviceId, path })) };
  const text = devices.map(({ deviceId, path }) => `${deviceId} may enrol by the claim in ${path}`).join("\n");
  if (asked.wait === undefined) return { json, text };
  const missing = await missingAfter(api, words, asked.wait);
  if (missing.length > 0) note(`not checked in yet: ${missing.join(", ")}`);
  return { json, text, ...(missing.length > 0 ? { exit: "timed-out" as const } : {}) };
}

export const enrol = command({
  name: "enrol",
  summary: "Let new devices in: a claim for each, for the server and in a file for the device",
  about:
    "The file holds the secret by which the device proves at its first connection that it is meant (docs/protocol.md, Enrolment). Claims that a factory has made come by flipside claims import.",
  arguments: [{ name: "DEVICE", what: "ids", many: true }],
  options,
  examples: ["flipside enrol kitchen-9 --out claims --wait 5m"],
  exits: ["timed-out"],
  connects: true,
  run,
});
