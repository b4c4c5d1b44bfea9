// A story: a device in some state, what the server wants of it, and how that may end. The campaign cuts power at each
// of its operations.

import type { Wishes } from "../server/story-memory.ts";
import type { StoryServer } from "../server/story-server.ts";
import type { CampaignImage, Personality } from "./images.ts";

export interface Story {
  name: string;
  /** One sentence for people. */
  what: string;
  wishes: Wishes;
  /** The outcome without cuts; "checked-in": there is nothing to install. */
  outcome: string;
  /** Outcomes that a power cut may lead to besides. */
  otherOutcomes: readonly string[];
  /** Nothing more is expected of the device. */
  isSettled(server: StoryServer): boolean;
  /** Of a candidate that no update brought: its tries are used up. As many cuts may do that, and nothing else. */
  isTriedOut?(server: StoryServer): boolean;
  /** The device's time that must pass quietly after that. */
  lingerUs: number;
  /** Seconds that a run of it may take on top of what others may. */
  lastsS?: number;
  /** Images that this device must never start. */
  inadmissible?: readonly CampaignImage[];
  /** Images that behave otherwise than they did when they were confirmed. */
  personalities?: ReadonlyMap<CampaignImage, Personality>;
  /** No server answers: asked whenever an image starts. */
  serverIsDown?: () => boolean;
  /** Why the loader starts the first time, EXO_BOOT_*, where that is no power-on: its record is of an earlier run. */
  firstReason?: number;
  /** A copy of the trust chain is to be written anew. */
  mayRepairTrust?: boolean;
  /** A slot holds what no update put there, and boot control names it. */
  hasForgedSlot?: boolean;
  /** The device has no secret yet. */
  mayEnrol?: boolean;
  /** Somebody presses reset so often, each time once the device has settled. */
  resetPresses?: number;
  /** The image that is confirmed and runs in the end, where that is not the one that was installed: it gave way. */
  endsOn?: CampaignImage;
  /** The trust version that this ends with, in both copies. */
  trustAtEnd?: number;
  /** The security floor that this ends with. */
  floorAtEnd?: number;
  /** Recovery is a legitimate end. */
  mayRecover?: boolean;
}

export const lingerDefaultUs = 600_000;
