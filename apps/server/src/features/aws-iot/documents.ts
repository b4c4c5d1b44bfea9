// What things are told of their jobs, as AWS IoT writes it; times are in seconds since 1970.

import type { ActionRow, ExecutionRow } from "../../storage/schema.ts";
import type { Artifact } from "../other-agents/downloads.ts";
import { detailsOf, jobIdOf, type StatusDetails } from "./executions.ts";

export interface Job {
  action: ActionRow;
  execution: ExecutionRow;
}

/** Each job of a thing is a try of its own. */
export const executionNumber = 1;

export const secondsOf = (ms: number): number => Math.floor(ms / 1_000);

export interface JobDocument {
  operation: "update";
  product: string;
  version: string;
  files: [{ fileName: string; url: string; sizeBytes: number; sha256: string }];
}

const fileNamePartCharactersMax = 32;
const namePart = (text: string): string => text.replace(/[^A-Za-z0-9._-]/g, "_").slice(0, fileNamePartCharactersMax);

export function jobDocument({ product, version, image, hashes }: Artifact, url: string): JobDocument {
  const fileName = `${namePart(product)}-${namePart(version)}.${hashes.suffix}`;
  const file = { fileName, url, sizeBytes: image.payloadBytes, sha256: hashes.sha256 };
  return { operation: "update", product, version, files: [file] };
}

/** `JobExecutionSummary` */
export const summaryOf = ({ action, execution: { version, startedAt, updatedAt } }: Job) => ({
  jobId: jobIdOf(action),
  queuedAt: secondsOf(action.createdAt),
  ...(startedAt === null ? {} : { startedAt: secondsOf(startedAt) }),
  lastUpdatedAt: secondsOf(updatedAt),
  versionNumber: version,
  executionNumber,
});

/** `JobExecution` */
export function executionOf(job: Job, jobDocument?: JobDocument) {
  const { status, deviceId } = job.execution;
  const statusDetails = detailsOf(job.execution);
  return {
    ...summaryOf(job),
    thingName: deviceId,
    status,
    ...(statusDetails === undefined ? {} : { statusDetails }),
    ...(jobDocument === undefined ? {} : { jobDocument }),
  };
}

/** `JobExecutionState` */
export function stateOf(execution: ExecutionRow): {
  status: string;
  statusDetails?: StatusDetails;
  versionNumber: number;
} {
  const statusDetails = detailsOf(execution);
  const { status, version: versionNumber } = execution;
  return { status, ...(statusDetails === undefined ? {} : { statusDetails }), versionNumber };
}

/** By its status, where there is one. */
export const listed = (job: Job | undefined, status: "QUEUED" | "IN_PROGRESS") =>
  job?.execution.status === status ? [summaryOf(job)] : [];
