// /api/v1/events

import { z } from "zod";
import { type EventKind, type ThingKind, thingKinds } from "../event-kinds.ts";
import { cursorCharactersMax, eventPollMsDefault, eventPollMsMax } from "../limits.ts";
import { json, named, route } from "../route.ts";
import { deployment } from "./deployments.ts";
import { device } from "./devices.ts";
import { release } from "./releases.ts";
import { rolloutSummary } from "./rollouts.ts";

const gone = z.strictObject({ kind: z.enum(["device", "release", "rollout"]), id: z.string() });

const kinds = { device, release, rollout: rolloutSummary, deployment, gone } satisfies Record<EventKind, z.ZodType>;

const isKind = (text: string): text is ThingKind => (thingKinds as readonly string[]).includes(text);

const kindsQuery = z
  .string()
  .transform((text) => text.split(","))
  .pipe(z.array(z.string().refine(isKind, `one of ${thingKinds.join(", ")}`)))
  .transform((list) => list as ThingKind[])
  .optional()
  .describe(`what to tell of, separated by commas: ${thingKinds.join(", ")}; left out: all of it`);

const after = z.string().min(1).max(cursorCharactersMax).optional();

export const streamEvents = route({
  method: "GET",
  path: "/api/v1/events",
  access: "fleet:read",
  scoped: "in-handler",
  summary: "Each thing that changed, as it is now; gone: it was deleted; resync: load everything anew",
  query: z.object({
    after: after.describe("id of the last event that was dealt with, or a cursor: what came since is told first"),
    kinds: kindsQuery,
  }),
  status: 200,
  answer: { kind: "events", events: { ...kinds, resync: z.strictObject({}) } },
  errors: ["event-streams-exhausted"],
});

const event = <K extends string, S extends z.ZodType>(kind: K, data: S) =>
  z.strictObject({ kind: z.literal(kind), data });

export const polledEvents = named(
  "PolledEvents",
  z.strictObject({
    events: z.array(
      z.discriminatedUnion("kind", [
        event("device", device),
        event("release", release),
        event("rollout", rolloutSummary),
        event("deployment", deployment),
        event("gone", gone),
        event("resync", z.strictObject({})),
      ]),
    ),
    cursor: z.string().describe("what to ask after next"),
  }),
);

export const pollEvents = route({
  method: "GET",
  path: "/api/v1/events/poll",
  access: "fleet:read",
  scoped: "in-handler",
  summary: "The events since a cursor, as soon as there are some; without one, the cursor of now",
  query: z.object({
    after: after.describe("`cursor` of the answer before; left out: where it is now is answered at once"),
    kinds: kindsQuery,
    timeoutMs: z
      .string()
      .regex(/^\d{1,5}$/, `milliseconds, up to ${eventPollMsMax}`)
      .refine((text) => Number(text) <= eventPollMsMax, `milliseconds, up to ${eventPollMsMax}`)
      .default(String(eventPollMsDefault))
      .transform(Number)
      .describe(`how long to wait for the first event, up to ${eventPollMsMax}`),
  }),
  status: 200,
  answer: json(polledEvents),
  errors: ["event-streams-exhausted"],
});
