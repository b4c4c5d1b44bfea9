// /api/v1/broker/:secret/…: the questions of RabbitMQ's HTTP back end for rights, as that spells them.

import { z } from "zod";
import { route, text } from "../route.ts";

const asked = {
  method: "POST",
  access: "broker",
  params: z.strictObject({ secret: z.string() }),
  body: { kind: "form", schema: z.record(z.string(), z.union([z.string(), z.array(z.string())])), bytesMax: 8192 },
  status: 200,
  answer: text(z.enum(["allow", "deny"])),
  textStatuses: [503],
} as const;

export const brokerUser = route({ ...asked, path: "/api/v1/broker/:secret/user", summary: "May this user connect?" });
export const brokerVirtualHost = route({
  ...asked,
  path: "/api/v1/broker/:secret/vhost",
  summary: "May this user use this virtual host?",
});
export const brokerResource = route({
  ...asked,
  path: "/api/v1/broker/:secret/resource",
  summary: "May this user do this with this queue or exchange?",
});
export const brokerTopic = route({
  ...asked,
  path: "/api/v1/broker/:secret/topic",
  summary: "May this user do this with this topic?",
});
