// /api/v1/webhooks: who is told of what happens, and what came of telling.

import { z } from "zod";
import { webhookDescriptionCharactersMax, webhookUrlCharactersMax } from "../limits.ts";
import { isPlainText } from "../plain-text.ts";
import { json, named, nothing, route, secret } from "../route.ts";
import { webhookEventNames, webhookTestEvent } from "../webhook-events.ts";
import { leadsToMailbox, mailboxOf } from "../webhook-url.ts";
import { count, idParams, time } from "./forms.ts";
import { next, pageQuery } from "./pages.ts";

/** In addresses such as Slack's, what comes after the host is a secret. */
const url = secret(
  z
    .url({ protocol: /^(https?|mailto)$/ })
    .max(webhookUrlCharactersMax)
    .refine(
      (text) => !leadsToMailbox(text) || mailboxOf(text) !== undefined,
      "mailto: takes one plain address, such as mailto:ops@example.org",
    )
    .describe("https://…; of the channel email: mailto:ops@example.org"),
);
const event = z.enum(webhookEventNames);

/** `webhook`: as standardwebhooks.com has it, signed; the others: a text as these programs, or mailboxes, take it. */
export const webhookChannel = z.enum(["webhook", "slack", "teams", "email"]);

export const webhook = named(
  "Webhook",
  z.strictObject({
    id: z.string(),
    url: z.string(),
    channel: webhookChannel,
    description: z.string(),
    events: z.array(event).nullable().describe("null: of everything, also of what will be new"),
    rolloutId: z.string().nullable().describe("of this rollout's alone"),
    enabled: z.boolean(),
    disabledBecause: z.string().nullable().describe("why it was switched off; null: it is on"),
    failingSince: time.nullable().describe("nothing has arrived since then; null: the last one did"),
    previousSecretEndsAt: time.nullable().describe("until then messages are signed with the secret before, too"),
    createdAt: time,
    createdBy: z.string(),
  }),
);

const shared = {
  description: z
    .string()
    .max(webhookDescriptionCharactersMax)
    .refine((text) => text === "" || isPlainText(text), "holds characters that are not seen"),
  events: z.array(event).min(1).nullable().describe("null: of everything"),
  rolloutId: z.string().min(1).max(100).nullable().describe("tell of this rollout alone"),
};

export const newWebhook = named(
  "NewWebhook",
  z.strictObject({
    url,
    channel: webhookChannel.default("webhook"),
    description: shared.description.default(""),
    events: shared.events.default(null),
    rolloutId: shared.rolloutId.default(null),
  }),
);

export const webhookChange = named(
  "WebhookChange",
  z.strictObject({
    url: url.optional(),
    description: shared.description.optional(),
    events: shared.events.optional(),
    rolloutId: shared.rolloutId.optional(),
    enabled: z.boolean().optional(),
  }),
);

export const webhookDelivery = named(
  "WebhookDelivery",
  z.strictObject({
    id: z.string().describe("webhook-id: the same at each try"),
    webhookId: z.string(),
    type: z.enum([...webhookEventNames, webhookTestEvent]),
    state: z.enum(["waiting", "delivered", "failed"]),
    attempts: count,
    createdAt: time,
    nextAttemptAt: time.nullable(),
    lastAttemptAt: time.nullable(),
    status: z.int().nullable().describe("of the last answer, of HTTP or SMTP; null: there was none"),
    answer: z.string().nullable().describe("the first bytes of the last answer's body, or of SMTP's reply"),
    problem: z.string().nullable().describe("why the last attempt came to nothing"),
    payload: z.string().describe("what is sent"),
  }),
);

const webhookSecret = secret(z.string()).describe("whsec_…; told this once");

export const listWebhooks = route({
  method: "GET",
  path: "/api/v1/webhooks",
  access: "webhooks:manage",
  summary: "All webhooks, the oldest first",
  status: 200,
  answer: json(named("WebhookList", z.strictObject({ webhooks: z.array(webhook) }))),
});

export const createWebhook = route({
  method: "POST",
  path: "/api/v1/webhooks",
  access: "webhooks:manage",
  summary: "Tell somebody of what happens from now on; the answer is the only one that says the secret",
  body: json(newWebhook),
  status: 201,
  answer: json(named("NewWebhookMade", z.strictObject({ webhook, secret: webhookSecret }))),
  errors: ["too-many-webhooks", "webhook-address-refused", "email-off"],
});

export const getWebhook = route({
  method: "GET",
  path: "/api/v1/webhooks/:id",
  access: "webhooks:manage",
  summary: "One webhook",
  params: idParams,
  status: 200,
  answer: json(webhook),
  errors: ["not-found"],
});

export const changeWebhook = route({
  method: "PATCH",
  path: "/api/v1/webhooks/:id",
  access: "webhooks:manage",
  summary: "Change it, switch it off or on again; what is left out stays",
  params: idParams,
  body: json(webhookChange),
  status: 200,
  answer: json(webhook),
  errors: ["not-found", "webhook-address-refused", "email-off"],
});

export const deleteWebhook = route({
  method: "DELETE",
  path: "/api/v1/webhooks/:id",
  access: "webhooks:manage",
  summary: "Delete it, with what is known of its deliveries",
  params: idParams,
  status: 204,
  answer: nothing,
  errors: ["not-found"],
});

export const rotateWebhookSecret = route({
  method: "POST",
  path: "/api/v1/webhooks/:id/secret",
  access: "webhooks:manage",
  summary: "Give it another secret; for a day messages are signed with both",
  params: idParams,
  status: 201,
  answer: json(named("WebhookSecret", z.strictObject({ webhook, secret: webhookSecret }))),
  errors: ["not-found"],
});

export const testWebhook = route({
  method: "POST",
  path: "/api/v1/webhooks/:id/test",
  access: "webhooks:manage",
  summary: "Send it a message of the type webhook.test, also while it is off",
  params: idParams,
  status: 202,
  answer: json(webhookDelivery),
  errors: ["not-found"],
});

export const listWebhookDeliveries = route({
  method: "GET",
  path: "/api/v1/webhooks/:id/deliveries",
  access: "webhooks:manage",
  summary: "What was sent to it or is to be, the newest first",
  params: idParams,
  query: z.object(pageQuery),
  status: 200,
  answer: json(named("WebhookDeliveryList", z.strictObject({ deliveries: z.array(webhookDelivery), next }))),
  errors: ["not-found"],
});

export const sendAgain = route({
  method: "POST",
  path: "/api/v1/webhooks/:id/deliveries/:deliveryId/again",
  access: "webhooks:manage",
  summary: "Send it once more, under the same webhook-id",
  params: z.strictObject({ id: z.string(), deliveryId: z.string() }),
  status: 202,
  answer: json(webhookDelivery),
  errors: ["not-found"],
});
