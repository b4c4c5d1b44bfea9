// Mender's device API, put together: devices with its client join the fleet by another ServerURL. They are devices like
// all others; what is their own is here, and is mounted only where it is switched on.

import type { Router } from "express";
import type { Feed } from "../../changes/feed.ts";
import type { Common } from "../other-agents/common.ts";
import { createDownloadLinks } from "../other-agents/download-links.ts";
import { createArtifacts } from "./artifacts.ts";
import { type AuthSets, createAuthSets } from "./auth-sets.ts";
import { createDesk } from "./desk.ts";
import { menderRoutes } from "./routes.ts";

export interface MenderOptions {
  /** How often its devices ask, as their own configurations have it: who is silent for longer is away. */
  pollMs?: number | undefined;
}

/** UpdatePollIntervalSeconds, as Mender's client has it by itself. */
export const menderPollMsDefault = 1_800_000;

export function createMender(
  common: Common,
  { pathOf, feed }: { pathOf: (fileName: string) => string; feed: Feed },
): { router: Router; authSets: AuthSets } {
  const { storage } = common;
  const artifacts = createArtifacts({ storage, pathOf, feed });
  const links = createDownloadLinks(storage);
  const authSets = createAuthSets(common);
  const desk = createDesk({ ...common, links, artifacts });
  return { router: menderRoutes({ ...common, authSets, desk, artifacts, links }), authSets };
}
