// A Mender artifact, format version 3, written from Mender's documentation: one payload for an update module.

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

const blockBytes = 512;

/** A member of a ustar archive (POSIX.1-1988). */
function member(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(blockBytes);
  header.write(name, 0, 100);
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const padding = Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes);
  return Buffer.concat([header, content, padding]);
}

const tar = (members: [string, Buffer][]): Buffer =>
  Buffer.concat([...members.map(([name, content]) => member(name, content)), Buffer.alloc(2 * blockBytes)]);

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

export interface ArtifactFields {
  name: string;
  deviceTypes?: string[];
  /** The update module that installs it. */
  type?: string;
  content?: Buffer;
  /** As its member is called: `header.tar.gz`, or another packing's name. */
  headerName?: string;
}

export function menderArtifact({
  name,
  deviceTypes = ["virtual"],
  type = "copy-file",
  content = Buffer.alloc(8_192, name),
  headerName = "header.tar.gz",
}: ArtifactFields): Buffer {
  const version = json({ format: "mender", version: 3 });
  const info = {
    payloads: [{ type }],
    artifact_provides: { artifact_name: name },
    artifact_depends: { device_type: deviceTypes },
  };
  const header = tar([
    ["header-info", json(info)],
    [
      "headers/0000/type-info",
      json({
        type,
        artifact_provides: { [`rootfs-image.${type}.version`]: name },
        clears_artifact_provides: [`rootfs-image.${type}.*`],
      }),
    ],
  ]);
  const packed = headerName === "header.tar" ? header : gzipSync(header);
  const sums: [string, Buffer][] = [
    ["data/0000/app.bin", content],
    [headerName, packed],
    ["version", version],
  ];
  const manifest = sums.map(([file, bytes]) => `${sha256(bytes)}  ${file}\n`).join("");
  return tar([
    ["version", version],
    ["manifest", Buffer.from(manifest)],
    [headerName, packed],
    ["data/0000.tar.gz", gzipSync(tar([["app.bin", content]]), { level: 0 })],
  ]);
}
