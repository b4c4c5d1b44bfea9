import { type FormEvent, type ReactNode, useMemo, useRef, useState } from "react";
import {
  failureThresholdPercentDefault,
  deadlineMsDefault,
  deadlineMsMax,
  deadlineMsMin,
  rolloutNameCharactersMax,
} from "@flipside/api/limits";
import type { ProblemError } from "@flipside/api/problem";
import { fits, runsNewer } from "@flipside/api/release-fit";
import { waveProblem, waveSizes } from "@flipside/api/rollout-arithmetic";
import type { Device, Release } from "@flipside/api/types";
import { asProblem } from "../api/problem.ts";
import { createRollout } from "../api/rollouts.ts";
import { DevicePicker } from "../components/device-picker.tsx";
import { Field } from "../components/field.tsx";
import { Link } from "../components/link.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Page } from "../components/page.tsx";
import { ProblemNotice } from "../components/problem-notice.tsx";
import { initialWaves, type WaveRow, WaveEditor, waveSpecOf } from "../components/wave-editor.tsx";
import { useFleet } from "../live/hooks.ts";
import { navigate, rolloutPath } from "../router.ts";
import { count, plural } from "../words/quantities.ts";

export function NewRolloutPage({ releaseId }: { releaseId: string | null }): ReactNode {
  const fleet = useFleet();
  return (
    <Page title="New rollout" back={{ href: "/rollouts", label: "Rollouts" }}>
      <Loaded resource={fleet.releases} what="the list of releases">
        {(releases) => (
          <Loaded resource={fleet.devices} what="the list of devices">
            {(devices) =>
              releases.size === 0 ? (
                <div className="empty">
                  <h2>There is nothing to roll out yet</h2>
                  <p>
                    Upload a release on <Link href="/releases">Releases</Link> first.
                  </p>
                </div>
              ) : (
                <RolloutForm
                  releases={[...releases.values()]}
                  devices={[...devices.values()]}
                  initialReleaseId={releaseId}
                />
              )
            }
          </Loaded>
        )}
      </Loaded>
    </Page>
  );
}

const deadlineUnits = { minutes: 60_000, hours: 3_600_000, days: 86_400_000 } as const;
type DeadlineUnit = keyof typeof deadlineUnits;

