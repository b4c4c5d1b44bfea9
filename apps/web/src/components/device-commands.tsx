import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useState } from "react";
import type { Command, Device } from "@flipside/api/types";
import { useFleet } from "../live/hooks.ts";
import { commandKindWords, commandWords, wordsOf } from "../words/state-words.ts";
import { CollectedLogButton } from "./collected-log.tsx";
import {
  CollectLogsDialog,
  IdentifyDialog,
  RebootDialog,
  RollBackDialog,
  ServerDialog,
  wayBack,
} from "./command-dialogs.tsx";
import { type Column, DataTable } from "./data-table.tsx";
import { CodeExplained } from "./deployment-progress.tsx";
import { Icon } from "./icon.tsx";
import { Loaded } from "./loaded.tsx";
import { StateBadge } from "./state-badge.tsx";
import { TimeAgo } from "./time-ago.tsx";

const columns: Column<Command>[] = [
  {
    head: t`Command`,
    isName: true,
    cell: (command) => (
      <>
        {commandKindWords[command.kind] ?? command.kind}
        {command.kind === "set-connection" && (
          <span className="sub">{t`to ${{ host: command.host ?? "" }}:${{ port: command.port ?? "" }}`}</span>
        )}
        {command.kind === "identify" && <span className="sub">{t`for ${{ seconds: command.seconds ?? "" }} s`}</span>}
      </>
    ),
  },
  {
    head: t`State`,
    className: "col-update",
    cell: (command) => <StateBadge words={wordsOf(commandWords, command.state)} />,
  },
  {
    head: t`Why`,
    className: "col-why",
    cell: (command) =>
      command.kind === "collect-logs" && command.state === "done" ? (
        <CollectedLogButton command={command} />
      ) : (
        <CodeExplained coded={command} withTodo />
      ),
  },
  { head: t`Given`, cell: (command) => <TimeAgo at={command.createdAt} /> },
];

const dialogs = {
  identify: IdentifyDialog,
  logs: CollectLogsDialog,
  reboot: RebootDialog,
  "roll-back": RollBackDialog,
  server: ServerDialog,
} as const;

/** What the device was told to do, and what it can be told. */
export function DeviceCommands({ device }: { device: Device }): ReactNode {
  const resource = useFleet().commands(device.id);
  const [asked, setAsked] = useState<keyof typeof dialogs>();
  if (device.agent !== "flipside") return null;
  const Asked = asked && dialogs[asked];
  return (
    <section className="panel" aria-labelledby="commands-heading">
      <h2 id="commands-heading">
        <Trans>Commands</Trans>
      </h2>
      {!device.revoked && <CommandButtons device={device} onAsk={setAsked} />}
      <Loaded resource={resource} what={t`its commands`}>
        {(commands) =>
          commands.length === 0 ? (
            <p className="muted">
              <Trans>No command was given to this device yet.</Trans>
            </p>
          ) : (
            <DataTable
              caption={t`Commands to this device, newest first`}
              columns={columns}
              rows={commands}
              rowKey={(command) => command.id}
            />
          )
        }
      </Loaded>
      {Asked && <Asked device={device} onDone={() => resource.reload()} onClose={() => setAsked(undefined)} />}
    </section>
  );
}

function CommandButtons({
  device,
  onAsk,
}: {
  device: Device;
  onAsk: (dialog: keyof typeof dialogs) => void;
}): ReactNode {
  const way = wayBack(device);
  return (
    <div className="actions">
      <button type="button" className="button" onClick={() => onAsk("identify")}>
        <Icon name="scan" /> <Trans>Identify</Trans>
      </button>
      <button type="button" className="button" onClick={() => onAsk("logs")}>
        <Icon name="download" /> <Trans>Collect logs</Trans>
      </button>
      <button type="button" className="button" onClick={() => onAsk("reboot")}>
        <Icon name="restart" /> <Trans>Reboot</Trans>
      </button>
      <button type="button" className="button" onClick={() => onAsk("server")}>
        <Icon name="offer" /> <Trans>Change server address</Trans>
      </button>
      {way !== undefined && (
        <button type="button" className="button danger-outline" onClick={() => onAsk("roll-back")}>
          <Icon name="back" /> {t`Roll back to ${{ way }}`}
        </button>
      )}
    </div>
  );
}
