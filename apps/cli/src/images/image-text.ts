// Images, in lines.

import type { ImageDescription } from "@flipside/image-format";
import { pairs } from "../command-line/table.ts";
import { printDuration, printSize } from "../command-line/units.ts";

const typeNames: Record<number, string> = { 1: "unikernel", 2: "virtual bundle" };
const hex = (address: number): string => `0x${address.toString(16).padStart(8, "0")}`;

export type DescribedImage = ImageDescription & { signedBy: string[] };

export function imageText(image: DescribedImage): string {
  const { hardware, confirmDeadlineMs, contactDeadlineMs, tries, watchdogMs } = image;
  return pairs([
    ["digest", image.digest],
    ["product", `${image.product} ${image.version}, release sequence ${image.releaseSequence}`],
    ["hardware", `${hardware.name}, revisions ${hardware.revisionMin} to ${hardware.revisionMax}`],
    ["type", typeNames[image.imageType] ?? String(image.imageType)],
    [
      "needs",
      `security counter ${image.securityCounter}, boot loader ${image.loaderVersionMin}, trust record ${image.trustVersionMin}`,
    ],
    [
      "payload",
      `${printSize(image.payloadBytes)} in ${image.chunkCount} chunks of ${printSize(image.chunkBytes)}; load ${hex(image.loadAddress)}, entry ${hex(image.entryAddress)}`,
    ],
    [
      "trial",
      `confirm ${printDuration(confirmDeadlineMs)}, contact ${printDuration(contactDeadlineMs)}, ${tries} tries, watchdog ${printDuration(watchdogMs)}`,
    ],
    ["signed by", image.signedBy.length === 0 ? "nobody yet" : image.signedBy.join(", ")],
    ...(image.description === undefined ? [] : [["about", image.description] as const]),
  ]);
}

/** One line. */
export const imageLine = ({ hardware, sizeBytes, digest, signedBy }: DescribedImage): string =>
  `  ${hardware.name}  ${printSize(sizeBytes)}  ${digest}  ${signedBy.length === 0 ? "not signed" : `signed by ${signedBy.join(", ")}`}`;
