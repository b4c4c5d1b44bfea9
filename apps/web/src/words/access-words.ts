// How proposals, lines of the record, webhooks and what was sent to them stand.

import type { AuditSaid, Proposal, WebhookDelivery } from "@flipside/api/types";
import type { StateWords } from "./state-words.ts";

export const proposalWords: Record<Proposal["state"], StateWords> = {
  waiting: { label: "Waiting", tone: "busy", icon: "clock", means: "Somebody else has to confirm it." },
  begun: {
    label: "Begun",
    tone: "warn",
    icon: "question",
    means: "It was confirmed, and what came of it is not known: look, and ask for it anew if it was not done.",
  },
  done: { label: "Done", tone: "ok", icon: "check", means: "It was confirmed and done." },
  refused: { label: "Refused", tone: "bad", icon: "ban", means: "It was confirmed, and could not be done." },
  withdrawn: { label: "Withdrawn", tone: "idle", icon: "stop", means: "It is not to be done." },
  expired: { label: "Expired", tone: "idle", icon: "clock", means: "Nobody confirmed it within a day." },
};

export const stageWords: Record<AuditSaid["stage"], StateWords> = {
  asked: { label: "Asked for", tone: "idle", icon: "clock", means: "Written down before it was begun." },
  done: { label: "Done", tone: "ok", icon: "check", means: "It was done." },
  failed: { label: "Failed", tone: "bad", icon: "alert", means: "A fault of the server's: it may be done in part." },
  refused: { label: "Refused", tone: "warn", icon: "ban", means: "It was not done." },
};

export const webhookWords: Record<"on" | "off" | "failing", StateWords> = {
  on: { label: "On", tone: "ok", icon: "check", means: "The last message has arrived." },
  off: { label: "Off", tone: "idle", icon: "pause", means: "Nothing is sent there." },
  failing: { label: "Nothing arrives", tone: "bad", icon: "alert", means: "Messages are tried again for a day." },
};

export const deliveryWords: Record<WebhookDelivery["state"], StateWords> = {
  waiting: { label: "Waiting", tone: "busy", icon: "clock", means: "It is sent soon, or tried again later." },
  delivered: { label: "Delivered", tone: "ok", icon: "check", means: "The receiver has taken it." },
  failed: { label: "Failed", tone: "bad", icon: "cross", means: "It was tried for long enough, or can never arrive." },
};
