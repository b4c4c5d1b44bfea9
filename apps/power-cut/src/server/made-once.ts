// What the fleet's side of a story says again and again, made once: runs ask for the same of it, a million times.

import { base64url, sha256 } from "@flipside/protocol/primitives";
import { deploymentMembers } from "@flipside/protocol/reference-server/answers";
import { piece } from "@flipside/protocol/reference-server/pieces";
import { plainMac } from "@flipside/protocol/reference-server/plain-mac";
import type { Mac } from "@flipside/protocol/reference-server/policy";
import type { OfferMembers } from "@flipside/protocol/server-messages";
import { type CampaignImage, keys } from "../stories/images.ts";
import { signedCommand } from "./signed-command.ts";
import { COMMAND_ID, deploymentIdOf } from "./story-memory.ts";

const DEADLINE_MS = 3_600_000;
const DEPLOYMENT_ATTEMPT = 1;
const SET_CONNECTION = 2;

/** What `make` makes, the first time that it is asked for under a name. */
function once<Made>(made: Map<string, Made>, name: string, make: () => Made): Made {
  const known = made.get(name);
  if (known !== undefined) return known;
  const fresh = make();
  made.set(name, fresh);
  return fresh;
}

export class MadeOnce {
  readonly #macs = new Map<string, string>();
  readonly #chunks = new Map<string, Uint8Array>();
  readonly #commands = new Map<string, Uint8Array>();
  readonly #deployments = new WeakMap<CampaignImage, { permit: Uint8Array | undefined; members: OfferMembers }>();

  readonly mac: Mac = (over, key, fields) =>
    once(this.#macs, `${over.name} ${key} ${Object.values(fields).join(" ")}`, () => plainMac(over, key, fields));

  chunk(image: CampaignImage, part: number, index: number): Uint8Array {
    return once(this.#chunks, `${image.digest}${part} ${index}`, () => piece(image, DEPLOYMENT_ATTEMPT, part, index));
  }

  /** Members of an offer. */
  deployment(image: CampaignImage, permit: Uint8Array | undefined): OfferMembers {
    const known = this.#deployments.get(image);
    if (known !== undefined && known.permit === permit) return known.members;
    const members = deploymentMembers({
      id: deploymentIdOf(image),
      attempt: DEPLOYMENT_ATTEMPT,
      sizeBytes: image.offeredBytes,
      deadlineMs: DEADLINE_MS,
      image,
      permit,
    });
    this.#deployments.set(image, { permit, members });
    return members;
  }

  /** To connect there. */
  moveTo({ host, port }: { host: string; port: number }, deviceId: string, deviceNonce: string): Uint8Array {
    return once(this.#commands, deviceNonce + host + port, () =>
      signedCommand(keys.operations, {
        deviceId,
        deviceNonce,
        id: COMMAND_ID,
        number: 1,
        kind: SET_CONNECTION,
        host,
        port,
      }),
    );
  }
}

/** 16 bytes that are the same each time. */
const madeNonce = (n: number): string => base64url(sha256(`nonce ${n}`).subarray(0, 16));

/** A server's random values. */
export const nonces = { session: madeNonce(1), enrolment: madeNonce(2) };
