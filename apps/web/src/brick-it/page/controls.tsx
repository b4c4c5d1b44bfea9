// What somebody may do to the device.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useState } from "react";
import { type DamageableZone, damageableZones } from "../bench/damageable-zones.ts";
import { type Flavour, flavours } from "../bench/geometry.ts";
import type { Order, Snapshot, Speed, TearChoice, UpdateView } from "../snapshot.ts";
import { speeds, tears } from "../snapshot.ts";
import { flavourWords, operationWords, tearWords, zoneWords } from "../words.ts";
import { Field } from "../../components/field.tsx";
import { Icon } from "../../components/icon.tsx";
import { asSentence } from "../../words/quantities.ts";
import { seedOf, SEED_WORDS } from "./typed-seed.ts";

interface Props {
  snapshot: Snapshot;
  give: (order: Order) => void;
}

/** Always at hand. */
export function PowerButton({ snapshot, give }: Props): ReactNode {
  const { isOn, isAuto } = snapshot;
  return isOn ? (
    <button type="button" className="button danger power" onClick={() => give({ kind: "pull" })}>
      <Icon name="stop" /> {t`Pull the power`}
    </button>
  ) : (
    <button
      type="button"
      className="button primary power"
      aria-disabled={isAuto}
      onClick={() => !isAuto && give({ kind: "power-on" })}
    >
      <Icon name="play" /> {t`Power on`}
    </button>
  );
}

export function TearControls({ snapshot, give }: Props): ReactNode {
  const [operation, setOperation] = useState<keyof typeof operationWords>("any");
  const [tear, setTear] = useState<TearChoice>("drawn");
  const { isArmed, isAuto } = snapshot;
  return (
    <section className="panel" aria-labelledby="tear-title">
      <h2 id="tear-title">{t`Pull it in the middle of something`}</h2>
      <Field label={t`Pull it at the next`}>
        {(ids) => (
          <select {...ids} value={operation} onChange={(event) => setOperation(event.target.value as typeof operation)}>
            {Object.entries(operationWords).map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label={t`What is left of it`}>
        {(ids) => (
          <select {...ids} value={tear} onChange={(event) => setTear(event.target.value as TearChoice)}>
            {tears.map((value) => (
              <option key={value} value={value}>
                {tearWords[value].label}
              </option>
            ))}
          </select>
        )}
      </Field>
      {isArmed && !isAuto ? (
        <button type="button" className="button" onClick={() => give({ kind: "disarm" })}>
          {t`Let it be`}
        </button>
      ) : (
        <button
          type="button"
          className="button danger-outline"
          aria-disabled={isAuto}
          onClick={() => !isAuto && give({ kind: "pull-at-next", operation, tear })}
        >
          {t`Tear it`}
        </button>
      )}
    </section>
  );
}

const underWay = ({ version }: UpdateView): string => t`Version ${version} is under way`;
const offer = (version: string): string => t`Offer version ${version}`;

export function UpdateControls({ snapshot, give }: Props): ReactNode {
  const [flavour, setFlavour] = useState<Flavour>("healthy");
  const { update, nextVersion, isAuto } = snapshot;
  const isUnderWay = update !== undefined && !update.isOver;
  const mayOffer = !isAuto && !isUnderWay && nextVersion !== undefined;
  return (
    <section className="panel" aria-labelledby="update-title">
      <h2 id="update-title">{t`Update it`}</h2>
      <Field label={t`What is offered`} hint={asSentence(flavourWords[flavour].what)}>
        {(ids) => (
          <select {...ids} value={flavour} onChange={(event) => setFlavour(event.target.value as Flavour)}>
            {flavours.map((value) => (
              <option key={value} value={value}>
                {flavourWords[value].label}
              </option>
            ))}
          </select>
        )}
      </Field>
      <button
        type="button"
        className="button primary wide"
        aria-disabled={!mayOffer}
        onClick={() => mayOffer && give({ kind: "update", flavour })}
      >
        {isUnderWay ? underWay(update) : nextVersion === undefined ? t`There is no newer version` : offer(nextVersion)}
      </button>
    </section>
  );
}

export function DamageControls({ snapshot, give }: Props): ReactNode {
  const [zone, setZone] = useState<DamageableZone>("slotB");
  const { isAuto } = snapshot;
  return (
    <section className="panel" aria-labelledby="damage-title">
      <h2 id="damage-title">{t`Damage its flash`}</h2>
      <Field label={t`Where`}>
        {(ids) => (
          <select {...ids} value={zone} onChange={(event) => setZone(event.target.value as DamageableZone)}>
            {damageableZones.map((value) => (
              <option key={value} value={value}>
                {zoneWords[value].label}
              </option>
            ))}
          </select>
        )}
      </Field>
      <div className="actions">
        <button
          type="button"
          className="button"
          aria-disabled={isAuto}
          onClick={() => !isAuto && give({ kind: "flip-bits", zone })}
        >
          {t`Flip bits`}
        </button>
        <button
          type="button"
          className="button"
          aria-disabled={isAuto}
          onClick={() => !isAuto && give({ kind: "wear-out", zone })}
        >
          {t`Wear out a sector`}
        </button>
      </div>
    </section>
  );
}

export function AutoControls({ snapshot, give }: Props): ReactNode {
  const [text, setText] = useState("1");
  const { isAuto } = snapshot;
  const seed = seedOf(text);
  return (
    <section className="panel" aria-labelledby="auto-title">
      <h2 id="auto-title">{t`Let it run by itself`}</h2>
      <p className="hint">
        <Trans>
          A new device, one update after the other, and power that fails at moments that a seed draws. The same seed
          does the same again.
        </Trans>
      </p>
      <Field label={t`Seed`} error={seed === undefined ? SEED_WORDS : undefined}>
        {(ids) => (
          <div className="seed">
            <input
              {...ids}
              inputMode="numeric"
              value={text}
              disabled={isAuto}
              onChange={(event) => setText(event.target.value)}
            />
            <button
              type="button"
              className="button"
              aria-disabled={isAuto}
              onClick={() => !isAuto && setText(String(crypto.getRandomValues(new Uint32Array(1))[0]))}
            >
              {t`Another`}
            </button>
          </div>
        )}
      </Field>
      <div className="actions">
        {isAuto ? (
          <button type="button" className="button" onClick={() => give({ kind: "stop-auto" })}>
            <Icon name="pause" /> {t`Stop`}
          </button>
        ) : (
          <button
            type="button"
            className="button primary"
            aria-disabled={seed === undefined}
            onClick={() => seed !== undefined && give({ kind: "auto", seed })}
          >
            <Icon name="play" /> {t`Pull it again and again`}
          </button>
        )}
      </div>
      <button
        type="button"
        className="button small"
        aria-disabled={isAuto}
        onClick={() => !isAuto && give({ kind: "make-anew", seed: seed ?? 1 })}
      >
        {t`Begin with a new device`}
      </button>
    </section>
  );
}

const speedLabels: Record<Speed, string> = { slow: t`Slow`, brisk: t`Brisk`, fast: t`Fast` };

export function SpeedControl({ give }: Pick<Props, "give">): ReactNode {
  const [speed, setSpeed] = useState<Speed>("brisk");
  return (
    <fieldset className="speeds">
      <legend className="visually-hidden">{t`Speed`}</legend>
      {speeds.map((value) => (
        <label key={value}>
          <input
            type="radio"
            name="speed"
            checked={speed === value}
            onChange={() => {
              setSpeed(value);
              give({ kind: "speed", speed: value });
            }}
          />
          <span>{speedLabels[value]}</span>
        </label>
      ))}
    </fieldset>
  );
}
