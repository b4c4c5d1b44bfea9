// /api/v1/server-settings: with what options a server was started, but for secrets.

import { z } from "zod";
import { json, named, route } from "../route.ts";
import { count, time } from "./forms.ts";

const port = z.int().min(1).max(65_535).nullable().describe("null: nobody listens there");
const keptMs = count.nullable().describe("null: for ever");
const polling = z.strictObject({ pollMs: count }).nullable().describe("null: they are not served");

export const serverSettings = named(
  "ServerSettings",
  z.strictObject({
    version: z.string(),
    startedAt: time,
    member: z.string().nullable().describe("its name, where it is one of several servers"),
    database: z.enum(["sqlite", "postgres"]),
    images: z.enum(["folder", "bucket"]),
    encryptsSecrets: z.boolean().describe("whether secrets in the database are encrypted with a key from outside"),
    givesCommands: z.boolean().describe("whether it has the operations key, by which commands are signed"),
    broker: z.enum(["embedded", "external"]),
    mqttPort: port.describe("of MQTT in clear; null: nobody listens there"),
    mqttPskPort: port.describe("of MQTT over TLS by devices' own keys; null: nobody listens there"),
    mqttWebSocketPort: port,
    mqttTlsPort: port,
    pollMs: count.describe("how often devices without news are asked to check in"),
    hawkbit: polling,
    mender: polling,
    awsIot: z.boolean().describe("whether devices of AWS IoT are served"),
    publicUrl: z.string().nullable().describe("the console's origin as browsers reach it"),
    signInAt: z.string().nullable().describe("the issuer of the OpenID provider that people may sign in at"),
    mailFrom: z.string().nullable().describe("the sender of e-mail; null: none is sent"),
    requestsPerMinute: count.describe("of one account, or one of its tokens"),
    keeps: z.strictObject({
      deviceLogMs: keptMs,
      telemetryRawMs: keptMs,
      telemetryHoursMs: keptMs,
      decisionsMs: keptMs.describe("null: for ever; since the end of their rollout"),
      auditMs: keptMs,
    }),
  }),
);

export const getServerSettings = route({
  method: "GET",
  path: "/api/v1/server-settings",
  access: "fleet:read",
  scoped: "no-devices",
  summary: "With what options this server was started",
  status: 200,
  answer: json(serverSettings),
});
