// A whole device in this tab, and somebody who pulls its power.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { Icon } from "../../components/icon.tsx";
import { Logo } from "../../components/logo.tsx";
import { count } from "../../words/quantities.ts";
import type { JoiningDevice } from "../joining-device.ts";
import type { Counters, Snapshot, TimelineEntry } from "../snapshot.ts";
import { AutoControls, DamageControls, PowerButton, SpeedControl, TearControls, UpdateControls } from "./controls.tsx";
import { type Shown, useDeviceStore, useFailure, useShown } from "./device-store.ts";
import { FlashView } from "./flash-view.tsx";
import { JoinPanel } from "./join-panel.tsx";
import { JoinedPanel } from "./joined-panel.tsx";
import { ReplayPanel } from "./replay-panel.tsx";
import { stateInWords } from "./state-words.ts";

const FIRST_SEED = 1;
/** The console links here so, and is linked back to. */
const cameFromConsole = (): boolean => new URLSearchParams(window.location.search).has("console");

function Header(): ReactNode {
  return (
    <header className="app-header">
      <div className="app-header-row">
        <span className="brand">
          <Logo />
          <span>Flipside</span>
        </span>
        {cameFromConsole() && (
          <div className="app-header-end">
            <a href="../">{t`To the console`}</a>
          </div>
        )}
      </div>
    </header>
  );
}

