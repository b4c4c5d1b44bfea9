// What a device has started from, as its key has signed it: the same as it says and as is known, or not.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import type { Device } from "@flipside/api/types";
import type { StateWords } from "../words/state-words.ts";
import { StateBadge } from "./state-badge.tsx";

const agrees: StateWords = {
  label: t`As it says`,
  tone: "ok",
  icon: "check",
  means: t`It runs the image that its check-ins say, started by the boot loader that was measured first.`,
};
const loaderChanged: StateWords = {
  label: t`Another boot loader`,
  tone: "bad",
  icon: "alert",
  means: t`Its boot loader, or the root keys beside it, are not those that were measured first. They never change in the field: have the board looked at.`,
};
const differs: StateWords = {
  label: t`Other than it says`,
  tone: "bad",
  icon: "alert",
  means: t`What it has signed is not what its check-ins say. Look for who stands between device and server.`,
};

/** Enough of a digest to compare it by eye. */
const Digest = ({ of }: { of: string }): ReactNode => <code>{of.slice(0, 16)}</code>;

export function MeasuredStart({ measured }: { measured: NonNullable<Device["measured"]> }): ReactNode {
  const { loader, trust, image, imageVersion } = measured;
  const words = measured.loaderChanged ? loaderChanged : measured.agrees ? agrees : differs;
  return (
    <>
      <StateBadge words={words} />
      <div className="sub">{words.means}</div>
      <div className="sub">
        {loader === null ? (
          t`Its host does not show the boot loader.`
        ) : (
          <Trans>
            boot loader <Digest of={loader} />
          </Trans>
        )}
      </div>
      <div className="sub">
        <Trans>
          trust record <Digest of={trust} />
        </Trans>
      </div>
      <div className="sub">
        <Trans>
          image <Digest of={image} />
        </Trans>{" "}
        {imageVersion === null ? (
          t`(of no release that is known)`
        ) : (
          <Trans>
            of release <bdi>{imageVersion}</bdi>
          </Trans>
        )}
      </div>
    </>
  );
}
