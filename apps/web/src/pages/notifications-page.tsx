import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { Webhook } from "@flipside/api/types";
import { type ReactNode, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import { asProblem } from "../api/problem.ts";
import { deleteWebhook, listWebhooks, switchWebhook, testWebhook } from "../api/webhooks.ts";
import { AccessNav } from "../components/access-nav.tsx";
import type { Column } from "../components/data-table.tsx";
import { ConfirmDialog } from "../components/dialog.tsx";
import { Icon } from "../components/icon.tsx";
import { Page } from "../components/page.tsx";
import { PagedTable } from "../components/paged-table.tsx";
import { ProblemNotice } from "../components/problem-notice.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { TimeAgo } from "../components/time-ago.tsx";
import { ToldOnce } from "../components/told-once.tsx";
import { channels, DeliveriesDialog, NewWebhookDialog } from "../components/webhook-dialogs.tsx";
import { usePagedList } from "../paged-list.ts";
import { webhookWords } from "../words/access-words.ts";
import { wordsOf } from "../words/state-words.ts";

const page = async () => ({ members: await listWebhooks(), next: null });

const stateOf = ({ enabled, failingSince }: Webhook): "off" | "failing" | "on" =>
  !enabled ? "off" : failingSince === null ? "on" : "failing";

type Asked = { kind: "deliveries" | "delete"; webhook: Webhook } | { kind: "new" };

interface Doing {
  ask: (asked: Asked) => void;
  test: (webhook: Webhook) => void;
  turn: (webhook: Webhook) => void;
}

const columnsFor = ({ ask, test, turn }: Doing): Column<Webhook>[] => [
  {
    head: t`Who is told`,
    isName: true,
    cell: ({ url, channel, description }) => (
      <>
        <span className="row-name">{channels[channel].name}</span>
        <span className="sub untrusted">{description === "" ? url : `${description}: ${url}`}</span>
      </>
    ),
  },
  { head: t`Of`, cell: ({ events }) => (events === null ? t`everything` : events.join(", ")) },
  {
    head: t`State`,
    cell: (webhook) => (
      <>
        <StateBadge words={wordsOf(webhookWords, stateOf(webhook))} />
        <span className="sub">
          {webhook.disabledBecause ??
            (webhook.failingSince !== null && (
              <Trans>
                since <TimeAgo at={webhook.failingSince} />
              </Trans>
            ))}
        </span>
      </>
    ),
  },
  {
    head: t`Actions`,
    bareOnCard: true,
    className: "col-actions",
    cell: (webhook) => (
      <span className="actions">
        <button type="button" className="button small" onClick={() => ask({ kind: "deliveries", webhook })}>
          <Trans>What was sent</Trans>
        </button>
        <button type="button" className="button small" onClick={() => test(webhook)}>
          <Trans>Send a test</Trans>
        </button>
        <button type="button" className="button small" onClick={() => turn(webhook)}>
          {webhook.enabled ? t`Switch off` : t`Switch on`}
        </button>
        <button type="button" className="button small" onClick={() => ask({ kind: "delete", webhook })}>
          <Trans>Delete</Trans>
        </button>
      </span>
    ),
  },
];

export function NotificationsPage(): ReactNode {
  const list = usePagedList(page);
  const [asked, setAsked] = useState<Asked>();
  const [told, setTold] = useState<string>();
  const [problem, setProblem] = useState<ProblemError>();
  const close = (): void => setAsked(undefined);
  const doing = (work: Promise<unknown>, then?: () => void): void => {
    setProblem(undefined);
    work.then(then, (thrown: unknown) => setProblem(asProblem(thrown))).finally(() => void list.reload());
  };
  const columns = columnsFor({
    ask: setAsked,
    test: (webhook) => doing(testWebhook(webhook.id), () => setAsked({ kind: "deliveries", webhook })),
    turn: ({ id, enabled }) => doing(switchWebhook(id, !enabled)),
  });
  return (
    <Page
      title={t`Notifications`}
      summary={t`Who else is told of what happens: programs by webhooks, and people by Slack, Teams or e-mail.`}
      actions={
        <button type="button" className="button primary" onClick={() => setAsked({ kind: "new" })}>
          <Icon name="plus" /> <Trans>Tell somebody</Trans>
        </button>
      }
    >
      <AccessNav current="/access/notifications" />
      {problem && <ProblemNotice problem={problem} lead={t`That was not done`} />}
      {told && (
        <ToldOnce text={told} onKept={() => setTold(undefined)}>
          <Trans>By this secret the receiver checks that a message is ours.</Trans>
        </ToldOnce>
      )}
      <section className="panel" aria-label={t`Who is told`}>
        <PagedTable
          list={list}
          what={t`who is told`}
          caption={t`Who is told, the oldest first`}
          columns={columns}
          rowKey={({ id }) => id}
          empty={t`Nobody is told of anything: the console is the only one that says what happens.`}
        />
      </section>
      {asked?.kind === "new" && (
        <NewWebhookDialog
          onClose={close}
          onMade={async (webhook, secret) => {
            if (webhook.channel === "webhook") setTold(secret);
            await list.reload();
          }}
        />
      )}
      {asked?.kind === "deliveries" && <DeliveriesDialog webhook={asked.webhook} onClose={close} />}
      {asked?.kind === "delete" && (
        <ConfirmDialog
          title={t`Tell nobody there any more?`}
          confirm={t`Delete`}
          dangerous
          action={async () => {
            await deleteWebhook(asked.webhook.id);
            await list.reload();
          }}
          onClose={close}
        >
          <p>
            <Trans>What waits to be sent is not sent, and what is known of what was sent is gone.</Trans>
          </p>
        </ConfirmDialog>
      )}
    </Page>
  );
}
