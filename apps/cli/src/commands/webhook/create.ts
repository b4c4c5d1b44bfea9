// `flipside webhook create`

import { type WebhookEvent, webhookEventNames } from "@flipside/api/webhook-events";
import { command, type Invocation } from "../../command-line/command.ts";

const channels = ["webhook", "slack", "teams"] as const;

const options = {
  channel: { value: "KIND", what: "webhook: signed JSON; slack, teams: texts for people (webhook)", oneOf: channels },
  event: { value: "TYPE", what: "of these alone (everything)", many: true, oneOf: webhookEventNames },
  rollout: { value: "ROLLOUT", what: "of this rollout alone" },
  description: { value: "TEXT", what: "what it is for" },
} as const;

async function run({ options: asked, words, note, connect }: Invocation<typeof options>) {
  const made = await connect()("POST /api/v1/webhooks", {
    body: {
      url: words[0]!,
      ...(asked.channel === undefined ? {} : { channel: asked.channel as (typeof channels)[number] }),
      ...(asked.event.length === 0 ? {} : { events: asked.event as WebhookEvent[] }),
      ...(asked.rollout === undefined ? {} : { rolloutId: asked.rollout }),
      ...(asked.description === undefined ? {} : { description: asked.description }),
    },
  });
  note("the secret is told this once");
  return { json: made, text: `${made.webhook.id}\n${made.secret}` };
}

export const createWebhook = command({
  name: "webhook create",
  summary: "Tell a server, or people in Slack or Teams, of what happens",
  about: "The second line is the secret that messages are signed with (docs/webhooks.md).",
  arguments: [{ name: "URL", what: "where messages are sent to" }],
  options,
  examples: [
    "flipside webhook create https://hooks.example.com/flipside --event rollout.paused --event deployment.failed",
    "flipside webhook create https://hooks.slack.com/services/T0/B0/x --channel slack",
  ],
  connects: true,
  run,
});
