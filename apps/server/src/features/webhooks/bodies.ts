// A message as each kind of channel takes it. Names that people gave stand in it as text: no program that shows it is
// to read them as mark-up, a link or a mention.

import type { WebhookEvent, webhookTestEvent } from "@flipside/api/webhook-events";
import type { WebhookChannel } from "@flipside/api/types";
import { withUnseenWrittenOut } from "../../plain-text.ts";
import type { Payload } from "./payload.ts";

interface Text {
  title: string;
  lines: string[];
  url: string | undefined;
}

const said = (value: unknown): string => (value === undefined || value === null ? "?" : String(value));

const waveOf = ({ wave }: Payload["data"]): string => (typeof wave === "number" ? `wave ${wave + 1}` : "no wave");

const titles: Record<WebhookEvent | typeof webhookTestEvent, (data: Payload["data"]) => string> = {
  "rollout.started": ({ rollout }) => `${said(rollout)} has started`,
  "rollout.wave-started": (data) => `${said(data["rollout"])}: ${waveOf(data)} has begun`,
  "rollout.awaits-approval": ({ rollout }) => `${said(rollout)}: the next wave waits for approval`,
  "rollout.paused": (data) => `${said(data["rollout"])} is paused in ${waveOf(data)}`,
  "rollout.resumed": ({ rollout }) => `${said(rollout)} goes on`,
  "rollout.completed": ({ rollout }) => `${said(rollout)} is completed`,
  "rollout.aborted": ({ rollout }) => `${said(rollout)} is cancelled`,
  "rollout.rolled-back": ({ rollout }) => `${said(rollout)} is rolled back`,
  "deployment.failed": ({ deviceId, state, rollout }) => `${said(deviceId)}: ${said(state)}, in ${said(rollout)}`,
  "deployment.rolled-back": ({ deviceId, rollout }) => `${said(deviceId)} has rolled back, in ${said(rollout)}`,
  "device.enrolled": ({ deviceId }) => `${said(deviceId)} has enrolled`,
  "device.revoked": ({ deviceId, by }) => `${said(deviceId)} was revoked by ${said(by)}`,
  "device.conflict": ({ deviceId }) => `Two boards say that they are ${said(deviceId)}`,
  "emergency-stop.begun": ({ by, reason }) => `All updates are stopped, by ${said(by)}: ${said(reason)}`,
  "emergency-stop.ended": ({ by }) => `Updates may go on, says ${said(by)}`,
  "trust.changed": () => "Another trust record is in force",
  "proposal.waiting": ({ operation, by }) => `${said(operation)}, asked for by ${said(by)}, waits for a second person`,
  "webhook.test": () => "This is a test of Flipside's messages",
};

/** What people read of it. */
export function textOf({ type, data }: Payload): Text {
  const { decisions, error, url } = data;
  return {
    title: titles[type as WebhookEvent]?.(data) ?? type,
    lines: [...(Array.isArray(decisions) ? decisions.map(String) : []), ...(typeof error === "string" ? [error] : [])],
    url: typeof url === "string" ? url : undefined,
  };
}

const linesMax = 5;
const lineCharactersMax = 500;

const shown = (lines: readonly string[]): string[] =>
  lines.slice(0, linesMax).map((line) => line.slice(0, lineCharactersMax));

/** Slack's incoming webhooks: `text` is for notifications, and read as mark-up unless that is escaped. */
function slackBody({ title, lines, url }: Text): object {
  const escaped = title.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const section = (text: string): object => ({ type: "section", text: { type: "plain_text", text, emoji: false } });
  const link = { type: "button", text: { type: "plain_text", text: "Show it" }, url };
  return {
    text: escaped,
    mrkdwn: false,
    blocks: [
      ...shown([title, ...lines]).map(section),
      ...(url === undefined ? [] : [{ type: "actions", elements: [link] }]),
    ],
  };
}

/** An adaptive card, as the workflows of Teams take it; a text run is not read as mark-up. */
function teamsBody({ title, lines, url }: Text): object {
  const run = (text: string, more: object = {}): object => ({
    type: "RichTextBlock",
    inlines: [{ type: "TextRun", text, ...more }],
  });
  const content = {
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    type: "AdaptiveCard",
    version: "1.4",
    body: [run(title.slice(0, lineCharactersMax), { weight: "Bolder" }), ...shown(lines).map((line) => run(line))],
    ...(url === undefined ? {} : { actions: [{ type: "Action.OpenUrl", title: "Show it", url }] }),
  };
  return {
    type: "message",
    attachments: [{ contentType: "application/vnd.microsoft.card.adaptive", contentUrl: null, content }],
  };
}

const subjectCharactersMax = 200;

/** A line break of somebody's would begin a header, or a line that looks like one of ours. */
const oneLine = (text: string): string => withUnseenWrittenOut(text.replace(/[\s\u2028\u2029]+/gu, " ").trim());

/** Plain text; `payload`: as it is stored. The same each time. */
export function mailOf(payload: string): { subject: string; text: string; date: Date } {
  const parsed = JSON.parse(payload) as Payload;
  const { title, lines, url } = textOf(parsed);
  const paragraphs = [
    ...shown([title, ...lines].map(oneLine)),
    ...(url === undefined ? [] : [oneLine(url)]),
    `${parsed.timestamp}, ${parsed.type}. Sent by Flipside; nobody reads an answer.`,
  ];
  return {
    subject: `Flipside: ${oneLine(title).slice(0, subjectCharactersMax)}`,
    text: `${paragraphs.join("\n\n")}\n`,
    date: new Date(parsed.timestamp),
  };
}

/** What is sent; `payload`: as it is stored. */
export function bodyOf(channel: Exclude<WebhookChannel, "email">, payload: string): string {
  if (channel === "webhook") return payload;
  const text = textOf(JSON.parse(payload) as Payload);
  return JSON.stringify(channel === "slack" ? slackBody(text) : teamsBody(text));
}
