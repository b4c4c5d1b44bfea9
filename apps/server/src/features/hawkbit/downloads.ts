// The payload of an action's image, on its way to the device: what may be fetched is what fetching.ts says, asked again
// while it is sent, and how far it has come is said of the deployment.

import type { Request, Response } from "express";
import { ApiError } from "../../http/errors.ts";
import type { Turns } from "../../turns.ts";
import type { HawkbitActionRow, ImageRow } from "../../storage/schema.ts";
import type { DownloadSlots } from "../chunk-delivery/download-slots.ts";
import type { Brake } from "../deployments/brake.ts";
import type { Evidence } from "../deployments/evidence.ts";
import type { Fetching } from "../deployments/fetching.ts";
import type { Memory } from "../deployments/memory.ts";
import { fileNameOf } from "./addresses.ts";
import { createArtifactServing } from "./artifact-serving.ts";
import type { Artifact } from "./documents.ts";
import type { PayloadHashing } from "./payload-hashes.ts";

/** A stop is ended by a person: who asks every few seconds learns nothing. */
const stoppedRetrySeconds = 60;
const toldEveryBytes = 256 * 1024;

export interface Downloads {
  /** What an action is about; its image may still be fetched, or ApiError is thrown. */
  artifactOf(deviceId: string, action: HawkbitActionRow): Promise<Artifact>;
  /** The same of an action that is over. */
  pastArtifactOf(action: HawkbitActionRow): Promise<Artifact>;
  send(request: Request, response: Response, action: HawkbitActionRow, fileName: string): Promise<void>;
}

export interface DownloadsOptions {
  memory: Pick<Memory, "image" | "release">;
  fetching: Fetching;
  evidence: Pick<Evidence, "reported">;
  slots: Pick<DownloadSlots, "touch">;
  brake: Brake;
  turns: Turns;
  hashing: PayloadHashing;
  pathOf: (fileName: string) => string;
  /** A file could not be read as far as it should reach. */
  unreadable: (digest: string) => void;
}

export function createDownloads(options: DownloadsOptions): Downloads {
  const { memory, fetching, evidence, slots, brake, turns, hashing } = options;
  const serving = createArtifactServing();

  async function refuseUnlessServed(deviceId: string, { deploymentId, attempt }: HawkbitActionRow): Promise<void> {
    if (brake.stop !== undefined)
      throw new ApiError("server-busy", "All updates were stopped.", { retryAfterSeconds: stoppedRetrySeconds });
    const image = await fetching.imageFor(deviceId, deploymentId, attempt);
    if ("refusal" in image) throw new ApiError("not-found", `There is nothing to fetch: ${image.refusal}.`);
  }

  async function pastArtifactOf({ digest }: HawkbitActionRow): Promise<Artifact & { image: ImageRow }> {
    const image = await memory.image(digest);
    const { product, version } = await memory.release(image.releaseId);
    const hashes = await hashing.of(image).catch((error: unknown) => {
      options.unreadable(digest);
      throw error;
    });
    return { product, version, image, hashes };
  }

  async function artifactOf(deviceId: string, action: HawkbitActionRow): Promise<Artifact & { image: ImageRow }> {
    await refuseUnlessServed(deviceId, action);
    return pastArtifactOf(action);
  }

  return {
    artifactOf,
    pastArtifactOf,
    async send(request, response, action, fileName) {
      const { deviceId, deploymentId, attempt, digest } = action;
      const { product, version, image, hashes } = await artifactOf(deviceId, action);
      if (fileName !== fileNameOf(product, version, hashes.suffix))
        throw new ApiError("not-found", "The action has no such file.");
      const { chunkBytes, chunkCount: total } = image;
      let toldBytes = -toldEveryBytes;

      async function goesOn(doneBytes: number): Promise<boolean> {
        slots.touch(deviceId);
        if (doneBytes - toldBytes >= toldEveryBytes || doneBytes === image.payloadBytes) {
          toldBytes = doneBytes;
          const done = Math.min(total, Math.floor(doneBytes / chunkBytes));
          const come = {
            state: "downloading",
            code: 0,
            done: doneBytes === image.payloadBytes ? total : done,
            total,
          } as const;
          await turns.run(deviceId, () => evidence.reported(deviceId, { ...come, deployment: deploymentId, attempt }));
        }
        return !("refusal" in (await fetching.imageFor(deviceId, deploymentId, attempt)));
      }

      const served = { path: options.pathOf(image.fileName), image, sha256: hashes.sha256 };
      if (!(await serving.serve(request, response, served, goesOn))) options.unreadable(digest);
    },
  };
}
