// /api/v1/webhooks

import { routes } from "@flipside/api/routes";
import { placeOf } from "@flipside/api/webhook-url";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { pageOf } from "../../http/cursor.ts";
import { deliveryKeys, deliveryList } from "./deliveries.ts";
import type { WebhookDesk } from "./webhook-desk.ts";

// Of an address, the record keeps where it leads to: the rest may be a secret.
export function webhookRoutes({ webhooks, deliveries, wake }: WebhookDesk): BoundRoute[] {
  return [
    bind(routes.listWebhooks, async () => ({ webhooks: await webhooks.list() })),
    bind(routes.createWebhook, async ({ body, user, note }) => {
      const made = await webhooks.create(body, user.userName);
      note({ id: made.webhook.id, host: placeOf(made.webhook.url) });
      return made;
    }),
    bind(routes.getWebhook, ({ params }) => webhooks.one(params.id)),
    bind(routes.changeWebhook, async ({ params, body, user, note }) => {
      const before = await webhooks.one(params.id);
      const after = await webhooks.change(params.id, body, user.userName);
      note({ before: { ...before, url: placeOf(before.url) }, after: { ...after, url: placeOf(after.url) } });
      return after;
    }),
    bind(routes.deleteWebhook, async ({ params, note }) => {
      const { url } = await webhooks.one(params.id);
      await webhooks.remove(params.id);
      note({ host: placeOf(url) });
      return undefined;
    }),
    bind(routes.rotateWebhookSecret, ({ params }) => webhooks.rotate(params.id)),
    bind(routes.testWebhook, async ({ params }) => {
      const delivery = await deliveries.test(params.id);
      wake();
      return delivery;
    }),
    bind(routes.listWebhookDeliveries, ({ params, query }) =>
      deliveries.list(params.id, pageOf(deliveryList, deliveryKeys, query)),
    ),
    bind(routes.sendAgain, async ({ params }) => {
      const delivery = await deliveries.again(params.id, params.deliveryId);
      wake();
      return delivery;
    }),
  ];
}
