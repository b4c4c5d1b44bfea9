// A server says with what options it was started, to whoever sees the fleet, and nothing of secrets.

import type { ServerSettings } from "@flipside/api/types";
import { afterEach, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { newPerson } from "./people.ts";

let fixture: Fixture;
afterEach(() => fixture?.stop());

const settings = async (): Promise<ServerSettings> => (await fixture.api.get("/api/v1/server-settings")).body;

it("says what stands by default", async () => {
  fixture = await Fixture.start();
  expect(await settings()).toMatchObject({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    ...{
      member: null,
      images: "folder",
      broker: "embedded",
      mqttPort: fixture.server.mqttPort,
      mqttWebSocketPort: null,
    },
    ...{ hawkbit: null, mender: null, awsIot: false, publicUrl: null, signInAt: null, mailFrom: null },
    keeps: { telemetryRawMs: 24 * 3_600_000, auditMs: 104 * 7 * 24 * 3_600_000 },
  });
});

it("says what was given, but no secret, and to no stranger", async () => {
  const secrets = { brokerSecret: "a-secret-of-the-broker", metricsToken: "a-token-for-metrics" };
  fixture = await Fixture.start({
    ...secrets,
    ...{ mqttWebSocketPort: 0, hawkbit: {}, mender: { pollMs: 7_000 }, requestsPerMinute: 4_321 },
    keep: { deviceLogMs: Number.POSITIVE_INFINITY },
    publicUrl: new URL("https://fleet.example"),
  });
  const said = await settings();
  expect(said).toMatchObject({
    mqttWebSocketPort: fixture.server.mqttWebSocketPort,
    ...{ hawkbit: { pollMs: expect.any(Number) }, mender: { pollMs: 7_000 }, requestsPerMinute: 4_321 },
    ...{ publicUrl: "https://fleet.example", keeps: { deviceLogMs: null } },
  });
  for (const secret of Object.values(secrets)) expect(JSON.stringify(said)).not.toContain(secret);
  const viewer = await newPerson(fixture.api, "viewer", "vera");
  expect((await viewer.get("/api/v1/server-settings")).body).toEqual(said);
  const stranger = await fetch(`${fixture.server.url}/api/v1/server-settings`);
  expect(stranger.status).toBe(401);
});
