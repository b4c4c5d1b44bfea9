// Who else is told of what happens.

import type { NewWebhook, Webhook, WebhookDelivery } from "@flipside/api/types";
import type { Paged } from "./access.ts";
import { api } from "./http.ts";

export const listWebhooks = async (): Promise<Webhook[]> => (await api("GET /api/v1/webhooks")).webhooks;

/** The secret is told here alone. */
export const createWebhook = (of: NewWebhook): Promise<{ webhook: Webhook; secret: string }> =>
  api("POST /api/v1/webhooks", { body: of });

export const switchWebhook = (id: string, enabled: boolean): Promise<Webhook> =>
  api("PATCH /api/v1/webhooks/:id", { params: { id }, body: { enabled } });

export const deleteWebhook = (id: string): Promise<void> => api("DELETE /api/v1/webhooks/:id", { params: { id } });

export const testWebhook = (id: string): Promise<WebhookDelivery> =>
  api("POST /api/v1/webhooks/:id/test", { params: { id } });

export async function deliveryPage(id: string, cursor: string | undefined): Promise<Paged<WebhookDelivery>> {
  const query = cursor === undefined ? {} : { after: cursor };
  const { deliveries, next } = await api("GET /api/v1/webhooks/:id/deliveries", { params: { id }, query });
  return { members: deliveries, next };
}

export const sendAgain = (id: string, deliveryId: string): Promise<WebhookDelivery> =>
  api("POST /api/v1/webhooks/:id/deliveries/:deliveryId/again", { params: { id, deliveryId } });
