// Commands that the agent must refuse, and one that it carries out (docs/protocol.md, "Commands").

import { randomBytes } from "node:crypto";
import {
  buildCommand,
  COMMAND_BODY_BYTES,
  COMMAND_KIND_OFFSET,
  ErrorCode,
  generateSigningKey,
  type SignaturePurpose,
  signBlock,
  type SigningKey,
} from "@flipside/image-format";
import type { Session } from "@flipside/protocol/reference-server/connection";
import { signedCommand } from "@flipside/protocol/server-messages";
import type { TestBench } from "../test-bench.ts";
import { type Check, NotConforming } from "../check.ts";

const section = "Commands";
/** Of the first command that is signed as it must be. */
const NUMBER = 7;
/** docs/image-format.md has none of this number. */
const KIND_UNKNOWN = 0xfff0;

interface CommandChange {
  deviceId?: string;
  deviceNonce?: Uint8Array;
  number?: number;
  key?: SigningKey;
  purpose?: SignaturePurpose;
  isKindUnknown?: boolean;
}

/** Body and signature block of a reboot: a good one, but for what is changed. */
async function commandWith(
  bench: TestBench,
  session: Session,
  id: Uint8Array,
  change: CommandChange,
): Promise<Uint8Array> {
  const { key = bench.options.keys.operations, purpose = "command" } = change;
  const signingKeys = [key.privateJwk];
  const whole = await buildCommand({
    deviceId: change.deviceId ?? bench.deviceId,
    deviceNonce: change.deviceNonce ?? Buffer.from(session.deviceNonce, "base64url"),
    id,
    number: change.number ?? NUMBER,
    action: { kind: "reboot" },
    signingKeys,
  });
  const body = whole.slice(0, COMMAND_BODY_BYTES);
  if (change.isKindUnknown) new DataView(body.buffer).setUint16(COMMAND_KIND_OFFSET, KIND_UNKNOWN, true);
  return Buffer.concat([body, await signBlock(signingKeys, purpose, body)]);
}

/** Sends the command and returns the code of the answer. */
async function answerTo(bench: TestBench, change: CommandChange): Promise<number> {
  const session = await bench.until("a session", () => bench.session);
  const id = randomBytes(16);
  const from = bench.now;
  bench.say("command", signedCommand(session.id, await commandWith(bench, session, id, change)).payload);
  const named = id.toString("hex");
  const { content } = await bench.next(
    "answer",
    "an answer that names the command",
    from,
    ({ command }) => command === named,
  );
  return Number(content["code"]);
}

async function refuses(bench: TestBench, change: CommandChange, code: ErrorCode): Promise<void> {
  const came = await answerTo(bench, change);
  if (came !== code)
    throw new NotConforming(
      `an answer with code ${code} (${ErrorCode[code]})`,
      `code ${came} (${ErrorCode[came] ?? "none"})`,
    );
}

const refusal = (
  name: string,
  what: string,
  code: ErrorCode,
  change: () => Promise<CommandChange> | CommandChange,
  needs = ["polls"],
): Check => ({
  name: `command-${name}`,
  section,
  what: `refuses a command ${what} (${code})`,
  needs,
  run: async (bench) => refuses(bench, await change(), code),
});

export const commandChecks: readonly Check[] = [
  refusal("other-device", "for another device", ErrorCode.CommandForAnotherDevice, () => ({
    deviceId: "another-device",
  })),
  refusal("other-session", "of another session", ErrorCode.CommandForAnotherSession, () => ({
    deviceNonce: randomBytes(16),
  })),
  refusal("stranger", "that no operations key has signed", ErrorCode.SignatureUnknownKey, async () => ({
    key: await generateSigningKey(),
  })),
  refusal("signature", "whose signature was made for another purpose", ErrorCode.SignatureMismatch, () => ({
    purpose: "permit",
  })),
  refusal("unknown", "of a kind that it does not know", ErrorCode.CommandUnknown, () => ({ isKindUnknown: true })),
  refusal(
    "repeated",
    "whose number is not above that of the last one with a good signature",
    ErrorCode.CommandRepeated,
    () => ({}),
    ["command-unknown"],
  ),
  {
    name: "command-obeyed",
    section,
    what: "answers a good command with code 0, and reboots: a check-in with a higher boot follows",
    needs: ["polls"],
    async run(bench) {
      const before = bench.lastCheckIn!.boot;
      await refuses(bench, { number: NUMBER + 1 }, ErrorCode.None);
      const { bootReason } = await bench.checkIn(`a check-in with a boot above ${before}`, ({ boot }) => boot > before);
      if (bootReason !== "requested") throw new NotConforming("the boot reason requested", bootReason);
    },
  },
];
