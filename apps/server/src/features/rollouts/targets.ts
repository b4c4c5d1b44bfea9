// Which devices a rollout is for: those that its request names, or all of the release's product.

import type { CompleteNewRollout as NewRollout } from "@flipside/api/types";
import { ApiError } from "../../http/errors.ts";
import type { DeviceRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";

const namesListedMax = 10;
export const fieldErrorsMax = 20;
const idsAtATime = 500;

export const listed = (names: string[]): string =>
  names.slice(0, namesListedMax).join(", ") +
  (names.length > namesListedMax ? ` and ${names.length - namesListedMax} more` : "");

/** Throws ApiError when some of those that are named can't be updated. */
export async function targetsOf(db: Queries, request: NewRollout, product: string): Promise<DeviceRow[]> {
  if ("all" in request.target) {
    const devices = await db
      .selectFrom("devices")
      .selectAll()
      .where("revokedAt", "is", null)
      .where("product", "=", product)
      .orderBy("id")
      .execute();
    if (devices.length === 0) throw new ApiError("no-devices", `No device of product ${product} has checked in yet.`);
    return devices;
  }
  const ids = [...new Set(request.target.deviceIds)];
  const found = new Map<string, DeviceRow>();
  for (let at = 0; at < ids.length; at += idsAtATime) {
    for (const row of await db
      .selectFrom("devices")
      .selectAll()
      .where("id", "in", ids.slice(at, at + idsAtATime))
      .execute())
      found.set(row.id, row);
  }
  const refuse = (problem: string, advice: string, pick: (id: string) => boolean): void => {
    const names = ids.filter(pick);
    if (names.length > 0)
      throw new ApiError("device-not-known", `${problem}: ${listed(names)}. ${advice}`, {
        errors: names
          .slice(0, fieldErrorsMax)
          .map((name) => ({ path: "target.deviceIds", message: `${name}: ${problem}` })),
      });
  };
  refuse("Not enrolled", "Take them out of the target, or enrol them first.", (id) => !found.has(id));
  refuse("Revoked", "Take them out of the target.", (id) => found.get(id)!.revokedAt !== null);
  refuse(
    "Has never checked in, so its hardware is not known",
    "Wait for the first check-in.",
    (id) => found.get(id)!.product === null,
  );
  refuse("Of another product", `The release is for ${product}.`, (id) => found.get(id)!.product !== product);
  return ids.map((id) => found.get(id)!);
}
