// The stories, with the modules of a subject.

import { unikernelLayout } from "@flipside/machine/factory/flash-layout";
import { loadModules } from "../device/modules.ts";
import { type Campaign, openCampaign } from "../stories/catalogue.ts";
import { readSubject, type Subject } from "./subject.ts";

/**
 * `geometry`: "small" is fast, and what is explored; "device" is the unikernel's own, for schedules of many cuts: only
 * there has the log the pages that it survives them with.
 */
export function openSubject(subject: Subject, geometry: "small" | "device"): Promise<Campaign> {
  const { boot, agent, image } = readSubject(subject);
  return openCampaign({
    modules: loadModules(boot, agent, { unchanged: false }),
    ownImage: image,
    ...(geometry === "device" ? { layout: unikernelLayout } : {}),
  });
}
