// What has become of the configuration that is desired of a device. Pure.

import type { ConfigurationState } from "@flipside/api/types";
import { ErrorCode } from "@flipside/image-format";
import type { CheckIn } from "@flipside/protocol/messages";
import type { ConfigurationRow, DeviceRow } from "../../storage/schema.ts";
import { reportedOf } from "./stored.ts";

export type SaidOfConfiguration = Pick<CheckIn, "configuration" | "configurationRefused" | "running">;

export function isAsReported(device: DeviceRow, said: CheckIn["configuration"]): boolean {
  const before = reportedOf(device);
  return before?.number === said?.number && before?.digest === said?.digest;
}

/**
 * `isSentHere`: the desired one was sent in the session that the check-in is of. What one image's app has refused
 * another one's may take.
 */
export function stateAfter(
  device: DeviceRow,
  desired: Pick<ConfigurationRow, "number" | "digest"> | undefined,
  { configuration, configurationRefused: refused, running }: SaidOfConfiguration,
  isSentHere: boolean,
): ConfigurationState {
  if (desired === undefined) return "none";
  if (refused?.number === desired.number) return "refused";
  if (configuration?.number === desired.number && configuration.digest === desired.digest) return "in-force";
  if (device.configurationState === "refused" && device.configurationRefusedBy === running.digest) return "refused";
  return isSentHere && device.configurationState === "sent" ? "sent" : "waiting";
}

/** Whether a check-in can say nothing that is not stored: most of them, so that they cost the database nothing. */
export function saysNothingNew(device: DeviceRow, said: SaidOfConfiguration, isSentHere: boolean): boolean {
  if (!isAsReported(device, said.configuration)) return false;
  const isRefusal = said.configurationRefused?.number === device.configurationDesired;
  switch (device.configurationState) {
    case "none":
      return true;
    case "in-force":
      return !isRefusal;
    case "refused": {
      // Its app may have refused at one start what it takes at the next.
      const mayBeInForce = !isRefusal && said.configuration?.number === device.configurationDesired;
      return device.configurationRefusedBy === said.running.digest && !mayBeInForce;
    }
    case "waiting":
      return !isRefusal;
    case "sent":
      return isSentHere && !isRefusal;
  }
}

/** An answer that says nothing of the document: it is sent again. */
export const isPassing = (code: number): boolean =>
  code === ErrorCode.DeviceBusy || code === ErrorCode.CommandForAnotherSession || code === ErrorCode.CommandRepeated;
