// A device gets its secret (docs/protocol.md, "Enrolment"). Of a connection the newest first step counts.

import { enrolDeviceMac, enrolledSecret, enrolServerMac } from "../macs.ts";
import type { EnrolBegin, EnrolProof } from "../messages.ts";
import { enrolmentChallenge, enrolmentDone, enrolmentRefusal, type ServerMessage } from "../server-messages.ts";
import { tell } from "./answers.ts";
import type { Connection } from "./connection.ts";
import { plainMac } from "./plain-mac.ts";
import type { Policy, Say } from "./policy.ts";

export function enrol(connection: Connection, message: EnrolBegin | EnrolProof, policy: Policy, say: Say): Connection {
  return message.step === 1 ? begin(connection, message, policy, say) : finish(connection, message, policy, say);
}

function begin(connection: Connection, message: EnrolBegin, policy: Policy, say: Say): Connection {
  const { nonce, publicKey } = message;
  const { deviceId, claimSecret } = policy;
  if (claimSecret === undefined) {
    answer(policy, say, enrolmentRefusal(1, nonce, "claim-unknown"));
    return connection;
  }
  const serverNonce = policy.nonce("enrolment");
  const mac = (policy.mac ?? plainMac)(enrolServerMac, claimSecret, { deviceId, nonce, serverNonce });
  answer(policy, say, enrolmentChallenge(nonce, serverNonce, mac));
  return { ...connection, enrolment: { nonce, serverNonce, publicKey, isUsed: false } };
}

function finish(connection: Connection, message: EnrolProof, policy: Policy, say: Say): Connection {
  const { enrolment } = connection;
  const { deviceId, claimSecret } = policy;
  const isKnown = enrolment !== undefined && enrolment.serverNonce === message.serverNonce;
  const nonce = isKnown ? enrolment.nonce : "";
  if (claimSecret === undefined || !isKnown || enrolment.isUsed) {
    answer(policy, say, enrolmentRefusal(2, nonce, "expired"));
    return connection;
  }
  const { serverNonce, publicKey } = enrolment;
  const fields = { deviceId, nonce, serverNonce, publicKey };
  const { mac = plainMac } = policy;
  const error =
    message.mac === mac(enrolDeviceMac, claimSecret, fields)
      ? policy.enrolled(mac(enrolledSecret, claimSecret, fields), publicKey)
      : "mac-invalid";
  answer(policy, say, error === undefined ? enrolmentDone(nonce) : enrolmentRefusal(2, nonce, error));
  return { ...connection, enrolment: { ...enrolment, isUsed: true } };
}

function answer(policy: Policy, say: Say, message: ServerMessage): void {
  if (!policy.isSilent?.("enrol")) tell(say, message);
}
