// Who asks: a device by its own token, a gateway that speaks for all of them, or a device whose certificate a trusted
// proxy has verified. Whoever is refused is refused in the same words, so that nobody learns which ids there are.

import type { Request } from "express";
import { equalInConstantTime } from "../../equal-in-constant-time.ts";
import { ApiError } from "../../http/errors.ts";
import type { Storage } from "../../storage/storage.ts";
import { hashOfSecret, newSecretText } from "../../secret-text.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import type { OtherAgents } from "../device-records/other-agents.ts";
import { targetIdPattern } from "@flipside/api/limits";
import { isTaken } from "../other-agents/device-rows.ts";
import { insertTarget, servedTarget, type TargetRecord } from "./target-records.ts";
import { type GivenToken, tokenIn } from "./tokens.ts";

export interface HawkbitAccess {
  /** Lets in who has it, for any device. */
  gatewayToken?: string | undefined;
  /** Who has it makes devices known that nobody has registered. */
  gatewayEnrols?: boolean | undefined;
  /** Where a trusted proxy says the name in the client's certificate, which it has verified. */
  certificateHeader?: string | undefined;
}

export interface Authentication {
  /** Throws ApiError `device-refused`. */
  admit(request: Request, deviceId: string): Promise<TargetRecord>;
}

/** The common name of a subject (RFC 4514, 2.3), or what is given where the proxy says the name alone. */
export function commonNameIn(subject: string): string {
  const [, name] = /(?:^|[,/+])\s*CN\s*=\s*((?:[^,+/\\]|\\.)*)/i.exec(subject) ?? [];
  return (name ?? subject).trim();
}

const refusal = (): ApiError =>
  new ApiError(
    "device-refused",
    "Send the device's own token as Authorization: TargetToken, of a device that is registered here.",
  );

export function createAuthentication(options: {
  storage: Storage;
  access: HawkbitAccess;
  otherAgents: Pick<OtherAgents, "add">;
  deviceLog: Pick<DeviceLog, "add">;
  wallMs: () => number;
}): Authentication {
  const { storage, access, deviceLog, wallMs } = options;
  /** Compared with where there is nothing to compare with. */
  const nobodys = hashOfSecret(newSecretText());
  const gateway = access.gatewayToken === undefined ? undefined : hashOfSecret(access.gatewayToken);
  const isGateway = (given: Buffer): boolean => equalInConstantTime(given, gateway ?? nobodys) && gateway !== undefined;

  /** The name in the certificate, where a proxy that is trusted has said it. */
  function isCertified(request: Request, deviceId: string): boolean {
    if (access.certificateHeader === undefined) return false;
    const isTrusted = request.app.get("trust proxy fn") as (address: string, hop: number) => boolean;
    const said = request.headers[access.certificateHeader.toLowerCase()];
    if (typeof said !== "string" || !isTrusted(request.socket.remoteAddress ?? "", 0)) return false;
    return equalInConstantTime(hashOfSecret(commonNameIn(said)), hashOfSecret(deviceId));
  }

  async function enrol(id: string): Promise<TargetRecord | undefined> {
    const made = await storage.transaction(async ({ db, changed }) => {
      if (await isTaken(db, id)) return false;
      await insertTarget(db, { id, product: null, hardware: null, revision: null, tokenHash: null }, wallMs());
      changed({ kind: "device", id });
      return true;
    });
    if (!made) return undefined;
    options.otherAgents.add(id, "hawkbit");
    deviceLog.add(id, "enrolment", "enrolled by its first poll, with the gateway's token");
    return { tokenHash: null, attributesAt: null };
  }

  function isAdmitted(record: TargetRecord | undefined, given: GivenToken | undefined): boolean {
    const hash = hashOfSecret(given?.token ?? "");
    const own = equalInConstantTime(hash, record?.tokenHash ?? nobodys) && record?.tokenHash != null;
    const byGateway = isGateway(hash);
    if (given === undefined) return false;
    return given.kind === "target" ? own : byGateway;
  }

  return {
    async admit(request, deviceId) {
      if (!targetIdPattern.test(deviceId)) throw refusal();
      const given = tokenIn(request.headers.authorization);
      const record = await servedTarget(storage.db, deviceId);
      const admitted = isAdmitted(record, given) || isCertified(request, deviceId);
      if (admitted && record !== undefined) return record;
      if (admitted && access.gatewayEnrols === true && given?.kind === "gateway") {
        const enrolled = await enrol(deviceId);
        if (enrolled !== undefined) return enrolled;
      }
      if (record !== undefined && given !== undefined)
        deviceLog.add(deviceId, "refused-connection", "refused: the token is wrong");
      throw refusal();
    },
  };
}
