// /api/v1/devices

import {
  bootReasonNames,
  healthNames,
  releaseStateWarningNames,
  slotStateNames,
} from "@flipside/image-format/state-names";
import { z } from "zod";
import { channels } from "../channels.ts";
import { agentNames } from "../agent-names.ts";
import { type DeviceGroupedBy, deviceGroupings } from "../device-groupings.ts";
import { deviceSorts } from "../device-sorts.ts";
import { attributeNamePattern, tagsMax } from "../limits.ts";
import { csv, json, named, nothing, route } from "../route.ts";
import { configurationState } from "./configuration.ts";
import { deployment } from "./deployments.ts";
import { atOnce, deviceTarget, namesOneTarget, ofTarget, oneTarget } from "./device-targets.ts";
import { count, digest, formatCode, idParams, tag, time } from "./forms.ts";
import { next, pageQuery } from "./pages.ts";

export const slotName = z.enum(["a", "b"]);
export const slotState = z.enum(slotStateNames);
export const health = z.enum(healthNames);
export const entropyState = z.enum(["good", "failed-health", "absent"]);
export const trustRelation = z.enum(["same", "older", "ahead", "forked", "unknown"]);

export const agentKind = z.enum(agentNames);

export const releaseStateWarning = z.enum(releaseStateWarningNames);

export const trustRefused = z.strictObject({
  version: count.describe("0: of a chain that does not hold"),
  code: formatCode,
  codeName: z.string(),
});

export const runningSlot = named(
  "RunningSlot",
  z.strictObject({ slot: slotName, digest, version: z.string(), releaseSequence: count, state: slotState }),
);

export const otherSlot = named(
  "OtherSlot",
  z.strictObject({
    slot: slotName,
    digest: digest.nullable(),
    version: z.string().nullable(),
    state: slotState,
    reason: formatCode.describe("error code of a failed slot, 0 otherwise"),
    reasonName: z.string().nullable(),
  }),
);

export const device = named(
  "Device",
  z.strictObject({
    id: z.string(),
    product: z.string().nullable(),
    hardware: z.string().nullable(),
    revision: count.nullable(),
    agent: agentKind.describe(
      "what speaks for it; all but `flipside` are other agents, which claim what ours would prove",
    ),
    channel: z
      .enum(channels)
      .nullable()
      .describe("how its connection came when it checked in last; null: it has not lately, or asks by HTTP"),
    enrolledAt: time,
    lastSeenAt: time.nullable(),
    online: z.boolean().describe("has a proven session, or polled lately"),
    revoked: z.boolean(),
    running: runningSlot.nullable(),
    other: otherSlot.nullable(),
    health,
    bootCounter: count.nullable(),
    bootReason: z.enum(bootReasonNames).nullable(),
    loaderVersion: count.nullable(),
    trustVersion: count.nullable(),
    trustDigest: digest.nullable().describe("SHA-256 of its trust chain"),
    trustRelation: trustRelation.describe("how its trust record stands to the server's newest"),
    entropy: entropyState.nullable().describe("what its noise source is worth; null from older agents"),
    trustRefused: trustRefused.nullable(),
    measured: z
      .strictObject({
        loader: digest.nullable().describe("SHA-256 of boot loader and first root keys; null: not shown to it"),
        loaderChanged: z.boolean().describe("it is another one than the first that was measured"),
        trust: digest.describe("SHA-256 of its trust chain when the session began"),
        image: digest.describe("of the image that the boot loader started"),
        imageVersion: z.string().nullable().describe("of the release that has this image; null: none that is known"),
        bootCounter: count,
        agrees: z.boolean().describe("image and boot counter are those that its check-ins say"),
      })
      .nullable()
      .describe("what it has started from, signed by its key in its newest session; null: it does not say"),
    releaseState: z
      .strictObject({
        issuedAt: time.nullable(),
        validUntil: time.nullable(),
        releaseSequence: count.nullable(),
        warning: releaseStateWarning.nullable().describe("what the device has noticed; docs/protocol.md"),
      })
      .nullable()
      .describe("the newest release state that it has seen since it started; null: none, or an older agent"),
    identityConflict: z
      .strictObject({ since: time, lastAt: time })
      .nullable()
      .describe("two boards say that they are this device: nothing is offered to it; null: none was noticed lately"),
    securityFloor: count.nullable(),
    connection: z
      .strictObject({ host: z.string(), port: count })
      .nullable()
      .describe("where the device says it is connected to"),
    metric: z.strictObject({ name: z.string(), value: z.int() }).nullable(),
    tags: z.array(tag).describe("given by operators, in the order of the alphabet"),
    attributes: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .describe("what it says of itself, by names of its own"),
    configurationState: configurationState.describe("what has become of the configuration that is desired of it"),
    activeDeployment: deployment.nullable(),
  }),
);

