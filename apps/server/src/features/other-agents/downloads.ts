// The payload of an action's image, on its way to the device: what may be fetched is what fetching.ts says, asked again
// while it is sent, and how far it has come is said of the deployment.

import type { Request, Response } from "express";
import { ApiError } from "../../http/errors.ts";
import type { Turns } from "../../turns.ts";
import type { ActionRow, ImageRow, PayloadHashesTable } from "../../storage/schema.ts";
import type { DownloadSlots } from "../chunk-delivery/download-slots.ts";
import type { Brake } from "../deployments/brake.ts";
import type { Evidence } from "../deployments/evidence.ts";
import type { Fetching } from "../deployments/fetching.ts";
import type { Memory } from "../deployments/memory.ts";
import { createArtifactServing } from "./artifact-serving.ts";
import type { PayloadHashing } from "./payload-hashes.ts";

/** A stop is ended by a person: who asks every few seconds learns nothing. */
const stoppedRetrySeconds = 60;
const toldEveryBytes = 256 * 1024;

/** What an action is about. */
export interface Artifact {
  product: string;
  version: string;
  image: ImageRow;
  hashes: Pick<PayloadHashesTable, "sha1" | "md5" | "sha256" | "suffix">;
}

export interface Downloads {
  /** Its image may still be fetched, or ApiError is thrown. */
  artifactOf(deviceId: string, action: ActionRow): Promise<Artifact>;
  /** The same of an action that is over. */
  pastArtifactOf(action: ActionRow): Promise<Artifact>;
  /** Answers the request with the payload of what `artifactOf` has told. */
  send(request: Request, response: Response, action: ActionRow, artifact: Artifact): Promise<void>;
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

  async function refuseUnlessServed(deviceId: string, { deploymentId, attempt }: ActionRow): Promise<void> {
    if (brake.stop !== undefined)
      throw new ApiError("server-busy", "All updates were stopped.", { retryAfterSeconds: stoppedRetrySeconds });
    const image = await fetching.imageFor(deviceId, deploymentId, attempt);
    if ("refusal" in image) throw new ApiError("not-found", `There is nothing to fetch: ${image.refusal}.`);
  }

  async function pastArtifactOf({ digest }: ActionRow): Promise<Artifact> {
    const image = await memory.image(digest);
    const { product, version } = await memory.release(image.releaseId);
    const hashes = await hashing.of(image).catch((error: unknown) => {
      options.unreadable(digest);
      throw error;
    });
    return { product, version, image, hashes };
  }

  async function artifactOf(deviceId: string, action: ActionRow): Promise<Artifact> {
    await refuseUnlessServed(deviceId, action);
    return pastArtifactOf(action);
  }

  return {
    artifactOf,
    pastArtifactOf,
    async send(request, response, action, { image, hashes }) {
      const { deviceId, deploymentId, attempt, digest } = action;
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

      const served = { deviceId, path: options.pathOf(image.fileName), image, sha256: hashes.sha256 };
      if (!(await serving.serve(request, response, served, goesOn))) options.unreadable(digest);
    },
  };
}
