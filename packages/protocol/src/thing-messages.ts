// What things of AWS IoT ask and say, and why it is refused: its "Jobs device MQTT API" and "Device Shadow MQTT
// topics", as far as they are spoken here (docs/aws-iot.md).

import { z } from "zod";

export const jobStatuses = [
  "QUEUED",
  "IN_PROGRESS",
  "SUCCEEDED",
  "FAILED",
  "REJECTED",
  "CANCELED",
  "REMOVED",
  "TIMED_OUT",
] as const;
export type JobStatus = (typeof jobStatuses)[number];

export const isTerminal = (status: JobStatus): boolean => status !== "QUEUED" && status !== "IN_PROGRESS";

/** `code` of a rejected request about jobs. */
export type JobErrorCode =
  | "InvalidRequest"
  | "InvalidJson"
  | "InvalidStateTransition"
  | "ResourceNotFound"
  | "VersionMismatch"
  | "InternalError"
  | "TerminalStateReached";

const clientTokenCharactersMax = 64;
const statusDetailsMax = 20;

const clientToken = z.string().max(clientTokenCharactersMax).optional();
/** Examples of AWS have numbers as texts. */
const version = z
  .union([z.int().min(0), z.string().regex(/^\d{1,15}$/)])
  .transform(Number)
  .optional();

const statusDetails = z
  .record(z.string().regex(/^[A-Za-z0-9:_-]{1,128}$/), z.string().max(1_024))
  .refine((details) => Object.keys(details).length <= statusDetailsMax, `more than ${statusDetailsMax} pairs`);

/** Members that are not known are nothing to complain of. */
export const pendingRequest = z.object({ clientToken });
export const startRequest = z.object({ clientToken, statusDetails: statusDetails.nullish() });
export const describeRequest = z.object({
  clientToken,
  executionNumber: version,
  includeJobDocument: z.boolean().default(true),
});
export const updateRequest = z.object({
  clientToken,
  status: z.enum(["IN_PROGRESS", "SUCCEEDED", "FAILED", "REJECTED"]),
  statusDetails: statusDetails.nullish(),
  expectedVersion: version,
  executionNumber: version,
  includeJobExecutionState: z.boolean().default(false),
  includeJobDocument: z.boolean().default(false),
});
export type UpdateRequest = z.output<typeof updateRequest>;

export const shadowGetRequest = z.object({ clientToken });
export const shadowUpdateRequest = z.object({
  clientToken,
  version,
  state: z.object({ reported: z.record(z.string(), z.unknown()).nullish(), desired: z.null().optional() }),
});

/** Of a request that can't be used as a whole, what is to be repeated to who asked. */
export function clientTokenIn(object: unknown): string | undefined {
  const given = (object as { clientToken?: unknown } | null)?.clientToken;
  return typeof given === "string" && given.length <= clientTokenCharactersMax ? given : undefined;
}
