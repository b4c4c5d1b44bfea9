// Which commands the small agent obeys: the checks of docs/protocol.md, "Commands", in their order.

import { createHash } from "node:crypto";
import { ErrorCode } from "@flipside/image-format";
import type { SmallAgent } from "./small-agent.ts";
import { signatureCode } from "./small-agent-signatures.ts";

const BODY_BYTES = 132;
const KIND_REBOOT = 1;

/** `number`: taken, as the signature holds. */
export function commandCode(
  agent: SmallAgent,
  bytes: Buffer,
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
  if (bytes.readUInt16LE(76) !== KIND_REBOOT && !agent.has("says yes to what it does not know"))
    return { ...refused(ErrorCode.CommandUnknown), number };
  return { code: 0, id, number };
}