export const deviceLogEntry = named(
  "DeviceLogEntry",
  z.strictObject({ at: time, kind: z.string(), detail: z.string() }),
);

export const deviceDetail = named(
  "DeviceDetail",
  device.extend({ deployments: z.array(deployment), log: z.array(deviceLogEntry) }),
);

const asked = {
  query: z.string().max(200).default(""),
  filter: z.string().default("").describe("docs/device-filter.md; empty: all"),
  sort: z.enum(deviceSorts).default("id").describe("with a minus: the other way round"),
};

export const listDevices = route({
  method: "GET",
  path: "/api/v1/devices",
  access: "fleet:read",
  scoped: "in-handler",
  summary:
    "Devices that have every word of the query, none that it says not to, and are as the filter says, in the order asked for",
  query: z.object({ ...pageQuery, ...asked }),
  status: 200,
  answer: json(named("DeviceList", z.strictObject({ devices: z.array(device), next }))),
  errors: ["filter-malformed"],
});

export const exportDevices = route({
  method: "GET",
  path: "/api/v1/devices.csv",
  access: "fleet:read",
  scoped: "in-handler",
  summary:
    "The same devices, all of them, as comma-separated values with a line of heads; it breaks off where it fails",
  query: z.object(asked),
  status: 200,
  answer: csv,
  errors: ["filter-malformed"],
});

export const deviceSummary = named(
  "DeviceSummary",
  z.strictObject({
    total: count,
    online: count.describe("have a proven session"),
    revoked: count,
    health: z.strictObject({ healthy: count, unhealthy: count, unknown: count }).describe("revoked ones left out"),
    versions: z
      .array(z.strictObject({ version: z.string().nullable(), count }))
      .describe("what they run, revoked ones left out, the most frequent first; at most 50; null: never checked in"),
    otherVersions: count.describe("devices of versions that are not listed"),
  }),
);

export const summariseDevices = route({
  method: "GET",
  path: "/api/v1/device-summary",
  access: "fleet:read",
  scoped: "in-handler",
  summary: "How many devices there are, and of what kinds",
  status: 200,
  answer: json(deviceSummary),
});

const groupedBy = z
  .string()
  .refine(
    (text): text is DeviceGroupedBy =>
      (deviceGroupings as readonly string[]).includes(text) ||
      (text.startsWith("attribute.") && attributeNamePattern.test(text.slice("attribute.".length))),
    `one of ${deviceGroupings.join(", ")} or attribute.NAME`,
  );

export const deviceGroup = named(
  "DeviceGroup",
  z.strictObject({
    values: z
      .array(z.union([z.string(), z.number(), z.boolean(), z.null()]))
      .describe("in the order in which they were asked for; null: the device says none"),
    count,
  }),
);

export const deviceGroupPage = named(
  "DeviceGroups",
  z.strictObject({
    groups: z.array(deviceGroup).describe("the largest first"),
    devices: count.describe("how many are in them; with tags, one may be in several"),
    next,
  }),
);

export const groupDevices = route({
  method: "GET",
  path: "/api/v1/device-groups",
  access: "fleet:read",
  scoped: "in-handler",
  summary: "How many devices have what in common, of up to 20,000 at a time: pages are added up by who asks",
  query: z.object({
    by: z
      .string()
      .transform((text) => text.split(","))
      .pipe(z.array(groupedBy).min(1).max(4))
      .describe(`one to four, separated by commas, of ${deviceGroupings.join(", ")}, attribute.NAME`),
    filter: z.string().default("").describe("docs/device-filter.md; empty: all"),
    after: pageQuery.after,
  }),
  status: 200,
  answer: json(deviceGroupPage),
  errors: ["filter-malformed"],
});

export const getDevice = route({
  method: "GET",
  path: "/api/v1/devices/:id",
  access: "fleet:read",
  scoped: "by-device",
  summary: "A device with its newest deployments and log entries",
  params: idParams,
  status: 200,
  answer: json(deviceDetail),
});

export const listDeviceDeployments = route({
  method: "GET",
  path: "/api/v1/devices/:id/deployments",
  access: "fleet:read",
  scoped: "by-device",
  summary: "The device's deployments, newest first",
  params: idParams,
  query: z.object(pageQuery),
  status: 200,
  answer: json(named("DeploymentList", z.strictObject({ deployments: z.array(deployment), next }))),
});

