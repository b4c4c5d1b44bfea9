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
    head: "Who is told",
    isName: true,
    cell: ({ url, channel, description }) => (
      <>
        <span className="row-name">{channels[channel].name}</span>
        <span className="sub untrusted">{description === "" ? url : `${description}: ${url}`}</span>
      </>
    ),
  },
  { head: "Of", cell: ({ events }) => (events === null ? "everything" : events.join(", ")) },
  {
    head: "State",
    cell: (webhook) => (
      <>
        <StateBadge words={wordsOf(webhookWords, stateOf(webhook))} />
        <span className="sub">
          {webhook.disabledBecause ??
            (webhook.failingSince !== null && (
              <>
                since <TimeAgo at={webhook.failingSince} />
              </>
            ))}
        </span>
      </>
    ),
  },
  {
    head: "Actions",
    bareOnCard: true,
    className: "col-actions",
    cell: (webhook) => (
      <span className="actions">
        <button type="button" className="button small" onClick={() => ask({ kind: "deliveries", webhook })}>
          What was sent
        </button>
        <button type="button" className="button small" onClick={() => test(webhook)}>
          Send a test
        </button>
        <button type="button" className="button small" onClick={() => turn(webhook)}>
          {webhook.enabled ? "Switch off" : "Switch on"}
        </button>
        <button type="button" className="button small" onClick={() => ask({ kind: "delete", webhook })}>
          Delete
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
      title="Notifications"
      summary="Who else is told of what happens: programs by webhooks, and people by Slack, Teams or e-mail."
      actions={
        <button type="button" className="button primary" onClick={() => setAsked({ kind: "new" })}>
          <Icon name="plus" /> Tell somebody
        </button>
      }
    >
      <AccessNav current="/access/notifications" />
      {problem && <ProblemNotice problem={problem} lead="That was not done" />}
      {told && (
        <ToldOnce text={told} onKept={() => setTold(undefined)}>
          By this secret the receiver checks that a message is ours.
        </ToldOnce>
      )}
      <section className="panel" aria-label="Who is told">
        <PagedTable
          list={list}
          what="who is told"
          caption="Who is told, the oldest first"
          columns={columns}
          rowKey={({ id }) => id}
          empty="Nobody is told of anything: the console is the only one that says what happens."
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
          title="Tell nobody there any more?"
          confirm="Delete"
          dangerous
          action={async () => {
            await deleteWebhook(asked.webhook.id);
            await list.reload();
          }}
          onClose={close}
        >
          <p>What waits to be sent is not sent, and what is known of what was sent is gone.</p>
        </ConfirmDialog>
      )}
    </Page>
  );
}
