// How many connections wait for the server while it is busy: a fleet that comes back at once must not be turned away.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LISTEN_BACKLOG } from "../src/listen.ts";
import { Fixture } from "./fixture.ts";

const hasSs = spawnSync("ss", ["-V"]).status === 0;
if (!hasSs) console.warn("skipped: how many connections wait for the server (needs ss, of Debian's iproute2)");

describe.skipIf(!hasSs)("a server that is busy", () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await Fixture.start();
  });
  afterAll(() => fixture.stop());

  it.each(["HTTP", "MQTT"])("lets a fleet's connections wait for it at %s's port", (protocol) => {
    const port = protocol === "HTTP" ? Number(new URL(fixture.server.url).port) : fixture.server.mqttPort;
    const { stdout } = spawnSync("ss", ["-ltnH", `sport = :${port}`], { encoding: "utf8" });
    const [state, waiting, atMost] = stdout.trim().split(/\s+/);
    const allowed = Number(readFileSync("/proc/sys/net/core/somaxconn", "utf8"));
    expect([state, waiting, Number(atMost)]).toEqual(["LISTEN", "0", Math.min(LISTEN_BACKLOG, allowed)]);
  });
});
