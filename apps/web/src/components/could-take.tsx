// Which devices could take a release: of each of its images, how many; and for whom it has none.

import type { ReactNode } from "react";
import type { DeviceGroup } from "@flipside/api/types";
import { countDevices } from "../api/counted-devices.ts";
import { useFleet } from "../live/hooks.ts";
import { fitGroupings, imageFilter, productFilter, type ReleaseFit, releaseFit } from "../release-fit.ts";
import { devicesPath } from "../router.ts";
import { plural } from "../words/quantities.ts";
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
    load: () => countDevices(productFilter(product), fitGroupings),
    apply: (value) => value,
  });
  return (
    <Loaded resource={groups} what="the devices that could take it">
      {(counted) => <Fit release={release} fit={releaseFit(release, counted)} />}
    </Loaded>
  );
}

const without = ({ hardware, revision }: ReleaseFit["without"][number]): ReactNode => (
  <>
    <bdi>{hardware}</bdi>
    {revision !== null && ` revision ${revision}`}
  </>
);

function Fit({ release: { product, version }, fit }: Props & { fit: ReleaseFit }): ReactNode {
  if (fit.devices === 0)
    return (
      <p className="muted">
        No device of product <bdi>{product}</bdi> is known here yet. A device counts from its first check-in on.
      </p>
    );
  return (
    <ul className="facts">
      {fit.images.map(({ image, devices }) => (
        <li key={image.hardware}>
          <bdi>{image.hardware}</bdi>, {revisionWords(image)}:{" "}
          {devices === 0 ? (
            <span className="muted">no device</span>
          ) : (
            <Link href={devicesPath(imageFilter(product, image))}>{plural(devices, "device")}</Link>
          )}
        </li>
      ))}
      {fit.without.map((each) => (
        <li key={`${each.hardware} ${each.revision}`}>
          No image for {plural(each.devices, "device")} of {without(each)}: a rollout leaves them out.
        </li>
      ))}
      {fit.same > 0 && (
        <li>
          {plural(fit.same, "of these runs", "of these run")} <bdi>{version}</bdi> already.
        </li>
      )}
      {fit.later > 0 && (
        <li>
          {plural(fit.later, "of these runs", "of these run")} a later version, and would go back to this one only with
          a permit.
        </li>
      )}
    </ul>
  );
}
