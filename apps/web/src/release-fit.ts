// Which devices could take a release, from how many there are of each hardware. Pure.

import { t } from "@lingui/core/macro";
import { filterCharactersMax } from "@flipside/api/limits";
import { imageFor } from "@flipside/api/release-fit";
import type { DeviceGroup, ReleaseImage } from "@flipside/api/types";
import { compareVersions } from "@flipside/api/version-order";
import { quoted } from "@flipside/device-filter";

type FittedImage = Pick<ReleaseImage, "hardware" | "revisionMin" | "revisionMax">;

interface Fitted {
  product: string;
  version: string;
  images: readonly FittedImage[];
}

/** What devices are to be counted by. */
export const fitGroupings = ["hardware", "revision", "version"] as const;

export interface ReleaseFit {
  /** Of its product, without those that are revoked. */
  devices: number;
  images: { image: FittedImage; devices: number }[];
  /** Hardware for which it has no image, the most frequent first. */
  without: { hardware: string; revision: number | null; devices: number }[];
  /** Of those that it fits: they run this version; a later one. */
  same: number;
  later: number;
}

export const productFilter = (product: string): string => `product = ${quoted(product)} and not revoked`;

export function imageFilter(product: string, { hardware, revisionMin, revisionMax }: FittedImage): string {
  const revisions = revisionMin === revisionMax ? `= ${revisionMin}` : `>= ${revisionMin}`;
  const most = revisionMin === revisionMax || revisionMax >= 0xffff ? "" : ` and revision <= ${revisionMax}`;
  return `${productFilter(product)} and hardware = ${quoted(hardware)} and revision ${revisions}${most}`;
}

/** Those that one of its images fits; of its product, where that is too long for a filter. */
export function fittingFilter({ product, images }: Pick<Fitted, "product" | "images">): string {
  const filter = images.map((image) => `(${imageFilter(product, image)})`).join(" or ");
  return filter.length <= filterCharactersMax ? filter : productFilter(product);
}

/** `groups`: of the devices of its product, by `fitGroupings`. */
export function releaseFit({ version, images }: Fitted, groups: readonly DeviceGroup[]): ReleaseFit {
  const fit: ReleaseFit = {
    devices: 0,
    images: images.map((image) => ({ image, devices: 0 })),
    without: [],
    same: 0,
    later: 0,
  };
  for (const { values, count } of groups) {
    const [hardware, revision, runs] = values as [string | null, number | null, string | null];
    fit.devices += count;
    const image = hardware === null ? undefined : imageFor(images, { hardware, revision });
    if (image === undefined) {
      countWithout(fit, hardware ?? t`not known`, revision, count);
      continue;
    }
    fit.images.find((each) => each.image === image)!.devices += count;
    const order = runs === null ? undefined : compareVersions(runs, version);
    if (order === 0) fit.same += count;
    if (order !== undefined && order > 0) fit.later += count;
  }
  fit.without.sort((one, two) => two.devices - one.devices);
  return fit;
}

function countWithout({ without }: ReleaseFit, hardware: string, revision: number | null, devices: number): void {
  const known = without.find((each) => each.hardware === hardware && each.revision === revision);
  if (known === undefined) without.push({ hardware, revision, devices });
  else known.devices += devices;
}
