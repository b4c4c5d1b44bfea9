import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useState } from "react";
import type { Configuration, ConfigurationRefusal, Device, PastConfiguration } from "@flipside/api/types";
import { setConfiguration } from "../api/configuration.ts";
import { useFleet } from "../live/hooks.ts";
import { documentText, typedConfiguration } from "../typed-configuration.ts";
import { configurationWords, wordsOf } from "../words/state-words.ts";
import { type Column, DataTable } from "./data-table.tsx";
import { CodeExplained } from "./deployment-progress.tsx";
import { FormDialog } from "./dialog.tsx";
import { Digest } from "./digest.tsx";
import { Disclosure } from "./disclosure.tsx";
import { Field } from "./field.tsx";
import { Icon } from "./icon.tsx";
import { Loaded } from "./loaded.tsx";
import { StateBadge } from "./state-badge.tsx";
import { TimeAgo } from "./time-ago.tsx";

/** What the device's app is to go by, what it goes by, and what it would not have. */
export function DeviceConfiguration({ device }: { device: Device }): ReactNode {
  const fleet = useFleet();
  const resource = fleet.configuration(device.id);
  const [editing, setEditing] = useState(false);
  if (device.agent !== "flipside") return null;
  return (
    <section className="panel" aria-labelledby="configuration-heading">
      <h2 id="configuration-heading">
        <Trans>Configuration</Trans>
      </h2>
      <Loaded resource={resource} what={t`its configuration`}>
        {(configuration) => (
          <>
            {!device.revoked && (
              <div className="actions">
                <button type="button" className="button" onClick={() => setEditing(true)}>
                  <Icon name="box" /> {configuration.desired === null ? t`Set configuration` : t`Change configuration`}
                </button>
              </div>
            )}
            <Desired configuration={configuration} />
            {configuration.desired !== null && <History deviceId={device.id} />}
            {editing && (
              <Editor
                device={device}
                configuration={configuration}
                onDone={() => void resource.reload()}
                onClose={() => setEditing(false)}
              />
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}

function Desired({
  configuration: { state, desired, reported, refused },
}: {
  configuration: Configuration;
}): ReactNode {
  const words = wordsOf(configurationWords, state);
  const isAsDesired = state === "in-force";
  return (
    <>
      <p>
        <StateBadge words={words} /> <span className="muted">{words.means}</span>
      </p>
      {refused && <Refused refused={refused} />}
      {desired && (
        <figure className="document">
          <figcaption>
            <SetBy isInForce={isAsDesired} desired={desired} />
          </figcaption>
          <pre>{documentText(desired.document)}</pre>
        </figure>
      )}
      {reported && !isAsDesired && (
        <figure className="document">
          <figcaption>
            <Reported reported={reported} />
          </figcaption>
          {reported.document ? (
            <pre>{documentText(reported.document)}</pre>
          ) : (
            <p className="muted">
              <Trans>
                This server never set it. SHA-256 <Digest value={reported.digest} />
              </Trans>
            </p>
          )}
        </figure>
      )}
    </>
  );
}

type DesiredOne = NonNullable<Configuration["desired"]>;
type ReportedOne = NonNullable<Configuration["reported"]>;

const SetBy = ({
  isInForce,
  desired: { number, by, since },
}: {
  isInForce: boolean;
  desired: DesiredOne;
}): ReactNode =>
  isInForce ? (
    <Trans>
      In force: number {number}, set by <bdi>{by}</bdi> <TimeAgo at={since} />
    </Trans>
  ) : (
    <Trans>
      Desired: number {number}, set by <bdi>{by}</bdi> <TimeAgo at={since} />
    </Trans>
  );

const Reported = ({ reported: { number, at } }: { reported: ReportedOne }): ReactNode => (
  <Trans>
    In force on the device: number {number}, since <TimeAgo at={at} />
  </Trans>
);

function Refused({ refused }: { refused: ConfigurationRefusal }): ReactNode {
  const { appCode } = refused;
  const said = refused.text || t`nothing`;
  return (
    <div className="refusal">
      <CodeExplained coded={refused} withTodo />
      {(refused.text || appCode !== null) && (
        <p>
          {appCode === null ? (
            <Trans>
              The app says: <q>{said}</q>
            </Trans>
          ) : (
            <Trans>
              The app says: <q>{said}</q>, code {appCode}
            </Trans>
          )}
        </p>
      )}
    </div>
  );
}

const historyColumns: Column<PastConfiguration>[] = [
  { head: t`Number`, isName: true, cell: ({ number }) => number },
  {
    head: t`Set`,
    cell: ({ since, by }) => (
      <Trans>
        <TimeAgo at={since} /> by <bdi>{by}</bdi>
      </Trans>
    ),
  },
  {
    head: t`What became of it`,
    className: "col-why",
    cell: ({ sentAt, inForceAt, refused }) =>
      refused ? (
        <Refused refused={refused} />
      ) : inForceAt ? (
        <Trans>
          In force <TimeAgo at={inForceAt} />
        </Trans>
      ) : sentAt ? (
        <Trans>
          Sent <TimeAgo at={sentAt} />
        </Trans>
      ) : (
        t`Not sent`
      ),
  },
  { head: t`Document`, cell: ({ document }) => <code className="in-cell">{JSON.stringify(document)}</code> },
];

function History({ deviceId }: { deviceId: string }): ReactNode {
  return (
    <Disclosure label={t`History of its configuration`} held={false}>
      <Loaded resource={useFleet().configurationHistory(deviceId)} what={t`the history`}>
        {(configurations) => (
          <DataTable
            caption={t`What was set for this device, newest first`}
            columns={historyColumns}
            rows={configurations}
            rowKey={({ number }) => String(number)}
          />
        )}
      </Loaded>
    </Disclosure>
  );
}

interface EditorProps {
  device: Device;
  /** As it is now, also while somebody types. */
  configuration: Configuration;
  onDone: () => void;
  onClose: () => void;
}

const SetMeanwhile = ({ desired: { by, number } }: { desired: DesiredOne }): ReactNode => (
  <p role="status">
    <Trans>
      <bdi>{by}</bdi> has set number {number} since you began. Yours will take its place.
    </Trans>
  </p>
);

function Editor({ device, configuration: { desired }, onDone, onClose }: EditorProps): ReactNode {
  const [text, setText] = useState(() => documentText(desired?.document ?? {}));
  const [numberSeen] = useState(desired?.number);
  const typed = typedConfiguration(text);
  const { bytes } = typed;
  return (
    <FormDialog
      title={t`Set the configuration of ${{ id: device.id }}`}
      confirm={t`Set configuration`}
      lead={t`The configuration was not set`}
      isWrong={typed.error !== undefined}
      action={async () => {
        await setConfiguration(device.id, typed.document!);
        onDone();
      }}
      onClose={onClose}
      about={
        <>
          <p className="muted">
            {device.online ? (
              <Trans>
                It takes the place of the whole document. It is sent at once; the device’s app takes it or refuses it,
                and what was in force before stays until then.
              </Trans>
            ) : (
              <Trans>
                It takes the place of the whole document. It is sent when the device is back; the device’s app takes it
                or refuses it, and what was in force before stays until then.
              </Trans>
            )}
          </p>
          {desired !== null && desired.number !== numberSeen && <SetMeanwhile desired={desired} />}
        </>
      }
      fields={() => (
        <Field
          label={t`Document`}
          hint={bytes === undefined ? t`A JSON object.` : t`A JSON object: ${bytes} of 1024 bytes.`}
          error={typed.error}
        >
          {(ids) => (
            <textarea
              {...ids}
              rows={10}
              className="mono"
              spellCheck={false}
              autoCapitalize="none"
              autoComplete="off"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          )}
        </Field>
      )}
    />
  );
}
