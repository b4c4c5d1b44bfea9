// `flipside release show`

import type { ReleaseDetail } from "@flipside/api/types";
import { command } from "../../command-line/command.ts";
import { pairs } from "../../command-line/table.ts";
import { printDuration, printSize } from "../../command-line/units.ts";
import { findRelease } from "../../rollouts/find-release.ts";

function textOf(release: ReleaseDetail): string {
  const { id, product, version, releaseSequence, uploadedAt, uploadedBy, archivedAt, revoked, images } = release;
  return [
    pairs([
      ["id", id],
      ["release", `${product} ${version}, release sequence ${releaseSequence}`],
      ["uploaded", `${uploadedAt} by ${uploadedBy}`],
      ...(archivedAt === null ? [] : [["archived", archivedAt] as const]),
      ...(revoked ? [["revoked", "the newest trust record names none of its signers"] as const] : []),
    ]),
    ...images.map((image) => {
      const { headerBytes, signatureBytes, tableBytes, payloadBytes } = image.parts;
      return pairs([
        ["image", `${image.hardware}, revisions ${image.revisionMin} to ${image.revisionMax}, ${image.file}`],
        ["digest", image.digest],
        ["signed by", image.signedBy.join(", ")],
        [
          "size",
          `${printSize(image.sizeBytes)}: payload ${printSize(payloadBytes)}, chunk table ${printSize(tableBytes)}, signatures ${printSize(signatureBytes)}, header ${printSize(headerBytes)}`,
        ],
        [
          "needs",
          `security counter ${image.securityCounter}, boot loader ${image.loaderVersionMin}, trust record ${image.trustVersionMin}`,
        ],
        ["trial", `confirm ${printDuration(image.confirmDeadlineMs)}, ${image.tries} tries`],
      ]);
    }),
  ].join("\n\n");
}

export const showRelease = command({
  name: "release show",
  summary: "A release that the server has, with what the headers of its images say",
  arguments: [{ name: "RELEASE", what: "its version, or its id" }],
  options: { product: { value: "PRODUCT", what: "where several products have such a version" } },
  examples: ["flipside release show 2.0.0"],
  connects: true,
  run: async ({ words, options, connect }) => {
    const api = connect();
    const { id } = await findRelease(api, words[0]!, options.product);
    const release = await api("GET /api/v1/releases/:id", { params: { id } });
    return { json: release, text: textOf(release) };
  },
});
