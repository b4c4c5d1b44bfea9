// What a device can be told, each asked for in a dialog that says what will happen.

import { Trans } from "@lingui/react/macro";
import { t } from "@lingui/core/macro";
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
  const minutes = commandExpiryMsDefault / 60_000;
  return (
    <>
      <Trans>It is away now: it is told when it comes back within {minutes} minutes.</Trans>{" "}
    </>
  );
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
    <PlainCommand
      {...props}
      command={{ kind: "reboot" }}
      title={t`Reboot ${{ id: device.id }}?`}
      confirm={t`Reboot device`}
    >
      <p>
        <Trans>
          The device starts anew with the image that it runs. <WhenAway device={device} />
          An update or a trial under way refuses it.
        </Trans>
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
      title={t`Collect the logs of ${{ id: device.id }}?`}
      confirm={t`Collect logs`}
    >
      <p>
        <Trans>
          The device tells what its console has said lately, up to 4 KiB. It stays here as long as the command does.
        </Trans>{" "}
        <WhenAway device={device} />
      </p>
    </PlainCommand>
  );
}

/** Which image it would go back to; undefined: there is none that it would start. */
export const wayBack = ({ other }: Pick<Device, "other">): string | undefined =>
  other?.state === "confirmed" ? (other.version ?? t`an image whose version is not known`) : undefined;

export function RollBackDialog(props: Props): ReactNode {
  const { device } = props;
  const running = device.running?.version;
  const way = wayBack(device);
  return (
    <PlainCommand
      {...props}
      command={{ kind: "roll-back" }}
      title={t`Roll ${{ id: device.id }} back?`}
      confirm={t`Roll back to ${{ way: way ?? "" }}`}
      dangerous
    >
      <p>
        <Trans>
          The device leaves <strong>{running}</strong> and starts <strong>{way}</strong>, the confirmed image in its
          other slot. <WhenAway device={device} />
        </Trans>
      </p>
      <p>
        <Trans>
          The deployment that brought {running} counts as rolled back, and its rollout pauses if that is beyond its
          threshold. The device is not offered that image again before somebody retries it.
        </Trans>
      </p>
    </PlainCommand>
  );
}

export function IdentifyDialog({ device, onDone, onClose }: Props): ReactNode {
  const [seconds, setSeconds] = useState(String(identifySecondsDefault));
  const isWrong = !/^\d{1,3}$/.test(seconds) || Number(seconds) < 1 || Number(seconds) > identifySecondsMax;
  return (
    <FormDialog
      title={t`Have ${{ id: device.id }} make itself known`}
      confirm={t`Identify`}
      lead={t`The command was not given`}
      isWrong={isWrong}
      action={async () => {
        await giveCommand(device.id, { kind: "identify", seconds: Number(seconds) });
        await onDone();
      }}
      onClose={onClose}
      about={
        <p className="muted">
          <Trans>
            It says on its console each second which one it is, and its app may blink. It goes on with its work.
          </Trans>{" "}
          <WhenAway device={device} />
        </p>
      }
      fields={(tried) => (
        <Field
          label={t`For so many seconds`}
          error={tried && isWrong ? t`Enter a whole number from 1 to ${identifySecondsMax}.` : undefined}
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

const Present = ({ connection: { host, port } }: { connection: NonNullable<Device["connection"]> }): ReactNode => (
  <>
    <Trans>
      It connects to <bdi>{host}</bdi>:{port} now.
    </Trans>{" "}
  </>
);

export function ServerDialog({ device, onDone, onClose }: Props): ReactNode {
  const [host, setHost] = useState("");
  const [port, setPort] = useState(String(device.connection?.port ?? 8883));
  const hostError =
    hostPattern.test(host) && host.length <= hostCharactersMax
      ? undefined
      : t`Enter a host name or an IPv4 address of at most ${hostCharactersMax} characters.`;
  const portError =
    /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= portMax
      ? undefined
      : t`Enter a number from 1 to ${portMax}.`;

  return (
    <FormDialog
      title={t`Change the server of ${{ id: device.id }}`}
      confirm={t`Change server`}
      lead={t`The command was not given`}
      isWrong={hostError !== undefined || portError !== undefined}
      action={async () => {
        await giveCommand(device.id, { kind: "set-connection", host, port: Number(port) });
        await onDone();
      }}
      onClose={onClose}
      about={
        <p className="muted">
          {device.connection && <Present connection={device.connection} />}
          <Trans>
            Write tls: before the host to have the device speak TLS by its own key there. It keeps the new address only
            when this server proves itself there within a minute; else it returns to the old one.
          </Trans>
        </p>
      }
      fields={(tried) => (
        <>
          <Field label={t`Host`} error={tried ? hostError : undefined}>
            {(ids) => <ExactInput {...ids} value={host} onChange={(text) => setHost(text.trim())} />}
          </Field>
          <Field label={t`MQTT port`} error={tried ? portError : undefined}>
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
