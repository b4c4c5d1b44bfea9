// Who is told of what happens, and what is to be told to whom; and by which request a rollout was made.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { add, table, index }) => {
  await add(db, "rollouts", "requestId: text");
  await table(db, "webhooks", [
    "id: text primary key",
    "url: text not null",
    "channel: text not null",
    "description: text not null",
    "events: text",
    "rolloutId: text",
    "disabledBecause: text",
    "failingSince: milliseconds",
    "createdAt: milliseconds not null",
    "createdBy: text not null",
  ]);
  await table(
    db,
    "webhookSecrets",
    ["webhookId: text not null", "generation: integer not null", "secret: bytes not null", "endsAt: milliseconds"],
    'primary key ("webhookId", "generation")',
  );
  await table(db, "webhookDeliveries", [
    "position: rowNumber",
    "id: text not null unique",
    "webhookId: text not null",
    "type: text not null",
    "payload: text not null",
    "state: text not null",
    "attempts: integer not null",
    "nextAt: milliseconds",
    "claimedUntil: milliseconds",
    "createdAt: milliseconds not null",
    "lastAt: milliseconds",
    "status: integer",
    "answer: text",
    "problem: text",
  ]);
  await index(db, "webhookDeliveriesByWebhook", "webhookDeliveries", ["webhookId", "position"]);
  await index(db, "webhookDeliveriesDue", "webhookDeliveries", ["nextAt", "position"], {
    where: `"state" = 'waiting'`,
  });
  await index(db, "webhookDeliveriesByTime", "webhookDeliveries", ["createdAt", "position"]);
};
