// A deployment: one device's part in a rollout.

import { deploymentStateNames } from "@flipside/image-format/state-names";
import { z } from "zod";
import { named } from "../route.ts";
import { count, digest, formatCode, time } from "./forms.ts";

export const deploymentState = named("DeploymentState", z.enum(deploymentStateNames));

export const deployment = named(
  "Deployment",
  z.strictObject({
    id: z.string(),
    rolloutId: z.string(),
    rolloutName: z.string(),
    version: z.string(),
    deviceId: z.string(),
    digest,
    wave: count.describe("index of the wave, from 0"),
    attempt: z.int().min(1),
    state: deploymentState,
    claimed: z.boolean().describe("by the word of an agent that is not ours, and nothing has proven it yet"),
    code: formatCode,
    codeName: z.string().nullable(),
    done: count.describe("chunks that the device has programmed"),
    total: count,
    createdAt: time,
    updatedAt: time,
    finishedAt: time.nullable(),
  }),
);