export const listDeviceLog = route({
  method: "GET",
  path: "/api/v1/devices/:id/log",
  access: "fleet:read",
  scoped: "by-device",
  summary: "What happened to the device, newest first",
  params: idParams,
  query: z.object(pageQuery),
  status: 200,
  answer: json(named("DeviceLog", z.strictObject({ log: z.array(deviceLogEntry), next }))),
});

const deviceTags = named("DeviceTags", z.strictObject({ tags: z.array(tag).max(tagsMax) }));

export const getTags = route({
  method: "GET",
  path: "/api/v1/devices/:id/tags",
  access: "fleet:read",
  scoped: "by-device",
  summary: "The device's tags; its ETag is what If-Match wants when they are replaced",
  params: idParams,
  status: 200,
  answer: json(deviceTags),
});

export const setTags = route({
  method: "PUT",
  path: "/api/v1/devices/:id/tags",
  access: "devices:write",
  scoped: "by-device",
  summary: "Give the device these tags, in place of those that it has",
  params: idParams,
  body: json(deviceTags),
  status: 200,
  answer: json(device),
  errors: ["scope-refused"],
});

export const changeTags = route({
  method: "PATCH",
  path: "/api/v1/devices/:id/tags",
  access: "devices:write",
  scoped: "by-device",
  summary: "Give the device some tags and take others from it; the rest stays",
  params: idParams,
  body: json(
    z.strictObject({
      add: z.array(tag).max(tagsMax).default([]),
      remove: z.array(tag).max(tagsMax).default([]).describe("also of those that it has not"),
    }),
  ),
  status: 200,
  answer: json(device),
  errors: ["scope-refused"],
});

export const tagDevices = route({
  method: "POST",
  path: "/api/v1/tags",
  access: "devices:write",
  scoped: "in-handler",
  summary: `Give many devices some tags and take others from them; the rest stays; ${atOnce}`,
  body: json(
    z
      .strictObject({
        ...deviceTarget,
        add: z.array(tag).max(tagsMax).default([]),
        remove: z.array(tag).max(tagsMax).default([]).describe("also of those that have it not"),
      })
      .refine(namesOneTarget, oneTarget)
      .refine(({ add, remove }) => add.length + remove.length > 0, {
        path: ["add"],
        message: "say which tags are given or taken",
      })
      .refine(({ add, remove }) => !add.some((each) => remove.includes(each)), {
        path: ["remove"],
        message: "takes a tag that is given as well",
      }),
  ),
  status: 200,
  answer: json(
    named(
      "TaggedDevices",
      z.strictObject({
        changed: count,
        unchanged: count.describe("that had them, and had not those that are taken"),
        leftOut: count.describe(`that would have more than ${tagsMax} tags`),
        ...ofTarget,
      }),
    ),
  ),
  errors: ["scope-refused", "filter-malformed"],
});

export const clearIdentityConflict = route({
  method: "POST",
  path: "/api/v1/devices/:id/clear-conflict",
  access: "devices:write",
  scoped: "by-device",
  summary: "One board is the device again; should two go on, that is noticed anew",
  params: idParams,
  status: 200,
  answer: json(device),
});

export const deleteDevice = route({
  method: "DELETE",
  path: "/api/v1/devices/:id",
  access: "devices:write",
  scoped: "by-device",
  takesTwo: true,
  summary:
    "One that is revoked, or was silent for 30 days, is gone, with its claim; rollouts count it on, without its id",
  params: idParams,
  query: z.object({ confirm: z.string().describe("the device's id, once more") }),
  status: 204,
  answer: nothing,
  errors: ["still-needed", "members-unconfirmed"],
});

export const revokeDevice = route({
  method: "POST",
  path: "/api/v1/devices/:id/revoke",
  access: "devices:revoke",
  scoped: "by-device",
  takesTwo: true,
  summary: "Refuse the device from now on, until somebody takes it back",
  params: idParams,
  errors: ["members-unconfirmed"],
  status: 200,
  answer: json(device),
});

export const unrevokeDevice = route({
  method: "POST",
  path: "/api/v1/devices/:id/unrevoke",
  access: "devices:revoke",
  scoped: "by-device",
  takesTwo: true,
  summary: "Take back that the device is revoked: it comes in by what it came in by before",
  params: idParams,
  errors: ["device-not-revoked"],
  status: 200,
  answer: json(device),
});
