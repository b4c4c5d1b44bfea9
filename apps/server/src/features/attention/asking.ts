// Who asks what needs a person, and what one answer is made of.

import type { AttentionKind } from "@flipside/api/attention-kinds";
import type { AttentionItem, Why } from "@flipside/api/types";
import type { SignedIn } from "../accounts/signed-in.ts";

export type Asking = Pick<SignedIn, "userName" | "scope" | "may">;

/** One place that is looked at. */
export type Lookout = (by: Asking) => Promise<AttentionItem[]>;

/** Devices, or rollouts, that one look counts: of more it is said that there are more. */
export const countedMax = 100;
const examplesMax = 3;

export type Devices = NonNullable<AttentionItem["devices"]>;

/** Of ids that were read, one more than are counted where there are more. */
export const devicesOf = (ids: readonly string[], filter: string | null): Devices => ({
  count: Math.min(ids.length, countedMax),
  isMore: ids.length > countedMax,
  examples: ids.slice(0, examplesMax),
  filter,
});

/** "1 device", "100 devices or more". */
export const counted = ({ count, isMore }: Pick<Devices, "count" | "isMore">): string =>
  `${count} ${count === 1 ? "device" : "devices"}${isMore ? " or more" : ""}`;

export const item = (
  kind: AttentionKind,
  why: Pick<Why, "sentence"> & Partial<Why>,
  about: Partial<Omit<AttentionItem, "kind" | "why">> = {},
): AttentionItem => ({
  kind,
  why: { since: null, until: null, actions: [], ...why },
  ...{ rollout: null, release: null, failure: null, devices: null },
  ...about,
});
