// All that a device needs to join the fleet: what its factory puts into it, and a claim that the server knows.

import type { Claim } from "@flipside/api/types";
import { toBase64Url } from "@flipside/image-format";
import { trustChainFile, imageFile } from "../../api/factory-files.ts";
import { api } from "../../api/http.ts";
import type { JoiningDevice } from "../joining-device.ts";
import type { FirstImage } from "./fleet-around.ts";

/** Long enough to play with; the device enrols by it again when its settings are damaged. */
const CLAIM_LIFE_DAYS = 1;
const CLAIM_SECRET_BYTES = 32;

function newClaim(): Claim {
  const [number] = crypto.getRandomValues(new Uint32Array(1));
  return {
    deviceId: `in-the-tab-${number!.toString(16).padStart(8, "0")}`,
    secret: toBase64Url(crypto.getRandomValues(new Uint8Array(CLAIM_SECRET_BYTES))),
  };
}

/** `given`: a claim that the server knows already; undefined: one is made. Throws ProblemError. */
export async function prepareJoining(
  { release, image: { digest } }: FirstImage,
  port: number,
  given: Claim | undefined,
): Promise<JoiningDevice> {
  const [trustChain, image] = await Promise.all([trustChainFile(), imageFile(release.id, digest)]);
  const claim = given ?? newClaim();
  if (given === undefined) await api("POST /api/v1/claims", { body: { claims: [claim], lifeDays: CLAIM_LIFE_DAYS } });
  return {
    deviceId: claim.deviceId,
    claimSecret: claim.secret,
    product: release.product,
    server: { host: window.location.hostname, port },
    isSecure: window.location.protocol === "https:",
    trustChain,
    image,
  };
}
