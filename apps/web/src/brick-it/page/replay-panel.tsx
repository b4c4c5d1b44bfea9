// A case of the power-cut campaign, by the id that the campaign prints.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { Field } from "../../components/field.tsx";
import { Icon } from "../../components/icon.tsx";
import { newWorker } from "../../trusted-worker.ts";
import type { ReplayAnswer, ReplayRequest } from "../replay/replay-worker.ts";
import replayWorker from "../replay/replay-worker.ts?worker&url";
import { seedOf, SEED_WORDS } from "./typed-seed.ts";

const examples: [id: string, what: string][] = [
  ["first-update/14.prefix.1", t`A chunk, written by half`],
  ["first-update/3.marginal.0~fading/2.subset.1", t`A seal that fades, and a second cut`],
  ["first-update/12.cleared.0", t`An erase that got as far as clearing`],
];

const outcomeWords: Record<string, string> = {
  confirmed: t`confirmed`,
  "rolled-back": t`rolled-back`,
  failed: t`failed`,
  rejected: t`rejected`,
};

type State = { kind: "idle" } | { kind: "busy" } | ReplayAnswer;

export function ReplayPanel(): ReactNode {
  const [caseId, setCaseId] = useState(examples[1]![0]);
  const [seedText, setSeedText] = useState("1");
  const [state, setState] = useState<State>({ kind: "idle" });
  const worker = useRef<Worker>(undefined);
  useEffect(() => () => worker.current?.terminate(), []);
  const seed = seedOf(seedText);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (state.kind === "busy" || seed === undefined) return;
    setState({ kind: "busy" });
    if (!worker.current) {
      worker.current = newWorker(replayWorker);
      worker.current.onmessage = ({ data }: MessageEvent<ReplayAnswer>) => setState(data);
      worker.current.onerror = ({ message }) => setState({ kind: "refused", why: message || t`its worker has ended` });
    }
    const request: ReplayRequest = { base: new URL("./", document.baseURI).href, caseId: caseId.trim(), seed };
    worker.current.postMessage(request);
  };

  return (
    <section className="panel replay" aria-labelledby="replay-title">
      <h2 id="replay-title">{t`Replay a case of the campaign`}</h2>
      <p className="hint">
        <Trans>
          The power-cut campaign plays millions of cuts, and names each by a case: the story, the operation, what was
          left of it, how unstable bits read. The same case runs here as it does there.
        </Trans>
      </p>
      <form onSubmit={submit}>
        <Field label={t`Case`}>
          {(ids) => (
            <input
              {...ids}
              className="mono"
              spellCheck={false}
              autoCapitalize="none"
              value={caseId}
              onChange={(event) => setCaseId(event.target.value)}
            />
          )}
        </Field>
        <Field label={t`Seed of the campaign`} error={seed === undefined ? SEED_WORDS : undefined}>
          {(ids) => (
            <input
              {...ids}
              inputMode="numeric"
              value={seedText}
              onChange={(event) => setSeedText(event.target.value)}
            />
          )}
        </Field>
        <button type="submit" className="button" aria-disabled={state.kind === "busy" || seed === undefined}>
          <Icon name="play" /> {t`Replay`}
        </button>
      </form>
      <ul className="examples" role="list" aria-label={t`Examples`}>
        {examples.map(([id, what]) => (
          <li key={id}>
            <button type="button" className="button small quiet" onClick={() => setCaseId(id)}>
              {what}
            </button>
          </li>
        ))}
      </ul>
      <Verdict state={state} />
    </section>
  );
}

function verdictOn({ violations, outcome }: Extract<ReplayAnswer, { kind: "replayed" }>): string {
  const [state = "", code] = outcome?.split(" ") ?? [];
  const known = outcome === undefined ? t`checked in` : (outcomeWords[state] ?? state);
  const end = code === undefined ? known : `${known} ${code}`;
  const violated = violations.join("; ");
  return violations.length === 0 ? t`All invariants hold; it ends as: ${end}.` : t`Violated: ${violated}`;
}

function Verdict({ state }: { state: State }): ReactNode {
  return (
    <>
      <p role="status">
        {state.kind === "busy" && t`Playing all stories once, and then the case…`}
        {state.kind === "replayed" && verdictOn(state)}
      </p>
      {state.kind === "refused" && (
        <div className="notice tone-bad" role="alert">
          <Icon name="alert" />
          <div className="notice-body">
            <p className="notice-title">{t`This case can't be replayed`}</p>
            <p>{state.why}</p>
          </div>
        </div>
      )}
      {state.kind === "replayed" && (
        <>
          <p className="hint">{state.story}</p>
          <section aria-label={t`What happened in this case`}>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
            <pre className="console-lines" tabIndex={0}>
              {state.lines.join("\n")}
            </pre>
          </section>
        </>
      )}
    </>
  );
}
