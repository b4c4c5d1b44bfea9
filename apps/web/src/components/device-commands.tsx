import { type ReactNode, useState } from "react";
import { commandExpiryMsDefault, hostCharactersMax, hostPattern, portMax } from "@flipside/api/limits";
import type { Command, Device } from "@flipside/api/types";
import { giveCommand } from "../api/commands.ts";
import { useFleet } from "../live/hooks.ts";
import { commandWords, wordsOf } from "../words/state-words.ts";
import { type Column, DataTable } from "./data-table.tsx";
import { CodeExplained } from "./deployment-progress.tsx";
import { ConfirmDialog, FormDialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { Icon } from "./icon.tsx";
import { Loaded } from "./loaded.tsx";
import { StateBadge } from "./state-badge.tsx";
import { TimeAgo } from "./time-ago.tsx";

const columns: Column<Command>[] = [
  {
    head: "Command",
    isName: true,
    cell: (command) => (
      <>
        {command.kind === "reboot" ? "Reboot" : "Change server"}
        {command.kind === "set-connection" && (
          <span className="sub">
            to {command.host}:{command.port}
          </span>
        )}
      </>
    ),
  },
  {
    head: "State",
    className: "col-update",
    cell: (command) => <StateBadge words={wordsOf(commandWords, command.state)} />,
  },
  { head: "Why", className: "col-why", cell: (command) => <CodeExplained coded={command} withTodo /> },
  { head: "Given", cell: (command) => <TimeAgo at={command.createdAt} /> },
];

/** What the device was told to do, and two things that it can be told. */
export function DeviceCommands({ device }: { device: Device }): ReactNode {
  const resource = useFleet().commands(device.id);
  const [dialog, setDialog] = useState<"reboot" | "server">();
  const close = (): void => setDialog(undefined);
  return (
    <section className="panel" aria-labelledby="commands-heading">
      <h2 id="commands-heading">Commands</h2>
      {!device.revoked && (
        <div className="actions">
          <button type="button" className="button" onClick={() => setDialog("reboot")}>
            <Icon name="restart" /> Reboot
          </button>
          <button type="button" className="button" onClick={() => setDialog("server")}>
            <Icon name="offer" /> Change server address
          </button>
        </div>
      )}
      <Loaded resource={resource} what="its commands">
        {(commands) =>
          commands.length === 0 ? (
            <p className="muted">No command was given to this device yet.</p>
          ) : (
            <DataTable
              caption="Commands to this device, newest first"
              columns={columns}
              rows={commands}
              rowKey={(command) => command.id}
            />
          )
        }
      </Loaded>
      {dialog === "reboot" && (
        <ConfirmDialog
          title={`Reboot ${device.id}?`}
          confirm="Reboot device"
          action={async () => {
            await giveCommand(device.id, { kind: "reboot" });
            await resource.reload();
          }}
          onClose={close}
        >
          <p>
            The device starts anew with the image that it runs.{" "}
            {device.online
              ? ""
              : `It is away now: it is told when it comes back within ${commandExpiryMsDefault / 60_000} minutes. `}
            An update or a trial under way refuses it.
          </p>
        </ConfirmDialog>
      )}
      {dialog === "server" && <ServerDialog device={device} onDone={() => void resource.reload()} onClose={close} />}
    </section>
  );
}

function ServerDialog({
  device,
  onDone,
  onClose,
}: {
  device: Device;
  onDone: () => void;
  onClose: () => void;
}): ReactNode {
  const [host, setHost] = useState("");
  const [port, setPort] = useState(String(device.connection?.port ?? 1883));
  const hostError =
    hostPattern.test(host) && host.length <= hostCharactersMax
      ? undefined
      : `Enter a host name or an IPv4 address of at most ${hostCharactersMax} characters.`;
  const portError =
    /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= portMax
      ? undefined
      : `Enter a number from 1 to ${portMax}.`;

  return (
    <FormDialog
      title={`Change the server of ${device.id}`}
      confirm="Change server"
      lead="The command was not given"
      isWrong={hostError !== undefined || portError !== undefined}
      action={async () => {
        await giveCommand(device.id, { kind: "set-connection", host, port: Number(port) });
        onDone();
      }}
      onClose={onClose}
      about={
        <p className="muted">
          {device.connection && (
            <>
              It connects to <bdi>{device.connection.host}</bdi>:{device.connection.port} now.{" "}
            </>
          )}
          The device keeps the new address only when this server proves itself there within a minute; else it returns to
          the old one.
        </p>
      }
      fields={(tried) => (
        <>
          <Field label="Host" error={tried ? hostError : undefined}>
            {(ids) => (
              <input
                {...ids}
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
                value={host}
                onChange={(event) => setHost(event.target.value.trim())}
              />
            )}
          </Field>
          <Field label="MQTT port" error={tried ? portError : undefined}>
            {(ids) => (
              <input
                {...ids}
                inputMode="numeric"
                autoComplete="off"
                value={port}
                onChange={(event) => setPort(event.target.value.trim())}
              />
            )}
          </Field>
        </>
      )}
    />
  );
}
