// The contract in the app's place. What it reports in its tick, the agent's half of the contract reads.

import {
  appHealth,
  appMetric,
  appReport,
  bootInfo,
  BOOT_INFO_BYTES,
  BootReason,
  consoleWrite,
  entropy,
  Errno,
  flashTiming,
  Health,
  nicInfo,
  reset,
  resetCause,
  ResetCause,
  ResetReason,
  rootKeys,
  watchdogArm,
  watchdogPet,
  Zone,
} from "../../../src/exokernel";
import { expect, memoryEnd } from "./checks";
import { checkDeniedZone, checkNoSuchZone, checkWritableZone } from "./flash-checks";

export { abort } from "../../../src/abort";

const buffer: usize = memory.data(256, 8);
const NAMES: usize = memory.data<u8>([0x61, 0x5f, 0x31, 0x41]); // "a_1A"

export function start(): void {
  bootInfo(buffer, BOOT_INFO_BYTES);
  if (load<u8>(buffer, 7) != BootReason.PowerOn) return;
  checkWritableZone("app:", Zone.App);
  checkDeniedZone("app: boot control", Zone.BootControl);
  checkDeniedZone("app: factory", Zone.Factory);
  checkDeniedZone("app: settings", Zone.Settings);
  checkDeniedZone("app: trust", Zone.Trust);
  checkDeniedZone("app: slot a", Zone.SlotA);
  checkDeniedZone("app: slot b", Zone.SlotB);
  checkDeniedZone("app: journal", Zone.Journal);
  checkNoSuchZone("app:");
  expect("app: reset denied", reset(ResetReason.Requested), Errno.Denied);
  expect("app: watchdog arm denied", watchdogArm(1000), Errno.Denied);
  expect("app: watchdog pet denied", watchdogPet(), Errno.Denied);
  expect("app: flash timing denied", flashTiming(buffer), Errno.Denied);
  expect("app: reset cause", resetCause(), ResetCause.Power);
  expect("app: root keys denied", rootKeys(buffer, 256), Errno.Denied);
  expect("app: report denied", appReport(buffer), Errno.Denied);
  expect("app: entropy denied", entropy(buffer, 16), Errno.Denied);
  expect("app: network card denied", nicInfo(buffer), Errno.Denied);
  expect("app: console beyond memory", consoleWrite(memoryEnd() - 4, 8), Errno.Argument);
  expect("app: health", appHealth(Health.Unhealthy), 0);
  expect("app: health of another kind", appHealth(3), Errno.Argument);
  expect("app: metric", appMetric(NAMES, 3, -7), 0);
  expect("app: metric without a name", appMetric(NAMES, 0, 1), Errno.Argument);
  expect("app: metric with a long name", appMetric(NAMES, 16, 1), Errno.Argument);
  expect("app: metric with a capital letter", appMetric(NAMES, 4, 1), Errno.Argument);
  expect("app: metric beyond memory", appMetric(memoryEnd() - 1, 2, 1), Errno.Argument);
}

export function tick(): void {
  appHealth(Health.Healthy);
}
