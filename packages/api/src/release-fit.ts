// Which image of a release fits a device. Pure: the server refuses by it what the console does not offer.

import type { Device, Release, ReleaseImage } from "./types.ts";

type Hardware = Pick<Device, "hardware" | "revision">;
type FittedImage = Pick<ReleaseImage, "hardware" | "revisionMin" | "revisionMax">;

/** The image for the device's hardware, as it last described itself; undefined when there is none. */
export function imageFor<I extends FittedImage>(images: readonly I[], { hardware, revision }: Hardware): I | undefined {
  return images.find(
    (image) =>
      image.hardware === hardware &&
      revision !== null &&
      image.revisionMin <= revision &&
      revision <= image.revisionMax,
  );
}

/** Whether the release may be rolled out to the device. */
export function fits(
  release: { product: string; images: readonly FittedImage[] },
  device: Hardware & Pick<Device, "product" | "revoked">,
): boolean {
  return !device.revoked && device.product === release.product && imageFor(release.images, device) !== undefined;
}

/**
 * Whether the device runs something that came after the release: it goes back only when that is meant, and with a
 * permit.
 */
export function runsNewer(
  running: { releaseSequence: number } | null,
  release: Pick<Release, "releaseSequence">,
): boolean {
  return running !== null && running.releaseSequence > release.releaseSequence;
}
