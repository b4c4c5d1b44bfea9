// Images that the agent must refuse, each for another reason (docs/protocol.md, "Check-in and offer").

import { ErrorCode } from "@flipside/image-format";
import type { TestBench, Message, Offered } from "../test-bench.ts";
import { textOf } from "../test-bench.ts";
import { type Check, NotConforming, NotReached } from "../check.ts";
import { type ImageChange, withWrongChunk } from "../test-images.ts";

const section = "Check-in and offer";

const nameOf = (code: number): string => `rejected, code ${code} (${ErrorCode[code] ?? "no code of the format"})`;

/** How a message says that the deployment has ended; undefined: it does not. */
function endIn({ leaf, content }: Message, id: string): { state: string; code: number } | undefined {
  const said = leaf === "state" && content["deployment"] === id ? content : deploymentIn(leaf, content, id);
  const state = String(said?.["state"]);
  if (!["rejected", "failed", "rolled-back", "confirmed", "installed", "rebooting", "testing"].includes(state))
    return undefined;
  return { state, code: Number(said?.["code"] ?? 0) };
}

function deploymentIn(leaf: string, content: Message["content"], id: string): Message["content"] | undefined {
  const deployment = content["deployment"] as Message["content"] | undefined;
  return leaf === "check-in" && deployment?.["id"] === id ? deployment : undefined;
}

/** The deployment ends as `rejected` with that code, and neither slot has the image. */
export async function isRejected(bench: TestBench, { id, image }: Offered, code: number, from: number): Promise<void> {
  try {
    const { end, message } = await bench.until(nameOf(code), () => {
      for (const message of bench.heardAll.slice(from)) {
        const end = endIn(message, id);
        if (end) return { end, message };
      }
      return undefined;
    });
    if (end.state !== "rejected" || end.code !== code) throw new NotConforming(nameOf(code), textOf(message));
  } finally {
    bench.withdraw();
  }
  const { running, other } = await bench.checkIn("a check-in after the refusal");
  if (running.digest === image.digest || (other.digest === image.digest && other.state !== "failed"))
    throw new NotConforming("neither slot with the refused image", JSON.stringify({ running, other }));
}

async function refuses(bench: TestBench, change: ImageChange, code: number): Promise<void> {
  const image = await bench.image(change);
  const from = bench.now;
  await isRejected(bench, bench.offer(image), code, from);
}

/** `with`: words for what is wrong with the image. */
const refusal = (name: string, wrong: string, run: Check["run"]): Check => ({
  name: `refuses-${name}`,
  section,
  what: `rejects an image ${wrong}`,
  needs: ["polls"],
  run,
});

export const offerChecks: readonly Check[] = [
  refusal("signature", "whose signature was made for another purpose (12)", (bench) =>
    refuses(bench, { fields: { description: "signature" }, signed: "other-purpose" }, ErrorCode.SignatureMismatch),
  ),
  refusal("stranger", "that no release key of its trust record has signed (9)", (bench) =>
    refuses(bench, { fields: { description: "stranger" }, signed: "stranger" }, ErrorCode.SignatureUnknownKey),
  ),
  refusal("product", "of another product (40)", (bench) =>
    refuses(bench, { fields: { product: "another-product" } }, ErrorCode.ProductMismatch),
  ),
  refusal("hardware", "for other hardware (41)", (bench) =>
    refuses(
      bench,
      { fields: { hardware: { name: "other-hardware", revisionMin: 0, revisionMax: 65_535 } } },
      ErrorCode.HardwareMismatch,
    ),
  ),
  refusal("revision", "for another revision of its hardware (41)", async (bench) => {
    const { hardware, revision } = bench.wholeCheckIn;
    const fields = { hardware: { name: hardware, revisionMin: revision + 1, revisionMax: revision + 1 } };
    await refuses(bench, { fields }, ErrorCode.HardwareMismatch);
  }),
  refusal("security-counter", "whose security counter is below the device's floor (43)", async (bench) => {
    const { floor } = bench.wholeCheckIn;
    if (floor === 0) throw new NotReached("the device's floor is 0: no image is below it");
    await refuses(bench, { fields: { securityCounter: floor - 1 } }, ErrorCode.SecurityCounterTooLow);
  }),
  refusal(
    "release-sequence",
    "whose release sequence is below the running one's, without a permit (44)",
    async (bench) => {
      const { releaseSequence } = bench.wholeCheckIn.running;
      if (releaseSequence < 2)
        throw new NotReached(`the running release sequence is ${releaseSequence}: none is below it`);
      await refuses(bench, { fields: { releaseSequence: releaseSequence - 1 } }, ErrorCode.ReleaseSequenceTooLow);
    },
  ),
  refusal("size", "whose file is longer than its header says (2)", async (bench) => {
    const image = await bench.image({ fields: { description: "size" } });
    const from = bench.now;
    const offered = bench.offer({ ...image, sizeBytes: image.sizeBytes + 1 });
    await isRejected(bench, offered, ErrorCode.ImageTrailingBytes, from);
  }),
  {
    name: "refuses-chunk",
    section: "Fetch and chunk",
    what: "rejects an image with a chunk that does not fit its table, when it came so three times (14)",
    needs: ["polls"],
    async run(bench) {
      const image = await bench.image({ fields: { description: "chunk" } });
      const from = bench.now;
      await isRejected(bench, bench.offer(image, withWrongChunk(image)), ErrorCode.ChunkMismatch, from);
    },
  },
];
