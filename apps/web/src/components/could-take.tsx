// Which devices could take a release: of each of its images, how many; and for whom it has none.

import { plural, t } from "@lingui/core/macro";
import { Plural, Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import type { DeviceGroup } from "@flipside/api/types";
import { countedGroups } from "../api/counted-devices.ts";
import { useFleet } from "../live/hooks.ts";
import { fitGroupings, imageFilter, productFilter, type ReleaseFit, releaseFit } from "../release-fit.ts";
import { devicesPath } from "../router.ts";
import { Link } from "./link.tsx";
import { Loaded } from "./loaded.tsx";
import { revisionWords } from "./release-images.tsx";

interface Props {
  release: Parameters<typeof releaseFit>[0];
}

export function CouldTake({ release }: Props): ReactNode {
  const { product } = release;
  const fleet = useFleet();
  const groups = fleet.asked<DeviceGroup[]>(`takes ${product}`, {
    load: () => countedGroups(productFilter(product), fitGroupings),
    apply: (value) => value,
  });
  return (
    <Loaded resource={groups} what={t`the devices that could take it`}>
      {(counted) => <Fit release={release} fit={releaseFit(release, counted)} />}
    </Loaded>
  );
}

const Without = ({ of: { devices, hardware, revision } }: { of: ReleaseFit["without"][number] }): ReactNode =>
  revision === null ? (
    <Trans>
      No image for <Plural value={devices} one="# device" other="# devices" /> of <bdi>{hardware}</bdi>: a rollout
      leaves them out.
    </Trans>
  ) : (
    <Trans>
      No image for <Plural value={devices} one="# device" other="# devices" /> of <bdi>{hardware}</bdi> revision{" "}
      {revision}: a rollout leaves them out.
    </Trans>
  );

function Fit({ release: { product, version }, fit }: Props & { fit: ReleaseFit }): ReactNode {
  const { same, later } = fit;
  if (fit.devices === 0)
    return (
      <p className="muted">
        <Trans>
          No device of product <bdi>{product}</bdi> is known here yet. A device counts from its first check-in on.
        </Trans>
      </p>
    );
  return (
    <ul className="facts">
      {fit.images.map(({ image, devices }) => (
        <li key={image.hardware}>
          <bdi>{image.hardware}</bdi>, {revisionWords(image)}:{" "}
          {devices === 0 ? (
            <span className="muted">
              <Trans>no device</Trans>
            </span>
          ) : (
            <Link href={devicesPath(imageFilter(product, image))}>
              {plural(devices, { one: "# device", other: "# devices" })}
            </Link>
          )}
        </li>
      ))}
      {fit.without.map((each) => (
        <li key={`${each.hardware} ${each.revision}`}>
          <Without of={each} />
        </li>
      ))}
      {same > 0 && (
        <li>
          <Trans>
            <Plural value={same} one="# of these runs" other="# of these run" /> <bdi>{version}</bdi> already.
          </Trans>
        </li>
      )}
      {later > 0 && (
        <li>
          <Trans>
            <Plural value={later} one="# of these runs" other="# of these run" /> a later version, and would go back to
            this one only with a permit.
          </Trans>
        </li>
      )}
    </ul>
  );
}
