// A message on `chunk` (docs/protocol.md, "Fetch and chunk").

const PREFIX_BYTES = 16;

/** `digest` of the image, in hex; its first three bytes are enough. */
export function chunkMessage({ attempt, part, digest, index }: { attempt: number; part: number; digest: string; index: number }, data: Uint8Array): Uint8Array {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write("FSCH", "latin1");
  prefix.writeUInt32LE(attempt, 4);
  prefix[8] = part;
  prefix.write(digest.slice(0, 6), 9, "hex");
  prefix.writeUInt32LE(index, 12);
  return new Uint8Array(Buffer.concat([prefix, data]));
}