function RolloutForm({
  releases,
  devices,
  initialReleaseId,
}: {
  releases: Release[];
  devices: Device[];
  initialReleaseId: string | null;
}): ReactNode {
  const newestFirst = useMemo(
    () => [...releases].sort((one, two) => two.uploadedAt.localeCompare(one.uploadedAt)),
    [releases],
  );
  const [chosenId, setChosenId] = useState(
    () => newestFirst.find((release) => release.id === initialReleaseId)?.id ?? newestFirst[0]!.id,
  );
  const release = newestFirst.find((each) => each.id === chosenId) ?? newestFirst[0]!;
  const [typedName, setTypedName] = useState<string>();
  const name = typedName ?? `${release.product} ${release.version}`;
  const [target, setTarget] = useState<"all" | "picked">("all");
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const [waves, setWaves] = useState<WaveRow[]>(initialWaves);
  const [deadline, setDeadline] = useState(String(deadlineMsDefault / deadlineUnits.days));
  const [deadlineUnit, setDeadlineUnit] = useState<DeadlineUnit>("days");
  const [threshold, setThreshold] = useState(String(failureThresholdPercentDefault));
  const [allowOlder, setAllowOlder] = useState(false);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();
  const form = useRef<HTMLFormElement>(null);

  const fitting = useMemo(() => devices.filter((device) => fits(release, device)), [devices, release]);
  const pickedFitting = fitting.filter((device) => picked.has(device.id));
  const total = target === "all" ? fitting.length : pickedFitting.length;
  // Devices of the product whose hardware the release has no image for.
  const unfit =
    devices.filter((device) => !device.revoked && device.product === release.product).length - fitting.length;

  const deadlineMs = Math.round(Number(deadline) * deadlineUnits[deadlineUnit]);
  const newer = (target === "all" ? fitting : pickedFitting).filter((device) =>
    runsNewer(device.running, release),
  ).length;

  const errors = {
    name: name.trim() === "" ? "Give the rollout a name." : undefined,
    target:
      total > 0
        ? undefined
        : target === "all"
          ? "No enrolled device fits this release. Choose another release."
          : "Pick at least one device.",
    waves: waves
      .map(waveSpecOf)
      .map(waveProblem)
      .find((each) => each !== undefined),
    deadline:
      deadlineMs >= deadlineMsMin && deadlineMs <= deadlineMsMax
        ? undefined
        : `Give a time above 0, up to ${deadlineMsMax / deadlineUnits.days} days.`,
    threshold:
      threshold !== "" && Number(threshold) >= 0 && Number(threshold) <= 100
        ? undefined
        : "Give a percentage from 0 to 100.",
  };

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    setTried(true);
    setProblem(undefined);
    if (Object.values(errors).some((error) => error !== undefined)) {
      // After React has drawn the errors, so that the first of them can be found and heard.
      requestAnimationFrame(() =>
        form.current?.querySelector<HTMLElement>("[aria-invalid=true], [data-invalid=true] input")?.focus(),
      );
      return;
    }
    setBusy(true);
    try {
      const rollout = await createRollout({
        name: name.trim(),
        releaseId: release.id,
        // "All" is all of the product to the server: where some don't fit, the ones that do are named.
        target:
          target === "all" && unfit === 0
            ? { all: true }
            : { deviceIds: (target === "all" ? fitting : pickedFitting).map((device) => device.id) },
        waves: waves.map(waveSpecOf),
        deadlineMs,
        failureThresholdPercent: Number(threshold),
        ...(allowOlder ? { allowOlder: true } : {}),
      });
      navigate(rolloutPath(rollout.id));
    } catch (thrown) {
      setProblem(asProblem(thrown));
      setBusy(false);
    }
  };

  return (
    <form ref={form} className="rollout-form" noValidate onSubmit={(event) => void submit(event)}>
      <fieldset className="panel">
        <legend>What</legend>
        <Field
          label="Release"
          hint={`Fits ${release.images.map((image) => image.hardware).join(", ")}. Release sequence ${release.releaseSequence}.`}
        >
          {(ids) => (
            <select {...ids} value={release.id} onChange={(event) => setChosenId(event.target.value)}>
              {newestFirst.map((each) => (
                <option key={each.id} value={each.id}>
                  {each.product} {each.version}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label="Name" error={tried ? errors.name : undefined}>
          {(ids) => (
            <input
              {...ids}
              value={name}
              maxLength={rolloutNameCharactersMax}
              onChange={(event) => setTypedName(event.target.value)}
            />
          )}
        </Field>
      </fieldset>

      <fieldset className="panel" data-invalid={tried && errors.target !== undefined}>
        <legend>Which devices</legend>
        <div className="choices">
          <label className="choice">
            <input type="radio" name="target" checked={target === "all"} onChange={() => setTarget("all")} />
            <span>
              All devices that the release fits <span className="muted">({count(fitting.length)})</span>
            </span>
          </label>
          <label className="choice">
            <input type="radio" name="target" checked={target === "picked"} onChange={() => setTarget("picked")} />
            <span>
              Picked devices
              {target === "picked" && <span className="muted"> ({count(pickedFitting.length)} picked)</span>}
            </span>
          </label>
        </div>
        {target === "all" && unfit > 0 && (
          <p className="hint">
            {plural(unfit, "device")} of this product {unfit === 1 ? "has" : "have"} hardware that the release has no
            image for, and {unfit === 1 ? "is" : "are"} left out.
          </p>
        )}
        {target === "picked" && <DevicePicker devices={fitting} picked={picked} onPick={setPicked} />}
        {newer > 0 && !allowOlder && (
          <p className="hint">
            {plural(newer, "device")} {newer === 1 ? "runs" : "run"} a newer release. Leave{" "}
            {newer === 1 ? "it" : "them"} out, or allow going back under Limits.
          </p>
        )}
        {tried && errors.target && (
          <p className="field-error" role="alert">
            {errors.target}
          </p>
        )}
      </fieldset>

      <fieldset className="panel">
        <legend>Waves</legend>
        <p className="hint">The next wave starts when the one before has finished and not too many of it failed.</p>
        <WaveEditor rows={waves} onChange={setWaves} total={total} showErrors={tried} />
      </fieldset>

      <fieldset className="panel">
        <legend>Limits</legend>
        <div className="pair">
          <Field
            label="Time each device may take"
            hint="From the start of its wave to the offer, and again from there to the end. After that it counts as timed out."
            error={tried ? errors.deadline : undefined}
          >
            {(ids) => (
              <div className="joined">
                <input
                  {...ids}
                  type="number"
                  inputMode="decimal"
                  min="0"
                  step="any"
                  value={deadline}
                  onChange={(event) => setDeadline(event.target.value)}
                />
                <select
                  aria-label="Unit of the time"
                  value={deadlineUnit}
                  onChange={(event) => setDeadlineUnit(event.target.value as DeadlineUnit)}
                >
                  {Object.keys(deadlineUnits).map((unit) => (
                    <option key={unit}>{unit}</option>
                  ))}
                </select>
              </div>
            )}
          </Field>
          <Field
            label="Pause when more than this part fails"
            hint="Of a wave’s finished devices, in percent. 0 pauses at the first failure."
            error={tried ? errors.threshold : undefined}
          >
            {(ids) => (
              <div className="joined">
                <input
                  {...ids}
                  type="number"
                  inputMode="numeric"
                  min="0"
                  max="100"
                  value={threshold}
                  onChange={(event) => setThreshold(event.target.value)}
                />
                <span className="unit">%</span>
              </div>
            )}
          </Field>
        </div>
        <label className="choice">
          <input type="checkbox" checked={allowOlder} onChange={(event) => setAllowOlder(event.target.checked)} />
          <span>
            Offer it also to devices that run a newer release
            <span className="hint">Each of them still refuses it without a permit signed by a release key.</span>
          </span>
        </label>
      </fieldset>

      <section className="form-summary panel" aria-labelledby="summary-heading">
        <h2 id="summary-heading">Summary</h2>
        <div role="status">
          <dl className="summary">
            <div>
              <dt>Release</dt>
              <dd>
                <bdi>{release.product}</bdi> <bdi>{release.version}</bdi>
              </dd>
            </div>
            <div>
              <dt>Devices</dt>
              <dd>{total > 0 ? plural(total, "device") : "none chosen yet"}</dd>
            </div>
            <div>
              <dt>Waves</dt>
              <dd>
                {errors.waves || total === 0
                  ? "not complete yet"
                  : waveSizes(waves.map(waveSpecOf), total).map(count).join(", then ")}
              </dd>
            </div>
            <div>
              <dt>Pauses by itself</dt>
              <dd>
                {errors.threshold
                  ? "not complete yet"
                  : Number(threshold) === 0
                    ? "at the first failure"
                    : `above ${threshold} % failures`}
              </dd>
            </div>
          </dl>
        </div>
        {problem && <ProblemNotice problem={problem} lead="The rollout was not created" />}
        <div className="actions">
          <button type="submit" className="button primary" aria-disabled={busy}>
            {busy ? "Creating…" : "Start rollout"}
          </button>
          <Link className="button" href="/rollouts">
            Discard
          </Link>
        </div>
      </section>
    </form>
  );
}
