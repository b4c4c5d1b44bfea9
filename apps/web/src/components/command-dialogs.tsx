// What a device can be told, each asked for in a dialog that says what will happen.

import { type ReactNode, useState } from "react";
import {
  commandExpiryMsDefault,
  hostCharactersMax,
  hostPattern,
  identifySecondsDefault,
  identifySecondsMax,
  portMax,
} from "@flipside/api/limits";
import type { Device, NewCommand } from "@flipside/api/types";
import { giveCommand } from "../api/commands.ts";
import { ConfirmDialog, FormDialog } from "./dialog.tsx";
import { ExactInput } from "./exact-input.tsx";
import { Field } from "./field.tsx";

interface Props {
  device: Device;
  onDone: () => Promise<void>;
  onClose: () => void;
}

function WhenAway({ device }: { device: Device }): ReactNode {
  if (device.online) return null;
  return <>It is away now: it is told when it comes back within {commandExpiryMsDefault / 60_000} minutes. </>;
}

interface PlainProps extends Props {
  command: NewCommand;
  title: string;
  confirm: string;
  dangerous?: boolean;
  children: ReactNode;
}

function PlainCommand({ device, onDone, onClose, command, children, ...words }: PlainProps): ReactNode {
  return (
    <ConfirmDialog
      {...words}
      action={async () => {
        await giveCommand(device.id, command);
        await onDone();
      }}
      onClose={onClose}
    >
      {children}
    </ConfirmDialog>
  );
}

export function RebootDialog(props: Props): ReactNode {
  const { device } = props;
  return (
    <PlainCommand {...props} command={{ kind: "reboot" }} title={`Reboot ${device.id}?`} confirm="Reboot device">
      <p>
        The device starts anew with the image that it runs. <WhenAway device={device} />
        An update or a trial under way refuses it.
      </p>
    </PlainCommand>
  );
}

export function CollectLogsDialog(props: Props): ReactNode {
  const { device } = props;
  return (
    <PlainCommand
      {...props}
      command={{ kind: "collect-logs" }}
      title={`Collect the logs of ${device.id}?`}
      confirm="Collect logs"
    >
      <p>
        The device tells what its console has said lately, up to 4 KiB. It stays here as long as the command does.{" "}
        <WhenAway device={device} />
      </p>
    </PlainCommand>
  );
}

/** Which image it would go back to; undefined: there is none that it would start. */
export const wayBack = ({ other }: Pick<Device, "other">): string | undefined =>
  other?.state === "confirmed" ? (other.version ?? "an image whose version is not known") : undefined;

export function RollBackDialog(props: Props): ReactNode {
  const { device } = props;
  return (
    <PlainCommand
      {...props}
      command={{ kind: "roll-back" }}
      title={`Roll ${device.id} back?`}
      confirm={`Roll back to ${wayBack(device)}`}
      dangerous
    >
      <p>
        The device leaves <strong>{device.running?.version}</strong> and starts <strong>{wayBack(device)}</strong>, the
        confirmed image in its other slot. <WhenAway device={device} />
      </p>
      <p>
        The deployment that brought {device.running?.version} counts as rolled back, and its rollout pauses if that is
        beyond its threshold. The device is not offered that image again before somebody retries it.
      </p>
    </PlainCommand>
  );
}

export function IdentifyDialog({ device, onDone, onClose }: Props): ReactNode {
  const [seconds, setSeconds] = useState(String(identifySecondsDefault));
  const isWrong = !/^\d{1,3}$/.test(seconds) || Number(seconds) < 1 || Number(seconds) > identifySecondsMax;
  return (
    <FormDialog
      title={`Have ${device.id} make itself known`}
      confirm="Identify"
      lead="The command was not given"
      isWrong={isWrong}
      action={async () => {
        await giveCommand(device.id, { kind: "identify", seconds: Number(seconds) });
        await onDone();
      }}
      onClose={onClose}
      about={
        <p className="muted">
          It says on its console each second which one it is, and its app may blink. It goes on with its work.{" "}
          <WhenAway device={device} />
        </p>
      }
      fields={(tried) => (
        <Field
          label="For so many seconds"
          error={tried && isWrong ? `Enter a whole number from 1 to ${identifySecondsMax}.` : undefined}
        >
          {(ids) => (
            <input
              {...ids}
              inputMode="numeric"
              autoComplete="off"
              value={seconds}
              onChange={(event) => setSeconds(event.target.value.trim())}
            />
          )}
        </Field>
      )}
    />
  );
}

export function ServerDialog({ device, onDone, onClose }: Props): ReactNode {
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
        await onDone();
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
            {(ids) => <ExactInput {...ids} value={host} onChange={(text) => setHost(text.trim())} />}
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
