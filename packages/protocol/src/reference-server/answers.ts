// What a server says to a device, as payloads (docs/protocol.md).

import type { Session } from "./connection.ts";

const encoder = new TextEncoder();

export const json = (content: object): Uint8Array => encoder.encode(JSON.stringify(content));

export const base64url = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64url");

/** Of a session: `error` is the document's word. */
export const refusal = (session: string, error: string): Uint8Array => json({ session, accepted: false, error });

export interface Deployment {
  id: string;
  attempt: number;
  deadlineMs: number;
  image: { header: Uint8Array; signatures: Uint8Array };
  sizeBytes: number;
  permit?: Uint8Array | undefined;
}

/** What an offer says of a deployment: made once, said often. */
export function deploymentMembers({ id, attempt, deadlineMs, image, sizeBytes, permit }: Deployment): string {
  const content = {
    deployment: id,
    attempt,
    sizeBytes,
    deadlineMs,
    header: base64url(image.header),
    signatures: base64url(image.signatures),
    ...(permit ? { permit: base64url(permit) } : {}),
  };
  return `,${JSON.stringify(content).slice(1, -1)}`;
}

/** `members`: of `deploymentMembers`; without them there is nothing to do. */
export const offer = ({ id }: Session, pollMs: number, members = ""): Uint8Array =>
  encoder.encode(`{"session":"${id}","pollMs":${pollMs}${members}}`);

export const command = ({ id }: Session, signed: Uint8Array): Uint8Array =>
  json({ session: id, command: base64url(signed) });
