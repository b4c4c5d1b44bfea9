// What tests of rollouts do again and again with the real server and devices that speak its protocol.

import type { Rollout, Why } from "@flipside/api/types";
import type { Fixture } from "./fixture.ts";
import { makeRelease } from "./keys.ts";
import type { Offer, ProtocolDevice } from "./protocol-device.ts";

export interface Made {
  id: string;
  version: string;
  releaseSequence: number;
  images: { digest: string }[];
}

/** What the device is offered as it polls; it is told at once, or at a later check-in. */
export async function asked(device: ProtocolDevice): Promise<Offer> {
  for (let tries = 0; ; tries++) {
    const offer = await device.checkIn();
    if (offer.deployment !== undefined || tries === triesMax) return offer;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

const pollMs = 50;
const triesMax = 200;

/** The device takes the offer that it gets, runs its image, and confirms it. */
export async function update(
  device: ProtocolDevice,
  release: { version: string; releaseSequence: number },
): Promise<void> {
  await device.install(await asked(device));
  device.reboot(true, release.version, release.releaseSequence);
  await device.checkIn();
}

/** The device takes the offer that it gets, and the image gives way in its trial. */
export async function failTrial(device: ProtocolDevice): Promise<void> {
  await device.install(await asked(device));
  device.reboot(false);
  await device.checkIn();
}

export const newRelease = async (fixture: Fixture, sequence: number): Promise<Made> =>
  fixture.upload(
    await makeRelease(fixture.project, { version: `1.${sequence}.0`, releaseSequence: sequence }),
  ) as Promise<Made>;

export const detail = async (fixture: Fixture, id: string): Promise<Rollout> =>
  (await fixture.api.get(`/api/v1/rollouts/${id}`)).body as Rollout;

export const saying = async (fixture: Fixture, id: string): Promise<string[]> =>
  (await detail(fixture, id)).decisions.map(({ text }) => text);

export const whyDevice = async (fixture: Fixture, id: string): Promise<Why> =>
  (await fixture.api.get(`/api/v1/devices/${id}/why`)).body as Why;
