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
      <h2 id="configuration-heading">Configuration</h2>
      <Loaded resource={resource} what="its configuration">
        {(configuration) => (
          <>
            {!device.revoked && (
              <div className="actions">
                <button type="button" className="button" onClick={() => setEditing(true)}>
                  <Icon name="box" /> {configuration.desired === null ? "Set configuration" : "Change configuration"}
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
            {isAsDesired ? "In force" : "Desired"}: number {desired.number}, set by <bdi>{desired.by}</bdi>{" "}
            <TimeAgo at={desired.since} />
          </figcaption>
          <pre>{documentText(desired.document)}</pre>
        </figure>
      )}
      {reported && !isAsDesired && (
        <figure className="document">
          <figcaption>
            In force on the device: number {reported.number}, since <TimeAgo at={reported.at} />
          </figcaption>
          {reported.document ? (
            <pre>{documentText(reported.document)}</pre>
          ) : (
            <p className="muted">
              This server never set it. SHA-256 <Digest value={reported.digest} />
            </p>
          )}
        </figure>
      )}
    </>
  );
}

function Refused({ refused }: { refused: ConfigurationRefusal }): ReactNode {
  return (
    <div className="refusal">
      <CodeExplained coded={refused} withTodo />
      {(refused.text || refused.appCode !== null) && (
        <p>
          The app says: <q>{refused.text || "nothing"}</q>
          {refused.appCode !== null && `, code ${refused.appCode}`}
        </p>
      )}
    </div>
  );
}

const historyColumns: Column<PastConfiguration>[] = [
  { head: "Number", isName: true, cell: ({ number }) => number },
  {
    head: "Set",
    cell: ({ since, by }) => (
      <>
        <TimeAgo at={since} /> by <bdi>{by}</bdi>
      </>
    ),
  },
  {
    head: "What became of it",
    className: "col-why",
    cell: ({ sentAt, inForceAt, refused }) =>
      refused ? (
        <Refused refused={refused} />
      ) : inForceAt ? (
        <>
          In force <TimeAgo at={inForceAt} />
        </>
      ) : sentAt ? (
        <>
          Sent <TimeAgo at={sentAt} />
        </>
      ) : (
        "Not sent"
      ),
  },
  { head: "Document", cell: ({ document }) => <code className="in-cell">{JSON.stringify(document)}</code> },
];

function History({ deviceId }: { deviceId: string }): ReactNode {
  return (
    <Disclosure label="History of its configuration" held={false}>
      <Loaded resource={useFleet().configurationHistory(deviceId)} what="the history">
        {(configurations) => (
          <DataTable
            caption="What was set for this device, newest first"
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

function Editor({ device, configuration: { desired }, onDone, onClose }: EditorProps): ReactNode {
  const [text, setText] = useState(() => documentText(desired?.document ?? {}));
  const [numberSeen] = useState(desired?.number);
  const typed = typedConfiguration(text);
  return (
    <FormDialog
      title={`Set the configuration of ${device.id}`}
      confirm="Set configuration"
      lead="The configuration was not set"
      isWrong={typed.error !== undefined}
      action={async () => {
        await setConfiguration(device.id, typed.document!);
        onDone();
      }}
      onClose={onClose}
      about={
        <>
          <p className="muted">
            It takes the place of the whole document.{" "}
            {device.online ? "It is sent at once" : "It is sent when the device is back"}; the device’s app takes it or
            refuses it, and what was in force before stays until then.
          </p>
          {desired?.number !== numberSeen && (
            <p role="status">
              <bdi>{desired?.by}</bdi> has set number {desired?.number} since you began. Yours will take its place.
            </p>
          )}
        </>
      }
      fields={() => (
        <Field
          label="Document"
          hint={typed.bytes === undefined ? "A JSON object." : `A JSON object: ${typed.bytes} of 1024 bytes.`}
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
