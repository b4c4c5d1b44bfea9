// The contract in the app's place. What it reports in its tick, the agent's half of the contract reads.

import {
  appHealth,
  appIdentify,
  appIdentifying,
  appMetric,
  appReport,
  bootInfo,
  BOOT_INFO_BYTES,
  BootReason,
  configurationJudge,
  configurationPropose,
  configurationRead,
  configurationVerdict,
  consoleLog,
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
  loaderRead,
  rootKeys,
  watchdogArm,
  watchdogPet,
  Zone,
} from "../../../src/exokernel";
import { expect, memoryEnd } from "./checks";
import { checkDeniedZone, checkNoSuchZone, checkWritableZone } from "./flash-checks";

export { abort } from "../../../src/abort";

const buffer: usize = memory.data(256, 8);
const document: usize = memory.data(1028, 8);
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
  expect("app: loader read denied", loaderRead(0, buffer, 256), Errno.Denied);
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
  expect("app: console log denied", consoleLog(buffer, 16), Errno.Denied);
  expect("app: identify denied", appIdentify(1), Errno.Denied);
  expect("app: nobody asks who it is", appIdentifying(), 0);
  expect("app: proposal denied", configurationPropose(buffer, 2, 1), Errno.Denied);
  expect("app: verdict denied", configurationVerdict(buffer), Errno.Denied);
  expect("app: no configuration yet", configurationRead(document, 1028), Errno.Again);
  expect("app: no configuration yet, beyond memory", configurationRead(memoryEnd() - 4, 8), Errno.Argument);
  expect("app: nothing to judge", configurationJudge(0, 0, buffer, 0), Errno.Again);
  expect("app: words beyond memory", configurationJudge(0, 0, memoryEnd() - 1, 2), Errno.Argument);
  expect("app: too many words", configurationJudge(0, 0, NAMES, 65), Errno.Argument);
}

/** Says by its verdict what it has found, one bit a thing, since a line from here could be in the middle of another. */
export function tick(): void {
  appHealth(Health.Healthy);
  if (configurationRead(document, 1028) < 0) return;
  let found: i32 = 0;
  if (load<u32>(document) == 0xfffffffe && load<u8>(document, 4) == 0x2b && load<u8>(document, 1027) == 0x2b)
    found |= 1;
  if (configurationRead(document, 1027) == Errno.Argument) found |= 2;
  if (configurationJudge(0xfffffffd, 0, NAMES, 1) == Errno.Again) found |= 4;
  store<u8>(buffer, 0x1f);
  if (configurationJudge(0xfffffffe, 0, buffer, 1) == Errno.Argument) found |= 8;
  store<u8>(buffer, 0x7f);
  if (configurationJudge(0xfffffffe, 0, buffer, 1) == Errno.Argument) found |= 16;
  if (appIdentifying() == 1) found |= 32;
  configurationJudge(0xfffffffe, -found, NAMES, 4);
}
