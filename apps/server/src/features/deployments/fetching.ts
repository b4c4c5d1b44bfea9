// What a device may fetch: the image of a deployment of its own that is under way.

import { deploymentStateOf, isFinal } from "@flipside/image-format";
import { isWaiting } from "../../domain/deployment-transitions.ts";
import type { DeploymentRow } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import type { ImageFile } from "../chunk-delivery/chunk-delivery.ts";
import type { ImageStore } from "../releases/image-store.ts";
import type { Trust } from "../trust/trust.ts";
import type { Brake } from "./brake.ts";
import type { Memory } from "./memory.ts";

export interface Fetching {
  /** The image of a deployment that the device may be fetching. */
  imageFor(deviceId: string, deploymentId: string, attempt: number): Promise<ImageFile | { refusal: string }>;
}

export function createFetching(options: {
  storage: Storage;
  memory: Memory;
  trust: Pick<Trust, "version" | "verdict">;
  images: Pick<ImageStore, "stateOf">;
  brake: Brake;
}): Fetching {
  const { storage, memory, trust, images, brake } = options;
  return {
    async imageFor(deviceId, deploymentId, attempt) {
      const row: DeploymentRow | undefined =
        (await memory.deployments(deviceId)).find(({ id }) => id === deploymentId) ??
        (await storage.db
          .selectFrom("deployments")
          .selectAll()
          .where("id", "=", deploymentId)
          .where("deviceId", "=", deviceId)
          .executeTakeFirst());
      if (row === undefined) return { refusal: "the device has no such deployment" };
      if (trust.verdict(row.digest, null) === "revoked")
        return { refusal: `trust record ${trust.version} names no signer of the image any more` };
      if (brake.stop !== undefined) return { refusal: `all updates were stopped by ${brake.stop.by}` };
      const state = images.stateOf(row.digest);
      if (state !== "present") return { refusal: `the image's file is ${state}` };
      if (row.attempt !== attempt)
        return { refusal: `it is for attempt ${attempt}, the deployment is at ${row.attempt}` };
      if (isWaiting(row.state) || isFinal(deploymentStateOf(row.state)))
        return { refusal: `the deployment is ${row.state}` };
      return memory.image(row.digest);
    },
  };
}
