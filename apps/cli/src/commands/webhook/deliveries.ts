// `flipside webhook deliveries`

import { everyPage } from "@flipside/api/every-page";
import type { WebhookDelivery } from "@flipside/api/types";
import { command } from "../../command-line/command.ts";
import { readWhole } from "../../command-line/units.ts";

const DELIVERIES_DEFAULT = 50;

export function deliveryText({ createdAt, id, type, state, attempts, status, problem }: WebhookDelivery): string {
  const tries = attempts === 1 ? "1 try" : `${attempts} tries`;
  const came = problem ?? (status === null ? "not tried yet" : `answered with ${status}`);
  return `${createdAt}  ${id}  ${type}  ${state}, ${tries}: ${came}`;
}

export const webhookDeliveries = command({
  name: "webhook deliveries",
  summary: "What was sent to a webhook or is to be, newest first",
  arguments: [{ name: "WEBHOOK", what: "its id" }],
  options: { limit: { value: "N", what: "so many (50)", read: readWhole(1, 1_000_000) } },
  examples: ["flipside webhook deliveries 0d9f2c --limit 10"],
  connects: true,
  run: async ({ options, words, connect }) => {
    const api = connect();
    const deliveries = await everyPage<WebhookDelivery>(async (query) => {
      const page = await api("GET /api/v1/webhooks/:id/deliveries", { params: { id: words[0]! }, query });
      return { members: page.deliveries, next: page.next };
    }, options.limit ?? DELIVERIES_DEFAULT);
    const lines = deliveries.map(deliveryText);
    return { json: { deliveries, next: null }, text: lines.length === 0 ? "nothing was sent yet" : lines.join("\n") };
  },
});
