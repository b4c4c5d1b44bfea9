// What is asked before somebody is told of what happens, and what came of telling.

import { type WebhookEvent, webhookEventNames, webhookEvents } from "@flipside/api/webhook-events";
import { webhookDescriptionCharactersMax, webhookUrlCharactersMax } from "@flipside/api/limits";
import type { Webhook, WebhookChannel, WebhookDelivery } from "@flipside/api/types";
import { type ReactNode, useCallback, useState } from "react";
import { createWebhook, deliveryPage, sendAgain } from "../api/webhooks.ts";
import { usePagedList } from "../paged-list.ts";
import { deliveryWords } from "../words/access-words.ts";
import { wordsOf } from "../words/state-words.ts";
import { CheckField } from "./check-field.tsx";
import type { Column } from "./data-table.tsx";
import { Dialog, FormDialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { PagedTable } from "./paged-table.tsx";
import { StateBadge } from "./state-badge.tsx";
import { TimeAgo } from "./time-ago.tsx";

export const channels: Record<WebhookChannel, { name: string; hint: string; example: string }> = {
  webhook: { name: "Webhook", hint: "Signed messages of JSON (Standard Webhooks).", example: "https://…" },
  slack: { name: "Slack", hint: "The address of an incoming webhook.", example: "https://hooks.slack.com/…" },
  teams: { name: "Microsoft Teams", hint: "The address of a workflow.", example: "https://…" },
  email: { name: "E-mail", hint: "One mailbox.", example: "mailto:ops@example.org" },
};

interface NewProps {
  onClose: () => void;
  onMade: (webhook: Webhook, secret: string) => Promise<void>;
}

export function NewWebhookDialog({ onClose, onMade }: NewProps): ReactNode {
  const [channel, setChannel] = useState<WebhookChannel>("webhook");
  const [url, setUrl] = useState("");
  const [description, setDescription] = useState("");
  const [chosen, setChosen] = useState<readonly WebhookEvent[] | null>(null);
  const isUrl = (channel === "email" ? /^mailto:\S+@\S+$/ : /^https?:\/\/\S+$/).test(url);
  return (
    <FormDialog
      title="Tell somebody of what happens"
      confirm="Add"
      lead="It was not added"
      isWrong={!isUrl || chosen?.length === 0}
      about={<p>Every message is tried again for a day if it does not arrive.</p>}
      fields={(tried) => (
        <>
          <Field label="By" hint={channels[channel].hint}>
            {(ids) => (
              <select {...ids} value={channel} onChange={(event) => setChannel(event.target.value as WebhookChannel)}>
                {Object.entries(channels).map(([value, { name }]) => (
                  <option key={value} value={value}>
                    {name}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field
            label="Address"
            error={tried && !isUrl ? `An address such as ${channels[channel].example}` : undefined}
          >
            {(ids) => (
              <input
                {...ids}
                autoComplete="off"
                spellCheck={false}
                maxLength={webhookUrlCharactersMax}
                placeholder={channels[channel].example}
                value={url}
                onChange={(event) => setUrl(event.target.value)}
              />
            )}
          </Field>
          <Field label="What it is for (if you like)">
            {(ids) => (
              <input
                {...ids}
                autoComplete="off"
                maxLength={webhookDescriptionCharactersMax}
                value={description}
                onChange={(event) => setDescription(event.target.value)}
              />
            )}
          </Field>
          <CheckField
            checked={chosen === null}
            change={(all) => setChosen(all ? null : [...webhookEventNames])}
            hint="Also of what later versions will tell of."
          >
            Tell of everything
          </CheckField>
          {chosen !== null && (
            <fieldset className="choices">
              <legend>Tell of</legend>
              {webhookEventNames.map((name) => (
                <CheckField
                  key={name}
                  checked={chosen.includes(name)}
                  change={(isChosen) =>
                    setChosen(isChosen ? [...chosen, name] : chosen.filter((each) => each !== name))
                  }
                  hint={webhookEvents[name]}
                >
                  {name}
                </CheckField>
              ))}
              {tried && chosen.length === 0 && <p className="field-error">Choose one at least.</p>}
            </fieldset>
          )}
        </>
      )}
      action={async () => {
        const events = chosen === null ? null : [...chosen];
        const { webhook, secret } = await createWebhook({ channel, url, description, events, rolloutId: null });
        await onMade(webhook, secret);
      }}
      onClose={onClose}
    />
  );
}

const columnsFor = (again: (delivery: WebhookDelivery) => void): Column<WebhookDelivery>[] => [
  {
    head: "Message",
    isName: true,
    cell: ({ type, createdAt }) => (
      <>
        <span className="row-name">{type}</span> <span className="sub">{<TimeAgo at={createdAt} />}</span>
      </>
    ),
  },
  {
    head: "State",
    cell: ({ state, attempts, status, problem, answer }) => (
      <>
        <StateBadge words={wordsOf(deliveryWords, state)} />
        <span className="sub untrusted">
          {[attempts > 1 && `${attempts} tries`, status !== null && `answer ${status}`, problem ?? answer]
            .filter(Boolean)
            .join(", ")}
        </span>
      </>
    ),
  },
  {
    head: "Actions",
    bareOnCard: true,
    className: "col-actions",
    cell: (delivery) =>
      delivery.state !== "waiting" && (
        <button type="button" className="button small" onClick={() => again(delivery)}>
          Send again
        </button>
      ),
  },
];

export function DeliveriesDialog({ webhook, onClose }: { webhook: Webhook; onClose: () => void }): ReactNode {
  const list = usePagedList(useCallback((after: string | undefined) => deliveryPage(webhook.id, after), [webhook.id]));
  const again = (delivery: WebhookDelivery): void =>
    void sendAgain(webhook.id, delivery.id).then(list.reload, list.reload);
  return (
    <Dialog title="What was sent" onClose={onClose}>
      <PagedTable
        list={list}
        what="what was sent"
        caption="Messages, the newest first"
        columns={columnsFor(again)}
        rowKey={({ id }) => id}
        empty="Nothing has happened since that it would be told of."
      />
      <div className="actions dialog-actions">
        <button type="button" className="button" onClick={() => void list.reload()}>
          Look again
        </button>
        <button type="button" className="button primary" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
