// What a server says to a device, as payloads. Their form is server-messages.ts's.

import {
  offer as offerMessage,
  type OfferMembers,
  offerMembers,
  type ServerMessage,
  signedCommand,
} from "../server-messages.ts";
import type { Session } from "./connection.ts";
import type { Say } from "./policy.ts";

const encoder = new TextEncoder();

/** Of no message's form, where that is what a test wants. */
export const json = (content: object): Uint8Array => encoder.encode(JSON.stringify(content));

const payloadOf = ({ payload }: ServerMessage): Uint8Array =>
  typeof payload === "string" ? encoder.encode(payload) : payload;

export const tell = (say: Say, message: ServerMessage): void => say(message.leaf, payloadOf(message));

export interface Deployment {
  id: string;
  attempt: number;
  deadlineMs: number;
  image: { header: Uint8Array; signatures: Uint8Array };
  sizeBytes: number;
  permit?: Uint8Array | undefined;
}

/** What an offer says of a deployment: made once, said often. */
export const deploymentMembers = ({ id, image, ...more }: Deployment): OfferMembers =>
  offerMembers({ deployment: id, header: image.header, signatures: image.signatures, ...more });

/** `members`: of `deploymentMembers`; without them there is nothing to do. */
export const offer = ({ id }: Session, pollMs: number, members?: OfferMembers): Uint8Array =>
  payloadOf(offerMessage(id, pollMs, members));

/** `document`: of a configuration that the command sets. */
export const command = ({ id }: Session, signed: Uint8Array, document?: Uint8Array): Uint8Array =>
  payloadOf(signedCommand(id, signed, document));
