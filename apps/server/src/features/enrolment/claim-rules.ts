// Whether somebody may enrol by a claim now. Pure.

import type { EnrolmentRefusal } from "@flipside/protocol/server-messages";
import type { Selectable } from "kysely";
import type { ClaimTable } from "../../storage/schema.ts";

export type ClaimRow = Selectable<ClaimTable>;

/**
 * A device that has not heard the end of its enrolment, or whose power failed before it stored the secret, enrols again
 * at once: that counts as the same time.
 */
export const sameTimeMs = 10 * 60_000;

const isSame = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

/** What can be said before anything is proven. */
export const refusalBeforeProof = (
  { endsAt, enrolmentsLeft, lastEnrolledAt }: Pick<ClaimRow, "endsAt" | "enrolmentsLeft" | "lastEnrolledAt">,
  nowMs: number,
): EnrolmentRefusal | undefined => {
  if (endsAt !== null && nowMs >= endsAt) return "claim-expired";
  return enrolmentsLeft === 0 && !isSameTime(lastEnrolledAt, nowMs) ? "claim-used-up" : undefined;
};

const isSameTime = (lastEnrolledAt: number | null, nowMs: number): boolean =>
  lastEnrolledAt !== null && nowMs - lastEnrolledAt < sameTimeMs;

/** `known`: the key that the device is enrolled with. */
export function refusalAfterProof(
  claim: ClaimRow,
  key: Uint8Array,
  known: Uint8Array | undefined,
  nowMs: number,
): EnrolmentRefusal | undefined {
  if (claim.publicKey !== null && !isSame(claim.publicKey, key)) return "key-mismatch";
  if (claim.approval === "needed") return "approval-awaited";
  const before = refusalBeforeProof(claim, nowMs);
  if (before !== undefined) return before;
  // Of the same time only who has enrolled at it.
  return claim.enrolmentsLeft === 0 && (known === undefined || !isSame(known, key)) ? "claim-used-up" : undefined;
}

/** What one more enrolment leaves of it. */
export function afterEnrolment(
  { enrolmentsLeft, lastEnrolledAt }: Pick<ClaimRow, "enrolmentsLeft" | "lastEnrolledAt">,
  nowMs: number,
): Pick<ClaimRow, "enrolmentsLeft" | "lastEnrolledAt"> {
  if (enrolmentsLeft === null) return { enrolmentsLeft, lastEnrolledAt: nowMs };
  if (isSameTime(lastEnrolledAt, nowMs)) return { enrolmentsLeft, lastEnrolledAt };
  return { enrolmentsLeft: enrolmentsLeft - 1, lastEnrolledAt: nowMs };
}
