// Settings that were kept under a name, and a draft: from one to the other. Pure.

import type { NewRollout, RolloutSettings } from "@flipside/api/types";
import { draftOf, type RolloutDraft } from "./rollout-draft.ts";

/** Of a request: what is not of one release, its devices and its time. */
export function settingsOf(request: NewRollout): Partial<RolloutSettings> {
  const { name: _n, releaseId: _r, target: _t, supersedes: _s, startAt: _a, continuous: _c, ...settings } = request;
  return settings as Partial<RolloutSettings>;
}

/** The draft with these settings; what it is for, and when it starts, stays as it is. */
export function withSettings(draft: RolloutDraft, settings: RolloutSettings): RolloutDraft {
  const { releaseId, typedName, target, picked, filter, continuous, supersedes, startAt } = draft;
  const request = { name: "", releaseId, target: { all: true as const }, supersedes: [], startAt: null, continuous };
  return {
    ...draftOf({ ...settings, ...request }),
    ...{ releaseId, typedName, target, picked, filter, continuous, supersedes, startAt },
  };
}
