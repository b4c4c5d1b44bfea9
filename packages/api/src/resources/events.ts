// /api/v1/events

import { z } from "zod";
import type { EventKind } from "../event-kinds.ts";
import { route } from "../route.ts";
import { deployment } from "./deployments.ts";
import { device } from "./devices.ts";
import { release } from "./releases.ts";
import { rolloutSummary } from "./rollouts.ts";

const gone = z.strictObject({ kind: z.enum(["device", "release", "rollout"]), id: z.string() });

const kinds = { device, release, rollout: rolloutSummary, deployment, gone } satisfies Record<EventKind, z.ZodType>;

export const streamEvents = route({
  method: "GET",
  path: "/api/v1/events",
  access: "fleet:read",
  summary: "Each thing that changed, as it is now; gone: it was deleted; resync: load everything anew",
  status: 200,
  answer: { kind: "events", events: { ...kinds, resync: z.strictObject({}) } },
  errors: ["event-streams-exhausted"],
});
