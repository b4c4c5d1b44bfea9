import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useMemo, useState } from "react";
import type { CollectedLog, Command } from "@flipside/api/types";
import { getCollectedLog } from "../api/commands.ts";
import { Resource } from "../live/resource.ts";
import { Dialog } from "./dialog.tsx";
import { Icon } from "./icon.tsx";
import { Loaded } from "./loaded.tsx";
import { TimeAgo } from "./time-ago.tsx";

/** Shows what a command has collected. */
export function CollectedLogButton({ command }: { command: Command }): ReactNode {
  const [isShown, setShown] = useState(false);
  return (
    <>
      <button type="button" className="button small" onClick={() => setShown(true)}>
        <Icon name="box" /> <Trans>Show log</Trans>
      </button>
      {isShown && <CollectedLogDialog command={command} onClose={() => setShown(false)} />}
    </>
  );
}

function CollectedLogDialog({ command, onClose }: { command: Command; onClose: () => void }): ReactNode {
  const { deviceId, id } = command;
  // It does not change any more.
  const resource = useMemo(
    () => new Resource<CollectedLog>({ load: () => getCollectedLog(deviceId, id), apply: (log) => log }),
    [deviceId, id],
  );
  return (
    <Dialog title={t`What ${deviceId} has said`} onClose={onClose}>
      <Loaded resource={resource} what={t`the log`}>
        {({ text, collectedAt }) => (
          <figure className="document">
            <figcaption>
              <Trans>
                Its console, collected <TimeAgo at={collectedAt} />; the newest line last
              </Trans>
            </figcaption>
            {text === "" ? (
              <p className="muted">
                <Trans>The console has said nothing.</Trans>
              </p>
            ) : (
              // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard
              <pre tabIndex={0}>{text}</pre>
            )}
          </figure>
        )}
      </Loaded>
      <div className="actions dialog-actions">
        <button type="button" className="button" onClick={onClose}>
          <Trans>Close</Trans>
        </button>
      </div>
    </Dialog>
  );
}
