// What is asked before somebody is told of what happens, and what came of telling.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type WebhookEvent, webhookEventNames } from "@flipside/api/webhook-events";
import { webhookDescriptionCharactersMax, webhookUrlCharactersMax } from "@flipside/api/limits";
import type { Webhook, WebhookChannel, WebhookDelivery } from "@flipside/api/types";
import { type ReactNode, useCallback, useState } from "react";
import { createWebhook, deliveryPage, sendAgain } from "../api/webhooks.ts";
import { usePagedList } from "../paged-list.ts";
import { deliveryWords } from "../words/access-words.ts";
import { eventWords } from "../words/event-words.ts";
import { joined } from "../words/listed.ts";
import { wordsOf } from "../words/state-words.ts";
import { CheckField } from "./check-field.tsx";
import type { Column } from "./data-table.tsx";
import { Dialog, FormDialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { PagedTable } from "./paged-table.tsx";
import { StateBadge } from "./state-badge.tsx";
import { TimeAgo } from "./time-ago.tsx";

export const channels: Record<WebhookChannel, { name: string; hint: string; example: string }> = {
  webhook: { name: t`Webhook`, hint: t`Signed messages of JSON (Standard Webhooks).`, example: "https://…" },
  slack: { name: "Slack", hint: t`The address of an incoming webhook.`, example: "https://hooks.slack.com/…" },
  teams: { name: "Microsoft Teams", hint: t`The address of a workflow.`, example: "https://…" },
  email: { name: t`E-mail`, hint: t`One mailbox.`, example: "mailto:ops@example.org" },
};

interface NewProps {
  onClose: () => void;
  onMade: (webhook: Webhook, secret: string) => Promise<void>;
}

export function NewWebhookDialog({ onClose, onMade }: NewProps): ReactNode {
  const [channel, setChannel] = useState<WebhookChannel>("webhook");
  const { hint, example } = channels[channel];
  const [url, setUrl] = useState("");
  const [description, setDescription] = useState("");
  const [chosen, setChosen] = useState<readonly WebhookEvent[] | null>(null);
  const isUrl = (channel === "email" ? /^mailto:\S+@\S+$/ : /^https?:\/\/\S+$/).test(url);
  return (
    <FormDialog
      title={t`Tell somebody of what happens`}
      confirm={t`Add`}
      lead={t`It was not added`}
      isWrong={!isUrl || chosen?.length === 0}
      about={
        <p>
          <Trans>Every message is tried again for a day if it does not arrive.</Trans>
        </p>
      }
      fields={(tried) => (
        <>
          <Field label={t({ message: "By", context: "by which means" })} hint={hint}>
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
          <Field label={t`Address`} error={tried && !isUrl ? t`An address such as ${example}` : undefined}>
            {(ids) => (
              <input
                {...ids}
                autoComplete="off"
                spellCheck={false}
                maxLength={webhookUrlCharactersMax}
                placeholder={example}
                value={url}
                onChange={(event) => setUrl(event.target.value)}
              />
            )}
          </Field>
          <Field label={t`What it is for (if you like)`}>
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
            hint={t`Also of what later versions will tell of.`}
          >
            <Trans>Tell of everything</Trans>
          </CheckField>
          {chosen !== null && (
            <fieldset className="choices">
              <legend>
                <Trans>Tell of</Trans>
              </legend>
              {webhookEventNames.map((name) => (
                <CheckField
                  key={name}
                  checked={chosen.includes(name)}
                  change={(isChosen) =>
                    setChosen(isChosen ? [...chosen, name] : chosen.filter((each) => each !== name))
                  }
                  hint={eventWords[name]}
                >
                  {name}
                </CheckField>
              ))}
              {tried && chosen.length === 0 && (
                <p className="field-error">
                  <Trans>Choose one at least.</Trans>
                </p>
              )}
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

const tellsOf = ({ attempts, status, problem, answer }: WebhookDelivery): string[] => [
  ...(attempts > 1 ? [t`${attempts} tries`] : []),
  ...(status === null ? [] : [t`answer ${status}`]),
  ...[problem ?? answer ?? ""].filter((said) => said !== ""),
];

const columnsFor = (again: (delivery: WebhookDelivery) => void): Column<WebhookDelivery>[] => [
  {
    head: t`Message`,
    isName: true,
    cell: ({ type, createdAt }) => (
      <>
        <span className="row-name">{type}</span> <span className="sub">{<TimeAgo at={createdAt} />}</span>
      </>
    ),
  },
  {
    head: t`State`,
    cell: (delivery) => (
      <>
        <StateBadge words={wordsOf(deliveryWords, delivery.state)} />
        <span className="sub untrusted">{joined(tellsOf(delivery))}</span>
      </>
    ),
  },
  {
    head: t`Actions`,
    bareOnCard: true,
    className: "col-actions",
    cell: (delivery) =>
      delivery.state !== "waiting" && (
        <button type="button" className="button small" onClick={() => again(delivery)}>
          <Trans>Send again</Trans>
        </button>
      ),
  },
];

export function DeliveriesDialog({ webhook, onClose }: { webhook: Webhook; onClose: () => void }): ReactNode {
  const list = usePagedList(useCallback((after: string | undefined) => deliveryPage(webhook.id, after), [webhook.id]));
  const again = (delivery: WebhookDelivery): void =>
    void sendAgain(webhook.id, delivery.id).then(list.reload, list.reload);
  return (
    <Dialog title={t`What was sent`} onClose={onClose}>
      <PagedTable
        list={list}
        what={t`what was sent`}
        caption={t`Messages, the newest first`}
        columns={columnsFor(again)}
        rowKey={({ id }) => id}
        empty={t`Nothing has happened since that it would be told of.`}
      />
      <div className="actions dialog-actions">
        <button type="button" className="button" onClick={() => void list.reload()}>
          <Trans>Look again</Trans>
        </button>
        <button type="button" className="button primary" onClick={onClose}>
          <Trans>Close</Trans>
        </button>
      </div>
    </Dialog>
  );
}
