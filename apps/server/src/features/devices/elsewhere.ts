// Where several servers share a fleet, the device may be connected to another one.

import type { Transaction } from "kysely";
import type { Schema } from "../../storage/schema.ts";

export interface DeviceElsewhere {
  /** First in the transaction after which the device is nobody: no server acts for it by a session that there is. */
  takeAway(db: Transaction<Schema>, deviceId: string): Promise<number | undefined>;
  /** Resolves when its session and its connection are ended at each of them. `taken`: by takeAway. Throws ApiError. */
  end(deviceId: string, why: string, taken: number | undefined): Promise<void>;
}
