// What a Mender artifact says of itself: a tar whose members are `version`, `manifest`, perhaps signatures,
// `header.tar` (mostly packed), and the data behind it; in the header's tar the first member is `header-info`, which is
// JSON (Mender's documentation, "Artifact format", versions 2 and 3). Only its front is read, and nothing of it is
// believed: the device verifies what it installs.

import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { z } from "zod";

const blockBytes = 512;
const headerBytesMax = 1024 * 1024;
const membersMax = 16;

export interface ArtifactHeader {
  name: string;
  deviceTypes: string[];
}

/** Reads up to `length` bytes at `at`; fewer where there are no more. */
export type ReadAt = (at: number, length: number) => Promise<Buffer>;

interface Member {
  name: string;
  at: number;
  sizeBytes: number;
}

const textIn = (block: Buffer, from: number, length: number): string =>
  block
    .subarray(from, from + length)
    .toString("latin1")
    .replace(/\0.*$/s, "");

/** POSIX.1-1988 (ustar), as far as both programs that write artifacts use it. Undefined: here is no member. */
async function memberAt(read: ReadAt, at: number): Promise<Member | undefined> {
  const block = await read(at, blockBytes);
  if (block.length < blockBytes) return undefined;
  const name = textIn(block, 0, 100);
  const size = textIn(block, 124, 12).trim();
  if (name === "" || !/^[0-7]{1,11}$/.test(size)) return undefined;
  return { name: name.replace(/^\.\//, ""), at: at + blockBytes, sizeBytes: Number.parseInt(size, 8) };
}

async function findMember(read: ReadAt, isWanted: (name: string) => boolean): Promise<Member | undefined> {
  let at = 0;
  for (let count = 0; count < membersMax; count++) {
    const member = await memberAt(read, at);
    if (member === undefined || isWanted(member.name)) return member;
    at = member.at + Math.ceil(member.sizeBytes / blockBytes) * blockBytes;
  }
  return undefined;
}

async function contentOf(read: ReadAt, { at, sizeBytes }: Member): Promise<Buffer | undefined> {
  if (sizeBytes > headerBytesMax) return undefined;
  const content = await read(at, sizeBytes);
  return content.length === sizeBytes ? content : undefined;
}

const packed = { maxOutputLength: headerBytesMax };
const unpackers: Record<string, (bytes: Buffer) => Promise<Buffer>> = {
  "header.tar": async (bytes) => bytes,
  "header.tar.gz": (bytes) => promisify(gunzip)(bytes, packed),
};

const name = z.string().min(1).max(256);
const types = z.array(name).min(1).max(100);
const version3 = z.object({
  artifact_provides: z.object({ artifact_name: name }),
  artifact_depends: z.object({ device_type: types }),
});
const version2 = z.object({ artifact_name: name, device_types_compatible: types });

function headerIn(text: string): ArtifactHeader | undefined {
  const info: unknown = JSON.parse(text);
  const third = version3.safeParse(info);
  if (third.success)
    return { name: third.data.artifact_provides.artifact_name, deviceTypes: third.data.artifact_depends.device_type };
  const second = version2.safeParse(info);
  return second.success
    ? { name: second.data.artifact_name, deviceTypes: second.data.device_types_compatible }
    : undefined;
}

/** Undefined: it is no artifact of Mender's, or its header is packed in another way than by gzip. */
export async function readArtifactHeader(read: ReadAt): Promise<ArtifactHeader | undefined> {
  const first = await memberAt(read, 0);
  if (first?.name !== "version") return undefined;
  const member = await findMember(read, (each) => each.startsWith("header.tar"));
  const unpack = member && unpackers[member.name];
  const bytes = unpack && (await contentOf(read, member!));
  if (bytes === undefined) return undefined;
  try {
    const tar = await unpack!(bytes);
    const readTar: ReadAt = async (at, length) => tar.subarray(at, at + length);
    const info = await findMember(readTar, (each) => each === "header-info");
    const content = info && (await contentOf(readTar, info));
    return content && headerIn(content.toString("utf8"));
  } catch {
    // Neither packed nor JSON as it says.
    return undefined;
  }
}
