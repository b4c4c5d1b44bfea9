// The fleet that this page came from, if any: why its device can't join it, or how it does, and how it stands there.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type FormEvent, type ReactNode, useCallback, useEffect, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import type { Claim } from "@flipside/api/types";
import { asProblem } from "../../api/problem.ts";
import { parseClaims } from "../../claims.ts";
import { Refused, refusalFor } from "../../components/act.tsx";
import { Field } from "../../components/field.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { devicePath } from "../../router.ts";
import type { JoiningDevice } from "../joining-device.ts";
import { type Around, lookAround } from "./fleet-around.ts";
import { ConsoleLink } from "./console-link.tsx";
import { prepareJoining } from "./prepare-joining.ts";

function useAround(): { around: Around; look: () => void } {
  const [around, setAround] = useState<Around>({ kind: "looking" });
  const look = useCallback(() => void lookAround().then(setAround), []);
  useEffect(() => {
    look();
    // Who has signed in meanwhile, in another tab, finds it so.
    window.addEventListener("focus", look);
    return () => window.removeEventListener("focus", look);
  }, [look]);
  return { around, look };
}

/** Why the device can't join, and what to do. */
const reasons: Record<Exclude<Around["kind"], "fleet" | "fault">, ReactNode> = {
  looking: t`Looking for a fleet manager…`,
  "no-server": (
    <Trans>
      This copy of the page lies on a server for files, so there is no fleet to join. Start the fleet manager (
      <code>npm start</code>) and open the page there: then this device can join a real fleet and take a real rollout.
    </Trans>
  ),
  "no-port": (
    <Trans>
      This page came from a fleet manager at which no device can connect from a browser. Start it with{" "}
      <code>--mqtt-websocket-port</code>, and load this page again.
    </Trans>
  ),
  insecure: (
    <Trans>
      To join, the browser has to do cryptography, which it does for pages from https or from localhost alone. Open this
      page so.
    </Trans>
  ),
  "signed-out": (
    <Trans>
      This page came from a fleet manager, and its device can join that fleet, once somebody is signed in.{" "}
      <ConsoleLink href="../">Sign in at the console</ConsoleLink>, and come back.
    </Trans>
  ),
  "one-time-password": (
    <Trans>
      You still have your one-time password. <ConsoleLink href="../">Choose your own at the console</ConsoleLink>, and
      come back.
    </Trans>
  ),
  "no-image": (
    <Trans>
      The fleet has no release for this hardware (virtual-node, revision 1) that fits into a slot of 128 KiB, so no
      factory could make this device. <ConsoleLink href="../releases">Upload one in the console</ConsoleLink>, and come
      back.
    </Trans>
  ),
};

interface JoinProps {
  /** Of a device that was in a fleet before it left this tab. */
  left: string | undefined;
  join: (joining: JoiningDevice) => void;
}

export function JoinPanel({ left, join }: JoinProps): ReactNode {
  const { around, look } = useAround();
  return (
    <section className="panel join" aria-labelledby="join-title">
      <h2 id="join-title">{t`Join this fleet`}</h2>
      {left !== undefined && (
        <p role="status">
          <Trans>
            <bdi>{left}</bdi> has left this tab, with its keys. The fleet keeps it as away, until somebody{" "}
            <ConsoleLink href={devicePath(left)}>deletes it there</ConsoleLink>.
          </Trans>
        </p>
      )}
      {around.kind === "fleet" && <JoinForm fleet={around} join={join} />}
      {around.kind === "fault" && (
        <ProblemNotice problem={around.problem} lead={t`The fleet can't be looked at`} onRetry={look} />
      )}
      {around.kind !== "fleet" && around.kind !== "fault" && <p className="hint">{reasons[around.kind]}</p>}
    </section>
  );
}

const scopeRefusal = t`You see a part of the fleet, and a claim is of the whole one. Ask somebody who sees all of it for a claim.`;

function JoinForm({
  fleet: { user, port, images },
  join,
}: {
  fleet: Extract<Around, { kind: "fleet" }>;
  join: (joining: JoiningDevice) => void;
}): ReactNode {
  // With the newest there would be nothing to update it to.
  const [chosen, setChosen] = useState(() => images[Math.min(1, images.length - 1)]!.image.digest);
  const [pasted, setPasted] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();
  const refusal = user.scope === null ? refusalFor(user, "devices:enrol") : scopeRefusal;
  const { claims, errors } = parseClaims(pasted);
  const claim = claims.length === 1 && errors.length === 0 ? claims[0] : undefined;
  const wrong = pasted.trim() === "" || claim ? undefined : (errors[0] ?? t`One claim: this is one device.`);

  async function begin(given: Claim | undefined): Promise<void> {
    if (isBusy) return;
    setIsBusy(true);
    setProblem(undefined);
    try {
      const first = images.find(({ image }) => image.digest === chosen) ?? images[0]!;
      join(await prepareJoining(first, port, given));
    } catch (thrown) {
      setProblem(asProblem(thrown));
      setIsBusy(false);
    }
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (claim) void begin(claim);
  };

  return (
    <>
      <p className="hint">
        <Trans>
          This page came from a fleet manager. Its device can enrol there and take real rollouts, and its power can
          still be pulled.
        </Trans>
      </p>
      <Field label={t`Leaves the factory with`} hint={t`A release of the fleet, and the fleet’s trust record.`}>
        {(ids) => (
          <select {...ids} value={chosen} onChange={(event) => setChosen(event.target.value)}>
            {images.map(({ release, image }) => (
              <option key={image.digest} value={image.digest}>
                {release.product} {release.version}
              </option>
            ))}
          </select>
        )}
      </Field>
      {problem && <ProblemNotice problem={problem} lead={t`The device could not join`} />}
      {refusal === undefined ? (
        <button
          type="button"
          className="button primary wide"
          aria-disabled={isBusy}
          onClick={() => void begin(undefined)}
        >
          {isBusy ? t`Making the device…` : t`Make a claim and join`}
        </button>
      ) : (
        <>
          <Refused why={refusal} className="button primary wide">
            {t`Make a claim and join`}
          </Refused>
          <p className="hint">{refusal}</p>
        </>
      )}
      <details className="join-by-claim" open={refusal !== undefined}>
        <summary>{t`Join by a claim that was made before`}</summary>
        <form onSubmit={submit}>
          <Field
            label={t`Claim`}
            hint={t`The device’s id and its claim secret, as they were given to you.`}
            error={wrong}
          >
            {(ids) => (
              <input
                {...ids}
                value={pasted}
                autoComplete="off"
                spellCheck={false}
                onChange={(event) => setPasted(event.target.value)}
              />
            )}
          </Field>
          <button type="submit" className="button" aria-disabled={claim === undefined || isBusy}>
            {t`Join by this claim`}
          </button>
        </form>
      </details>
    </>
  );
}
