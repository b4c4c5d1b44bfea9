// Other sizes for the waves of a rollout that have not begun.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useState } from "react";
import type { Rollout } from "@flipside/api/types";
import { resizeWaves } from "../api/rollouts.ts";
import { laterWavesOf } from "../typed-waves.ts";
import { count } from "../words/quantities.ts";
import { FormDialog } from "./dialog.tsx";
import { Field } from "./field.tsx";

interface Props {
  rollout: Rollout;
  onChanged: (rollout: Rollout) => void;
  onClose: () => void;
}

function sizeText(number: number, size: number): string {
  const devices = count(size);
  return t`wave ${number} has ${devices}`;
}

export function ResizeWavesDialog({ rollout, onChanged, onClose }: Props): ReactNode {
  const begunWaves = rollout.currentWave + 1;
  const later = rollout.waves.slice(begunWaves).map(({ total }) => total);
  const begun = rollout.total - later.reduce((sum, size) => sum + size, 0);
  // The last one is what is left over.
  const [typed, setTyped] = useState(later.slice(0, -1).join(", "));
  const { waves, sizes, problem } = laterWavesOf(typed, { total: rollout.total, begun });
  const preview =
    problem === undefined ? sizes.map((size, index) => sizeText(begunWaves + index + 1, size)).join(t`, `) : "";
  return (
    <FormDialog
      title={t`Resize later waves`}
      confirm={t`Resize waves`}
      lead={t`The waves were not resized`}
      isWrong={problem !== undefined}
      action={async () => onChanged(await resizeWaves(rollout.id, waves))}
      onClose={onClose}
      about={
        <p className="muted">
          <Trans>
            Of waves that have not begun. Their devices are dealt anew, in the same order; nobody who is in a wave that
            has begun moves. A wave that wants approval and has it is to be approved anew.
          </Trans>
        </p>
      }
      fields={(tried) => (
        <Field
          label={t`Sizes`}
          hint={
            <>
              {t`As 10, 50 %: devices, or how far the whole rollout has come with that wave. What is left over is one more wave.`}{" "}
              <span role="status">{preview === "" ? "" : t`Then ${preview}.`}</span>
            </>
          }
          error={tried ? problem : undefined}
        >
          {(ids) => <input {...ids} value={typed} onChange={(event) => setTyped(event.target.value)} />}
        </Field>
      )}
    />
  );
}
