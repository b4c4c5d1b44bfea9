// /api/v1/rollout-templates: settings of rollouts, kept under a name

import { z } from "zod";
import { rolloutNameCharactersMax } from "../limits.ts";
import { isPlainText } from "../plain-text.ts";
import { json, named, nothing, route } from "../route.ts";
import { idParams, time } from "./forms.ts";
import { next, pageQuery } from "./pages.ts";
import { newRolloutForm } from "./rollouts.ts";

/** What is not of one release, its devices and its time. */
export const rolloutSettings = named(
  "RolloutSettings",
  newRolloutForm.omit({
    ...{ name: true, releaseId: true, target: true, supersedes: true, startAt: true, continuous: true },
  }),
);

export const rolloutTemplate = named(
  "RolloutTemplate",
  z.strictObject({
    id: z.string(),
    name: z.string(),
    settings: rolloutSettings,
    savedAt: time,
    savedBy: z.string(),
  }),
);

export const newRolloutTemplate = named(
  "NewRolloutTemplate",
  z.strictObject({
    name: z
      .string()
      .min(1)
      .max(rolloutNameCharactersMax)
      .refine(isPlainText, "has control characters")
      .describe("one that there is of this name is replaced"),
    settings: rolloutSettings,
  }),
);

export const listRolloutTemplates = route({
  method: "GET",
  path: "/api/v1/rollout-templates",
  access: "fleet:read",
  scoped: "no-devices",
  summary: "Settings of rollouts that were kept under a name, by their names",
  query: z.object(pageQuery),
  status: 200,
  answer: json(named("RolloutTemplates", z.strictObject({ templates: z.array(rolloutTemplate), next }))),
});

export const saveRolloutTemplate = route({
  method: "POST",
  path: "/api/v1/rollout-templates",
  access: "rollouts:write",
  summary: "Keep settings of a rollout under a name; those that there are of this name are replaced",
  body: json(newRolloutTemplate),
  status: 201,
  answer: json(rolloutTemplate),
});

export const deleteRolloutTemplate = route({
  method: "DELETE",
  path: "/api/v1/rollout-templates/:id",
  access: "rollouts:write",
  summary: "Kept no longer; rollouts that were begun with it are as they are",
  params: idParams,
  status: 204,
  answer: nothing,
});
