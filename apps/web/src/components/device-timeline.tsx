// What happened to a device, the newest first, in exact times: starts with their reasons, sessions, crashes, updates,
// commands, and what people did. Put together from its log, its deployments and its commands.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import type { Command, Deployment, DeviceDetail, DeviceLogEntry } from "@flipside/api/types";
import { useFleet, useResource } from "../live/hooks.ts";
import { rolloutPath, useParam } from "../router.ts";
import { commandKindWords, commandWords, deploymentWords, wordsOf } from "../words/state-words.ts";
import { CodeExplained } from "./deployment-progress.tsx";
import { Link } from "./link.tsx";
import { StateBadge } from "./state-badge.tsx";
import { TimeAt } from "./time-ago.tsx";

export type EntryKind = "starts" | "sessions" | "updates" | "commands" | "other";

export interface TimelineEntry {
  at: string;
  kind: EntryKind;
  /** In one word. */
  label: string;
  detail: ReactNode;
}

const kindWords: Record<EntryKind, string> = {
  starts: t`Starts and crashes`,
  sessions: t`Sessions`,
  updates: t`Updates`,
  commands: t`Commands`,
  other: t`Other`,
};

const kindOfLog: Record<string, EntryKind> = {
  ...{ boot: "starts", crash: "starts", trap: "starts", watchdog: "starts", "boot-control": "starts" },
  ...{ session: "sessions", "refused-connection": "sessions", enrolment: "sessions" },
};

/** In one word, as the server's log has them. */
const logWords: Record<string, string> = {
  enrolment: t`enrolment`,
  session: t`session`,
  "refused-message": t`refused-message`,
  "refused-connection": t`refused-connection`,
  boot: t`boot`,
  "boot-control": t`boot-control`,
  configuration: t`configuration`,
  crash: t`crash`,
  revoked: t`revoked`,
  replaced: t`replaced`,
  trust: t`trust`,
  entropy: t`entropy`,
  metrics: t`metrics`,
  tags: t`tags`,
  identity: t`identity`,
};

/** Deployments and commands tell more of themselves than the log does. */
const toldElsewhere = new Set(["command", "deployment"]);

const ofLog = ({ at, kind, detail }: DeviceLogEntry): TimelineEntry[] =>
  toldElsewhere.has(kind) ? [] : [{ at, kind: kindOfLog[kind] ?? "other", label: logWords[kind] ?? kind, detail }];

function ofDeployment(deployment: Deployment): TimelineEntry[] {
  const { createdAt, finishedAt, rolloutId, rolloutName, version, state, attempt } = deployment;
  const rollout =
    attempt > 1 ? (
      <Trans>
        <bdi>{version}</bdi> by <Link href={rolloutPath(rolloutId)}>{rolloutName}</Link>, attempt {attempt}
      </Trans>
    ) : (
      <Trans>
        <bdi>{version}</bdi> by <Link href={rolloutPath(rolloutId)}>{rolloutName}</Link>
      </Trans>
    );
  const begun: TimelineEntry = {
    at: createdAt,
    kind: "updates",
    label: t`update`,
    detail: <Trans>Meant to get {rollout}</Trans>,
  };
  if (finishedAt === null) return [begun];
  const ended = (
    <>
      <StateBadge words={wordsOf(deploymentWords, state)} /> {rollout} <CodeExplained coded={deployment} />
    </>
  );
  return [begun, { at: finishedAt, kind: "updates", label: t`update`, detail: ended }];
}

function ofCommand(command: Command): TimelineEntry[] {
  const what = commandKindWords[command.kind] ?? command.kind;
  const given: TimelineEntry = {
    at: command.createdAt,
    kind: "commands",
    label: t`command`,
    detail: t`${what}: given by ${{ who: command.createdBy }}`,
  };
  if (command.finishedAt === null) return [given];
  const ended = (
    <>
      <StateBadge words={wordsOf(commandWords, command.state)} /> {what} <CodeExplained coded={command} />
    </>
  );
  return [given, { at: command.finishedAt, kind: "commands", label: t`command`, detail: ended }];
}

/** The newest first; of one moment, what was said later. */
export const timelineOf = (device: DeviceDetail, commands: readonly Command[]): TimelineEntry[] =>
  [...device.log.flatMap(ofLog), ...device.deployments.flatMap(ofDeployment), ...commands.flatMap(ofCommand)].sort(
    (one, other) => Date.parse(other.at) - Date.parse(one.at),
  );

const isKind = (text: string): text is EntryKind => Object.hasOwn(kindWords, text);

export function DeviceTimeline({ device }: { device: DeviceDetail }): ReactNode {
  const [asked, setAsked] = useParam("show");
  const commands = useResource(useFleet().commands(device.id)).value ?? [];
  const all = timelineOf(device, commands);
  const shown = isKind(asked) ? all.filter(({ kind }) => kind === asked) : all;
  return (
    <section className="panel" aria-labelledby="timeline-heading">
      <div className="panel-head">
        <h2 id="timeline-heading">
          <Trans>Timeline</Trans>
        </h2>
        {/* biome-ignore lint/a11y/useSemanticElements: no form, so no fieldset */}
        <div className="chips" role="group" aria-label={t`Show of what happened`}>
          <Choice isChosen={!isKind(asked)} onChoose={() => setAsked("")}>
            <Trans>Everything</Trans>
          </Choice>
          {(Object.keys(kindWords) as EntryKind[]).map((kind) => (
            <Choice key={kind} isChosen={asked === kind} onChoose={() => setAsked(kind)}>
              {kindWords[kind]}
            </Choice>
          ))}
        </div>
      </div>
      {shown.length === 0 ? (
        <p className="muted">
          <Trans>Nothing of this kind is on record. Kept are the newest 50 entries of each device.</Trans>
        </p>
      ) : (
        <ol className="log" role="list">
          {shown.map(({ at, label, detail }, i) => (
            <li key={`${at} ${i}`}>
              <span className="log-head">
                <TimeAt at={at} /> <code>{label}</code>
              </span>
              <span className="log-detail">{typeof detail === "string" ? <bdi>{detail}</bdi> : detail}</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

const Choice = ({
  isChosen,
  onChoose,
  children,
}: {
  isChosen: boolean;
  onChoose: () => void;
  children: ReactNode;
}): ReactNode => (
  <button type="button" className="chip" aria-pressed={isChosen} onClick={onChoose}>
    {children}
  </button>
);
