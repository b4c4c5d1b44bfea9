// Which commands the small agent obeys: the checks of docs/protocol.md, "Commands", in their order.

import { createHash } from "node:crypto";
import { ErrorCode } from "@flipside/image-format";
import type { SmallAgent } from "./small-agent.ts";
import { signatureCode } from "./small-agent-signatures.ts";

const BODY_BYTES = 132;
const [KIND_REBOOT, KIND_IDENTIFY, KIND_ROLL_BACK, KIND_SET_CONFIGURATION, KIND_COLLECT_LOGS] = [1, 3, 4, 5, 6];
const known = [KIND_REBOOT, KIND_IDENTIFY, KIND_ROLL_BACK, KIND_SET_CONFIGURATION, KIND_COLLECT_LOGS];
const LOG = ["small agent\n", "on a small board\n"];

/** `number`: taken, as the signature holds. `document`: what came with it. */
export function commandCode(
  agent: SmallAgent,
  bytes: Buffer,
  document: Buffer,
  session: { deviceNonce: Buffer; lastNumber: number },
): { code: number; id: string; number?: number } {
  const id = bytes.toString("hex", 56, 72);
  const refused = (code: ErrorCode) => ({ code, id });
  const device = createHash("sha256").update(agent.id).digest();
  if (!device.equals(bytes.subarray(8, 40)) && !agent.has("obeys commands for others"))
    return refused(ErrorCode.CommandForAnotherDevice);
  if (!session.deviceNonce.equals(bytes.subarray(40, 56)) && !agent.has("obeys commands of other sessions"))
    return refused(ErrorCode.CommandForAnotherSession);
  const number = bytes.readUInt32LE(72);
  if (number <= session.lastNumber && !agent.has("obeys a number twice")) return refused(ErrorCode.CommandRepeated);
  const [body, block] = [bytes.subarray(0, BODY_BYTES), bytes.subarray(BODY_BYTES)];
  const code = signatureCode(agent.options.trusted.operations, "command", body, block);
  if (code === ErrorCode.SignatureUnknownKey && !agent.has("obeys strangers")) return refused(code);
  if (code === ErrorCode.SignatureMismatch && !agent.has("obeys what was signed for another purpose"))
    return refused(code);
  const kind = bytes.readUInt16LE(76);
  if (!known.includes(kind) && !agent.has("says yes to what it does not know"))
    return { ...refused(ErrorCode.CommandUnknown), number };
  if (kind === KIND_IDENTIFY && agent.has("does not make itself known"))
    return { ...refused(ErrorCode.FlashFailed), number };
  if (kind === KIND_ROLL_BACK && agent.update.other["state"] !== "confirmed")
    return { ...refused(ErrorCode.RollBackImpossible), number };
  const isForged = !createHash("sha256").update(document).digest().equals(body.subarray(84, 116));
  if (kind === KIND_SET_CONFIGURATION && isForged && !agent.has("takes a forged configuration"))
    return { ...refused(ErrorCode.CommandMalformed), number };
  return { code: 0, id, number };
}

/** Does what was accepted. */
export function obey(agent: SmallAgent, bytes: Buffer): void {
  const id = bytes.toString("hex", 56, 72);
  switch (bytes.readUInt16LE(76)) {
    case KIND_IDENTIFY:
      return;
    case KIND_COLLECT_LOGS: {
      const parts = LOG.map((text, i) => ({ command: id, part: i + 1, parts: LOG.length, text }));
      if (agent.has("tells its log from the end")) parts.reverse();
      if (agent.has("tells half of its log")) parts.pop();
      for (const part of parts) agent.say("log", part);
      return;
    }
    case KIND_SET_CONFIGURATION:
      if (agent.has("says nothing of its configuration")) return;
      agent.configuration = { number: bytes.readUInt32LE(80), digest: bytes.toString("hex", 84, 116) };
      return agent.checkIn();
    case KIND_ROLL_BACK:
      if (agent.has("stays when it is to go back")) return;
      agent.update.goBack();
      return agent.restartSoon("roll-back");
    default:
      agent.restartSoon("requested");
  }
}
