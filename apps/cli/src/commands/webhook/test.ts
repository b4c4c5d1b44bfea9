// `flipside webhook test`

import type { WebhookDelivery } from "@flipside/api/types";
import { command } from "../../command-line/command.ts";
import { deliveryText } from "./deliveries.ts";

const WAIT_MS = 30_000;
const LOOK_EVERY_MS = 250;

export const testWebhook = command({
  name: "webhook test",
  summary: "Send it a message of the type webhook.test, and say what came of it",
  arguments: [{ name: "WEBHOOK", what: "its id" }],
  options: {},
  examples: ["flipside webhook test 0d9f2c"],
  connects: true,
  run: async ({ words, connect }) => {
    const api = connect();
    const params = { id: words[0]! };
    let delivery: WebhookDelivery = await api("POST /api/v1/webhooks/:id/test", { params });
    const { id } = delivery;
    const isOpen = ({ state, problem }: WebhookDelivery): boolean => state === "waiting" && problem === null;
    for (const until = performance.now() + WAIT_MS; isOpen(delivery) && performance.now() < until; ) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      const { deliveries } = await api("GET /api/v1/webhooks/:id/deliveries", { params, query: {} });
      delivery = deliveries.find((each) => each.id === id) ?? delivery;
    }
    return {
      json: delivery,
      text: deliveryText(delivery),
      ...(delivery.state === "delivered" ? {} : { exit: "failed" as const }),
    };
  },
});
