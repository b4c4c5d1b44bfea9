// Terms of art, each explained in a sentence or two to somebody who meets it for the first time.

import { t } from "@lingui/core/macro";

export const glossary = {
  attribute: t`What a device says of itself under a name of its own, such as its site. Operators’ own words are tags.`,
  "boot counter": t`How often the device has started. It only grows, and orders what the device says.`,
  "boot loader": t`The small program that the device starts with. It checks the image before it runs, and chooses the slot.`,
  canary: t`One of the few devices that get a new version first, so that a fault is found there and not everywhere.`,
  chunk: t`A piece of an image, 4 KiB. Each is checked before it is written, so a broken download goes on where it stopped.`,
  claim: t`What lets a device join: its id and a secret from the factory, which it proves once and never sends.`,
  command: t`One thing that a device is told to do, signed by the operations key and good for a short time.`,
  configuration: t`What an operator wants the device’s app to go by. It is sent until the device says that it is in force, or why not.`,
  confirmed: t`The image has started, is healthy and has reached this server. From then on the device stays with it.`,
  deployment: t`One device’s part in a rollout: from waiting in its wave to confirmed, or to what went wrong.`,
  filter: t`A line that says which devices are meant, such as tag = canary and not online.`,
  gate: t`What has to hold before the next wave begins: enough successes, time to watch, somebody’s approval.`,
  group: t`A list of devices that is kept under a name: its filter, order and columns. Who is in it is found anew each time.`,
  health: t`What the device’s app last said of itself: that it works, or that it does not.`,
  measurement: t`Digests of the boot loader, the trust record and the image that a device has started from, signed by its key for one session.`,
  permit: t`A signed permission to install an older image once more. Without it a device refuses to go back a release.`,
  randomness: t`Whether the device’s noise source passes its checks. Keys that it makes are worth no more than that.`,
  release: t`A version of the software, with an image for each kind of hardware.`,
  "release sequence": t`A number that grows with each release. A device installs a lower one only with a permit.`,
  revoke: t`The server refuses the device from then on. What it runs goes on running; it gets no more updates.`,
  "release state": t`A release key’s word for which release is the newest, and until when that is to be believed. By it a device notices that it is kept from updates.`,
  rollout: t`Brings a release to devices, wave after wave, as long as its rules hold.`,
  "security floor": t`The lowest security number that the device still starts. It only rises, so that a hole that was closed stays closed.`,
  session: t`A connection in which the device has proved who it is. What comes without proof is not believed.`,
  slot: t`One of two places for an image. One runs; an update is written to the other, so that there is always a way back.`,
  tag: t`A word that operators file a device under, such as canary or site:berlin.`,
  trial: t`The first run of a new image. If it crashes, hangs or is not healthy in time, the device goes back by itself.`,
  "trust record": t`Which keys the device believes, signed by the keys before them. It reaches back to the one from the factory.`,
  wave: t`A part of a rollout’s devices that goes at a time: a few first, more when those did well.`,
  watchdog: t`A timer that starts the device anew when its software hangs.`,
} as const;

export type GlossaryTerm = keyof typeof glossary;
