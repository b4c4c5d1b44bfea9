// A release looked at closely: what the headers of its images say, and what differs in them from another release's.

import type { ReleaseDetail, ReleaseDifference } from "@flipside/api/types";
import {
  type Compared,
  compareImages,
  describeHead,
  type ImageDescription,
  type ImageDifference,
  signersOf,
} from "@flipside/image-format";
import { ApiError } from "../../http/errors.ts";
import type { ImageRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import type { ImageFiles } from "./image-files.ts";
import type { Releases } from "./releases.ts";
import { imagesOf } from "./stored.ts";

export interface ReleaseDetails {
  /** Throws ApiError when there is none. */
  one(id: string): Promise<ReleaseDetail>;
  /** What differs in the release from the other one. Throws ApiError when one of them is not there. */
  compare(id: string, other: string): Promise<ReleaseDifference>;
  /** Where the file of this image of the release lies. Throws ApiError when there is none that can be served. */
  imagePath(id: string, digest: string): Promise<string>;
}

/** Header and signatures, as they are in the database: files may be lost. */
const headOf = ({ header, signatureBlock }: ImageRow): Uint8Array => Buffer.concat([header, signatureBlock]);

const described = (row: ImageRow): Promise<ImageDescription> => describeHead(headOf(row), row.sizeBytes);

async function imageDetail(row: ImageRow): Promise<Omit<ReleaseDetail["images"][number], keyof ReleaseImageOfLists>> {
  const image = await described(row);
  const { chunkBytes, chunkCount, loaderVersionMin, trustVersionMin } = image;
  const { confirmDeadlineMs, contactDeadlineMs, tries, watchdogMs } = image;
  return {
    signedBy: signersOf(headOf(row), image),
    parts: {
      headerBytes: image.headerBytes,
      signatureBytes: image.signatureBlockBytes,
      tableBytes: image.payloadOffset - image.tableOffset,
      payloadBytes: image.payloadBytes,
    },
    ...{ chunkBytes, chunkCount, loaderVersionMin, trustVersionMin },
    ...{ confirmDeadlineMs, contactDeadlineMs, tries, watchdogMs },
  };
}

type ReleaseImageOfLists = NonNullable<Awaited<ReturnType<Releases["one"]>>>["images"][number];

/** As the interface has them: what a header keeps together is told apart. */
function membersOf({ members }: ImageDifference): ReleaseDifference["images"][number]["members"] {
  const flat = Object.entries(members).flatMap(([name, [from, to]]): [string, unknown, unknown][] => {
    if (name !== "hardware") return [[name, from, to]];
    const [one, two] = [from, to] as [Record<string, unknown>, Record<string, unknown>];
    return Object.keys(one).map((part) => [part, one[part], two[part]]);
  });
  return flat
    .filter(([, from, to]) => from !== to)
    .map(([name, from, to]) => ({
      name,
      from: (from ?? null) as string | number | null,
      to: (to ?? null) as string | number | null,
    }));
}

export function createReleaseDetails(options: {
  db: Queries;
  files: Pick<ImageFiles, "headOf" | "pathOf">;
  releases: Pick<Releases, "one">;
}): ReleaseDetails {
  const { db, files, releases } = options;

  async function known(id: string): Promise<ReleaseDetail> {
    const release = await releases.one(id);
    if (release === undefined) throw new ApiError("not-found", "There is no such release.");
    const rows = new Map((await imagesOf(db, id)).map((row) => [row.digest, row]));
    const images = [];
    for (const image of release.images) images.push({ ...image, ...(await imageDetail(rows.get(image.digest)!)) });
    return { ...release, images };
  }

  /** With the chunk table, where its file is there. */
  async function compared(row: ImageRow): Promise<{ hardware: string; compared: Compared; hasTable: boolean }> {
    const head = await files.headOf(row.fileName, row.payloadOffset);
    const hasTable = head?.length === row.payloadOffset;
    return {
      hardware: row.hardware,
      compared: { bytes: hasTable ? head : headOf(row), image: await described(row) },
      hasTable,
    };
  }

  async function comparedOf(id: string) {
    await known(id);
    return Promise.all((await imagesOf(db, id)).map(compared));
  }

  return {
    one: known,
    async imagePath(id, digest) {
      const { images } = await known(id);
      const state = images.find((image) => image.digest === digest)?.file;
      if (state === undefined) throw new ApiError("not-found", "The release has no such image.");
      if (state !== "present")
        throw new ApiError(
          "image-file-missing",
          `The file of this image is ${state}: upload its release again to mend it.`,
        );
      const { fileName } = (await imagesOf(db, id)).find((image) => image.digest === digest)!;
      return files.pathOf(fileName);
    },
    async compare(id, other) {
      const [before, after] = [await comparedOf(other), await comparedOf(id)];
      const hardware = [...new Set([...after, ...before].map((each) => each.hardware))].sort();
      const images = hardware.map((name) => {
        const [from, to] = [before, after].map((all) => all.find((each) => each.hardware === name));
        const difference = compareImages(from?.compared, to?.compared);
        const [one, two] = difference.digests;
        const isKnown = to?.hasTable === true && from?.hasTable !== false;
        return {
          hardware: name,
          digests: { from: one, to: two },
          members: membersOf(difference),
          chunks: isKnown ? difference.chunks : null,
        };
      });
      return { images };
    },
  };
}
