// The two slots of a device. A is always left and B always right, so that an update is seen to flip from one side to
// the other.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { downloadedPart } from "@flipside/api/rollout-arithmetic";
import type { Deployment, Device, SlotName } from "@flipside/api/types";
import type { SlotStateName } from "../format.ts";
import { errorWords } from "../words/error-words.ts";
import { slotWords, wordsOf } from "../words/state-words.ts";
import { ChunkMap } from "./chunk-map.tsx";
import { Digest } from "./digest.tsx";
import { Icon } from "./icon.tsx";
import { StateBadge } from "./state-badge.tsx";

interface SlotView {
  name: SlotName;
  runs: boolean;
  state: SlotStateName | undefined;
  version: string | null;
  digest: string | null;
  reasonName: string | null;
  /** The part of a new image that is being written here, 0 to 1. */
  writing: number | undefined;
  writingVersion: string | undefined;
  /** Of the image that is being written. */
  chunks: { done: number; total: number } | undefined;
}

const otherName = (name: SlotName): SlotName => (name === "a" ? "b" : "a");

/** How much of its image an active deployment has written into the idle slot; undefined while it writes nothing. */
function writingPart(deployment: Deployment | null): number | undefined {
  if (deployment?.state === "downloading") return downloadedPart(deployment);
  return deployment?.state === "verifying" ? 1 : undefined;
}

function chunksOf(deployment: Deployment | null): SlotView["chunks"] {
  if (deployment?.state === "downloading") return { done: deployment.done, total: deployment.total };
  return deployment?.state === "verifying" ? { done: deployment.total, total: deployment.total } : undefined;
}

export function slotViews(
  device: Pick<Device, "running" | "other" | "activeDeployment">,
): [SlotView, SlotView] | undefined {
  const { running, other, activeDeployment } = device;
  if (!running) return undefined;
  const writing = writingPart(activeDeployment);
  const active: SlotView = {
    name: running.slot,
    runs: true,
    state: running.state,
    version: running.version,
    digest: running.digest,
    reasonName: null,
    writing: undefined,
    writingVersion: undefined,
    chunks: undefined,
  };
  const idle: SlotView = {
    name: otherName(running.slot),
    runs: false,
    state: other?.state,
    version: other?.version ?? null,
    digest: other?.digest ?? null,
    // A confirmed image has one, too, when it gave way.
    reasonName: other !== null && other.reason !== 0 ? other.reasonName : null,
    writing,
    writingVersion: writing === undefined ? undefined : activeDeployment?.version,
    chunks: chunksOf(activeDeployment),
  };
  return running.slot === "a" ? [active, idle] : [idle, active];
}

function SlotCell({ slot }: { slot: SlotView }): ReactNode {
  const words = slot.state === undefined ? undefined : wordsOf(slotWords, slot.state);
  const writing = slot.writing !== undefined;
  return (
    <li className={`slot-cell ${slot.runs ? "runs" : ""} ${slot.state === "empty" ? "is-empty" : ""}`}>
      {writing && <div className="slot-writing" style={{ width: `${slot.writing! * 100}%` }} />}
      <span className="slot-letter">{slot.name.toUpperCase()}</span>
      <span className="slot-text">
        <span className="slot-version">
          {writing ? (
            <>
              → <bdi>{slot.writingVersion}</bdi>
            </>
          ) : slot.version ? (
            <bdi>{slot.version}</bdi>
          ) : slot.state === "empty" ? (
            "–"
          ) : (
            t`no version`
          )}
        </span>
        <span className={`slot-state tone-${writing ? "busy" : (words?.tone ?? "idle")}`}>
          <Icon name={writing ? "download" : (words?.icon ?? "question")} />
          {writing ? t`writing` : (words?.label ?? t`unknown`)}
        </span>
      </span>
      {slot.runs && (
        <span className="slot-runs">
          <Trans>runs</Trans>
        </span>
      )}
    </li>
  );
}

/** Both slots in the room of a table cell. */
export function SlotPair({ device }: { device: Device }): ReactNode {
  const slots = slotViews(device);
  if (!slots)
    return (
      <span className="muted">
        <Trans>Has not checked in yet</Trans>
      </span>
    );
  return (
    <ul className="slot-pair" aria-label={t`Slots`} role="list">
      {slots.map((slot) => (
        <SlotCell key={slot.name} slot={slot} />
      ))}
    </ul>
  );
}

const Writing = ({ version, percent }: { version: string | undefined; percent: number }): ReactNode => (
  <p className="slot-writing-text">
    <Icon name="download" />{" "}
    <Trans>
      {version} is being written here, {percent} %
    </Trans>
  </p>
);

function SlotBox({ slot }: { slot: SlotView }): ReactNode {
  const words = slot.state === undefined ? undefined : wordsOf(slotWords, slot.state);
  const letter = slot.name.toUpperCase();
  const reason = slot.reasonName ? errorWords(slot.reasonName) : undefined;
  return (
    <section
      className={`slot-box ${slot.runs ? "runs" : ""} ${slot.state === "empty" ? "is-empty" : ""}`}
      aria-label={t`Slot ${letter}`}
    >
      {slot.writing !== undefined && <div className="slot-writing" style={{ width: `${slot.writing * 100}%` }} />}
      <header>
        <span className="slot-letter">{letter}</span>
        <span className="slot-role">{slot.runs ? t`Running now` : t`Idle`}</span>
      </header>
      <p className="slot-big-version">
        {slot.version ? <bdi>{slot.version}</bdi> : slot.state === "empty" ? t`No image` : t`Version not known`}
      </p>
      {words && (
        <p>
          <StateBadge words={words} /> <span className="muted">{words.means}</span>
        </p>
      )}
      {slot.digest && (
        <p>
          <span className="muted">
            <Trans>Digest</Trans>
          </span>{" "}
          <Digest value={slot.digest} />
        </p>
      )}
      {slot.reasonName && (
        <p>
          {reason?.means ?? t`It failed for a reason that this console does not know.`} <code>{slot.reasonName}</code>
        </p>
      )}
      {slot.writing !== undefined && <Writing version={slot.writingVersion} percent={Math.floor(slot.writing * 100)} />}
      {slot.chunks && <ChunkMap {...slot.chunks} />}
    </section>
  );
}

/** Both slots with all that is known of them. */
export function SlotBoxes({ device }: { device: Device }): ReactNode {
  const slots = slotViews(device);
  if (!slots)
    return (
      <p className="muted">
        <Trans>The device has not checked in yet, so nothing is known of its slots.</Trans>
      </p>
    );
  return (
    <div className="slot-boxes">
      {slots.map((slot) => (
        <SlotBox key={slot.name} slot={slot} />
      ))}
    </div>
  );
}
