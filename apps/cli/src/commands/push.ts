// `flipside push`

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { Client } from "@flipside/api/client";
import { ProblemError } from "@flipside/api/problem";
import type { Release } from "@flipside/api/types";
import { command, type Invocation } from "../command-line/command.ts";
import { CommandFailure } from "../command-line/failures.ts";
import { ProgressBar } from "../command-line/progress-bar.ts";
import { printSize } from "../command-line/units.ts";
import { CountedFile } from "../connection/counted-file.ts";
import { everyRelease } from "../rollouts/find-release.ts";

/** A release of 64 MiB over a slow line. */
const UPLOAD_TIMEOUT_MS = 30 * 60 * 1000;

const options = {
  "confirm-sequence": { what: "it is meant that the release sequence does not rise with the version" },
  "exist-ok": { what: "done as well when the server has these very images already" },
} as const;

type Format = typeof import("@flipside/image-format");

function releaseText({ id, product, version, releaseSequence, images }: Release): string {
  const lines = images.map(({ hardware, sizeBytes, digest }) => `  ${hardware}  ${printSize(sizeBytes)}  ${digest}`);
  return [`${id}  ${product} ${version}, release sequence ${releaseSequence}`, ...lines].join("\n");
}

/** The release with exactly the images of the file, if the server has it. */
async function sameRelease(api: Client, format: Format, file: Uint8Array): Promise<Release | undefined> {
  const images = await Promise.all(format.splitRelease(file).map((image) => format.describeImage(image)));
  const digests = images.map(({ digest }) => digest).sort();
  const releases = await everyRelease(api);
  return releases.find(
    (release) =>
      release.images
        .map(({ digest }) => digest)
        .sort()
        .join() === digests.join(),
  );
}

async function pushPermit(api: Client, format: Format, file: Uint8Array) {
  const { PERMIT_DIGEST_OFFSET: at, DIGEST_BYTES, toHex } = format;
  const digest = toHex(file.subarray(at, at + DIGEST_BYTES));
  const release = (await everyRelease(api)).find(({ images }) => images.some((image) => image.digest === digest));
  if (release === undefined)
    throw new CommandFailure(`the permit is for image ${digest}, which no release of the server has: push that first`);
  const added = await api("POST /api/v1/releases/:id/permits", { params: { id: release.id }, body: file });
  const who = added.anyDevice ? "any device" : "one device";
  return { json: added, text: `${who} may go back to ${release.product} ${release.version}` };
}

async function pushReleaseState(api: Client, file: Uint8Array) {
  const state = await api("POST /api/v1/release-states", { body: file });
  const { product, version, releaseSequence, validUntil } = state;
  const text = `${product} ${version}, release sequence ${releaseSequence}, is the newest until ${validUntil}; devices hear it at their next check-ins`;
  return { json: state, text };
}

async function run({ options: asked, words, io, note, connect }: Invocation<typeof options>) {
  const path = words[0]!;
  const file = new Uint8Array(readFileSync(path));
  const api = connect({ timeoutMs: UPLOAD_TIMEOUT_MS });
  const format = await import("@flipside/image-format");
  if (file.length >= format.PERMIT_BODY_BYTES && new DataView(file.buffer).getUint32(0, true) === format.PERMIT_MAGIC)
    return pushPermit(api, format, file);
  if (format.isReleaseStateFile(file)) return pushReleaseState(api, file);
  const bar = new ProgressBar(io);
  note(`uploading ${basename(path)}, ${printSize(file.length)}`);
  try {
    const confirmSequence = asked["confirm-sequence"] ? "true" : "false";
    const body = new CountedFile(file, (bytes) => bar.show(bytes, file.length, `${printSize(bytes)} sent`));
    const release = await api("POST /api/v1/releases", { query: { confirmSequence }, body });
    return { json: release, text: releaseText(release) };
  } catch (error) {
    const isThere = error instanceof ProblemError && error.code === "release-exists" && asked["exist-ok"];
    const same = isThere ? await sameRelease(api, format, file) : undefined;
    if (same === undefined) throw error;
    return { json: same, text: releaseText(same) };
  } finally {
    bar.clear();
  }
}

export const push = command({
  name: "push",
  summary: "Upload a signed release, a permit, or a release state",
  about: "The server verifies all of it before it keeps anything. --exist-ok is for pipelines that may run twice.",
  arguments: [{ name: "FILE", what: "a release, an image, a permit, or a release state" }],
  options,
  examples: ["flipside push my-app-2.0.0.release", "flipside push my-app-2.0.0.release --exist-ok --print id"],
  connects: true,
  run,
});
