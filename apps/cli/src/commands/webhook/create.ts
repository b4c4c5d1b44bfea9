// `flipside webhook create`

import { type WebhookEvent, webhookEventNames } from "@flipside/api/webhook-events";
import { command, type Invocation } from "../../command-line/command.ts";
import { UsageError } from "../../command-line/failures.ts";

const channels = ["webhook", "slack", "teams", "email"] as const;

type Channel = (typeof channels)[number];

const options = {
  channel: {
    value: "KIND",
    what: "webhook: signed JSON; slack, teams, email: texts for people (webhook)",
    oneOf: channels,
  },
  email: { value: "ADDRESS", what: "a mailbox in place of URL: the channel email" },
  event: { value: "TYPE", what: "of these alone (everything)", many: true, oneOf: webhookEventNames },
  rollout: { value: "ROLLOUT", what: "of this rollout alone" },
  description: { value: "TEXT", what: "what it is for" },
} as const;

/** By URL, or by --email. */
function targetOf({ channel, email }: { channel: string | undefined; email: string | undefined }, url?: string) {
  if ((url === undefined) === (email === undefined)) throw new UsageError("either URL or --email is needed");
  if (email === undefined) return { url: url!, ...(channel === undefined ? {} : { channel: channel as Channel }) };
  if (channel !== undefined && channel !== "email") throw new UsageError(`--email is not one of ${channel}`);
  return { url: `mailto:${email}`, channel: "email" as const };
}

async function run({ options: asked, words, note, connect }: Invocation<typeof options>) {
  const made = await connect()("POST /api/v1/webhooks", {
    body: {
      ...targetOf(asked, words[0]),
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
  summary: "Tell a server, or people in Slack, Teams or by e-mail, of what happens",
  about: "The second line is the secret that messages are signed with (docs/webhooks.md).",
  arguments: [{ name: "URL", what: "where messages are sent to", optional: true }],
  options,
  examples: [
    "flipside webhook create https://hooks.example.com/flipside --event rollout.paused --event deployment.failed",
    "flipside webhook create https://hooks.slack.com/services/T0/B0/x --channel slack",
    "flipside webhook create --email ops@example.org --event rollout.paused",
  ],
  connects: true,
  run,
});
