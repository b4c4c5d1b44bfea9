// Which fleet this page could join, and who asks: looked at anew whenever somebody comes back to the page.

import type { FleetBeside } from "@flipside/api/fleet-beside";
import type { ProblemError } from "@flipside/api/problem";
import { imageFor } from "@flipside/api/release-fit";
import type { Release, ReleaseImage, User } from "@flipside/api/types";
import { virtualTarget } from "@flipside/machine/factory/targets";
import { asProblem } from "../../api/problem.ts";
import { listReleases } from "../../api/releases.ts";
import { currentUser } from "../../api/session.ts";
import { layout } from "../bench/geometry.ts";

/** An image that the factory could put into slot A. */
export interface FirstImage {
  release: Release;
  image: ReleaseImage;
}

export type Around =
  | { kind: "looking" }
  /** A static server, or one that says nothing of a fleet. */
  | { kind: "no-server" }
  | { kind: "no-port" }
  /** The browser does no cryptography on this page. */
  | { kind: "insecure" }
  | { kind: "signed-out" }
  | { kind: "one-time-password" }
  | { kind: "no-image" }
  /** `images`: the highest release sequence first. */
  | { kind: "fleet"; user: User; port: number; images: FirstImage[] }
  | { kind: "fault"; problem: ProblemError };

async function fleetBeside(): Promise<FleetBeside["fleet"]> {
  const response = await fetch(new URL("fleet.json", document.baseURI));
  if (!response.ok) return null;
  return ((await response.json()) as FleetBeside).fleet;
}

function firstImages(releases: readonly Release[]): FirstImage[] {
  const device = { hardware: virtualTarget.hardwareName, revision: virtualTarget.revision };
  const newestFirst = releases.toSorted((one, other) => other.releaseSequence - one.releaseSequence);
  return newestFirst.flatMap((release) => {
    const image = imageFor(release.images, device);
    const isOfUse = image?.file === "present" && !release.revoked && image.payloadBytes < layout.zones.slotA.sizeBytes;
    return isOfUse ? [{ release, image }] : [];
  });
}

/** Never throws. */
export async function lookAround(): Promise<Around> {
  try {
    const fleet = await fleetBeside();
    if (fleet === null) return { kind: "no-server" };
    const { mqttWebSocketPort: port } = fleet;
    if (port === null) return { kind: "no-port" };
    if (!window.isSecureContext) return { kind: "insecure" };
    const user = await currentUser();
    if (user.mustChangePassword) return { kind: "one-time-password" };
    const images = firstImages(await listReleases("false"));
    return images.length === 0 ? { kind: "no-image" } : { kind: "fleet", user, port, images };
  } catch (thrown) {
    const problem = asProblem(thrown);
    return problem.status === 401 ? { kind: "signed-out" } : { kind: "fault", problem };
  }
}