function Score({ counters }: { counters: Counters }): ReactNode {
  const { powerCuts, bricked, confirmed, rolledBack, refused, operations, violations } = counters;
  const rows: [value: number, label: string, tone?: string][] = [
    [powerCuts, t`power cuts`],
    [bricked, t`bricked`, bricked > 0 ? "is-bad" : "is-good"],
    [violations.length, t`broken promises`, violations.length > 0 ? "is-bad" : "is-good"],
    [confirmed, t`updates confirmed`],
    [rolledBack, t`gone back by itself`],
    [refused, t`updates refused`],
    [operations, t`operations of flash`],
  ];
  return (
    <dl className="score" aria-label={t`Score`}>
      {rows.map(([value, label, tone = ""]) => (
        <div key={label} className={tone}>
          <dt>{label}</dt>
          <dd>{count(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

const whoSays: Record<TimelineEntry["who"], string> = {
  power: t`Power`,
  loader: t`Loader`,
  device: t`Device`,
  server: t`Server`,
  hand: t`You`,
  judge: t`Judge`,
};

function inSeconds(ms: number): string {
  const seconds = (ms / 1000).toFixed(2);
  return t`${seconds} s`;
}

function Timeline({ entries }: { entries: readonly TimelineEntry[] }): ReactNode {
  return (
    <section className="panel timeline-panel" aria-labelledby="timeline-title">
      <h2 id="timeline-title">{t`What happened, and why`}</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <ol className="timeline" reversed tabIndex={0} aria-labelledby="timeline-title">
        {entries.map(({ number, atMs, who, tone, text }) => (
          <li key={number} className={`tone-${tone} who-${who}`}>
            <span className="timeline-who">{whoSays[who]}</span>
            <span className="timeline-text">{text}</span>
            <span className="timeline-at">{inSeconds(atMs)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function ConsoleLines({ lines }: { lines: readonly string[] }): ReactNode {
  const end = useRef<HTMLPreElement>(null);
  // Follows what is said, unless somebody has scrolled away from it.
  const isFollowing = useRef(true);
  useEffect(() => {
    const box = end.current;
    if (box && isFollowing.current && lines.length > 0) box.scrollTop = box.scrollHeight;
  }, [lines]);
  return (
    <section className="panel console-panel" aria-labelledby="console-title">
      <h2 id="console-title">{t`Its console`}</h2>
      <pre
        ref={end}
        className="console-lines"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
        tabIndex={0}
        onScroll={({ currentTarget: box }) =>
          (isFollowing.current = box.scrollHeight - box.scrollTop - box.clientHeight < 24)
        }
      >
        {lines.length === 0 ? t`It has said nothing yet.` : lines.join("\n")}
      </pre>
    </section>
  );
}

const promises = [
  t`No image runs that the verifier refuses, that is below the floor, or that is for other hardware.`,
  t`While a confirmed image reads back intact, one boots; else recovery runs. Never a silent loop.`,
  t`When power stays, an update is confirmed or rolled back, and says which.`,
  t`What runs is never erased or written over.`,
  t`The security floor never falls.`,
  t`The server never believes an update before the new image has proved it.`,
];

function Judge({ snapshot }: { snapshot: Snapshot }): ReactNode {
  const { counters, isVouchedFor } = snapshot;
  return (
    <section className="panel judge" aria-labelledby="judge-title">
      <h2 id="judge-title">{t`What the judge looks at`}</h2>
      <p className="hint">
        <Trans>
          The judge of the power-cut campaign reads the flash by a parser of its own, at every start, at every operation
          and after every cut. Both counters above are its verdict.
        </Trans>
      </p>
      <ol className="promises">
        {promises.map((promise, i) => {
          const broken = counters.violations.filter((text) => text.startsWith(`invariant ${i + 1}:`));
          return (
            <li key={promise} className={broken.length > 0 ? "tone-bad" : "tone-ok"}>
              <Icon name={broken.length > 0 ? "cross" : "check"} />
              <span>
                {promise}
                {broken.slice(0, 3).map((text) => (
                  <strong key={text}> {text}</strong>
                ))}
              </span>
            </li>
          );
        })}
      </ol>
      {!isVouchedFor && (
        <p className="notice tone-warn">
          <Icon name="alert" />
          <span>
            <Trans>
              More than one sector of this device was damaged by hand. The campaign vouches for one at a time, so
              nothing is counted of this device any more. It may still come back; begin with a new one to have it
              judged.
            </Trans>
          </span>
        </p>
      )}
    </section>
  );
}

/** Which fleet the device is in. */
interface Membership {
  /** Undefined: none but the server in the tab. */
  joined: JoiningDevice | undefined;
  /** The last one that has left this tab. */
  left: string | undefined;
  join: (joining: JoiningDevice) => void;
  leave: () => void;
}

function useMembership(): Membership {
  const [joined, setJoined] = useState<JoiningDevice>();
  const [left, setLeft] = useState<string>();
  return {
    joined,
    left,
    join: setJoined,
    leave() {
      setLeft(joined?.deviceId);
      setJoined(undefined);
    },
  };
}

interface DeviceProps {
  shown: Shown;
  store: NonNullable<ReturnType<typeof useDeviceStore>>;
  membership: Membership;
}

function Device({ shown, store, membership }: DeviceProps): ReactNode {
  const { snapshot, timeline, console: lines } = shown;
  const { joined, left, join, leave } = membership;
  const give = (order: Parameters<typeof store.order>[0]): void => store.order(order);
  // What changes by itself several times a second is looked at, not read aloud.
  const live = snapshot.isAuto ? "off" : "polite";
  const decided = timeline.find(({ isDecision }) => isDecision)?.text ?? t`none yet.`;
  return (
    <>
      <Score counters={snapshot.counters} />
      <div className={`state-line phase-${snapshot.phase}`}>
        <span className="lamp" aria-hidden="true" />
        <p role="status" aria-live={live}>
          {stateInWords(snapshot)}
        </p>
        <SpeedControl give={give} />
        <PowerButton snapshot={snapshot} give={give} />
      </div>
      <div className="bench">
        <FlashView store={store} snapshot={snapshot} />
        <div className="bench-side">
          {joined && snapshot.fleet ? (
            <JoinedPanel deviceId={joined.deviceId} snapshot={snapshot} leave={leave} />
          ) : (
            <UpdateControls snapshot={snapshot} give={give} />
          )}
          <TearControls snapshot={snapshot} give={give} />
          {!joined && <AutoControls snapshot={snapshot} give={give} />}
          <DamageControls snapshot={snapshot} give={give} />
          {!joined && <JoinPanel left={left} join={join} />}
        </div>
        <div className="bench-log">
          <p className="loader-said" role="status" aria-live={live}>
            <Trans>
              <strong>The loader&apos;s last decision:</strong> {decided}
            </Trans>
          </p>
          <Timeline entries={timeline} />
          <ConsoleLines lines={lines} />
          <Judge snapshot={snapshot} />
          <ReplayPanel />
        </div>
      </div>
    </>
  );
}

export function BrickItPage(): ReactNode {
  const membership = useMembership();
  const store = useDeviceStore(FIRST_SEED, membership.joined);
  const shown = useShown(store);
  const failure = useFailure(store);
  return (
    <>
      <a className="skip" href="#main">
        {t`Skip to content`}
      </a>
      <Header />
      <main className="page brick-it" id="main">
        <div className="page-head-text">
          <h1>{t`Try to brick it`}</h1>
          <p className="page-summary">
            <Trans>
              A whole device runs in this tab: the boot loader, the agent and the app that ship, as WebAssembly, on
              simulated flash, with a server to talk to. Update it, and pull its power whenever you like. It comes back.
            </Trans>
          </p>
        </div>
        {failure !== undefined && (
          <div className="notice tone-bad" role="alert">
            <Icon name="alert" />
            <div className="notice-body">
              <p className="notice-title">{t`The device could not be started, or its worker has ended`}</p>
              <p>{failure}</p>
              <p>
                <Trans>
                  Load the page again. It needs a browser with WebAssembly and module workers, from 2023 or later.
                </Trans>
              </p>
            </div>
          </div>
        )}
        {store && shown ? (
          <Device shown={shown} store={store} membership={membership} />
        ) : (
          failure === undefined && (
            <p className="loading" role="status">
              {t`Making a device…`}
            </p>
          )
        )}
      </main>
    </>
  );
}
