// What each module holds, as main_boot.c, main_image.c and app_slice.c of the exokernel grant it.

import { ModuleId, Zone } from "./abi.ts";

export interface Grants {
  /** ModuleId, for the crash record. */
  id: number;
  readableZones: ReadonlySet<number>;
  writableZones: ReadonlySet<number>;
  useNetwork?: true;
  reset?: true;
  startImages?: true;
  reportAsApp?: true;
  readApp?: true;
  feedWatchdog?: true;
  readRootKeys?: true;
  useEntropy?: true;
  recover?: true;
  sayPhase?: true;
  readConsole?: true;
  configureApp?: true;
}

const agentWrites = [Zone.BootControl, Zone.Settings, Zone.Trust, Zone.SlotA, Zone.SlotB, Zone.Journal];

export const bootGrants: Grants = {
  id: ModuleId.Boot,
  readableZones: new Set([...agentWrites, Zone.Factory]),
  writableZones: new Set([Zone.BootControl]),
  startImages: true,
  feedWatchdog: true,
  readRootKeys: true,
  recover: true,
  sayPhase: true,
};

export const agentGrants: Grants = {
  id: ModuleId.Agent,
  readableZones: new Set([...agentWrites, Zone.Factory]),
  writableZones: new Set(agentWrites),
  useNetwork: true,
  reset: true,
  readApp: true,
  feedWatchdog: true,
  readRootKeys: true,
  useEntropy: true,
  sayPhase: true,
  readConsole: true,
  configureApp: true,
};

export const appGrants: Grants = {
  id: ModuleId.App,
  readableZones: new Set([Zone.App]),
  writableZones: new Set([Zone.App]),
  reportAsApp: true,
};
