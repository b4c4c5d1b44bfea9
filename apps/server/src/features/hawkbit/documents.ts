// What is answered, as clients read it. Pure.

import type { Artifact } from "../other-agents/downloads.ts";
import { addressOf, fileNameOf } from "./addresses.ts";

type Link = { href: string };
export type Links = Partial<
  Record<"deploymentBase" | "cancelAction" | "installedBase" | "configData" | "confirmationBase", Link>
>;

const secondMs = 1_000;
/** `HH:MM:SS` has no days. */
export const sleepMsMax = (24 * 3600 - 1) * secondMs;

const twoDigits = (value: number): string => String(value).padStart(2, "0");

/** Exactly so long: clients read it by strptime(3). */
export function sleepText(pollMs: number): string {
  const seconds = Math.max(1, Math.round(Math.min(pollMs, sleepMsMax) / secondMs));
  return [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(twoDigits).join(":");
}

export const pollDocument = (pollMs: number, links: Links) => ({
  config: { polling: { sleep: sleepText(pollMs) } },
  _links: links,
});

/** One chunk with one artifact, and the name of its part that Zephyr's client looks for. */
export function deploymentDocument(root: string, actionId: number, artifact: Artifact) {
  const { product, version, image, hashes } = artifact;
  const filename = fileNameOf(product, version, hashes.suffix);
  const { sha1, md5, sha256 } = hashes;
  const href = addressOf.artifact(root, actionId, filename);
  return {
    id: String(actionId),
    deployment: {
      download: "forced",
      update: "forced",
      chunks: [
        {
          part: "bApp",
          version,
          name: product,
          artifacts: [
            {
              filename,
              hashes: { sha1, md5, sha256 },
              size: image.payloadBytes,
              _links: { download: { href }, "download-http": { href } },
            },
          ],
        },
      ],
    },
  };
}

/** Confirmation is asked of nobody: who rolls out has decided. */
export const confirmationDocument = () => ({ autoConfirm: { active: true }, _links: {} });

export const cancellationDocument = (actionId: number) => ({
  id: String(actionId),
  cancelAction: { stopId: String(actionId) },
});
