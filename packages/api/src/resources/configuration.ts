// /api/v1/devices/:id/configuration, and of several devices at once.

import { z } from "zod";
import { configurationStateNames } from "../configuration-states.ts";
import { configurationBytesMax, filterCharactersMax } from "../limits.ts";
import { json, named, route } from "../route.ts";
import { count, digest, formatCode, idParams, time } from "./forms.ts";
import { next, pageQuery } from "./pages.ts";

const bytesOf = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;

/** What it means is between whoever writes it and the device's app. */
export const configurationDocument = named(
  "ConfigurationDocument",
  z
    .record(z.string(), z.unknown())
    .refine((value) => bytesOf(value) <= configurationBytesMax, `more than ${configurationBytesMax} bytes as JSON`)
    .describe(`a JSON object of at most ${configurationBytesMax} bytes, written without spaces; {}: nothing is set`),
);

export const configurationState = z.enum(configurationStateNames);

const number = z.int().min(1).describe("counts a device's configurations");

export const configurationRefusal = named(
  "ConfigurationRefusal",
  z.strictObject({
    number,
    code: formatCode,
    codeName: z.string(),
    appCode: z.int().nullable().describe("the app's own, where the app refused"),
    text: z.string().nullable().describe("the app's own words"),
    at: time,
  }),
);

const desired = z.strictObject({ number, document: configurationDocument, digest, since: time, by: z.string() });

export const configuration = named(
  "Configuration",
  z.strictObject({
    state: configurationState.describe("what has become of the desired one"),
    desired: desired.nullable().describe("null: nobody has set one"),
    reported: z
      .strictObject({
        number,
        digest,
        at: time.describe("since when the device says so"),
        document: configurationDocument.nullable().describe("null: it was never desired here"),
      })
      .nullable()
      .describe("what the device says is in force; null: none, or an agent that knows nothing of it"),
    refused: configurationRefusal.nullable().describe("of the desired one"),
  }),
);

/** One that was desired, and what became of it. */
export const pastConfiguration = named(
  "PastConfiguration",
  desired.extend({
    sentAt: time.nullable().describe("the last time, if it was sent more than once"),
    inForceAt: time.nullable().describe("when the device said so first"),
    refused: configurationRefusal.nullable(),
  }),
);

export const getConfiguration = route({
  method: "GET",
  path: "/api/v1/devices/:id/configuration",
  access: "fleet:read",
  scoped: "by-device",
  summary: "The device's configuration as it is desired, as it is in force, and what the device has refused",
  params: idParams,
  status: 200,
  answer: json(configuration),
  conditionOn: "desired",
});

export const setConfiguration = route({
  method: "PUT",
  path: "/api/v1/devices/:id/configuration",
  access: "devices:configure",
  scoped: "by-device",
  summary: "Desire this configuration of the device; it is sent at once, or when the device is here",
  params: idParams,
  body: json(z.strictObject({ document: configurationDocument })),
  status: 200,
  answer: json(configuration),
  conditionOn: "desired",
  errors: ["no-operations-key", "agent-takes-no-commands", "device-revoked"],
});

export const listConfigurations = route({
  method: "GET",
  path: "/api/v1/devices/:id/configuration/history",
  access: "fleet:read",
  scoped: "by-device",
  summary: "What was desired of the device, the newest first, and what became of it",
  params: idParams,
  query: z.object(pageQuery),
  status: 200,
  answer: json(named("ConfigurationList", z.strictObject({ configurations: z.array(pastConfiguration), next }))),
});

export const configureDevices = route({
  method: "POST",
  path: "/api/v1/configurations",
  access: "devices:configure",
  scoped: "in-handler",
  summary: "Desire one configuration of all devices that a filter means, of up to 20,000 at a time",
  body: json(
    z.strictObject({
      where: z
        .string()
        .trim()
        .min(1, "say which devices: `has id` means all")
        .max(filterCharactersMax)
        .describe("docs/device-filter.md"),
      document: configurationDocument,
      after: pageQuery.after,
    }),
  ),
  status: 200,
  answer: json(
    named(
      "ConfiguredDevices",
      z.strictObject({
        set: count.describe("devices of which it is desired now, and was not before"),
        unchanged: count.describe("of which it was desired already"),
        leftOut: count.describe("that take none: revoked, or with another agent than ours"),
        next: z.string().nullable().describe("`after` of the next request, of the rest; null: these were all"),
      }),
    ),
  ),
  errors: ["no-operations-key", "filter-malformed"],
});
