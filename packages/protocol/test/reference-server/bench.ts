// A server with a policy that a test may change, and what it answers to what a device says.

import { createHmac } from "node:crypto";
import type { CheckIn, CommandAnswer, Fetch } from "@flipside/protocol/messages";
import { type Connection, newConnection } from "@flipside/protocol/reference-server/connection";
import { hear } from "@flipside/protocol/reference-server/hear";
import type { Policy, Report, Say } from "@flipside/protocol/reference-server/policy";
import type { DeviceLeaf } from "@flipside/protocol/topics";

export type Message = Record<string, unknown>;

export const deviceId = "dev-1";
export const claimSecret = Buffer.alloc(32, 1);
export const deviceSecret = Buffer.alloc(32, 2);

/** HMAC-SHA256 over what docs/protocol.md writes out, base64url. */
export const macOf = (secret: Uint8Array, ...fields: string[]): string =>
  createHmac("sha256", secret).update(fields.join("\n")).digest("base64url");

/** 16 bytes, base64url. */
export const nonceOf = (n: number): string => Buffer.alloc(16, n).toString("base64url");

export class Bench {
  connection: Connection = freeze(newConnection(deviceSecret.toString("base64url")));
  readonly enrolled: { secret: string; publicKey: string }[] = [];
  /** What reached the policy in a session. */
  readonly told: string[] = [];
  policy: Policy;
  #nonces = 100;

  constructor(policy: Partial<Policy> = {}) {
    this.policy = {
      deviceId,
      claimSecret: claimSecret.toString("base64url"),
      nonce: () => nonceOf(this.#nonces++),
      knows: (secret) => secret === deviceSecret.toString("base64url"),
      enrolled: (secret, publicKey) => void this.enrolled.push({ secret, publicKey }),
      checkedIn: ({ sequence }: CheckIn) => void this.told.push(`check-in ${sequence}`),
      reported: ({ sequence }: Report) => void this.told.push(`state ${sequence}`),
      fetched: ({ first }: Fetch) => void this.told.push(`fetch ${first}`),
      answered: ({ code }: CommandAnswer) => void this.told.push(`answer ${code}`),
      ...policy,
    };
  }

  /** What the server answers, each with its leaf. */
  say(leaf: DeviceLeaf, message: Message): Message[] {
    return this.answers((say) => hear(this.connection, leaf, Buffer.from(JSON.stringify(message)), this.policy, say));
  }

  answers(step: (say: Say) => Connection): Message[] {
    const answers: Message[] = [];
    // A step that changes what it was given throws.
    this.connection = freeze(
      step((leaf, payload) => answers.push({ leaf, ...(JSON.parse(Buffer.from(payload).toString()) as Message) })),
    );
    return answers;
  }

  /** Hello of session `n`; its nonce. */
  begin(n: number): string {
    return String(this.say("hello", { session: nonceOf(n) })[0]?.["nonce"]);
  }

  /** Both sides prove themselves in session `n`. */
  prove(n: number, nonce = this.begin(n)): Message[] {
    return this.say("proof", proofOf(n, nonce));
  }

  checkIn(n: number, boot: number, sequence: number): Message[] {
    return this.say("check-in", { session: nonceOf(n), boot, sequence });
  }
}

export const proofOf = (n: number, nonce: string, deviceNonce = nonceOf(50)): Message => ({
  session: nonceOf(n),
  nonce,
  deviceNonce,
  signature: "s".repeat(86),
});

function freeze<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}
