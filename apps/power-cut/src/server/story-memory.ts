// What the fleet's side of a story wants of a device, what it remembers of it, and what it takes for the end.

import type { CheckIn } from "@flipside/protocol/messages";
import { outcomeOf } from "@flipside/protocol/reference-server/outcome";
import type { CampaignImage } from "../stories/images.ts";

/** What a server remembers of a device. Values, compared and copied. */
export interface ServerMemory {
  /** A secret was given. */
  enrolled: boolean;
  /** The one that was given last, base64url: another in each enrolment, since nonces differ from boot to boot. */
  secret: string;
  /** How the deployment ended, as the device's check-ins prove it. */
  outcome: string | undefined;
  /** The trust version that the device reported last. */
  trustVersion: number;
}

export const newServerMemory = (): ServerMemory => ({
  enrolled: false,
  secret: "",
  outcome: undefined,
  trustVersion: 0,
});

/** What the server wants of the device. */
export interface Wishes {
  /** To run this image. */
  image?: CampaignImage;
  /** Offered in its place once the device says that it is installed, and has not been reset yet. */
  whenInstalled?: CampaignImage;
  /** The same of a trust record. */
  trustWhenInstalled?: Uint8Array;
  permit?: Uint8Array;
  /** Of a hostile server: it answers so much of what is fetched, and no more. */
  payloadChunksMax?: number;
  /** Pieces that come with a changed bit, so many times each: "0.0" is the table's first, "1.2" the payload's third. */
  spoils?: Map<string, number>;
  /** Chunks of the payload that are lost on the way, once each: a broker may drop what came at QoS 0. */
  losesOnce?: Set<number>;
  /** To take this trust record. */
  trustChain?: Uint8Array;
  trustVersion?: number;
  /** To connect to this address from now on; nobody answers there unless `isAlive`. */
  connection?: { host: string; port: number; isAlive: boolean };
}

/** Of the command that gives the address; 32 hex digits. */
export const COMMAND_ID = "c0".repeat(16);

export const deploymentIdOf = (image: CampaignImage): string => image.digest.slice(0, 20);

/** How what was wanted ended; undefined: it has not. */
export function outcomeFor(checkIn: CheckIn, { image, connection: wanted }: Wishes): string | undefined {
  if (image) {
    const outcome = outcomeOf(checkIn, { id: deploymentIdOf(image), digest: image.digest });
    if (outcome === undefined || outcome.state === "confirmed") return outcome?.state;
    return `${outcome.state} ${outcome.code}`;
  }
  const { connection } = checkIn;
  if (!wanted || connection?.command !== COMMAND_ID) return undefined;
  return connection.host === wanted.host ? "kept" : `dropped ${connection.code}`;
}
