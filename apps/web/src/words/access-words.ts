// How proposals, lines of the record, webhooks and what was sent to them stand.

import { t } from "@lingui/core/macro";
import type { AuditSaid, Proposal, WebhookDelivery } from "@flipside/api/types";
import type { StateWords } from "./state-words.ts";

export const proposalWords: Record<Proposal["state"], StateWords> = {
  waiting: { label: t`Waiting`, tone: "busy", icon: "clock", means: t`Somebody else has to confirm it.` },
  begun: {
    label: t`Begun`,
    tone: "warn",
    icon: "question",
    means: t`It was confirmed, and what came of it is not known: look, and ask for it anew if it was not done.`,
  },
  done: { label: t`Done`, tone: "ok", icon: "check", means: t`It was confirmed and done.` },
  refused: { label: t`Refused`, tone: "bad", icon: "ban", means: t`It was confirmed, and could not be done.` },
  withdrawn: { label: t`Withdrawn`, tone: "idle", icon: "stop", means: t`It is not to be done.` },
  expired: { label: t`Expired`, tone: "idle", icon: "clock", means: t`Nobody confirmed it within a day.` },
};

export const stageWords: Record<AuditSaid["stage"], StateWords> = {
  asked: { label: t`Asked for`, tone: "idle", icon: "clock", means: t`Written down before it was begun.` },
  done: { label: t`Done`, tone: "ok", icon: "check", means: t`It was done.` },
  failed: { label: t`Failed`, tone: "bad", icon: "alert", means: t`A fault of the server's: it may be done in part.` },
  refused: { label: t`Refused`, tone: "warn", icon: "ban", means: t`It was not done.` },
};

export const webhookWords: Record<"on" | "off" | "failing", StateWords> = {
  on: { label: t`On`, tone: "ok", icon: "check", means: t`The last message has arrived.` },
  off: { label: t`Off`, tone: "idle", icon: "pause", means: t`Nothing is sent there.` },
  failing: { label: t`Nothing arrives`, tone: "bad", icon: "alert", means: t`Messages are tried again for a day.` },
};

export const deliveryWords: Record<WebhookDelivery["state"], StateWords> = {
  waiting: { label: t`Waiting`, tone: "busy", icon: "clock", means: t`It is sent soon, or tried again later.` },
  delivered: { label: t`Delivered`, tone: "ok", icon: "check", means: t`The receiver has taken it.` },
  failed: {
    label: t`Failed`,
    tone: "bad",
    icon: "cross",
    means: t`It was tried for long enough, or can never arrive.`,
  },
};
